"""The outbox: events leave in the transaction that made them true, as one background job per subscriber.

A job row is written beside the business rows, so it vanishes with a rollback and cannot be lost after a commit. The
worker hands each event over at least once; handlers are idempotent. Whatever else a transaction leaves to the worker
goes through here, too: nothing is deferred elsewhere.

Beside the handlers, which know the events of some types, there are forwarders: tasks that tell the world of every event
as it is; where asked for, those about one thing in the order in which they were published. For that a publisher holds
the thing's row.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.tasks import Task
from pydantic import TypeAdapter

from shared_kernel.events import Event
from shared_kernel.ids import new_id

Handler = Callable[[Any], None]

_subscriptions: dict[str, tuple[type[Event], Handler]] = {}
_forwarders: list[tuple[Task[Any, Any, Any], bool]] = []
_adapters: dict[type[Event], TypeAdapter[Any]] = {}

# Procrastinate's own writes over Django's connection only outside a worker. In one, a job would be there before what
# it is about, and stay when that is rolled back.
_queue = JobManager(DjangoConnector())

# Waits of 2, 4, 8 … seconds: the last try comes about half an hour after the first.
RETRIES = RetryStrategy(max_attempts=10, exponential_wait=2)


def subscribe(event_type: type[Event], handler: Handler) -> None:
    """Let the worker call `handler(event)` for every event of this type published from now on."""
    _subscriptions[f"{handler.__module__}.{handler.__qualname__}"] = (event_type, handler)


def forward(task: Task[Any, Any, Any], *, in_order: bool) -> None:
    """Let the worker do `task(event=…)`, as the world is told of it, for every event published from now on.

    `in_order` does what is about one thing one after the other, and nothing later while something waits for a retry.
    """
    _forwarders.append((task, in_order))


def subscribers_of(event_type: type[Event]) -> list[str]:
    """The names of the handlers that are called for events of this type."""
    return [name for name, (subscribed, _) in _subscriptions.items() if issubclass(event_type, subscribed)]


def publish(events: Sequence[Event]) -> None:
    """Tell the events' subscribers, if and only if the caller's transaction commits.

    Costs one statement when anybody listens, nothing otherwise.
    """
    defer([job for event in events for job in _jobs_about(event)])


def later(task: str, *, queue: str, **arguments: Any) -> None:
    """Let the worker do a task of this name, if and only if the caller's transaction commits."""
    defer([app.configure_task(task, queue=queue, task_kwargs=arguments).job])


def defer(jobs: Sequence[Job]) -> None:
    """Let the worker do these jobs, if and only if the caller's transaction commits, in one statement."""
    if jobs:
        _queue.batch_defer_jobs(list(jobs))


def _jobs_about(event: Event) -> list[Job]:
    subscribers = subscribers_of(type(event))
    if not subscribers and not _forwarders:
        return []
    told = _envelope(event)
    deliveries = [deliver.configure(task_kwargs={"subscriber": name, "event": told}).job for name in subscribers]
    # The queue holds a job back while an earlier one with its lock runs, or waits to be tried again.
    return deliveries + [
        task.configure(lock=f"{task.name} {event.about}" if in_order else None, task_kwargs={"event": told}).job
        for task, in_order in _forwarders
    ]


def _envelope(event: Event) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "type": event.type,
        "version": event.version,
        "occurred_at": datetime.now(UTC).isoformat(),
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "data": _adapter(type(event)).dump_python(event, mode="json"),
    }


def _adapter(event_type: type[Event]) -> TypeAdapter[Any]:
    # To make one takes longer than to write an event down.
    if event_type not in _adapters:
        _adapters[event_type] = TypeAdapter(event_type)
    return _adapters[event_type]


@app.task(name="deliver_event", queue="events", retry=RETRIES)
def deliver(*, subscriber: str, event: dict[str, Any]) -> None:
    """Hand one event to one subscriber. Raises what the handler raises, and is then tried again later."""
    event_type, handler = _subscriptions[subscriber]
    with structlog.contextvars.bound_contextvars(request_id=event["request_id"], event_id=event["id"]):
        handler(_adapter(event_type).validate_python(event["data"]))
