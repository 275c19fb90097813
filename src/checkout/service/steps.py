"""What becomes of an order, but for its payment."""

from datetime import datetime
from uuid import UUID

from checkout import models, rules
from checkout.interface import (
    ImpossibleStep,
    NotEnoughStock,
    Order,
    OrderCancelled,
    OrderStatus,
    OrderUpdated,
    PaymentRunning,
    PaymentState,
    Step,
)
from checkout.service.orders import check_not_being_paid, found, locked, note, value_of
from checkout.service.settling import complete
from inventory.interface import inventory
from shared_kernel.ids import part_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write


class Steps:
    """The part of the checkout that takes orders from one step to the next."""

    def advance(self, *, order_id: UUID, status: OrderStatus, actor_id: UUID | None, now: datetime) -> Order:
        if status is OrderStatus.PAID:
            _note_payment(order_id, actor_id=actor_id, now=now)
            try:
                complete(order_id, actor_id=actor_id, now=now)
            except NotEnoughStock:
                _forget_payment(order_id)
                raise
        else:
            _advance(order_id, status, actor_id=actor_id, now=now)
        return value_of(found(order_id))

    def cancel(self, *, order_id: UUID, reason: str, actor_id: UUID | None, now: datetime) -> Order:
        _cancel(order_id, Step.CANCELLED, reason=reason, actor_id=actor_id, now=now)
        # Whoever is cut off here leaves goods that are kept until the reservation runs out.
        inventory.release(order_id=order_id, now=now)
        return value_of(found(order_id))

    def expire(self, *, now: datetime, limit: int = 100) -> int:
        late = models.Order.objects.pending().unpaid().filter(reserved_until__lte=now)
        ids = list(late.order_by("reserved_until").values_list("id", flat=True)[:limit])
        return sum(_expire(order_id, now=now) for order_id in ids)

    @atomic_write
    def forget_customer(self, *, customer_id: UUID) -> None:
        models.Order.objects.filter(customer_id=customer_id).update(email="", address=None)


@atomic_write
def _advance(order_id: UUID, status: OrderStatus, *, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.status == status:
        return
    _check(row, status, allowed={OrderStatus.PROCESSING, OrderStatus.COMPLETED})
    row.status = status
    row.save(update_fields=["status"])
    note(row, Step(status.value), actor_id=actor_id, now=now)
    publish([OrderUpdated(order_id=order_id, status=status)])


@atomic_write
def _note_payment(order_id: UUID, *, actor_id: UUID | None, now: datetime) -> None:
    """Note that an order was paid by another way than a card, so that nothing ends it while its goods are taken."""
    row = locked(order_id)
    payment_id = _by_another_way(order_id)
    if models.Payment.objects.filter(id=payment_id).exists():
        return
    _check(row, OrderStatus.PAID, allowed={OrderStatus.PAID})
    check_not_being_paid(row)
    models.Payment.objects.create(
        id=payment_id, order=row, state=PaymentState.SUCCEEDED, amount=row.total, started_at=now, taken_up_at=now
    )


@atomic_write
def _forget_payment(order_id: UUID) -> None:
    locked(order_id)
    models.Payment.objects.filter(id=_by_another_way(order_id)).delete()


def _by_another_way(order_id: UUID) -> UUID:
    """The id of the payment of an order that is paid by another way than a card: there is one at most."""
    return part_of(order_id, "paid by another way")


@atomic_write
def _cancel(order_id: UUID, step: Step, *, reason: str, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.status == OrderStatus.CANCELLED:
        return
    _check(row, OrderStatus.CANCELLED, allowed={OrderStatus.CANCELLED})
    check_not_being_paid(row)
    row.status, row.reserved_until = OrderStatus.CANCELLED, None
    row.save(update_fields=["status", "reserved_until"])
    note(row, step, actor_id=actor_id, now=now, text=reason)
    publish([OrderCancelled(order_id=order_id)])


def _expire(order_id: UUID, *, now: datetime) -> bool:
    """Cancel an order that was not paid in time, unless somebody pays it at this moment. Its goods are free already."""
    try:
        _cancel(order_id, Step.EXPIRED, reason="", actor_id=None, now=now)
    except (ImpossibleStep, PaymentRunning):
        return False
    return True


def _check(row: models.Order, asked: OrderStatus, *, allowed: set[OrderStatus]) -> None:
    """Raises ImpossibleStep unless this may follow, and is reached in this way."""
    status = OrderStatus(row.status)
    if asked not in rules.NEXT[status] or asked not in allowed:
        raise ImpossibleStep(order_id=row.id, order_status=status, asked=asked, possible=list(rules.NEXT[status]))
