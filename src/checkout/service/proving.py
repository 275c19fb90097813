"""The proof that no order is lost and no cent: orders against the stock, the sales, and the provider's charges."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from checkout import models
from checkout.interface import OrderDifference, OrderStatus, PaymentState
from checkout.service.providers import Charge, Result, provider
from inventory.interface import Promise, inventory
from sales.interface import sales
from shared_kernel.money import ZERO

# Orders are looked at so many at a time.
AT_ONCE = 1000

SOLD = {OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED, OrderStatus.REFUNDED}
NOTHING = Promise(reserved=0, sold=0)


class Proving:
    """The part of the checkout that looks for mistakes."""

    def verify(self, *, now: datetime) -> list[OrderDifference]:
        # What comes to its end while the books are read, one after the other, is as it should be the next time.
        differences = _differences(now=now)
        return differences and [problem for problem in _differences(now=now) if problem in differences]


def _differences(*, now: datetime) -> list[OrderDifference]:
    done = [charge for charge in provider().charges() if charge.result is Result.DONE]
    charges = {charge.payment_id: charge for charge in done if charge.payment_id}
    differences = [
        OrderDifference(order.id, problem)
        for orders in _orders()
        for order, problem in _problems(orders, charges, now=now)
    ]
    known = set(models.Payment.objects.filter(id__in=charges).values_list("id", flat=True))
    strange = [
        OrderDifference(None, f"The provider has charged {charge.amount} as {charge.reference}: nobody asked for it.")
        for charge in done
        if charge.payment_id not in known
    ]
    return differences + strange


def _orders() -> Iterator[list[models.Order]]:
    """All orders of which nothing is under way, some at a time, with what belongs to them."""
    last = None
    while True:
        rows = models.Order.objects.order_by("id").prefetch_related("lines", "pieces", "payments", "refunds")
        page = list((rows.filter(id__gt=last) if last else rows)[:AT_ONCE])
        if not page:
            return
        last = page[-1].id
        yield [row for row in page if not _is_under_way(row)]


def _is_under_way(row: models.Order) -> bool:
    states = {payment.state for payment in row.payments.all()}
    return (
        PaymentState.RUNNING in states
        or (PaymentState.SUCCEEDED in states and row.status == OrderStatus.PENDING)
        or any(refund.state == PaymentState.RUNNING for refund in row.refunds.all())
    )


def _problems(
    orders: Sequence[models.Order], charges: dict[UUID, Charge], *, now: datetime
) -> Iterator[tuple[models.Order, str]]:
    ids = [order.id for order in orders]
    promises = inventory.promises(order_ids=ids, now=now)
    totals = sales.totals(sale_ids=ids)
    for order in orders:
        promise = promises.get(order.id, NOTHING)
        yield from ((order, problem) for problem in _stock_problems(order, promise, now=now))
        yield from ((order, problem) for problem in _money_problems(order, totals.get(order.id), charges))


def _stock_problems(order: models.Order, promise: Promise, *, now: datetime) -> Iterator[str]:
    ordered = {line.product_id: line.quantity for line in order.lines.all() if line.stocked}
    placed: Counter[UUID] = Counter()
    for piece in order.pieces.all():
        placed[piece.product_id] += piece.quantity
    if placed != ordered:
        yield f"Its lines hold {sum(ordered.values())} pieces, and its places give {placed.total()}, or others."
    pieces = placed.total()
    # Of one that was given up, what had left in that very moment has come back.
    sold = pieces if order.status in SOLD else sum(piece.returned for piece in order.pieces.all())
    if promise.sold != sold:
        yield f"It is {order.status}, of {pieces} pieces: {promise.sold} have left the stock."
    if promise.reserved and order.status != OrderStatus.PENDING:
        yield f"It is {order.status}, but {promise.reserved} pieces are kept for it."
    if order.reserved_until and order.reserved_until > now and promise.reserved != pieces:
        yield f"It waits to be paid, of {pieces} pieces: {promise.reserved} are kept for it."


def _money_problems(order: models.Order, sale: Decimal | None, charges: dict[UUID, Charge]) -> Iterator[str]:
    paid = [payment for payment in order.payments.all() if payment.state == PaymentState.SUCCEEDED]
    back = sum((refund.amount for refund in order.refunds.all() if refund.state == PaymentState.SUCCEEDED), ZERO)
    if order.status in SOLD and (len(paid), sale) != (1, order.total):
        yield f"It is {order.status}: {len(paid)} payments for {order.total}, and a sale of {sale}."
    if order.status not in SOLD and sale is not None:
        yield f"It is {order.status}, but there is a sale of {sale}."
    if order.status == OrderStatus.CANCELLED and paid and back != order.total:
        yield f"It is cancelled, was paid {order.total}, and {back} went back."
    if order.refunded != back:
        yield f"It says that {order.refunded} went back, and its refunds {back}."
    for payment in order.payments.all():
        charge = charges.get(payment.id)
        taken, given = (charge.amount, charge.refunded) if charge else (ZERO, ZERO)
        by_card = payment.state == PaymentState.SUCCEEDED and bool(payment.reference)
        if (taken, given) != ((payment.amount, back) if by_card else (ZERO, ZERO)):
            yield f"Payment {payment.id} of {payment.amount} {payment.state}: charged {taken}, of which {given} back."
