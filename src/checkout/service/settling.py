"""What follows on the provider's answer: money that was taken becomes a paid order, or goes back.

Each of these steps may be the last one that a killed process took; `take_up` goes on from any of them.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db.models import QuerySet

from checkout import models, rules
from checkout.interface import (
    NotEnoughStock,
    OrderPaid,
    OrderStatus,
    PaymentState,
    ProviderAway,
    Step,
)
from checkout.service.keeping import hold
from checkout.service.orders import end, found, locked, note, payment_of
from checkout.service.providers import Answer, Result, Unknown, provider
from checkout.service.refunding import begin_refund, carry_out
from inventory.interface import ReservationExpired, ReservationNotFound, inventory
from shared_kernel.ids import part_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write

AFTERWARDS = {Result.DONE: PaymentState.SUCCEEDED, Result.REFUSED: PaymentState.FAILED}

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
        running = models.Payment.objects.filter(state=PaymentState.RUNNING, taken_up_at__lte=left)
        # The money is there, and the order has not got its goods.
        unfinished = models.Payment.objects.filter(
            state=PaymentState.SUCCEEDED, order__status=OrderStatus.PENDING, taken_up_at__lte=left
        )
        refunds = models.Refund.objects.filter(state=PaymentState.RUNNING, taken_up_at__lte=left)
        taken = [
            (go_on, row_id)
            for go_on, rows in ((charge, running), (charge, unfinished), (carry_out, refunds))
            for row_id in _claimed(rows, now=now, limit=limit)
        ]
        for go_on, row_id in taken:
            try:
                go_on(row_id, now=now)
            except ProviderAway as error:
                log.warning("payment provider away", order_id=str(error.order_id))
            except Exception:
                # The others are not to wait for whoever mends this one.
                log.exception("payment or refund not taken up", job_id=str(row_id))
        return len(taken)


def charge(payment_id: UUID, *, now: datetime) -> None:
    """Have the provider charge a payment, unless it has, and do what follows. Raises ProviderAway, PaymentNotFound."""
    payment = payment_of(payment_id)
    order = found(payment.order_id)
    if payment.state == PaymentState.SUCCEEDED:
        _finish(order, now=now)
    elif payment.state == PaymentState.RUNNING:
        models.Payment.objects.filter(id=payment_id, begun_at=None).update(begun_at=now)
        try:
            answer = provider().charge(
                payment_id=payment_id, amount=payment.amount, currency=order.currency, token=payment.token
            )
        except Unknown as error:
            raise ProviderAway(order_id=order.id) from error
        _settle(payment, answer, now=now)


def complete(row: models.Order, *, actor_id: UUID | None, now: datetime) -> None:
    """Take the goods of an order whose money is there out of the stock, and call it paid. Again: nothing happens.

    Raises NotEnoughStock when they were free again and have been sold to others.
    """
    if row.status == OrderStatus.PENDING:
        _take_goods(row, actor_id=actor_id, now=now)
        _call_paid(row.id, actor_id=actor_id, now=now)


def _settle(payment: models.Payment, answer: Answer, *, now: datetime) -> None:
    if order := _note_answer(payment, answer, now=now):
        _finish(order, now=now)


@atomic_write
def _note_answer(payment: models.Payment, answer: Answer, *, now: datetime) -> models.Order | None:
    """Note what the provider says of a payment that runs. Returns its order, if the money is there afterwards."""
    order = locked(payment.order_id)
    row = models.Payment.objects.filter(id=payment.id)
    told = {"reference": answer.reference, "code": answer.code}
    if answer.result is not Result.UNDER_WAY:
        told |= {"state": AFTERWARDS[answer.result], "token": ""}
    if not row.filter(state=PaymentState.RUNNING).update(**told):
        # Told before, by another way.
        return order if row.get().state == PaymentState.SUCCEEDED else None
    if answer.result is Result.REFUSED:
        note(order, Step.PAYMENT_FAILED, actor_id=None, now=now, text=answer.code)
    return order if answer.result is Result.DONE else None


def _finish(order: models.Order, *, now: datetime) -> None:
    """Call an order paid whose money is there; or give that back where there is nothing to sell any more."""
    try:
        complete(order, actor_id=None, now=now)
    except NotEnoughStock:
        give_up(order.id, now=now)


def _take_goods(row: models.Order, *, actor_id: UUID | None, now: datetime) -> None:
    # Goods are kept anew before it is asked whether the order waits for them: a twin that gives it up after that frees
    # them, or puts them back, once it has done so.
    while hold(row, now=now):
        # Where the clock of another has just freed them: once more.
        with suppress(ReservationExpired, ReservationNotFound):
            inventory.confirm(order_id=row.id, actor_id=actor_id, now=now)
            return


@atomic_write
def _call_paid(order_id: UUID, *, actor_id: UUID | None, now: datetime) -> None:
    row = locked(order_id)
    if row.status == OrderStatus.PENDING:
        row.status, row.reserved_until = OrderStatus.PAID, None
        row.save(update_fields=["status", "reserved_until"])
        note(row, Step.PAID, actor_id=actor_id, now=now)
        publish([OrderPaid(order_id=order_id, customer_id=row.customer_id)])


@atomic_write
def give_up(order_id: UUID, *, now: datetime) -> None:
    """Cancel an order whose goods are gone, and give its money back. Unless it is pending: nothing happens."""
    row = locked(order_id)
    if row.status == OrderStatus.PENDING:
        end(row, Step.CANCELLED, actor_id=None, now=now, text=TOO_LATE)
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
