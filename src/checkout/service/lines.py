"""What an order is to hold: what is in a cart, or what somebody names."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from cart.interface import Cart
from catalog.interface import catalog
from checkout import rules
from checkout.interface import ChangedPrice, InvalidOrder, MissingLine, OrderedItem


@dataclass(frozen=True)
class Ordered:
    """A line of an order to be. Of what is not `stocked`, a service, there is always enough."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal
    stocked: bool


def lines_of(cart: Cart) -> list[Ordered]:
    """What is in a cart, at its prices of now."""
    return [
        Ordered(
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price,
            tax_rate=line.tax_rate,
            stocked=line.available is not None,
        )
        for line in cart.lines
    ]


def priced(items: Sequence[OrderedItem]) -> list[Ordered]:
    """These products at their prices of now, each once. Raises ProductNotFound (of catalog), InvalidOrder."""
    quantities: dict[UUID, int] = {}
    for item in items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    if errors := rules.quantity_errors(quantities.values()):
        raise InvalidOrder(errors=errors)
    products = {product.id: product for product in catalog.products_on_sale(ids=list(quantities))}
    return [
        Ordered(
            product_id=product_id,
            sku=products[product_id].sku,
            name=products[product_id].name,
            quantity=quantity,
            unit_price=products[product_id].price,
            tax_rate=products[product_id].tax_rate,
            stocked=products[product_id].stocked,
        )
        for product_id, quantity in quantities.items()
    ]


def wanted_of(lines: Sequence[Ordered]) -> dict[UUID, int]:
    """The pieces that have to come from somewhere."""
    return {line.product_id: line.quantity for line in lines if line.stocked}


def unsold(cart: Cart) -> list[MissingLine]:
    """The lines of a cart that are not sold any more."""
    return [MissingLine(line.product_id, line.quantity, 0, []) for line in cart.lines if not line.on_sale]


def changed_prices(cart: Cart) -> list[ChangedPrice]:
    """The lines of a cart whose price is not the one at which they were put in."""
    return [
        ChangedPrice(line.product_id, line.added_price, line.unit_price)
        for line in cart.lines
        if line.unit_price != line.added_price
    ]
