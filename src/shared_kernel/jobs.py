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

# What the clock asks for mends itself, once the next one goes well.
FORGET_REPEATED = """
DELETE FROM procrastinate_jobs parked
WHERE status = 'failed' AND task_name = ANY(%s) AND EXISTS (
    SELECT FROM procrastinate_jobs later
    WHERE later.task_name = parked.task_name AND later.id > parked.id AND later.status = 'succeeded'
)
"""

PARKED = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'"

# Of each queue: what is due, what is for later, what is being done, and for how long the first one has been due.
QUEUES = """
WITH queue AS (
    SELECT
        queue_name AS name,
        count(*) FILTER (WHERE status = 'todo' AND coalesce(scheduled_at <= now(), true)) AS due,
        count(*) FILTER (WHERE status = 'todo' AND scheduled_at > now()) AS later,
        count(*) FILTER (WHERE status = 'doing') AS doing,
        min(id) FILTER (WHERE status = 'todo' AND coalesce(scheduled_at <= now(), true)) AS first
    FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing')
    GROUP BY queue_name
)
SELECT name, due, later, doing, coalesce(extract(epoch FROM now() - greatest(job.scheduled_at, made.at)), 0)::float8
FROM queue
LEFT JOIN procrastinate_jobs job ON job.id = first
LEFT JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events WHERE job_id = first) made ON true
"""

# Of what the clock asks for, the next one may wait already, under the same queueing lock.
TELL_AGAIN = """
UPDATE procrastinate_jobs
SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL, queueing_lock = NULL
WHERE {chosen}
"""

DISCARD = "DELETE FROM procrastinate_jobs WHERE {chosen}"

# An event's envelope is its job's argument. Other jobs are done again, or removed, when they are parked.
CHOSEN = """
(args ? 'event' OR status = 'failed')
AND status = ANY(%(statuses)s::procrastinate_job_status[])
AND (%(event_type)s::text IS NULL OR args #>> '{event,type}' = %(event_type)s)
AND (%(event_id)s::text IS NULL OR args #>> '{event,id}' = %(event_id)s)
AND (%(subscriber)s::text IS NULL OR coalesce(args ->> 'subscriber', task_name) = %(subscriber)s)
AND (%(since)s::timestamptz IS NULL OR (args #>> '{event,occurred_at}')::timestamptz >= %(since)s)
"""


@dataclass(frozen=True)
class Choice:
    """Which events, for which of their subscribers, and which parked jobs: all, unless something narrows it down.

    `subscriber` names a handler, or the task of what is no event.
    """

    event_type: str | None = None
    event_id: UUID | None = None
    subscriber: str | None = None
    since: datetime | None = None
    parked_only: bool = False


@dataclass(frozen=True)
class Queue:
    """What lies in a queue, and for how long the first of what is due has been so."""

    name: str
    due: int = 0
    later: int = 0
    doing: int = 0
    seconds: float = 0


def queues() -> list[Queue]:
    """All queues, also those in which nothing lies."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUES)
        filled = {row[0]: Queue(*row) for row in cursor.fetchall()}
    names = filled.keys() | {task.queue for task in app.tasks.values()}
    return [filled.get(name, Queue(name)) for name in sorted(names)]


def give_back_lost_jobs() -> int:
    """Let other workers do what workers that are dead had begun; returns how many jobs that is.

    Whatever such a job had done without a transaction is done again. Safe to run beside itself.
    """
    patient = [name for name, task in app.tasks.items() if isinstance(task.retry_strategy, ForEver)]
    return _changed(GIVE_BACK, [MOST_ATTEMPTS, patient, DEAD_AFTER_SECONDS])


def forget_finished_jobs(*, before: datetime) -> int:
    """Remove some of the jobs that ended well before then, and with them the events that they told; returns how many.

    Parked ones stay until somebody has looked at them, or until `forget_repeated_jobs`.
    """
    return _changed(FORGET, [before, FORGOTTEN_AT_ONCE])


def forget_repeated_jobs() -> int:
    """Remove the parked jobs that the clock has asked for again since, with success; returns how many."""
    periodic = [one.task.name for one in app.periodic_registry.periodic_tasks.values()]
    return _changed(FORGET_REPEATED, [periodic])


def parked_jobs() -> int:
    """How many jobs have failed for the last time."""
    with connection.cursor() as cursor:
        cursor.execute(PARKED)
        return int(cursor.fetchone()[0])


def tell_again(choice: Choice) -> int:
    """Do parked jobs again, and hand events that were told before to their subscribers again; returns how many.

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
