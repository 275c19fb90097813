"""Money that goes back, and the goods for which it does.

What is to go back is decided in one transaction, with the order locked; the worker carries it out: the money first,
then the goods, then the sales' books. Each is idempotent by the refund's id.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F
from procrastinate.contrib.django import app

from checkout import models, rules
from checkout.interface import (
    ImpossibleStep,
    InvalidOrder,
    OrderedItem,
    OrderRefund,
    OrderRefunded,
    OrderStatus,
    PaymentState,
    ProviderAway,
    RefundExceedsOrder,
    Step,
)
from checkout.service.orders import locked, note, refund_value
from checkout.service.providers import Result, Unknown, provider
from checkout.service.reporting import report_refund
from inventory.interface import StockLine, inventory
from shared_kernel.ids import part_of
from shared_kernel.money import ZERO
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write

REFUNDABLE = {OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED}


class Refunding:
    """The part of the checkout that gives money back."""

    @atomic_write
    def refund(
        self,
        *,
        refund_id: UUID,
        order_id: UUID,
        items: Sequence[OrderedItem] | None,
        restock: bool,
        reason: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> OrderRefund:
        row = locked(order_id)
        if known := row.refunds.filter(id=refund_id).first():
            return refund_value(known)
        if row.status not in REFUNDABLE:
            status = OrderStatus(row.status)
            raise ImpossibleStep(
                order_id=order_id, order_status=status, asked=OrderStatus.REFUNDED, possible=list(rules.NEXT[status])
            )
        lines = _chosen(row, items)
        amount = sum((line.unit_price * quantity for line, quantity in lines), ZERO)
        return refund_value(
            begin_refund(
                row, refund_id, lines, amount=amount, restock=restock, reason=reason, actor_id=actor_id, now=now
            )
        )

    def carry_out_refund(self, *, refund_id: UUID, now: datetime) -> None:
        carry_out(refund_id, now=now)


def begin_refund(
    row: models.Order,
    refund_id: UUID,
    lines: Sequence[tuple[models.OrderLine, int]],
    *,
    amount: Decimal,
    restock: bool,
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> models.Refund:
    """Decide that money goes back, of an order that is locked, and leave it to the worker to carry that out."""
    refund = models.Refund.objects.create(
        id=refund_id,
        order=row,
        amount=amount,
        restock=restock,
        reason=reason,
        actor_id=actor_id,
        started_at=now,
        taken_up_at=now,
    )
    models.RefundLine.objects.bulk_create(
        models.RefundLine(
            refund=refund,
            position=line.position,
            product_id=line.product_id,
            location_id=location_id,
            quantity=number,
        )
        for line, quantity in lines
        for location_id, number in _places(row, line, quantity, restock=restock)
    )
    _count(refund, sign=1)
    app.configure_task("carry_out_refund", queue="payments").defer(refund_id=str(refund_id))
    return refund


def carry_out(refund_id: UUID, *, now: datetime) -> None:
    """Give the money back, the goods, and tell the sales; unless it was done, or refused. Raises ProviderAway."""
    refund = models.Refund.objects.filter(id=refund_id, state=PaymentState.RUNNING).select_related("order").first()
    if refund is None:
        return
    code = _give_money_back(refund)
    if code:
        _fail(refund, code, now=now)
        return
    _put_back(refund, now=now)
    if refund.lines.exists():
        report_refund(refund)
    _close(refund, now=now)


def _chosen(row: models.Order, items: Sequence[OrderedItem] | None) -> list[tuple[models.OrderLine, int]]:
    """The lines to refund, and how many pieces of each. Raises RefundExceedsOrder, InvalidOrder."""
    lines = {line.product_id: line for line in row.lines.order_by("position")}
    if items is None:
        items = [OrderedItem(line.product_id, line.quantity - line.refunded) for line in lines.values()]
    asked: dict[UUID, int] = {}
    for item in items:
        asked[item.product_id] = asked.get(item.product_id, 0) + item.quantity
    if unknown := asked.keys() - lines.keys():
        errors = [
            {"field": "items", "message": f"Product {product} is not in this order."} for product in sorted(unknown)
        ]
        raise InvalidOrder(errors=errors)
    chosen = [(lines[product], quantity) for product, quantity in asked.items() if quantity]
    if not chosen or any(quantity < 0 for _, quantity in chosen):
        raise InvalidOrder(errors=[{"field": "items", "message": "There is nothing to refund: name some pieces."}])
    for line, quantity in chosen:
        if quantity > line.quantity - line.refunded:
            raise RefundExceedsOrder(
                order_id=row.id,
                product_id=line.product_id,
                requested=quantity,
                refundable=line.quantity - line.refunded,
            )
    return chosen


def _places(
    row: models.Order, line: models.OrderLine, quantity: int, *, restock: bool
) -> Iterator[tuple[UUID | None, int]]:
    """Where so many pieces of a line go back to: from where they came; nowhere, where they are written off."""
    if not (restock and line.stocked):
        yield None, quantity
        return
    for piece in row.pieces.filter(product_id=line.product_id).order_by("location_id"):
        number = min(quantity, piece.quantity - piece.returned)
        if number:
            yield piece.location_id, number
        quantity -= number


def _count(refund: models.Refund, *, sign: int) -> None:
    """Count the refund's money and pieces to what the order has had refunded, or, with sign −1, off again."""
    models.Order.objects.filter(id=refund.order_id).update(refunded=F("refunded") + sign * refund.amount)
    for line in refund.lines.all():
        of_order = {"order": refund.order_id, "product_id": line.product_id}
        models.OrderLine.objects.filter(**of_order).update(refunded=F("refunded") + sign * line.quantity)
        if line.location_id:
            pieces = models.OrderPiece.objects.filter(**of_order, location_id=line.location_id)
            pieces.update(returned=F("returned") + sign * line.quantity)


def _give_money_back(refund: models.Refund) -> str:
    """Why the provider refuses to; empty when the money is on its way. Raises ProviderAway."""
    payment = refund.order.payments.filter(state=PaymentState.SUCCEEDED).first()
    # What was paid by another way goes back by another way.
    if payment is None or not payment.reference or not refund.amount:
        return ""
    try:
        answer = provider().refund(
            refund_id=refund.id,
            reference=payment.reference,
            amount=refund.amount,
            currency=refund.order.currency,
        )
    except Unknown as error:
        raise ProviderAway(order_id=refund.order_id) from error
    return answer.code or answer.result.value if answer.result is Result.REFUSED else ""


def _put_back(refund: models.Refund, *, now: datetime) -> None:
    """Put the restocked pieces onto the shelves that they came from."""
    shelves: dict[UUID, list[StockLine]] = {}
    for line in refund.lines.all():
        if line.location_id:
            shelves.setdefault(line.location_id, []).append(StockLine(line.product_id, line.quantity))
    for location_id, lines in shelves.items():
        inventory.issue(
            operation_id=part_of(refund.id, str(location_id)),
            location_id=location_id,
            lines=[],
            returned=lines,
            document=f"refund of order {refund.order.reference}",
            actor_id=refund.actor_id,
            now=now,
        )


@atomic_write
def _close(refund: models.Refund, *, now: datetime) -> None:
    row = locked(refund.order_id)
    done = models.Refund.objects.filter(id=refund.id, state=PaymentState.RUNNING).update(state=PaymentState.SUCCEEDED)
    if not done:
        return
    note(row, Step.REFUNDED, actor_id=refund.actor_id, now=now, text=f"{refund.amount} {row.currency}")
    all_back = not row.lines.filter(refunded__lt=F("quantity")).exists()
    if all_back and row.status in REFUNDABLE and not row.refunds.filter(state=PaymentState.RUNNING).exists():
        row.status = OrderStatus.REFUNDED
        row.save(update_fields=["status"])
    publish([OrderRefunded(order_id=row.id, amount=refund.amount)])


@atomic_write
def _fail(refund: models.Refund, code: str, *, now: datetime) -> None:
    row = locked(refund.order_id)
    done = models.Refund.objects.filter(id=refund.id, state=PaymentState.RUNNING).update(
        state=PaymentState.FAILED, code=code
    )
    if done:
        _count(refund, sign=-1)
        note(row, Step.REFUND_FAILED, actor_id=refund.actor_id, now=now, text=code)
