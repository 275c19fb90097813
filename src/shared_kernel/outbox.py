"""The outbox: events leave in the transaction that made them true, as one background job per subscriber.

A job row is written beside the business rows, so it vanishes with a rollback and cannot be lost after a commit. The
worker hands each event over at least once; handlers are idempotent.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.types import JSONDict
from pydantic import TypeAdapter

from shared_kernel.events import Event
from shared_kernel.ids import new_id

Handler = Callable[[Any], None]

_subscriptions: dict[str, tuple[type[Event], Handler]] = {}

# Waits of 2, 4, 8 … seconds: the last try comes about half an hour after the first.
RETRIES = RetryStrategy(max_attempts=10, exponential_wait=2)


def subscribe(event_type: type[Event], handler: Handler) -> None:
    """Let the worker call `handler(event)` for every event of this type published from now on."""
    _subscriptions[f"{handler.__module__}.{handler.__qualname__}"] = (event_type, handler)


def publish(events: Sequence[Event]) -> None:
    """Tell the events' subscribers, if and only if the caller's transaction commits.

    Costs one statement when anybody listens, nothing otherwise.
    """
    jobs: list[JSONDict] = [
        {"subscriber": name, "event": _envelope(event)}
        for event in events
        for name, (event_type, _) in _subscriptions.items()
        if isinstance(event, event_type)
    ]
    if jobs:
        deliver.batch_defer(*jobs)


def _envelope(event: Event) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "type": event.type,
        "version": event.version,
        "occurred_at": datetime.now(UTC).isoformat(),
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "data": TypeAdapter(type(event)).dump_python(event, mode="json"),
    }


@app.task(name="deliver_event", queue="events", retry=RETRIES)
def deliver(*, subscriber: str, event: dict[str, Any]) -> None:
    """Hand one event to one subscriber. Raises what the handler raises, and is then tried again later."""
    event_type, handler = _subscriptions[subscriber]
    with structlog.contextvars.bound_contextvars(request_id=event["request_id"], event_id=event["id"]):
        handler(TypeAdapter(event_type).validate_python(event["data"]))
