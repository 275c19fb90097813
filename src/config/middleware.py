"""What happens to every request: its id, its log line, its one error shape, and a forgiven last slash."""

import re
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.addresses import address_of
from config.audit import note_refusal
from config.authentication import identify
from config.browsers import LAXER_POLICIES, PERMISSIONS_POLICY
from config.limits import count_call
from config.problems import CONTENT_TYPE, problem, problem_of
from shared_kernel.errors import Refusal

API = "/api/v1"

# What a caller may choose: it is kept for a year in the audit trail, where it must not be an e-mail, say.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("comptoir.request")


class RequestMiddleware:
    """The outermost middleware, so that whatever the others answer is logged and shaped like everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_log_exception)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = _request_id(request)
        address = address_of(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, address=address)
        # django-ninja does not know HEAD: it is what GET would answer, without its body.
        is_head = request.method == "HEAD" and _is_of_api(request)
        if is_head:
            request.method = "GET"
        try:
            request.address = address  # type: ignore[attr-defined]
            request.identify = partial(identify, request)  # type: ignore[attr-defined]
            response = _refuse(request) or self._answer(request)
            note_refusal(request, response)
            if is_head:
                _empty(response)
            response["X-Request-ID"] = request_id
            response["X-Served-By"] = settings.COMPTOIR_SERVED_BY
            if _is_somebodys(request, response):
                response["Cache-Control"] = "no-store"
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )
            return response
        finally:
            structlog.contextvars.unbind_contextvars("request_id", "address", "actor")

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_of_api(request):
            return self.get_response(request)
        _forgive_missing_slash(request)
        response = self.get_response(request)
        if (quota := getattr(request, "quota", None)) is not None:
            for name, value in quota.headers.items():
                response[name] = value
        if response.status_code >= 400 and not response.get("Content-Type", "").startswith(CONTENT_TYPE):
            return _reshape(response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Django asks here before each view, when it is known which, and the session is."""
        if not _is_of_api(request):
            return None
        try:
            count_call(request)
        except (Refusal, Error) as error:
            return problem_of(error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django asks here for an answer to what a view raised; the admin's pages keep Django's own."""
        return problem_of(error) if request.path.startswith(f"{API}/") else None


class ContentSecurityMiddleware(CSPMiddleware):
    """Tells browsers what a page may load, run and use; only pages, since nothing else is shown by one."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        for prefix, directives in LAXER_POLICIES.items():
            if request.path.startswith(prefix):
                parts.replace = directives
        return parts


def _is_somebodys(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether an answer is for whoever asked alone: a page, something told to somebody identified, or after a write."""
    if "Cache-Control" in response:
        return False
    return (
        "actor" in structlog.contextvars.get_contextvars()
        or "X-Cart-Token" in request.headers
        or request.method not in {"GET", "HEAD"}
        or response.get("Content-Type", "").startswith("text/html")
    )


def _request_id(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def _is_of_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith(f"{API}/")


def _refuse(request: HttpRequest) -> HttpResponse | None:
    """The answer to what neither an operation nor a page could read."""
    is_of_api = _is_of_api(request)
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if is_of_api else settings.COMPTOIR_UPLOAD_BYTES
    length = request.META.get("CONTENT_LENGTH") or "0"
    if is_of_api and "HTTP_TRANSFER_ENCODING" in request.META:
        return problem(411, "The body comes in chunks: say in Content-Length how long it is.")
    if not length.isdecimal():
        return problem(400, "The Content-Length header is not a number of bytes.")
    if int(length) > largest:
        return problem(413, f"The body is larger than {largest} bytes: send it in parts.")
    if "%00" in request.META["QUERY_STRING"] or "\x00" in request.path:
        return problem(422, "The address holds a NUL character.", code="invalid", errors=[])
    if is_of_api and int(length) > 0 and request.content_type != "application/json":
        return problem(415, "The body is not application/json: send JSON, and say so in Content-Type.")
    return None


def _empty(response: HttpResponseBase) -> None:
    """Keep of an answer what HEAD asks for."""
    if isinstance(response, HttpResponse):
        response["Content-Length"] = str(len(response.content))
        response.content = b""


def _forgive_missing_slash(request: HttpRequest) -> None:
    if not request.path_info.endswith(("/", "/openapi.json")):
        request.path_info += "/"
        request.path += "/"


def _reshape(response: HttpResponseBase) -> HttpResponse:
    """The same error in our shape, with the headers that say more about it (Allow, Retry-After)."""
    shaped = problem(response.status_code)
    for name, value in response.items():
        if name not in {"Content-Type", "Content-Length"}:
            shaped[name] = value
    return shaped


def _log_exception(sender: object, request: HttpRequest | None = None, **_: object) -> None:
    log.error("request failed", exc_info=sys.exc_info(), path=request.path if request else None)
