"""What follows on the provider's answer: money that was taken becomes a paid order, or goes back.

Each of these steps may be the last one that a killed process took; `take_up` goes on from any of them.
"""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db.models import QuerySet

from checkout import models, rules
from checkout.interface import (
    NotEnoughStock,
    OrderCancelled,
    OrderPaid,
    OrderStatus,
    PaymentNotFound,
    PaymentState,
    ProviderAway,
    Step,
)
from checkout.service.orders import found, locked, note, pieces_of, place_anew
from checkout.service.placing import keep
from checkout.service.providers import Answer, Result, Unknown, provider
from checkout.service.refunding import begin_refund, carry_out
from inventory.interface import ReservationExpired, ReservationNotFound, inventory
from shared_kernel.ids import part_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write

TOO_LATE = "Paid too late: the goods were gone, the money goes back."

log = structlog.get_logger("comptoir.checkout")


class Settling:
    """The part of the checkout that brings payments to their end."""

    def charge(self, *, payment_id: UUID, now: datetime) -> None:
        charge(payment_id, now=now)

    def hear(self, *, body: bytes, signature: str, now: datetime) -> None:
        notice = provider().read(body=body, signature=signature)
        if notice and (payment := models.Payment.objects.filter(id=notice.payment_id).first()):
            _settle(payment, notice.answer, now=now)

    def take_up(self, *, now: datetime, limit: int = 100) -> int:
        left = now - rules.LEFT_ALONE
        payments = models.Payment.objects.filter(models.UNFINISHED, taken_up_at__lte=left)
        refunds = models.Refund.objects.filter(state=PaymentState.RUNNING, taken_up_at__lte=left)
        taken = [partial(charge, payment_id, now=now) for payment_id in _claimed(payments, now=now, limit=limit)]
        taken += [partial(carry_out, refund_id, now=now) for refund_id in _claimed(refunds, now=now, limit=limit)]
        for go_on in taken:
            try:
                go_on()
            except ProviderAway as error:
                log.warning("payment provider away", order_id=str(error.order_id))
        return len(taken)


def charge(payment_id: UUID, *, now: datetime) -> None:
    """Have the provider charge a payment, unless it has, and do what follows. Raises ProviderAway, PaymentNotFound."""
    payment = models.Payment.objects.filter(id=payment_id).select_related("order").first()
    if payment is None:
        raise PaymentNotFound(job_id=payment_id)
    if payment.state == PaymentState.SUCCEEDED:
        _finish(payment.order_id, now=now)
    elif payment.state == PaymentState.RUNNING:
        try:
            answer = provider().charge(
                payment_id=payment_id, amount=payment.amount, currency=payment.order.currency, token=payment.token
            )
        except Unknown as error:
            raise ProviderAway(order_id=payment.order_id) from error
        _settle(payment, answer, now=now)


def complete(order_id: UUID, *, actor_id: UUID | None, now: datetime) -> None:
    """Take the goods of an order whose money is there out of the stock, and call it paid. Again: nothing happens.

    Raises NotEnoughStock when they were free again and have been sold to others.
    """
    row = found(order_id)
    if row.status == OrderStatus.PENDING:
        _take_goods(row, actor_id=actor_id, now=now)
        _call_paid(order_id, actor_id=actor_id, now=now)


def _settle(payment: models.Payment, answer: Answer, *, now: datetime) -> None:
    if _note_answer(payment, answer, now=now) is PaymentState.SUCCEEDED:
        _finish(payment.order_id, now=now)


@atomic_write
def _note_answer(payment: models.Payment, answer: Answer, *, now: datetime) -> PaymentState:
    """Note what the provider says of a payment that runs, and how it stands afterwards."""
    order = locked(payment.order_id)
    payment.refresh_from_db(fields=["state"])
    if payment.state == PaymentState.RUNNING:
        payment.reference, payment.code = answer.reference, answer.code
        if answer.result is Result.DONE:
            payment.state, payment.token = PaymentState.SUCCEEDED, ""
        elif answer.result is Result.REFUSED:
            payment.state, payment.token = PaymentState.FAILED, ""
            note(order, Step.PAYMENT_FAILED, actor_id=None, now=now, text=answer.code)
        payment.save(update_fields=["state", "token", "reference", "code"])
    return PaymentState(payment.state)


def _finish(order_id: UUID, *, now: datetime) -> None:
    """Call an order paid whose money is there; or give that back where there is nothing to sell any more."""
    try:
        complete(order_id, actor_id=None, now=now)
    except NotEnoughStock:
        _give_up(order_id, now=now)


def _take_goods(row: models.Order, *, actor_id: UUID | None, now: datetime) -> None:
    if not (wanted := pieces_of(row)):
        return
    try:
        inventory.confirm(order_id=row.id, actor_id=actor_id, now=now)
    except (ReservationExpired, ReservationNotFound):
        place_anew(row.id, keep(row.id, wanted, row.pickup_store_id, now=now))
        inventory.confirm(order_id=row.id, actor_id=actor_id, now=now)


@atomic_write
def _call_paid(order_id: UUID, *, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.status == OrderStatus.PENDING:
        row.status, row.reserved_until = OrderStatus.PAID, None
        row.save(update_fields=["status", "reserved_until"])
        note(row, Step.PAID, actor_id=actor_id, now=now)
        publish([OrderPaid(order_id=order_id, customer_id=row.customer_id)])


@atomic_write
def _give_up(order_id: UUID, *, now: datetime) -> None:
    row = locked(order_id)
    if row.status == OrderStatus.PENDING:
        row.status, row.reserved_until = OrderStatus.CANCELLED, None
        row.save(update_fields=["status", "reserved_until"])
        note(row, Step.CANCELLED, actor_id=None, now=now, text=TOO_LATE)
        publish([OrderCancelled(order_id=order_id)])
        begin_refund(
            row,
            part_of(order_id, "too late"),
            [],
            amount=row.total,
            restock=False,
            reason=TOO_LATE,
            actor_id=None,
            now=now,
        )


@atomic_write
def _claimed(rows: QuerySet[Any], *, now: datetime, limit: int) -> list[UUID]:
    """The ids of those of these rows that nobody else is taking up at this moment, noted as ours."""
    mine = rows.select_for_update(of=("self",), skip_locked=True).order_by("taken_up_at")
    ids = list(mine.values_list("id", flat=True)[:limit])
    rows.model.objects.filter(id__in=ids).update(taken_up_at=now)
    return ids
