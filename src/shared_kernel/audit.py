"""The audit trail: who did what to which thing, and from where.

Triggers write it, in the transaction of the change itself: see the migrations of each module. Who acts stands in
structlog's context, as for the log; the database backend hands it to every transaction. What changes no row (a refusal,
an export) is told by `record`.

No entry ever names a person otherwise than by id, since none can be changed when somebody is erased.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from procrastinate import JobContext

# What the log calls it, and the triggers.
CALLER = ("actor", "address", "request_id", "job")

# A trigger refuses to forget anything earlier.
LIFETIME = timedelta(days=366)


class Deed(StrEnum):
    """What somebody did, or was not let do."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    REFUSED = "refused"
    EXPORTED = "exported"


def caller() -> str | None:
    """Who acts and from where, as the triggers read it; None where nobody said so."""
    context = structlog.contextvars.get_contextvars()
    known = {name: context[name] for name in CALLER if context.get(name)}
    return json.dumps(known) if known else None


def record(
    *,
    subject: str,
    subject_id: str,
    deed: Deed,
    actor_id: UUID | None = None,
    about_id: UUID | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry about what no trigger sees, in the caller's transaction if there is one.

    `actor_id` says who did it where the context does not. Nothing given here may be personal, or a secret.
    """
    given = [caller(), actor_id, subject, subject_id, about_id, deed.value, json.dumps(changes or {})]
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.audit(%s, %s, %s, %s, %s, %s, %s)", given)


def named_job(run: Callable[[], Any], context: JobContext, worker: object) -> Any:
    """Run a task of the worker so that the log and the trail name it: one of Procrastinate's middlewares."""
    with structlog.contextvars.bound_contextvars(job=context.job.task_name):
        return run()


def forget_old_entries(*, now: datetime) -> int:
    """Remove the entries whose time is over; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE at < %s", [now - LIFETIME])
        return int(cursor.rowcount)
