"""The audit trail as a test reads it. What was there before a test stays, since nothing can take it away."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from shared_kernel.models import AuditEntry

CALLER = {"actor": "0193477a-5800-7b4c-aa0a-02718871ba2f", "address": "203.0.113.7", "request_id": "request-1"}
ACTOR = UUID(CALLER["actor"])


@dataclass(frozen=True)
class Trail:
    """The entries that were written since."""

    since: int

    @property
    def rows(self) -> list[AuditEntry]:
        return list(AuditEntry.objects.filter(id__gt=self.since).order_by("id"))

    @property
    def deeds(self) -> list[tuple[str, str]]:
        return [(entry.subject, entry.deed) for entry in self.rows]

    def of(self, subject: str) -> list[AuditEntry]:
        return [entry for entry in self.rows if entry.subject == subject]

    def one(self, subject: str) -> AuditEntry:
        [entry] = self.of(subject)
        return entry


def begun() -> Trail:
    """To be called when a test has made what it needs."""
    last = AuditEntry.objects.order_by("-id").first()
    return Trail(last.id if last else 0)


def words(entry: AuditEntry) -> list[Any]:
    """Who did what to which thing, and what changed, of an entry of the caller above."""
    assert {"actor": str(entry.actor_id), "address": entry.address, "request_id": entry.request_id} == CALLER
    assert entry.job == ""
    return [entry.subject, entry.subject_id, entry.about_id, entry.deed, entry.changes]


def acting(**changes: Any) -> Any:
    """Somebody calls, for the length of a block."""
    return structlog.contextvars.bound_contextvars(**(CALLER | changes))
