"""Money that goes back, and the goods for which it does.

What is to go back is decided in one transaction, with the order locked; the worker carries it out: the money first,
then the goods, then the sales' books. Each is idempotent by the refund's id.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import F

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
from shared_kernel.outbox import later, publish
from shared_kernel.postgres.transactions import atomic_write

# The pieces of a line may come from several places.
COUNT = """
WITH back AS (
    SELECT r.order_id, r.restock, l.position, l.product_id, l.location_id, %(sign)s * l.quantity AS quantity
    FROM refund r JOIN refund_line l ON l.refund_id = r.id
    WHERE r.id = %(refund)s
), pieces AS (
    UPDATE order_piece p SET
        returned = p.returned + CASE WHEN back.restock THEN back.quantity ELSE 0 END,
        written_off = p.written_off + CASE WHEN back.restock THEN 0 ELSE back.quantity END
    FROM back
    WHERE (p.order_id, p.location_id, p.product_id) = (back.order_id, back.location_id, back.product_id)
)
UPDATE order_line o SET refunded = o.refunded + total.quantity
FROM (SELECT order_id, position, sum(quantity) AS quantity FROM back GROUP BY order_id, position) total
WHERE (o.order_id, o.position) = (total.order_id, total.position)
"""

NOTHING_LEFT = {"field": "items", "message": "There is nothing to refund: name some pieces."}


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
        lines, amount = _what_goes_back(row, items)
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
        for line, location_id, number in _from_where(row, lines)
    )
    _count(refund, sign=1)
    later("carry_out_refund", queue="payments", refund_id=str(refund_id))
    return refund


def carry_out(refund_id: UUID, *, now: datetime) -> None:
    """Give the money back, the goods, and tell the sales; unless it was done, or refused. Raises ProviderAway."""
    refund = models.Refund.objects.filter(id=refund_id, state=PaymentState.RUNNING).select_related("order").first()
    if refund is None:
        return
    if refund.order.status == OrderStatus.CANCELLED:
        _free_goods(refund.order, now=now)
    code = _give_money_back(refund)
    if code:
        _fail(refund, code, now=now)
        return
    _put_back(refund, now=now)
    if refund.lines.exists():
        report_refund(refund)
    _close(refund, now=now)


def _what_goes_back(
    row: models.Order, items: Sequence[OrderedItem] | None
) -> tuple[list[tuple[models.OrderLine, int]], Decimal]:
    """The pieces that go back, and the money. Raises ImpossibleStep, RefundExceedsOrder, InvalidOrder."""
    status = OrderStatus(row.status)
    if status.is_refundable:
        lines = _chosen(row, items)
        return lines, sum((line.unit_price * quantity for line, quantity in lines), ZERO)
    # Paid too late, and the provider refused to give the money back: of goods, nothing was ever sold.
    if status is OrderStatus.CANCELLED and row.payments.filter(state=PaymentState.SUCCEEDED).exists():
        if items is not None or row.refunded == row.total:
            raise InvalidOrder(errors=[NOTHING_LEFT])
        return [], row.total - row.refunded
    raise ImpossibleStep(
        order_id=row.id, order_status=status, asked=OrderStatus.REFUNDED, possible=list(rules.NEXT[status])
    )


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
        raise InvalidOrder(errors=[NOTHING_LEFT])
    for line, quantity in chosen:
        if quantity > line.quantity - line.refunded:
            raise RefundExceedsOrder(
                order_id=row.id,
                product_id=line.product_id,
                requested=quantity,
                refundable=line.quantity - line.refunded,
            )
    return chosen


def _from_where(
    row: models.Order, lines: Sequence[tuple[models.OrderLine, int]]
) -> Iterator[tuple[models.OrderLine, UUID | None, int]]:
    """From where so many pieces of each line come: first from what is not sent yet, which nobody packs any more."""
    sent = set(row.steps.filter(step=Step.SENT).values_list("location_id", flat=True))
    pieces = sorted(row.pieces.all(), key=lambda piece: (piece.location_id in sent, piece.location_id))
    for line, quantity in lines:
        if not line.stocked:
            yield line, None, quantity
            continue
        left = quantity
        for piece in pieces:
            number = min(left, piece.left) if piece.product_id == line.product_id else 0
            if number:
                yield line, piece.location_id, number
            left -= number


def _count(refund: models.Refund, *, sign: int) -> None:
    """Count the refund's money and pieces to what the order has had refunded, or, with sign −1, off again."""
    models.Order.objects.filter(id=refund.order_id).update(refunded=F("refunded") + sign * refund.amount)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"refund": refund.id, "sign": sign})


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
    if refund.restock:
        pieces = [(line.location_id, StockLine(line.product_id, line.quantity)) for line in refund.lines.all()]
        _shelve(refund.order, refund.id, pieces, actor_id=refund.actor_id, now=now)


def _free_goods(row: models.Order, *, now: datetime) -> None:
    """Keep nothing for an order that was given up; what a twin, who was late, has sold for it goes back. Idempotent."""
    inventory.release(order_id=row.id, now=now)
    promise = inventory.promises(order_ids=[row.id], now=now).get(row.id)
    if promise and promise.sold:
        pieces = [(piece.location_id, StockLine(piece.product_id, piece.quantity)) for piece in row.pieces.all()]
        _shelve(row, part_of(row.id, "given up"), pieces, actor_id=None, now=now)
        row.pieces.update(returned=F("quantity"))


def _shelve(
    row: models.Order,
    operation_id: UUID,
    pieces: Iterable[tuple[UUID | None, StockLine]],
    *,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """Put these pieces of an order onto the shelves of these places. Idempotent by `operation_id`."""
    shelves: dict[UUID, list[StockLine]] = defaultdict(list)
    for location_id, line in pieces:
        if location_id:
            shelves[location_id].append(line)
    for location_id, lines in shelves.items():
        inventory.issue(
            operation_id=part_of(operation_id, str(location_id)),
            location_id=location_id,
            lines=[],
            returned=lines,
            document=f"refund of order {row.reference}",
            actor_id=actor_id,
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
    refundable = OrderStatus(row.status).is_refundable
    if all_back and refundable and not row.refunds.filter(state=PaymentState.RUNNING).exists():
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
