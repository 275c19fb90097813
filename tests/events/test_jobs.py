"""What becomes of jobs whose worker died, that failed for the last time, or that are done long ago."""

import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.transaction import atomic
from django.test import Client
from procrastinate.contrib.django import app

from shared_kernel import outbox
from shared_kernel.events import Event
from shared_kernel.ids import new_id
from shared_kernel.jobs import forget_finished_jobs, give_back_lost_jobs, parked_jobs
from shared_kernel.relay import relay
from shared_kernel.tasks import forget_ended_sessions
from shared_kernel.tasks import forget_finished_jobs as forget_every_hour
from tests.events.queue import jobs, make_all_due, states, work
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class BellRung(Event):
    type: ClassVar[str] = "bell.rung"
    bell_id: UUID


@dataclass(frozen=True)
class BellCracked(Event):
    type: ClassVar[str] = "bell.cracked"
    bell_id: UUID


heard: list[Event] = []
deaf: list[Exception] = []


def listen(event: Event) -> None:
    if deaf:
        raise deaf[0]
    heard.append(event)


def listen_too(event: Event) -> None:
    listen(event)


def listen_for_cracks(event: Event) -> None:
    listen(event)


LISTEN, LISTEN_TOO = f"{__name__}.listen", f"{__name__}.listen_too"


@pytest.fixture(autouse=True)
def fresh_ears(own_subscribers: None) -> None:
    heard.clear()
    deaf.clear()
    outbox.subscribe(BellRung, listen)
    outbox.subscribe(BellCracked, listen_for_cracks)


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def park(monkeypatch: pytest.MonkeyPatch, *events: Event) -> None:
    """Let all of these events fail for the last time."""
    outbox.publish(events)
    deaf.append(RuntimeError("deaf"))
    sql("UPDATE procrastinate_jobs SET attempts = 10 WHERE status = 'todo'")
    work(monkeypatch, "events")
    deaf.clear()


def replay(*options: str) -> str:
    out = StringIO()
    call_command("replay_events", *options, stdout=out)
    return out.getvalue().strip()


# --- A job's own transaction ----------------------------------------------------------------------------------------

seen_early: list[Any] = []


def crack(event: BellRung) -> None:
    with atomic():
        outbox.publish([BellCracked(event.bell_id)])
        outbox.later("forget_ended_sessions", queue="default", timestamp=0)
        seen_early.extend(at_once([partial(states, "forget_ended_sessions")]))
        if deaf:
            raise deaf[0]


def test_what_a_job_defers_is_there_once_its_transaction_is(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.subscribe(BellRung, crack)
    outbox.publish([BellRung(new_id())])
    seen_early.clear()

    work(monkeypatch, "events")

    assert seen_early == [[]]
    assert [type(event) for event in heard] == [BellRung, BellCracked]
    assert states("forget_ended_sessions") == [("todo", 0)]


def test_what_a_job_defers_vanishes_with_its_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.subscribe(BellRung, crack)
    deaf.append(RuntimeError("It breaks."))
    outbox.publish([BellRung(new_id())])

    work(monkeypatch, "events")

    assert len(jobs("deliver_event")) == 2
    assert states("forget_ended_sessions") == []


def test_nothing_is_deferred_but_by_the_outbox() -> None:
    by_itself = re.compile(r"job_manager|\.defer(_async)?\((\w+=|\))")

    found = [path.name for path in (settings.BASE_DIR / "src").rglob("*.py") if by_itself.search(path.read_text())]

    assert found == []


# --- The worker dies ------------------------------------------------------------------------------------------------

SLOW_WORKER = """
import sys, time
sys.path.insert(0, "src")
import django
django.setup()
from procrastinate.contrib.django import app

@app.task(name="slow", queue="slow")
def slow():
    print("begun", flush=True)
    time.sleep(60)

with app.replace_connector(app.connector.get_worker_connector()):
    app.run_worker(queues=["slow"], install_signal_handlers=False)
"""


def database_url() -> str:
    known = connection.settings_dict
    host = known["HOST"].replace("/", "%2F")
    return f"postgresql://{known['USER']}:{known['PASSWORD']}@{host}:{known['PORT']}/{known['NAME']}"


def test_a_job_whose_worker_was_killed_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sql("SELECT procrastinate_defer_jobs_v1(ARRAY[('slow', 'slow', 0, NULL, NULL, '{}', NULL)]"
        "::procrastinate_job_to_defer_v1[])")  # fmt: skip
    monkeypatch.setenv("DATABASE_URL", database_url())
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_WORKER], cwd=settings.BASE_DIR, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == b"begun\n"
            alive = give_back_lost_jobs()
        finally:
            process.kill()
    before = states("slow")
    # Half a minute later.
    sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")

    given_back = [give_back_lost_jobs(), give_back_lost_jobs()]

    assert (alive, before) == (0, [("doing", 0)])
    assert given_back == [1, 0]
    assert states("slow") == [("todo", 1)]


@pytest.mark.parametrize(
    ("task", "attempts", "state"),
    [
        (outbox.deliver, 9, "todo"),
        (outbox.deliver, 10, "failed"),
        (relay, 1000, "todo"),
    ],
)
def test_a_job_that_ends_one_worker_after_the_other_is_parked_but_the_relays_never(
    task: Any, attempts: int, state: str
) -> None:
    task.defer()
    sql("UPDATE procrastinate_jobs SET status = 'doing', attempts = %s", attempts)

    give_back_lost_jobs()

    assert states(task.name) == [(state, attempts + 1)]


def test_the_worker_looks_for_lost_jobs_every_minute() -> None:
    [periodic] = [
        one for one in app.periodic_registry.periodic_tasks.values() if one.task.name == "give_back_lost_jobs"
    ]

    assert periodic.cron == "* * * * *"


# --- The last try fails ---------------------------------------------------------------------------------------------


def test_what_fails_for_the_last_time_is_parked_told_in_the_log_and_in_the_metrics(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = parked_jobs()

    park(monkeypatch, BellRung(new_id()))

    assert (before, parked_jobs()) == (0, 1)
    [line] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "deliver_event" in line.getMessage()
    assert LISTEN in line.getMessage()
    assert b"\ncomptoir_parked_jobs 1.0\n" in Client().get("/metrics").content


def test_a_parked_event_is_told_again_with_all_its_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    event = BellRung(new_id())
    park(monkeypatch, event)

    said = replay("--parked")

    assert said == "1 jobs to be done again."
    assert states("deliver_event") == [("todo", 0)]
    work(monkeypatch, "events")
    assert heard == [event]
    assert parked_jobs() == 0


def test_only_what_is_chosen_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.subscribe(BellRung, listen_too)
    rung, cracked = BellRung(new_id()), BellCracked(new_id())
    outbox.publish([rung, cracked])
    work(monkeypatch, "events")
    heard.clear()
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()

    chosen = {
        options: replay(*options.split()).split()[0]
        for options in (
            "--parked",
            f"--since {soon}",
            f"--id {new_id()}",
            f"--type bell.rung --subscriber {LISTEN_TOO}",
            "--type bell.cracked --since 2026-01-01",
        )
    }

    assert list(chosen.values()) == ["0", "0", "0", "1", "1"]
    assert [(job["subscriber"], job["event"]["type"]) for job in jobs("deliver_event")] == [
        (LISTEN_TOO, "bell.rung"),
        (f"{__name__}.listen_for_cracks", "bell.cracked"),
    ]
    work(monkeypatch, "events")
    assert heard == [rung, cracked]


def test_nothing_is_told_again_by_mistake() -> None:
    with pytest.raises(CommandError, match="--parked"):
        replay()


def test_what_is_parked_can_be_discarded_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.publish([BellCracked(new_id())])
    work(monkeypatch, "events")
    park(monkeypatch, BellRung(new_id()))

    said = replay("--discard")

    assert said == "1 parked jobs removed."
    assert states("deliver_event") == [("succeeded", 1)]


def test_a_parked_job_of_no_event_is_done_again_or_discarded_too() -> None:
    forget_every_hour.defer(timestamp=0)
    sql("UPDATE procrastinate_jobs SET status = 'failed', attempts = 1")
    # The next one, which the clock has asked for, waits already.
    forget_every_hour.defer(timestamp=1)

    again = replay("--parked", "--subscriber", "forget_finished_jobs")
    told = states("forget_finished_jobs")
    sql("UPDATE procrastinate_jobs SET status = 'failed' WHERE args = '{\"timestamp\": 0}'")
    removed = replay("--discard", "--subscriber", "forget_finished_jobs")

    assert (again, told) == ("1 jobs to be done again.", [("todo", 0), ("todo", 0)])
    assert removed == "1 parked jobs removed."
    assert jobs("forget_finished_jobs") == [{"timestamp": 1}]


# --- Time passes ----------------------------------------------------------------------------------------------------


def test_finished_jobs_are_kept_for_days_and_parked_ones_until_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, BellRung(new_id()))
    outbox.publish([BellRung(new_id())])
    work(monkeypatch, "events")
    outbox.publish([BellRung(new_id())])
    now = datetime.now(UTC)

    early = forget_finished_jobs(before=now - timedelta(minutes=1))
    forget_every_hour(0)
    kept = states("deliver_event")
    late = forget_finished_jobs(before=now)

    assert (early, late) == (0, 1)
    assert kept == [("failed", 11), ("succeeded", 1), ("todo", 0)]
    assert states("deliver_event") == [("failed", 11), ("todo", 0)]


def test_what_the_clock_asks_for_is_parked_until_it_goes_well(monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, BellRung(new_id()))
    # Some minutes of the day the worker that parked it was asked for this, too.
    sql("DELETE FROM procrastinate_jobs WHERE task_name = 'forget_ended_sessions'")
    for timestamp, state in enumerate(["failed", "succeeded", "failed"]):
        forget_ended_sessions.defer(timestamp=timestamp)
        sql(
            f"UPDATE procrastinate_jobs SET status = '{state}', attempts = 1 WHERE args = %s",
            f'{{"timestamp": {timestamp}}}',
        )

    forget_every_hour(0)

    assert states("forget_ended_sessions") == [("succeeded", 1), ("failed", 1)]
    assert states("deliver_event") == [("failed", 11)]


def test_every_hour_what_is_older_than_the_setting_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.publish([BellRung(new_id())])
    work(monkeypatch, "events")
    sql("UPDATE procrastinate_events SET at = at - interval '7 days 1 minute'")

    forget_every_hour(0)

    assert states("deliver_event") == []


# --- One thing after the other --------------------------------------------------------------------------------------


def test_what_is_told_of_one_thing_waits_for_what_was_told_of_it_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @app.task(name="tell_everybody", queue="test", retry=5)
    def tell(*, event: dict[str, Any]) -> None:
        if deaf:
            raise deaf.pop()
        told.append(event["type"])

    outbox.forward(tell, in_order=True)
    bell, other = new_id(), new_id()
    outbox.publish([BellRung(bell), BellCracked(bell), BellRung(other)])
    deaf.append(RuntimeError("deaf"))
    sql("UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 second' WHERE task_name = 'tell_everybody'")

    app.tasks["tell_everybody"].retry_strategy.wait = 60  # type: ignore[union-attr]
    work(monkeypatch, "test")
    first = list(told)
    make_all_due()
    work(monkeypatch, "test")

    assert first == ["bell.rung"], "of the other bell"
    assert told == ["bell.rung", "bell.rung", "bell.cracked"]
    del app.tasks["tell_everybody"]


def test_all_who_listen_are_told_of_one_event_under_one_id(django_assert_num_queries: Any) -> None:
    outbox.subscribe(BellRung, listen_too)
    outbox.forward(relay, in_order=True)

    with django_assert_num_queries(1):
        outbox.publish([BellRung(new_id())])

    [relayed] = jobs("relay_event")
    assert [job["event"] for job in jobs("deliver_event")] == [relayed["event"]] * 2
