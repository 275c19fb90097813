"""Paying by card: the card goes to the provider, and what stands for it to the worker, who has it charged."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from cart.interface import Holder
from checkout import models
from checkout.interface import (
    Card,
    OrderNotPending,
    OrderPayment,
    OrderStatus,
    PaymentNotFound,
    PaymentState,
    ProviderAway,
    Step,
)
from checkout.service.keeping import note_kept, prolong
from checkout.service.orders import check_not_being_paid, found, is_theirs, locked, note, payment_of, payments_of
from checkout.service.providers import CardToken, Unknown, provider
from inventory.interface import Reservation, inventory
from shared_kernel.outbox import later
from shared_kernel.postgres.transactions import atomic_write


class Paying:
    """The part of the checkout that takes cards."""

    def pay(
        self,
        *,
        payment_id: UUID,
        order_id: UUID,
        card: Card,
        holder: Holder | None = None,
        actor_id: UUID | None,
        now: datetime,
    ) -> OrderPayment:
        row = found(order_id, holder=holder)
        if known := _known(row, payment_id):
            return known
        try:
            token = provider().tokenise(card=card)
        except Unknown as error:
            raise ProviderAway(order_id=order_id) from error
        kept = prolong(row, now=now)
        try:
            return _begin(payment_id, order_id, token, kept, actor_id=actor_id, now=now)
        except OrderNotPending:
            # It has ended while we looked: nobody keeps goods for it.
            inventory.release(order_id=order_id, now=now)
            raise

    def payment(self, *, payment_id: UUID, holder: Holder | None = None) -> OrderPayment:
        row = payment_of(payment_id)
        order = found(row.order_id)
        if not is_theirs(order, holder):
            raise PaymentNotFound(job_id=payment_id)
        if row.state == PaymentState.SUCCEEDED and order.status == OrderStatus.PENDING:
            # The money is there; what it is for is being taken out of the stock at this moment.
            return replace(row.value(), state=PaymentState.RUNNING)
        return row.value()


def _known(row: models.Order, payment_id: UUID) -> OrderPayment | None:
    """The payment of this id, if it was begun before. Raises OrderNotPending, PaymentRunning where none can begin."""
    payments = payments_of(row)
    for payment in payments:
        if payment.id == payment_id:
            return payment.value()
    if row.status != OrderStatus.PENDING:
        raise OrderNotPending(order_id=row.id, order_status=OrderStatus(row.status))
    check_not_being_paid(row, payments)
    return None


@atomic_write
def _begin(
    payment_id: UUID,
    order_id: UUID,
    token: CardToken,
    kept: Sequence[Reservation],
    *,
    actor_id: UUID | None,
    now: datetime,
) -> OrderPayment:
    row = locked(order_id)
    if known := _known(row, payment_id):
        return known
    note_kept(row, kept, now=now)
    payment = models.Payment.objects.create(
        id=payment_id,
        order=row,
        amount=row.total,
        token=token.token,
        brand=token.brand,
        last4=token.last4,
        expiry=token.expiry,
        started_at=now,
        taken_up_at=now,
    )
    note(row, Step.PAYMENT_STARTED, actor_id=actor_id, now=now)
    later("charge_payment", queue="payments", payment_id=str(payment_id))
    return payment.value()
