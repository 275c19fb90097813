"""What becomes of an order, but for its payment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from checkout import models, rules
from checkout.interface import (
    ImpossibleStep,
    Order,
    OrderStatus,
    OrderUpdated,
    ParcelNotFound,
    PaymentState,
    Step,
)
from checkout.service.keeping import note_kept, prolong
from checkout.service.orders import check_not_being_paid, end, found, locked, note, payments_of, value_of
from checkout.service.settling import complete
from inventory.interface import Reservation, inventory
from shared_kernel.ids import part_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write


class Steps:
    """The part of the checkout that takes orders from one step to the next."""

    def advance(self, *, order_id: UUID, status: OrderStatus, actor_id: UUID | None, now: datetime) -> Order:
        if status is OrderStatus.PAID:
            _pay_by_another_way(order_id, now=now)
            complete(found(order_id), actor_id=actor_id, now=now)
        else:
            _advance(order_id, status, actor_id=actor_id, now=now)
        return value_of(found(order_id))

    def send_parcel(self, *, order_id: UUID, location_id: UUID, actor_id: UUID | None, now: datetime) -> Order:
        _send(order_id, location_id, actor_id=actor_id, now=now)
        return value_of(found(order_id))

    def cancel(self, *, order_id: UUID, reason: str, actor_id: UUID | None, now: datetime) -> Order:
        _cancel(order_id, reason=reason, actor_id=actor_id, now=now)
        # Whoever is cut off here leaves goods that are kept until the reservation runs out.
        inventory.release(order_id=order_id, now=now)
        return value_of(found(order_id))

    def expire(self, *, now: datetime, limit: int = 100) -> int:
        ids = list(_late(now).order_by("reserved_until").values_list("id", flat=True)[:limit])
        return sum(_expire(order_id, now=now) for order_id in ids)


@atomic_write
def _advance(order_id: UUID, status: OrderStatus, *, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.status == status:
        return
    _check(row, status, allowed={OrderStatus.PROCESSING, OrderStatus.COMPLETED})
    sent = _unsent(row) if status is OrderStatus.COMPLETED else []
    _go_on(row, status, sent=sent, actor_id=actor_id, now=now)


@atomic_write
def _send(order_id: UUID, location_id: UUID, *, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.steps.filter(step=Step.SENT, location_id=location_id).exists():
        return
    unsent = _unsent(row)
    if location_id not in unsent:
        raise ParcelNotFound(order_id=order_id, location_id=location_id)
    _check(row, OrderStatus.COMPLETED, allowed={OrderStatus.COMPLETED})
    status = OrderStatus.COMPLETED if unsent == [location_id] else OrderStatus.PROCESSING
    _go_on(row, status, sent=[location_id], actor_id=actor_id, now=now)


def _unsent(row: models.Order) -> list[UUID]:
    """The places that have something of an order to send, or to hand over."""
    sent = row.steps.filter(step=Step.SENT).values("location_id")
    left = row.pieces.filter(quantity__gt=F("returned") + F("written_off")).exclude(location_id__in=sent)
    return sorted(set(left.values_list("location_id", flat=True)))


def _go_on(
    row: models.Order, status: OrderStatus, *, sent: Sequence[UUID], actor_id: UUID | None, now: datetime
) -> None:
    """Note which places have sent their parcels, and where the order stands now."""
    for location_id in sent:
        note(row, Step.SENT, actor_id=actor_id, now=now, location_id=location_id)
    if row.status != status:
        row.status = status
        row.save(update_fields=["status"])
        note(row, Step(status.value), actor_id=actor_id, now=now)
    publish([OrderUpdated(order_id=row.id, status=status)])


def _pay_by_another_way(order_id: UUID, *, now: datetime) -> None:
    """Note that an order was paid otherwise than by card, once its goods are kept. Again: nothing happens."""
    row = found(order_id)
    payable = row.status == OrderStatus.PENDING and not row.payments.filter(models.OPEN_PAYMENT).exists()
    kept = prolong(row, now=now) if payable else []
    try:
        _note_payment(order_id, kept, now=now)
    except ImpossibleStep:
        if kept:
            # It has ended while we looked: nobody keeps goods for it.
            inventory.release(order_id=order_id, now=now)
        raise


@atomic_write
def _note_payment(order_id: UUID, kept: Sequence[Reservation], *, now: datetime) -> None:
    row = locked(order_id)
    # There is one such payment at most.
    payment_id = part_of(order_id, "paid by another way")
    payments = payments_of(row)
    if any(payment.id == payment_id for payment in payments):
        return
    _check(row, OrderStatus.PAID, allowed={OrderStatus.PAID})
    check_not_being_paid(row, payments)
    note_kept(row, kept, now=now)
    models.Payment.objects.create(
        id=payment_id, order=row, state=PaymentState.SUCCEEDED, amount=row.total, started_at=now, taken_up_at=now
    )


@atomic_write
def _cancel(order_id: UUID, *, reason: str, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.status == OrderStatus.CANCELLED:
        return
    _check(row, OrderStatus.CANCELLED, allowed={OrderStatus.CANCELLED})
    check_not_being_paid(row, payments_of(row))
    end(row, Step.CANCELLED, actor_id=actor_id, now=now, text=reason)


@atomic_write
def _expire(order_id: UUID, *, now: datetime) -> bool:
    """Cancel an order that was not paid in time, unless somebody has begun to pay it. Its goods are free already."""
    row = locked(order_id)
    late = _late(now).filter(id=order_id).exists()
    if late:
        end(row, Step.EXPIRED, actor_id=None, now=now)
    return late


def _late(now: datetime) -> models.OrderQuerySet:
    """The orders whose goods are kept no more, and that nobody has begun to pay."""
    return models.Order.objects.pending().unpaid().filter(reserved_until__lte=now)


def _check(row: models.Order, asked: OrderStatus, *, allowed: set[OrderStatus]) -> None:
    """Raises ImpossibleStep unless this may follow, and is reached in this way."""
    status = OrderStatus(row.status)
    possible = list(rules.NEXT[status])
    # Of what is about to be refunded whole, nothing is packed or sent any more.
    if OrderStatus.REFUNDED in possible and not row.lines.filter(refunded__lt=F("quantity")).exists():
        possible = [OrderStatus.REFUNDED]
    if asked not in possible or asked not in allowed:
        raise ImpossibleStep(order_id=row.id, order_status=status, asked=asked, possible=possible)
