"""Pieces kept for orders: reserve, extend, confirm, release, and tidying up what has run out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from inventory import models
from inventory.interface import (
    Movement,
    MovementReason,
    PlacedLine,
    Reservation,
    ReservationExpired,
    ReservationNotFound,
)
from inventory.models import ReservationState
from inventory.service.ledger import recorded
from inventory.service.posting import Change, Entry, is_done, post
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

Place = tuple[UUID, UUID]


class Reservations:
    """The part of the inventory that keeps promises."""

    @atomic_write
    def reserve(
        self, *, order_id: UUID, lines: Sequence[PlacedLine], until: datetime, now: datetime
    ) -> list[Reservation]:
        if kept := _kept(order_id, now=now):
            return kept
        quantities: dict[Place, int] = {}
        for line in lines:
            place = (line.location_id, line.product_id)
            quantities[place] = quantities.get(place, 0) + line.quantity
        posted = post(
            [Change(*place, reserved=quantity) for place, quantity in quantities.items()], now=now, entry=None
        )
        rows = [
            models.Reservation(
                order_id=order_id,
                level_id=row.level_id,
                quantity=quantities[row.location_id, row.product_id],
                until=until,
                created_at=now,
            )
            for row in posted
        ]
        try:
            models.Reservation.objects.bulk_create(rows)
        except IntegrityError as error:
            if constraint_of(error) == "reservation_kept_once":
                raise AlreadyDone from error
            raise
        return [
            Reservation(order_id, row.product_id, row.location_id, quantities[row.location_id, row.product_id], until)
            for row in posted
        ]

    @atomic_write
    def extend(self, *, order_id: UUID, until: datetime, now: datetime) -> list[Reservation]:
        held = _held(order_id, now=now)
        post([Change(row.location_id, row.product_id) for row in held], now=now, entry=None)
        _update_held(order_id, expected=len(held), until=until)
        return [Reservation(row.order_id, row.product_id, row.location_id, row.quantity, until) for row in held]

    @atomic_write
    def confirm(self, *, order_id: UUID, actor_id: UUID | None, now: datetime) -> list[Movement]:
        if is_done(order_id):
            return recorded(order_id)
        held = _held(order_id, now=now)
        changes = [Change(row.location_id, row.product_id, -row.quantity, -row.quantity) for row in held]
        post(changes, now=now, entry=Entry(order_id, MovementReason.ORDER, actor_id, document=f"order {order_id}"))
        _update_held(order_id, expected=len(held), state=ReservationState.CONFIRMED)
        return recorded(order_id)

    @atomic_write
    def release(self, *, order_id: UUID, now: datetime) -> None:
        held = models.Reservation.objects.held().filter(order_id=order_id, until__gt=now).values_of()
        if not held:
            return
        post([Change(row.location_id, row.product_id, reserved=-row.quantity) for row in held], now=now, entry=None)
        _update_held(order_id, expected=len(held), state=ReservationState.RELEASED)

    @atomic_write
    def clear_expired(self, *, now: datetime, limit: int = 1000) -> int:
        expired = models.Reservation.objects.held().filter(until__lte=now)
        places = list(expired.order_by("until").values_list("level__location_id", "level__product_id")[:limit])
        if places:
            # Whatever touches a level tidies it up: a change of nothing is enough.
            post([Change(*place) for place in set(places)], now=now, entry=None)
        return len(places)


def _kept(order_id: UUID, *, now: datetime) -> list[Reservation]:
    """The order's reservations that are live or confirmed."""
    return models.Reservation.objects.filter(order_id=order_id).kept(now).values_of()


def _held(order_id: UUID, *, now: datetime) -> list[Reservation]:
    """The order's live reservations. Raises ReservationExpired, ReservationNotFound where there is none."""
    rows = models.Reservation.objects.filter(order_id=order_id)
    if held := rows.held().filter(until__gt=now).values_of():
        return held
    if rows.filter(state__in=[ReservationState.HELD, ReservationState.EXPIRED]).exists():
        raise ReservationExpired(order_id=order_id)
    raise ReservationNotFound(order_id=order_id)


def _update_held(order_id: UUID, *, expected: int, **values: object) -> None:
    """Change the order's held rows, now that their levels are locked; whoever was faster makes us look again."""
    if models.Reservation.objects.held().filter(order_id=order_id).update(**values) != expected:
        raise AlreadyDone
