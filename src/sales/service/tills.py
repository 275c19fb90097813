"""Till sessions: cash in, cash out, and the count at the end, after which nothing changes.

Locking policy: whatever adds to a session shares its row's key until the end of its transaction, and before any sale or
stock; whoever closes it locks the row as a whole. So a session is counted when all that was under way is in it.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet, Sum

from accounts.interface import accounts
from inventory.interface import inventory
from sales import models, rules
from sales.interface import (
    CashDirection,
    Payment,
    PaymentMethod,
    TillAlreadyOpen,
    TillReport,
    TillSession,
    TillSessionClosed,
    TillSessionNotFound,
)
from shared_kernel.money import ZERO
from shared_kernel.postgres.rows import columns_of, rows_of
from shared_kernel.postgres.transactions import atomic_write

HOLD = f"SELECT {columns_of(models.TillSession, 's')} FROM till_session s WHERE id = %s FOR KEY SHARE"  # noqa: S608 our own


class Tills:
    """The part of the sales that knows what is in the tills."""

    @atomic_write
    def open_till(
        self, *, session_id: UUID, store_id: UUID, till: str, opening_float: Decimal, actor_id: UUID, now: datetime
    ) -> TillReport:
        inventory.store(store_id=store_id)
        row = models.TillSession(
            id=session_id,
            store_id=store_id,
            till=till,
            opened_by=actor_id,
            opened_at=now,
            opening_float=opening_float,
        )
        models.TillSession.objects.bulk_create([row], ignore_conflicts=True)
        if not models.TillSession.objects.filter(id=session_id).exists():
            latest = models.TillSession.objects.filter(store_id=store_id, till=till).latest("opened_at")
            raise TillAlreadyOpen(till=till, session_id=latest.id)
        return self.till_session(session_id=session_id)

    @atomic_write
    def move_cash(
        self,
        *,
        movement_id: UUID,
        session_id: UUID,
        direction: CashDirection,
        amount: Decimal,
        reason: str,
        actor_id: UUID,
        now: datetime,
    ) -> TillReport:
        session = hold(session_id)
        movement = models.CashMovement(
            id=movement_id,
            session=session,
            direction=direction,
            amount=amount,
            reason=reason,
            actor_id=actor_id,
            moved_at=now,
        )
        if not models.CashMovement.objects.filter(id=movement_id).exists():
            check_open(session, store_id=session.store_id)
            models.CashMovement.objects.bulk_create([movement], ignore_conflicts=True)
        return self.till_session(session_id=session_id)

    @atomic_write
    def close_till(
        self, *, session_id: UUID, counted_cash: Decimal, note: str, actor_id: UUID, now: datetime
    ) -> TillReport:
        row = models.TillSession.objects.select_for_update().filter(id=session_id).first()
        if row is None:
            raise TillSessionNotFound(session_id=session_id)
        if row.closed_at is None:
            last = models.TillSession.objects.filter(store_id=row.store_id, till=row.till).aggregate(z=Max("z_number"))
            row.expected_cash = _report(row).expected_cash
            row.z_number = (last["z"] or 0) + 1
            row.closed_by, row.closed_at, row.counted_cash, row.note = actor_id, now, counted_cash, note
            row.save()
        elif (row.closed_by, row.closed_at) != (actor_id, now):
            raise TillSessionClosed(session_id=session_id)
        return self.till_session(session_id=session_id)

    def till_session(self, *, session_id: UUID) -> TillReport:
        row = models.TillSession.objects.filter(id=session_id).first()
        if row is None:
            raise TillSessionNotFound(session_id=session_id)
        return _report(row)

    def till_sessions(
        self,
        *,
        store_ids: Sequence[UUID] | None = None,
        is_open: bool | None = None,
        before: UUID | None = None,
        limit: int = 20,
    ) -> list[TillSession]:
        rows = _sessions(store_ids).order_by("-id")
        if is_open is not None:
            rows = rows.filter(closed_at__isnull=is_open)
        if before is not None:
            rows = rows.filter(id__lt=before)
        return _values(rows[:limit])

    def open_till_sessions(self, *, store_ids: Sequence[UUID] | None = None) -> list[TillSession]:
        found = _values(_sessions(store_ids).filter(closed_at__isnull=True))
        return sorted(found, key=lambda session: (session.store_name, session.till))


def hold(session_id: UUID) -> models.TillSession:
    """The session, which nobody closes before this transaction ends. Raises TillSessionNotFound."""
    for session in rows_of(models.TillSession, HOLD, [session_id]):
        return session
    raise TillSessionNotFound(session_id=session_id)


def check_open(session: models.TillSession, *, store_id: UUID) -> None:
    """Raises TillSessionClosed for a session that is closed, or is another store's."""
    if session.closed_at is not None or session.store_id != store_id:
        raise TillSessionClosed(session_id=session.id)


def _sessions(store_ids: Sequence[UUID] | None) -> QuerySet[models.TillSession]:
    rows = models.TillSession.objects.all()
    return rows if store_ids is None else rows.filter(store_id__in=store_ids)


def _values(rows: QuerySet[models.TillSession]) -> list[TillSession]:
    """These sessions, with what was sold in them and the names of their people; four statements for any number."""
    sessions = list(rows)
    people = {person for row in sessions for person in (row.opened_by, row.closed_by) if person}
    names = accounts.names(person_ids=list(people))
    stores = {store.id: store.name for store in inventory.locations(ids=list({row.store_id for row in sessions}))}
    tickets = models.Sale.objects.filter(till_session__in=[row.id for row in sessions]).values("till_session_id")
    figures: dict[UUID, dict[str, Any]] = {
        row["till_session_id"]: dict(row)
        for row in tickets.annotate(
            tickets=Count("id"),
            returns=Count("id", filter=Q(pieces_returned__gt=0)),
            revenue=Sum(F("gross") - F("returned")),
        )
    }
    nothing = {"tickets": 0, "returns": 0, "revenue": ZERO}
    return [
        TillSession(
            id=row.id,
            store_id=row.store_id,
            store_name=stores[row.store_id],
            till=row.till,
            opened_by=row.opened_by,
            opened_by_name=names.get(row.opened_by, ""),
            opened_at=row.opened_at,
            opening_float=row.opening_float,
            **{name: figures.get(row.id, nothing)[name] for name in nothing},
            closed_at=row.closed_at,
            closed_by=row.closed_by,
            closed_by_name=names.get(row.closed_by, "") if row.closed_by else None,
            z_number=row.z_number,
            counted_cash=row.counted_cash,
            note=row.note,
        )
        for row in sessions
    ]


def _report(row: models.TillSession) -> TillReport:
    """All of one session: for one that is closed, what was expected when it was."""
    [session] = _values(models.TillSession.objects.filter(id=row.id))
    sums = models.SalePayment.objects.filter(sale__till_session=row).values_list("method").annotate(Sum("amount"))
    payments = [Payment(PaymentMethod(method), amount) for method, amount in sorted(sums)]
    movements = [movement.value() for movement in row.cash_movements.order_by("moved_at", "id")]
    expected = row.expected_cash
    if expected is None:
        expected = rules.expected_cash(row.opening_float, payments, movements)
    return TillReport(
        **vars(session),
        payments=rules.by_method(payments),
        cash_movements=movements,
        expected_cash=expected,
        difference=None if row.counted_cash is None else row.counted_cash - expected,
    )
