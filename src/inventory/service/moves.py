"""Goods in, out, across and corrected: each a change of levels with its lines in the ledger."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

from catalog.interface import ProductNotFound, catalog
from inventory import models
from inventory.interface import (
    ArrivedLine,
    CountBelowReserved,
    Discrepancy,
    InsufficientStock,
    LocationKind,
    LocationNotFound,
    Movement,
    MovementReason,
    NotStocked,
    StockLine,
    StockRow,
    Thresholds,
)
from inventory.service import discrepancies
from inventory.service.ledger import record
from inventory.service.levels import rows_of
from inventory.service.locations import location
from inventory.service.posting import Change, Entry, post
from shared_kernel.postgres.transactions import atomic_write


class Moves:
    """The part of the inventory that moves stock."""

    @atomic_write
    def receive(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        location(location_id)
        _check_stocked([line.product_id for line in lines])
        entry = Entry(operation_id, MovementReason.RECEIPT, actor_id, document=document)
        return record(_changes(location_id, lines), now=now, entry=entry, create=True)

    @atomic_write
    def issue(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        returned: Sequence[StockLine] = (),
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        if not (lines or returned):
            return []
        changes = _changes(location_id, [*(StockLine(line.product_id, -line.quantity) for line in lines), *returned])
        backwards = [replace(row, reason=MovementReason.RETURN) if row.on_hand > 0 else row for row in changes]
        entry = Entry(operation_id, MovementReason.SALE, actor_id, document=document)
        return record(backwards, now=now, entry=entry, create=bool(returned))

    @atomic_write
    def issue_departed(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        departed_at: datetime,
        now: datetime,
    ) -> list[Discrepancy]:
        wanted = _changes(location_id, lines, sign=-1)
        if not wanted:
            return []
        # A change of nothing locks the shelves: no count slips in before the goods are taken.
        post([Change(location_id, change.product_id) for change in wanted], now=now, entry=None, create=True)
        counted = models.StockMovement.objects.counted_since(departed_at, location_id=location_id)
        changes = [replace(row, on_hand=0) if row.product_id in counted else row for row in wanted]
        entry = Entry(operation_id, MovementReason.SALE, actor_id, document=document, at=departed_at)
        posted = post(changes, now=now, entry=entry, departed=True)
        pieces = {change.product_id: -change.on_hand for change in changes}
        new = [
            models.StockDiscrepancy(
                operation_id=operation_id,
                level_id=row.level_id,
                missing=missing,
                document=document,
                found_at=now,
            )
            for row in posted
            if (missing := pieces[row.product_id] - (row.before - row.after))
        ]
        models.StockDiscrepancy.objects.bulk_create(new)
        return discrepancies.values_of(models.StockDiscrepancy.objects.filter(operation_id=operation_id).order_by("id"))

    @atomic_write
    def adjust(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        note: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        location(location_id)
        _check_stocked([line.product_id for line in lines])
        entry = Entry(operation_id, MovementReason.ADJUSTMENT, actor_id, note=note)
        return record(_changes(location_id, lines), now=now, entry=entry, create=True)

    @atomic_write
    def count(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        product_id: UUID,
        quantity: int,
        thresholds: Thresholds,
        note: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> StockRow:
        place = location(location_id)
        _check_stocked([product_id])
        entry = Entry(operation_id, MovementReason.COUNT, actor_id, note=note)
        try:
            posted = post([Change(location_id, product_id, counted=quantity)], now=now, entry=entry, create=True)
        except InsufficientStock as error:
            level = rows_of(catalog.products(ids=[product_id]), [place])[0]
            raise CountBelowReserved(product_id, location_id, quantity, level.reserved) from error
        given = {name: value for name, value in asdict(thresholds).items() if value is not None}
        if posted:
            discrepancies.settle(location_id=location_id, product_id=product_id, now=now)
        if posted and given:
            models.StockLevel.objects.filter(location_id=location_id, product_id=product_id).update(**given)
        return rows_of(catalog.products(ids=[product_id]), [place])[0]

    @atomic_write
    def transfer(
        self,
        *,
        operation_id: UUID,
        from_location_id: UUID,
        to_location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        location(from_location_id)
        if to_location_id == from_location_id:
            raise LocationNotFound(location_ids=[to_location_id])
        location(to_location_id)
        _check_stocked([line.product_id for line in lines])
        changes = [*_changes(from_location_id, lines, sign=-1), *_changes(to_location_id, lines)]
        entry = Entry(operation_id, MovementReason.TRANSFER, actor_id, document=document)
        return record(changes, now=now, entry=entry, create=True)

    @atomic_write
    def receive_shipment(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[ArrivedLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        changes = [Change(location_id, line.product_id, on_hand=line.arrived, in_transit=-line.sent) for line in lines]
        lost = [f"{line.sent} sent, {line.arrived} arrived" for line in lines if line.sent != line.arrived]
        entry = Entry(operation_id, MovementReason.TRANSFER, actor_id, document=document, note="; ".join(lost)[:200])
        return record(changes, now=now, entry=entry)

    @atomic_write
    def carry(self, *, product_ids: Sequence[UUID]) -> None:
        warehouses = models.Location.objects.filter(kind=LocationKind.WAREHOUSE)
        models.StockLevel.objects.bulk_create(
            [
                models.StockLevel(location_id=location_id, product_id=product_id)
                for location_id in warehouses.order_by("id").values_list("id", flat=True)
                for product_id in sorted(product_ids)
            ],
            ignore_conflicts=True,
        )

    @atomic_write
    def stop_reordering(self, *, product_ids: Sequence[UUID]) -> None:
        levels = models.StockLevel.objects.filter(product_id__in=product_ids)
        places = list(levels.values_list("location_id", "product_id"))
        if places:
            # A change of nothing locks them in the one order.
            post([Change(*place) for place in places], now=datetime.now(UTC), entry=None)
            levels.update(reorder_point=0, target=None)


def _changes(location_id: UUID, lines: Sequence[StockLine], *, sign: int = 1) -> list[Change]:
    """A change for each product, which may stand on several lines."""
    pieces: dict[UUID, int] = {}
    for line in lines:
        pieces[line.product_id] = pieces.get(line.product_id, 0) + sign * line.quantity
    return [Change(location_id, product_id, on_hand=quantity) for product_id, quantity in pieces.items()]


def _check_stocked(product_ids: Sequence[UUID]) -> None:
    known = {product.id: product for product in catalog.products(ids=product_ids)}
    if unknown := sorted(set(product_ids) - known.keys()):
        raise ProductNotFound(product_ids=unknown)
    if services := sorted(product.id for product in known.values() if not product.stocked):
        raise NotStocked(product_ids=services)
