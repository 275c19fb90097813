"""Pieces kept for orders: reserve, extend, confirm, release, and tidying up what has run out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection
from django.db.models import Sum

from inventory import models
from inventory.interface import (
    InsufficientStock,
    Movement,
    MovementReason,
    PlacedLine,
    Promise,
    Reservation,
    ReservationExpired,
    ReservationNotFound,
)
from inventory.models import ReservationState
from inventory.service.ledger import record, recorded
from inventory.service.locations import location
from inventory.service.posting import Change, Entry, post
from shared_kernel.postgres.rows import columns_of, rows_of
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

Place = tuple[UUID, UUID]

# Every order asks these, and the ORM would take longer to put them together than to have them answered.
OF_ORDER = f"""
SELECT {columns_of(models.Reservation, "r")}, l.location_id, l.product_id
FROM reservation r JOIN stock_level l ON l.id = r.level_id
WHERE r.order_id = %s ORDER BY r.id
"""  # noqa: S608 our own names
KEEP = """
INSERT INTO reservation (order_id, level_id, quantity, until, state, created_at)
SELECT %s, level_id, quantity, %s, 'held', %s FROM unnest(%s::bigint[], %s::int[]) AS kept(level_id, quantity)
"""
SETTLE = """
UPDATE reservation SET state = %s, until = coalesce(%s, until) WHERE id = ANY(%s::bigint[]) AND state = 'held'
"""


class Reservations:
    """The part of the inventory that keeps promises."""

    @atomic_write
    def reserve(
        self, *, order_id: UUID, lines: Sequence[PlacedLine], until: datetime | None, now: datetime
    ) -> list[Reservation]:
        rows, now = _of_order(order_id, now=now)
        if kept := _kept(rows, now=now):
            return kept
        quantities: dict[Place, int] = {}
        for line in lines:
            place = (line.location_id, line.product_id)
            quantities[place] = quantities.get(place, 0) + line.quantity
        changes = [Change(*place, reserved=quantity) for place, quantity in quantities.items()]
        try:
            posted = post(changes, now=now, entry=None)
        except InsufficientStock:
            # What is missing may be what a twin has just kept.
            rows, now = _of_order(order_id, now=now)
            if kept := _kept(rows, now=now):
                return kept
            raise
        kept = [
            Reservation(order_id, row.product_id, row.location_id, quantities[row.location_id, row.product_id], until)
            for row in posted
        ]
        try:
            with connection.cursor() as cursor:
                levels, pieces = [row.level_id for row in posted], [one.quantity for one in kept]
                cursor.execute(KEEP, [order_id, until, now, levels, pieces])
        except IntegrityError as error:
            if constraint_of(error) == "reservation_kept_once":
                raise AlreadyDone from error
            raise
        return kept

    @atomic_write
    def extend(self, *, order_id: UUID, until: datetime, now: datetime) -> list[Reservation]:
        held = _held(order_id, now=now)
        _settle(held, [Change(*row.place) for row in held], now=now, until=until)
        return [replace(row.value(), until=until) for row in held]

    @atomic_write
    def confirm(self, *, order_id: UUID, actor_id: UUID | None, now: datetime) -> list[Movement]:
        try:
            held = _held(order_id, now=now)
        except (ReservationNotFound, ReservationExpired):
            # In this order, so that no twin can finish between the two looks.
            if moved := recorded(order_id):
                return moved
            raise
        changes = [Change(*row.place, on_hand=-row.quantity, reserved=-row.quantity) for row in held]
        entry = Entry(order_id, MovementReason.ORDER, actor_id, document=f"order {order_id}")
        return _settle(held, changes, now=now, entry=entry, state=ReservationState.CONFIRMED)

    @atomic_write
    def ship(
        self, *, operation_id: UUID, order_id: UUID, to_location_id: UUID, actor_id: UUID | None, now: datetime
    ) -> list[Movement]:
        location(to_location_id)
        try:
            held = _held(order_id, now=now)
        except (ReservationNotFound, ReservationExpired):
            if moved := recorded(operation_id):
                return moved
            raise
        leaving = [Change(*row.place, on_hand=-row.quantity, reserved=-row.quantity) for row in held]
        travelling = [Change(to_location_id, row.product_id, in_transit=row.quantity) for row in held]
        entry = Entry(operation_id, MovementReason.TRANSFER, actor_id, document=f"shipment {order_id}")
        return _settle(held, leaving + travelling, now=now, entry=entry, create=True, state=ReservationState.CONFIRMED)

    @atomic_write
    def release(self, *, order_id: UUID, now: datetime) -> None:
        rows, now = _of_order(order_id, now=now)
        if held := [row for row in rows if row.is_held(now)]:
            changes = [Change(*row.place, reserved=-row.quantity) for row in held]
            _settle(held, changes, now=now, state=ReservationState.RELEASED)

    def promises(self, *, order_ids: Sequence[UUID], now: datetime) -> dict[UUID, Promise]:
        orders = list(order_ids)
        live = models.Reservation.objects.held().filter(order_id__in=orders).exclude(until__lte=now)
        reserved = dict(live.values_list("order_id").annotate(Sum("quantity")))
        moved = models.StockMovement.objects.filter(operation_id__in=orders, reason=MovementReason.ORDER)
        sold = dict(moved.values_list("operation_id").annotate(pieces=-Sum("delta")))
        return {
            order_id: Promise(reserved.get(order_id, 0), sold.get(order_id, 0))
            for order_id in reserved.keys() | sold.keys()
        }

    @atomic_write
    def clear_expired(self, *, now: datetime, limit: int = 1000) -> int:
        expired = models.Reservation.objects.held().filter(until__lte=now)
        places = list(expired.order_by("until").values_list("level__location_id", "level__product_id")[:limit])
        if places:
            # Whatever touches a level tidies it up: a change of nothing is enough.
            post([Change(*place) for place in set(places)], now=now, entry=None)
        return len(places)


def _of_order(order_id: UUID, *, now: datetime) -> tuple[list[models.Reservation], datetime]:
    """All that was ever reserved for an order, and the time by the clocks that have looked at it.

    A reservation runs out as a whole: once a clock ahead of ours has freed one of its lines, the others are over too.
    """
    rows = rows_of(models.Reservation, OF_ORDER, [order_id])
    run_out = [row.until for row in rows if row.until and row.state == ReservationState.EXPIRED]
    return rows, max([now, *run_out])


def _kept(rows: Sequence[models.Reservation], *, now: datetime) -> list[Reservation]:
    """Those that are live or confirmed."""
    return [row.value() for row in rows if row.is_held(now) or row.state == ReservationState.CONFIRMED]


def _held(order_id: UUID, *, now: datetime) -> list[models.Reservation]:
    """The order's live reservations. Raises ReservationExpired, ReservationNotFound where there is none."""
    rows, now = _of_order(order_id, now=now)
    if held := [row for row in rows if row.is_held(now)]:
        return held
    if any(row.state in {ReservationState.HELD, ReservationState.EXPIRED} for row in rows):
        raise ReservationExpired(order_id=order_id)
    raise ReservationNotFound(order_id=order_id)


def _settle(
    held: Sequence[models.Reservation],
    changes: Sequence[Change],
    *,
    now: datetime,
    entry: Entry | None = None,
    create: bool = False,
    state: ReservationState = ReservationState.HELD,
    until: datetime | None = None,
) -> list[Movement]:
    """Change the levels of what an order holds, and then its rows; whoever was faster makes us look again.

    Returns what that moved, where it has an entry.
    """
    moved: list[Movement] = []
    try:
        if entry:
            moved = record(changes, now=now, entry=entry, create=create)
        else:
            post(changes, now=now, entry=None)
    except InsufficientStock as error:
        raise AlreadyDone from error
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, [state, until, [row.id for row in held]])
        if cursor.rowcount != len(held):
            raise AlreadyDone
    return moved
