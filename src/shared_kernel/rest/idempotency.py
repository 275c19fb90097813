"""`Idempotency-Key`: a call that is repeated under its key is answered again, not carried out again.

Keys live in Postgres for 24 hours, so they hold across replicas and restarts. The key's row is written in the call's
own transaction: a concurrent repetition waits at it, and a call that is refused or dies leaves neither effect nor
key. Calls of several transactions are `resumable` instead.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import connection
from django.db.transaction import atomic, set_rollback
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from ninja.decorators import decorate_view

from shared_kernel.errors import Invalid, Refusal
from shared_kernel.ids import digest_of, new_id
from shared_kernel.models import IdempotencyKey

LIFETIME = timedelta(hours=24)

View = TypeVar("View", bound=Callable[..., Any])
Run = Callable[..., HttpResponse]


@dataclass(eq=False)
class IdempotencyKeyInvalid(Invalid):
    code: ClassVar[str] = "idempotency_key_invalid"

    def __str__(self) -> str:
        return "The Idempotency-Key header is not 1 to 255 ASCII characters without spaces: send a UUID, say."


@dataclass(eq=False)
class IdempotencyKeyReused(Invalid):
    code: ClassVar[str] = "idempotency_key_reused"

    def __str__(self) -> str:
        return "This Idempotency-Key was used for a call with another body: use a new key for a new call."


def idempotent(view: View) -> View:
    """Let a django-ninja operation honour `Idempotency-Key`: its answer is stored, and given again for 24 hours.

    Put it between the route and the function. The key counts per caller, method and path. Only successes are stored: a
    refusal changed nothing, so a repetition may well succeed. A used key with another body is refused with 422.
    """
    view.__dict__["takes_idempotency_key"] = True
    return decorate_view(_answer_once)(view)


def resumable(view: View) -> View:
    """The same for an operation of several transactions, of which none can hold all effects and the answer together.

    It carries its steps out under `operation_of(request)`, by which they are idempotent: the repetition of a call that
    died on its way goes on where that stopped.
    """
    view.__dict__["takes_idempotency_key"] = True
    return decorate_view(_answer_or_go_on)(view)


def operation_of(request: HttpRequest) -> UUID:
    """The id to carry out a `resumable` operation under."""
    operation_id: UUID = request.operation_id  # type: ignore[attr-defined]  # `resumable` put it there
    return operation_id


def _answer_once(run: Run) -> Run:
    @functools.wraps(run)
    def answer(request: HttpRequest, **path: Any) -> HttpResponse:
        named = _named(request)
        if named is None:
            return run(request, **path)
        call, body = named
        with atomic():
            if not _claim(call, body):
                return _answer_of(_earlier(call, body))
            response = run(request, **path)
            if response.status_code >= 400:
                set_rollback(True)
            else:
                IdempotencyKey.objects.filter(call=call).update(status=response.status_code, answer=response.content)
            return response

    return answer


def _answer_or_go_on(run: Run) -> Run:
    @functools.wraps(run)
    def answer(request: HttpRequest, **path: Any) -> HttpResponse:
        operation_id = new_id()
        named = _named(request)
        if named is not None:
            call, body = named
            if not _claim(call, body, answer=operation_id.bytes):
                earlier = _earlier(call, body)
                if earlier.status is not None:
                    return _answer_of(earlier)
                operation_id = UUID(bytes=bytes(earlier.answer or b""))
        request.operation_id = operation_id  # type: ignore[attr-defined]  # for `operation_of`
        response = run(request, **path)
        if named is not None:
            under_way = IdempotencyKey.objects.filter(call=named[0], status=None)
            if response.status_code < 400:
                under_way.update(status=response.status_code, answer=response.content)
            elif response.status_code < 500:
                # Refused before its first step. After a breakdown the key stays, to go on with.
                under_way.delete()
        return response

    return answer


def _named(request: HttpRequest) -> tuple[bytes, bytes] | None:
    """The digests of the call with its key, and of its body; None for a call without key, or by nobody we know."""
    key = request.headers.get("Idempotency-Key")
    caller = _caller(request)
    if key is None or caller is None:
        return None
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise IdempotencyKeyInvalid
    return digest_of("\n".join([caller, str(request.method), request.path, key])), _body_digest(request.body)


def _caller(request: HttpRequest) -> str | None:
    """Who calls, or by which token; None where the operation itself will say that nobody knows."""
    try:
        actor = request.identify()  # type: ignore[attr-defined]  # RequestMiddleware put it there
    except Refusal:
        return None
    if actor:
        return str(actor.id)
    token = request.headers.get("X-Cart-Token")
    return f"cart {digest_of(token).hex()}" if token else None


def _body_digest(body: bytes) -> bytes:
    # With a secret in it: of a body that holds a card, all but its number could be guessed, and then the number, too.
    return salted_hmac("comptoir.idempotency", body, algorithm="sha256").digest()


def _claim(call: bytes, body: bytes, *, answer: bytes | None = None) -> bool:
    """Whether the key was free and is ours now. Waits for a concurrent holder to commit or to vanish."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO idempotency_key (call, body, answer, created_at) VALUES (%s, %s, %s, now())"
            " ON CONFLICT DO NOTHING",
            [call, body, answer],
        )
        return bool(cursor.rowcount == 1)


def _earlier(call: bytes, body: bytes) -> IdempotencyKey:
    """What is kept of the first call under this key. Raises IdempotencyKeyReused for a call with another body."""
    earlier = IdempotencyKey.objects.get(call=call)
    if bytes(earlier.body) != body:
        raise IdempotencyKeyReused
    return earlier


def _answer_of(earlier: IdempotencyKey) -> HttpResponse:
    response = HttpResponse(bytes(earlier.answer or b""), status=earlier.status, content_type="application/json")
    response["Idempotency-Replayed"] = "true"
    return response


def forget_old_keys(*, now: datetime) -> int:
    """Remove the keys whose time is over; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - LIFETIME).delete()[0]
