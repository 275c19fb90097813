"""What the audit trail is told that no trigger sees: who was refused what, and browsers' logins."""

import json
import re
from typing import Any

import structlog
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import Error
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from config.limits import is_within
from config.problems import CONTENT_TYPE
from shared_kernel.audit import Deed, record
from shared_kernel.ids import uuid_of
from shared_kernel.rate_limits import network_of

REFUSED = {401, 403, 429}
# From one address, and by each process: to refuse a flood must not cost more than to serve it. The log has all of them.
MOST_REFUSALS = "60 per minute"

# What Django writes <uuid:product_id>, and the API's document {product_id}.
CAPTURED = re.compile(r"<(?:\w+:)?(\w+)>")

log = structlog.get_logger("comptoir.audit")


def note_refusal(request: HttpRequest, response: HttpResponseBase) -> None:
    """Record that this answer refuses something to whoever called, if it does.

    Of the address only what is ours is recorded, and ids: the rest may be anything, an e-mail say. Nobody can flood the
    trail, and no answer is held up by a trail that cannot be written: the log says so then.
    """
    if response.status_code not in REFUSED and not _is_login_shown_again(request, response):
        return
    match = _match(request)
    route = CAPTURED.sub(r"{\1}", match.route) if match else "?"
    operation = f"{request.method} /{route}"
    changes = {"status": response.status_code, "code": _code(response), **_ids(match)}
    address: str = request.address  # type: ignore[attr-defined]  # RequestMiddleware put it there
    try:
        if is_within("refusals in the audit trail", MOST_REFUSALS, network_of(address)):
            record(subject="operation", subject_id=operation, deed=Deed.REFUSED, changes=changes)
    except Error:
        log.exception("refusal not recorded", operation=operation, **changes)


def _is_login_shown_again(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a browser's login failed, which no status tells."""
    match = request.resolver_match
    return request.method == "POST" and response.status_code == 200 and match is not None and match.url_name == "login"


def _match(request: HttpRequest) -> ResolverMatch | None:
    """The route; also of what was refused before anybody looked for it."""
    try:
        return request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return None


def _code(response: HttpResponseBase) -> str:
    if isinstance(response, HttpResponse) and response.get("Content-Type") == CONTENT_TYPE:
        return str(json.loads(response.content)["code"])
    return ""


def _ids(match: ResolverMatch | None) -> dict[str, str]:
    named = match.kwargs.items() if match else ()
    return {name: str(known) for name, value in named if (known := uuid_of(str(value)))}


@receiver(user_logged_in)
def note_login(sender: object, user: Any, **_: object) -> None:
    record(subject="session", subject_id="", deed=Deed.CREATED, actor_id=user.pk, about_id=user.pk)


@receiver(user_logged_out)
def note_logout(sender: object, user: Any, **_: object) -> None:
    if user is not None:
        record(subject="session", subject_id="", deed=Deed.DELETED, actor_id=user.pk, about_id=user.pk)
