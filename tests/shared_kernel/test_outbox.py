"""The outbox: events leave with the transaction that made them true, and reach every subscriber."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
import structlog
from django.db import connection
from django.db.transaction import atomic, set_rollback
from procrastinate.jobs import Job

from shared_kernel import outbox
from shared_kernel.events import Event
from shared_kernel.ids import new_id
from tests.events.queue import work

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class LampLit(Event):
    """An event with every kind of value that events carry."""

    type: ClassVar[str] = "lamp.lit"
    lamp_id: UUID
    price: Decimal
    day: date


@dataclass(frozen=True)
class LampBroken(Event):
    type: ClassVar[str] = "lamp.broken"
    version: ClassVar[int] = 2


LIT = LampLit(new_id(), Decimal("9.90"), date(2026, 3, 1))

heard: list[tuple[Event, dict[str, Any]]] = []
failures: list[Exception] = []


def listen(event: Event) -> None:
    """A subscriber that notes what it hears and in what context; it fails first as often as it is told to."""
    if failures:
        raise failures.pop()
    heard.append((event, structlog.contextvars.get_contextvars()))


def listen_too(event: Event) -> None:
    listen(event)


@pytest.fixture(autouse=True)
def subscribers() -> Iterator[None]:
    before = dict(outbox._subscriptions)
    outbox._subscriptions.clear()
    outbox.subscribe(LampLit, listen)
    yield
    outbox._subscriptions.clear()
    outbox._subscriptions.update(before)
    heard.clear()
    failures.clear()
    # Django's flush knows no unmanaged tables.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_periodic_defers CASCADE")


def jobs() -> list[dict[str, Any]]:
    """The arguments of the jobs in the queue, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'deliver_event' ORDER BY id")
        return [json.loads(arguments) for (arguments,) in cursor.fetchall()]


def states() -> list[tuple[str, int, bool]]:
    """Each job's state, how often it was tried, and whether it waits for its time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status::text, attempts, coalesce(scheduled_at > now(), false) FROM procrastinate_jobs"
            " WHERE task_name = 'deliver_event' ORDER BY id"
        )
        return cursor.fetchall()


# --- Publish ---------------------------------------------------------------------------------------------------------


def test_a_committed_event_is_a_job() -> None:
    before = datetime.now(UTC)

    with atomic():
        outbox.publish([LIT])

    [job] = jobs()
    assert job["subscriber"] == f"{__name__}.listen"
    event = job["event"]
    assert UUID(event["id"]).version == 7
    assert before <= datetime.fromisoformat(event["occurred_at"]) <= datetime.now(UTC)
    assert event == {
        "id": event["id"],
        "type": "lamp.lit",
        "version": 1,
        "occurred_at": event["occurred_at"],
        "request_id": None,
        "data": {"lamp_id": str(LIT.lamp_id), "price": "9.90", "day": "2026-03-01"},
    }


def test_an_event_vanishes_with_its_transaction() -> None:
    with atomic():
        outbox.publish([LIT, LIT])
        set_rollback(True)

    assert jobs() == []


def test_an_event_vanishes_with_its_savepoint_alone() -> None:
    with atomic():
        outbox.publish([LIT])
        with atomic():
            outbox.publish([LIT])
            set_rollback(True)

    assert len(jobs()) == 1


def test_every_subscriber_gets_a_job_of_its_own() -> None:
    outbox.subscribe(LampLit, listen_too)

    outbox.publish([LIT, LIT])

    assert [job["subscriber"].rpartition(".")[2] for job in jobs()] == ["listen", "listen_too"] * 2


def test_nobody_is_told_of_what_they_did_not_ask_for() -> None:
    outbox.publish([LampBroken()])

    assert jobs() == []


def test_somebody_may_ask_for_everything() -> None:
    outbox.subscribe(Event, listen_too)

    outbox.publish([LampBroken()])

    [job] = jobs()
    assert (job["event"]["type"], job["event"]["version"], job["event"]["data"]) == ("lamp.broken", 2, {})


def test_events_cost_one_statement_and_none_when_nobody_listens(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    with django_assert_num_queries(1):
        outbox.publish([LIT] * 50)
    with django_assert_num_queries(0):
        outbox.publish([LampBroken()])
        outbox.publish([])

    assert len(jobs()) == 50


# --- Deliver ---------------------------------------------------------------------------------------------------------


def test_a_job_hands_over_the_event_in_the_context_of_its_request() -> None:
    with structlog.contextvars.bound_contextvars(request_id="request-1"):
        outbox.publish([LIT])
    [job] = jobs()

    outbox.deliver(**job)

    assert heard == [(LIT, {"request_id": "request-1", "event_id": job["event"]["id"]})]
    assert structlog.contextvars.get_contextvars() == {}


def test_an_unknown_subscriber_is_a_failure() -> None:
    outbox.publish([LIT])
    [job] = jobs()

    with pytest.raises(KeyError, match="gone"):
        outbox.deliver(**job | {"subscriber": "gone.handler"})


def test_what_a_subscriber_raises_is_not_swallowed() -> None:
    outbox.publish([LIT])
    failures.append(RuntimeError("not now"))
    [job] = jobs()

    with pytest.raises(RuntimeError, match="not now"):
        outbox.deliver(**job)


def test_a_failed_job_waits_longer_each_time_and_is_given_up_after_half_an_hour() -> None:
    decisions = [
        outbox.RETRIES.get_retry_decision(
            exception=RuntimeError(),
            job=Job(id=1, queue="events", lock=None, queueing_lock=None, task_name="", attempts=n),
        )
        for n in range(11)
    ]

    now = datetime.now(UTC)
    waits = [round((decision.retry_at - now).total_seconds()) for decision in decisions if decision]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert decisions[10] is None


# --- The worker ------------------------------------------------------------------------------------------------------


def test_the_worker_delivers(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.publish([LIT])

    work(monkeypatch, "events")

    assert [event for event, _ in heard] == [LIT]
    assert states() == [("succeeded", 1, False)]


def test_the_worker_tries_again_later_what_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.publish([LIT])
    failures.append(RuntimeError("not now"))

    work(monkeypatch, "events")
    after_failure = states()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    work(monkeypatch, "events")

    assert after_failure == [("todo", 1, True)]
    assert states() == [("succeeded", 2, False)]
    assert [event for event, _ in heard] == [LIT]
