"""Webhooks: integrators' endpoints are told of events, signed, and again for a day where they do not answer.

Here, because every module's events leave this way and it knows of none what they mean. The queue decides when to try;
the delivery's row says what became of it. A secret is encrypted with a key that comes of SECRET_KEY: whoever changes
that names the old one in SECRET_KEY_FALLBACKS, or makes the endpoints anew.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar
from uuid import UUID

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import connection
from django.db.transaction import atomic
from django.utils.encoding import force_bytes
from procrastinate.contrib.django import app

from shared_kernel import outgoing
from shared_kernel.errors import Invalid
from shared_kernel.ids import part_of
from shared_kernel.models import WebhookDelivery, WebhookEndpoint
from shared_kernel.outbox import RETRIES, defer
from shared_kernel.postgres.transactions import atomic_write

QUEUE = "webhooks"

# The last try comes about a day after the first.
WAITS = [timedelta(seconds=wait) for wait in (10, 60, 300, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)]
LONGEST_ERROR = 500
FORGOTTEN_AT_ONCE = 10_000

FORGET_WAITING = "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND lock = ANY(%s)"


@dataclass(eq=False)
class InvalidEndpoint(Invalid):
    """The url is not one that events may be sent to."""

    code: ClassVar[str] = "invalid_endpoint"
    url: str
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class EndpointDraft:
    """What an integrator asks for; without event types, to be told of all."""

    name: str
    url: str
    event_types: list[str] = field(default_factory=list)
    active: bool = True


def new_secret() -> str:
    """A fresh secret to sign with: 256 random bits, behind a prefix by which people and secret scanners know it."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def signature(secret: str, *, body: str, at: datetime) -> str:
    """The header that proves who sent a body, and when: whoever receives it refuses one that is older than minutes."""
    moment = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


# --- Endpoints ------------------------------------------------------------------------------------------------------


def create_endpoint(*, endpoint_id: UUID, secret: str, draft: EndpointDraft) -> bool:
    """Make an endpoint that is told of events from now on; returns whether it is new.

    Idempotent by `endpoint_id`: sent again, the first secret stays. Raises InvalidEndpoint.
    """
    _check(draft)
    values = {**_columns(draft), "secret": _cipher().encrypt(secret.encode())}
    return WebhookEndpoint.objects.get_or_create(id=endpoint_id, defaults=values)[1]


def change_endpoint(*, endpoint_id: UUID, draft: EndpointDraft) -> None:
    """Give an endpoint these values. What waits for one that is not active any more is parked when its time comes.

    Idempotent. Raises InvalidEndpoint.
    """
    _check(draft)
    WebhookEndpoint.objects.filter(id=endpoint_id).update(**_columns(draft))


def _check(draft: EndpointDraft) -> None:
    if reason := outgoing.url_error(draft.url, production=settings.COMPTOIR_PRODUCTION):
        raise InvalidEndpoint(url=draft.url, reason=reason)


def _columns(draft: EndpointDraft) -> dict[str, Any]:
    return {"name": draft.name, "url": draft.url, "event_types": draft.event_types, "active": draft.active}


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = (hmac.digest(force_bytes(key), b"comptoir webhook secrets", "sha256") for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


# --- Deliveries -----------------------------------------------------------------------------------------------------


@app.task(name="announce_event", queue=QUEUE, retry=RETRIES)
def announce(*, event: dict[str, Any]) -> None:
    """Let every active endpoint that wants to know be told of one event, once. Idempotent by the event and endpoint."""
    endpoints = WebhookEndpoint.objects.filter(active=True)
    wanting = [one for one in endpoints if not one.event_types or event["type"] in one.event_types]
    now = datetime.now(UTC)
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    rows = [
        WebhookDelivery(
            id=part_of(UUID(event["id"]), str(endpoint.id)),
            endpoint=endpoint,
            event_id=event["id"],
            event_type=event["type"],
            body=body,
            created_at=now,
            next_try_at=now,
        )
        for endpoint in wanting
    ]
    with atomic():
        known = set(WebhookDelivery.objects.filter(id__in=[row.id for row in rows]).values_list("id", flat=True))
        new = [row for row in rows if row.id not in known]
        # A twin may have been faster. Its row is the same, and so is what the jobs of both do.
        WebhookDelivery.objects.bulk_create(new, ignore_conflicts=True)
        _send_at(new, now)


@app.task(name="send_webhook", queue=QUEUE, retry=RETRIES)
def send(*, delivery_id: str, attempts: int) -> None:
    """Try once to tell an endpoint, and write down what became of it; after a failure, try again later, or park it.

    Does nothing where the delivery has ended, or was tried more often: another job is there for that.
    """
    delivery = WebhookDelivery.objects.select_related("endpoint").filter(id=delivery_id).first()
    if delivery is None or delivery.state != "waiting" or delivery.attempts != attempts:
        return
    if delivery.endpoint.active:
        _try(delivery)
        delivery.attempts += 1
    else:
        delivery.error = "The endpoint is not active."
    with atomic():
        as_it_was = WebhookDelivery.objects.filter(id=delivery_id, state="waiting", attempts=attempts)
        # Where somebody had it sent again meanwhile, that counts.
        if as_it_was.select_for_update().exists():
            _settle(delivery)
            delivery.save()


@atomic_write
def send_again(*, delivery_ids: Sequence[UUID], now: datetime) -> int:
    """Try these deliveries again from the beginning, whatever became of them; returns how many there are.

    The endpoint knows by the event's id that it was told before.
    """
    rows = list(WebhookDelivery.objects.select_for_update().filter(id__in=delivery_ids))
    for row in rows:
        row.state, row.attempts, row.next_try_at = "waiting", 0, now
        row.save()
    # What waits under a lock holds back what comes later, be that due at once.
    with connection.cursor() as cursor:
        cursor.execute(FORGET_WAITING, [[_lock(row) for row in rows]])
    _send_at(rows, now)
    return len(rows)


def parked_deliveries() -> int:
    """How many events did not reach their endpoint within a day."""
    return WebhookDelivery.objects.filter(state="parked").count()


def forget_deliveries(*, before: datetime) -> int:
    """Remove some of the deliveries that were begun before then; returns how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=before).values("pk")[:FORGOTTEN_AT_ONCE]
    return WebhookDelivery.objects.filter(pk__in=old).delete()[0]


def _try(delivery: WebhookDelivery) -> None:
    """Send it once; `error` says afterwards why it did not arrive, and is empty if it did."""
    now, started = datetime.now(UTC), monotonic()
    delivery.status, delivery.error = None, ""
    try:
        secret = _cipher().decrypt(bytes(delivery.endpoint.secret)).decode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Comptoir",
            "Comptoir-Event": delivery.event_type,
            "Comptoir-Event-Id": str(delivery.event_id),
            "Comptoir-Signature": signature(secret, body=delivery.body, at=now),
        }
        delivery.status = outgoing.post(
            delivery.endpoint.url, delivery.body, headers, production=settings.COMPTOIR_PRODUCTION
        )
        if not 200 <= delivery.status < 300:
            delivery.error = f"The endpoint answered {delivery.status}."
    except Exception as error:
        # Whatever goes wrong out there, or with a name or a certificate, is written down, and tried again.
        delivery.error = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    delivery.milliseconds = round((monotonic() - started) * 1000)


def _settle(delivery: WebhookDelivery) -> None:
    """Say what becomes of a delivery after a try, and have it tried again if it is to be."""
    now = datetime.now(UTC)
    if not delivery.error:
        delivery.state, delivery.next_try_at = "delivered", None
    elif delivery.endpoint.active and delivery.attempts <= len(WAITS):
        delivery.next_try_at = now + WAITS[delivery.attempts - 1]
        _send_at([delivery], delivery.next_try_at)
    else:
        delivery.state, delivery.next_try_at = "parked", None


def _lock(delivery: WebhookDelivery) -> str:
    """What keeps the queue from telling an endpoint of one event twice at the same time."""
    return f"{send.name} {delivery.id}"


def _send_at(deliveries: Sequence[WebhookDelivery], moment: datetime) -> None:
    jobs = [
        send.configure(
            lock=_lock(row),
            schedule_at=moment,
            task_kwargs={"delivery_id": str(row.id), "attempts": row.attempts},
        ).job
        for row in deliveries
    ]
    defer(jobs)
