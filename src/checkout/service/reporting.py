"""What the sales' books are told: a paid order is a sale of the web shop, and a refund a return of it."""

from checkout import models
from checkout.interface import Step
from inventory.interface import inventory
from sales.interface import OrderedLine, PaymentMethod, ReturnedItem, sales


def report_order(row: models.Order) -> None:
    """Write a paid order down as a sale, at the store where it is picked up, or else at the warehouse. Idempotent."""
    sales.record_order(
        sale_id=row.id,
        store_id=row.pickup_store_id or inventory.central().id,
        lines=[
            OrderedLine(
                product_id=line.product_id,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price,
                tax_rate=line.tax_rate,
            )
            for line in row.lines.order_by("position")
        ],
        method=PaymentMethod.CARD if row.payments.exclude(reference="").exists() else PaymentMethod.OTHER,
        reference=row.reference,
        customer_id=row.customer_id,
        sold_at=row.steps.get(step=Step.PAID).at,
    )


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
                restock=line.location_id is not None,
            )
            for line in refund.lines.order_by("id")
        ],
        reference=refund.order.reference,
        sold_at=refund.started_at,
    )
