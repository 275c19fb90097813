"""What a sale comes to."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sales.interface import Payment, PaymentMethod, PaymentMismatch, SaleLine
from shared_kernel.money import ZERO, tax_within, to_cents


def priced_line(
    *, position: int, product_id: UUID, name: str, quantity: int, unit_price: Decimal, tax_rate: Decimal
) -> SaleLine:
    """A line with its total and the tax within; a negative quantity gives both a negative sign."""
    total = unit_price * quantity
    return SaleLine(
        position=position,
        product_id=product_id,
        name=name,
        quantity=quantity,
        unit_price=unit_price,
        tax_rate=tax_rate,
        tax=tax_within(total, tax_rate),
        total=total,
    )


def settled(payments: Sequence[Payment], *, total: Decimal) -> list[Payment]:
    """The payments of a sale that comes to `total`: those given, or cash, exactly. Raises PaymentMismatch."""
    if not payments:
        return [Payment(PaymentMethod.CASH, total)]
    paid = sum((payment.amount for payment in payments), ZERO)
    if paid != total:
        raise PaymentMismatch(total=total, paid=paid)
    return list(payments)


def average_basket(*, revenue: Decimal, sales: int) -> Decimal:
    """Revenue ÷ number of sales, to the cent; 0 where there was no sale."""
    return to_cents(revenue / sales) if sales else ZERO
