"""The warehouse's decisions, and the store's change of mind."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from accounts.interface import accounts
from inventory.interface import InsufficientStock, PlacedLine, StockLine, inventory
from replenishment import models
from replenishment.interface import (
    AlreadyDecided,
    CentralStockTooLow,
    Outcome,
    ReplenishmentApproved,
    ReplenishmentRejected,
    Request,
    RequestStatus,
    Verdict,
)
from replenishment.rules import check_quantity
from replenishment.service.asking import alone, locked, value_of
from shared_kernel.errors import Refusal
from shared_kernel.ids import part_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write


class Deciding:
    """The part of the replenishment that grants requests or turns them down."""

    @atomic_write
    def approve(
        self,
        *,
        decision_id: UUID,
        request_id: UUID,
        quantity: int | None = None,
        reason: str = "",
        actor_id: UUID | None,
        now: datetime,
    ) -> Request:
        row = locked(request_id)
        if row.decision_id != decision_id:
            _check_pending(row)
            granted = row.quantity if quantity is None else quantity
            check_quantity(granted, smallest=1, largest=row.quantity)
            [warehouse] = inventory.locations(ids=[row.warehouse_id])
            row.travels = warehouse.uses_transit
            row.approved_quantity = granted
            _decide(row, RequestStatus.APPROVED, decision_id, reason=reason, actor_id=actor_id, now=now)
            publish(
                [
                    ReplenishmentApproved(
                        request_id=request_id, product_id=row.product_id, store_id=row.store_id, quantity=granted
                    )
                ]
            )
            # Last, so that the shelves are locked for as short as can be.
            _hand_over(row, decision_id, granted, actor_id=actor_id, now=now)
        return value_of(row)

    @atomic_write
    def reject(
        self, *, decision_id: UUID, request_id: UUID, reason: str = "", actor_id: UUID | None, now: datetime
    ) -> Request:
        row = locked(request_id)
        if row.decision_id != decision_id:
            _check_pending(row)
            _decide(row, RequestStatus.REJECTED, decision_id, reason=reason, actor_id=actor_id, now=now)
            publish([ReplenishmentRejected(request_id=request_id, product_id=row.product_id, store_id=row.store_id)])
        return value_of(row)

    @atomic_write
    def cancel(self, *, decision_id: UUID, request_id: UUID, actor_id: UUID | None, now: datetime) -> Request:
        row = locked(request_id)
        if row.decision_id != decision_id:
            _check_pending(row)
            _decide(row, RequestStatus.CANCELLED, decision_id, reason="", actor_id=actor_id, now=now)
        return value_of(row)

    def decide_all(
        self,
        *,
        decision_id: UUID,
        request_ids: Sequence[UUID],
        verdict: Verdict,
        reason: str = "",
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Outcome]:
        decide = self.approve if verdict is Verdict.APPROVE else self.reject
        outcomes = []
        for request_id in request_ids:
            key = part_of(decision_id, request_id)
            write = partial(decide, decision_id=key, request_id=request_id, reason=reason, actor_id=actor_id, now=now)
            try:
                outcomes.append(Outcome(request_id, alone(write), code="", detail=""))
            except Refusal as refusal:
                outcomes.append(Outcome(request_id, None, refusal.code, str(refusal)))
        return outcomes


def _check_pending(row: models.Request) -> None:
    if row.status != RequestStatus.PENDING:
        people = accounts.names(person_ids=[row.decided_by]) if row.decided_by else {}
        raise AlreadyDecided(
            replenishment_request_id=row.id,
            request_status=RequestStatus(row.status),
            decided_by_name=people.get(row.decided_by) if row.decided_by else None,
            decided_at=row.decided_at,
        )


def _decide(
    row: models.Request, status: RequestStatus, decision_id: UUID, *, reason: str, actor_id: UUID | None, now: datetime
) -> None:
    row.status = status
    row.decision_id, row.reason = decision_id, reason
    row.decided_by, row.decided_at = actor_id, now
    row.save(force_update=True)


def _hand_over(row: models.Request, decision_id: UUID, granted: int, *, actor_id: UUID | None, now: datetime) -> None:
    """Move what was granted to the store, or keep it in the warehouse until it is shipped."""
    try:
        if row.travels:
            line = PlacedLine(row.warehouse_id, row.product_id, granted)
            inventory.reserve(order_id=row.id, lines=[line], until=None, now=now)
        else:
            inventory.transfer(
                operation_id=decision_id,
                from_location_id=row.warehouse_id,
                to_location_id=row.store_id,
                lines=[StockLine(row.product_id, granted)],
                document=f"request {row.id}",
                actor_id=actor_id,
                now=now,
            )
    except InsufficientStock as error:
        available = error.lines[0].available
        raise CentralStockTooLow(product_id=row.product_id, requested=granted, available=available) from error
