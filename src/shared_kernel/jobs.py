"""What becomes of jobs: given back when their worker died, done again when they were parked, forgotten when old.

Procrastinate keeps them in tables of its own. A job whose last try has failed is `failed` there: we call it parked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from procrastinate.contrib.django import app

from shared_kernel.relay import ForEver

# A worker says every ten seconds that it is alive.
DEAD_AFTER_SECONDS = 30
# A job that has ended so many workers is not given to another.
MOST_ATTEMPTS = 10
FORGOTTEN_AT_ONCE = 10_000

GIVE_BACK = """
UPDATE procrastinate_jobs SET
    status = (
        CASE WHEN attempts < %s OR task_name = ANY(%s) THEN 'todo' ELSE 'failed' END
    )::procrastinate_job_status,
    attempts = attempts + 1,
    scheduled_at = NULL,
    worker_id = NULL,
    -- Of what the clock asks for, the next one may wait already: there cannot be two that wait under one lock.
    queueing_lock = NULL
WHERE status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers w
    WHERE w.id = worker_id AND w.last_heartbeat > clock_timestamp() - make_interval(secs => %s)
)
"""

FORGET = """
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT job_id FROM procrastinate_events
    WHERE type IN ('succeeded', 'cancelled', 'aborted') AND at < %s
    ORDER BY at
    LIMIT %s
) AND status IN ('succeeded', 'cancelled', 'aborted')
"""

PARKED = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'"

# An event's envelope is its job's argument.
TELL_AGAIN = """
UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL
WHERE {chosen}
"""

DISCARD = "DELETE FROM procrastinate_jobs WHERE {chosen}"

CHOSEN = """
args ? 'event'
AND status = ANY(%(statuses)s::procrastinate_job_status[])
AND (%(event_type)s::text IS NULL OR args #>> '{event,type}' = %(event_type)s)
AND (%(event_id)s::text IS NULL OR args #>> '{event,id}' = %(event_id)s)
AND (%(subscriber)s::text IS NULL OR coalesce(args ->> 'subscriber', task_name) = %(subscriber)s)
AND (%(since)s::timestamptz IS NULL OR (args #>> '{event,occurred_at}')::timestamptz >= %(since)s)
"""


@dataclass(frozen=True)
class Choice:
    """Which events, for which of their subscribers: all that are kept, unless something narrows it down."""

    event_type: str | None = None
    event_id: UUID | None = None
    subscriber: str | None = None
    since: datetime | None = None
    parked_only: bool = False


def give_back_lost_jobs() -> int:
    """Let other workers do what workers that are dead had begun; returns how many jobs that is.

    Whatever such a job had done without a transaction is done again. Safe to run beside itself.
    """
    patient = [name for name, task in app.tasks.items() if isinstance(task.retry_strategy, ForEver)]
    return _changed(GIVE_BACK, [MOST_ATTEMPTS, patient, DEAD_AFTER_SECONDS])


def forget_finished_jobs(*, before: datetime) -> int:
    """Remove some of the jobs that ended well before then, and with them the events that they told; returns how many.

    Parked ones stay until somebody has looked at them.
    """
    return _changed(FORGET, [before, FORGOTTEN_AT_ONCE])


def parked_jobs() -> int:
    """How many jobs have failed for the last time."""
    with connection.cursor() as cursor:
        cursor.execute(PARKED)
        return int(cursor.fetchone()[0])


def tell_again(choice: Choice) -> int:
    """Hand events that are parked, or were told before, to their subscribers again; returns to how many.

    A subscriber is told of what it was told before: one that is new does not hear of the past.
    """
    return _changed(TELL_AGAIN.format(chosen=CHOSEN), _parameters(choice))


def discard(choice: Choice) -> int:
    """Remove jobs that are parked, for good; returns how many."""
    return _changed(DISCARD.format(chosen=CHOSEN), {**_parameters(choice), "statuses": ["failed"]})


def _parameters(choice: Choice) -> dict[str, Any]:
    return {
        "statuses": ["failed"] if choice.parked_only else ["failed", "succeeded"],
        "event_type": choice.event_type,
        "event_id": str(choice.event_id) if choice.event_id else None,
        "subscriber": choice.subscriber,
        "since": choice.since,
    }


def _changed(statement: str, parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
