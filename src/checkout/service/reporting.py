"""What the sales' books are told: a paid order is a sale of the web shop, and a refund a return of it."""

from operator import attrgetter
from uuid import UUID

from checkout import models
from checkout.interface import PaymentState, Step
from checkout.service.orders import of_orders, payments_of
from inventory.interface import LocationNotFound, inventory
from sales.interface import OrderedLine, PaymentMethod, ReturnedItem, sales


def report_order(row: models.Order) -> None:
    """Write a paid order down as a sale, at the store where it is picked up, or else at the warehouse. Idempotent."""
    lines = of_orders(models.OrderLine, [row.id])[row.id]
    [paid] = [step for step in of_orders(models.OrderStep, [row.id])[row.id] if step.step == Step.PAID]
    by_card = any(payment.state == PaymentState.SUCCEEDED and payment.reference for payment in payments_of(row))
    sales.record_order(
        sale_id=row.id,
        store_id=row.pickup_store_id or _where_sold(row),
        lines=[
            OrderedLine(
                product_id=line.product_id,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price,
                tax_rate=line.tax_rate,
            )
            for line in sorted(lines, key=attrgetter("position"))
        ],
        method=PaymentMethod.CARD if by_card else PaymentMethod.OTHER,
        reference=row.reference,
        customer_id=row.customer_id,
        sold_at=paid.at,
    )


def _where_sold(row: models.Order) -> UUID:
    """The warehouse; without one the oldest place that sends something, or the oldest store where nothing is sent."""
    try:
        return inventory.central().id
    except LocationNotFound:
        sending = [piece.location_id for piece in row.pieces.all()] or [store.id for store in inventory.stores()]
        if not sending:
            raise
        return min(sending)


def report_refund(refund: models.Refund) -> None:
    """Write a refund down as a return of the order's sale, which is written down first where needed. Idempotent."""
    report_order(refund.order)
    sales.record_order_refund(
        sale_id=refund.id,
        items=[
            ReturnedItem(
                sale_id=refund.order_id,
                position=line.position,
                quantity=line.quantity,
                restock=refund.restock and line.location_id is not None,
            )
            for line in refund.lines.order_by("id")
        ],
        reference=refund.order.reference,
        sold_at=refund.started_at,
    )
