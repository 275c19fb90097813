"""The one error shape: `application/problem+json` (RFC 9457), whatever went wrong and whichever framework noticed."""

import json
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from prometheus_client import Counter
from pydantic_core import to_jsonable_python
from rest_framework import exceptions as rest_framework_exceptions

from shared_kernel.errors import Away, Conflict, Forbidden, Invalid, NotFound, Refusal, TooMany, Unauthenticated

CONTENT_TYPE = "application/problem+json"

STATUS_OF_REFUSAL: dict[type[Refusal], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Away: 503,
    TooMany: 429,
}

REFUSALS = Counter("comptoir_refusals", "Calls to the API that were refused, by the refusal's code.", ["code"])

log = structlog.get_logger("comptoir.problems")


@dataclass(eq=False)
class LoginRequired(Unauthenticated):
    code: ClassVar[str] = "login_required"

    def __str__(self) -> str:
        return "This needs a login: send `Authorization: Bearer` with an access token."


@dataclass(eq=False)
class CsrfFailed(Forbidden):
    code: ClassVar[str] = "csrf_failed"

    def __str__(self) -> str:
        return "A write from a browser session needs its CSRF token in the X-CSRFToken header."


def problem(status: int, detail: str = "", *, code: str = "", **members: Any) -> HttpResponse:
    """A problem document. `members` are further fields: the refusal's own, or `errors` for invalid values."""
    phrase = HTTPStatus(status).phrase
    code = code or phrase.lower().replace(" ", "_").replace("'", "")
    document = {
        "type": "about:blank",
        "title": phrase,
        "status": status,
        "detail": detail or HTTPStatus(status).description or phrase,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        **to_jsonable_python(members),
    }
    response = HttpResponse(json.dumps(document), status=status, content_type=CONTENT_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def invalid(errors: list[dict[str, str]]) -> HttpResponse:
    """The answer to values that break a rule: 422 with the fields and what each should be."""
    return problem(422, "Some values are not valid: see errors.", code="invalid", errors=errors)


def problem_of(error: Exception) -> HttpResponse | None:
    """The answer to an exception that is somebody's fault we know; None for a defect of our own."""
    match error:
        case Refusal():
            status = next(status for kind, status in STATUS_OF_REFUSAL.items() if isinstance(error, kind))
            members = {field.name: getattr(error, field.name) for field in fields(error)}
            answer = problem(status, str(error), code=error.code, **members)
            REFUSALS.labels(error.code).inc()
            if isinstance(error, TooMany):
                answer["Retry-After"] = str(error.retry_after)
            return answer
        case ValidationError():
            return invalid([_ninja_error(item) for item in error.errors])
        case HttpError():
            return problem(error.status_code, str(error.__cause__ or error.message))
        case rest_framework_exceptions.NotAuthenticated():
            return problem_of(LoginRequired())
        case rest_framework_exceptions.APIException():
            return _rest_framework_problem(error)
        case Http404():
            return problem(404, "There is nothing at this address.")
        case PermissionDenied():
            return problem(403, "You may not do this.")
        case DataError():
            return problem(422, "A value is out of the database's range.", code="invalid", errors=[])
        case OperationalError() | InterfaceError():
            log.error("database away", error=str(error))
            return problem(503, "The database cannot be reached: try again in a moment.")
    return None


def install(api: NinjaAPI) -> None:
    """Let django-ninja answer in this shape. What is not known here goes on to Django, which logs it as a 500."""

    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        answer = problem_of(error)
        if answer is None:
            raise error
        return answer

    api.add_exception_handler(Exception, handle)
    for known in (HttpError, ValidationError, Http404):
        api.add_exception_handler(known, handle)


def rest_framework_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Django REST framework's EXCEPTION_HANDLER."""
    return problem_of(error)


def _ninja_error(item: dict[str, Any]) -> dict[str, str]:
    # The first place names body or query, and for a body the second the parameter: callers know neither.
    source, *path = [str(part) for part in item["loc"]]
    field = ".".join(path[1:] if source == "body" else path)
    return {"field": field or source, "message": item["msg"]}


def _rest_framework_problem(error: rest_framework_exceptions.APIException) -> HttpResponse:
    if isinstance(error, rest_framework_exceptions.ValidationError):
        return invalid(list(_flatten(error.detail)))
    return problem(error.status_code, str(error.detail))


def _flatten(detail: Any, field: str = "") -> Any:
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, ".".join(filter(None, [field, name])))
    elif isinstance(detail, list):
        for value in detail:
            yield from _flatten(value, field)
    else:
        yield {"field": field or "body", "message": str(detail)}
