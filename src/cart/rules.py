"""What a cart comes to, what its holder has to be told, and how much may be in it."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from cart.interface import (
    MAX_LINES,
    CartFull,
    CartLine,
    InvalidQuantity,
    NotEnoughStock,
    Notice,
    NoticeCode,
)
from shared_kernel.money import ZERO, tax_within
from shared_kernel.quantities import MAX_QUANTITY

# For how long the same write may be sent again.
CHANGES_KEPT = timedelta(days=14)


def check_quantity(quantity: int) -> None:
    """Raises InvalidQuantity."""
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidQuantity(quantity=quantity, smallest=1, largest=MAX_QUANTITY)


def check_available(*, product_id: UUID, quantity: int, available: int | None) -> None:
    """Raises NotEnoughStock; of what is not counted there is always enough."""
    if available is not None and quantity > available:
        raise NotEnoughStock(product_id=product_id, requested=quantity, available=available)


def check_room(*, cart_id: UUID, lines: int) -> None:
    """Raises CartFull."""
    if lines > MAX_LINES:
        raise CartFull(cart_id=cart_id, most=MAX_LINES)


def most(available: int | None) -> int:
    """How many pieces a line may have at most, when so many are available; None: they are not counted."""
    return MAX_QUANTITY if available is None else min(available, MAX_QUANTITY)


def merged(*, had: int, brought: int, most: int) -> int:
    """How many pieces a customer has of a product when they bring some more: both, as far as they are available.

    Never fewer than they had: a merge takes nothing away.
    """
    return max(had, min(had + brought, most))


def totals(lines: Iterable[CartLine]) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and total of a cart: prices contain the tax, which is rounded for each line, as on a receipt."""
    total = tax = ZERO
    for line in lines:
        total += line.total
        tax += tax_within(line.total, line.tax_rate)
    return total - tax, tax, total


def notices(lines: Iterable[CartLine]) -> list[Notice]:
    """What has changed about these lines since they were put in."""
    return [notice for line in lines for notice in _notices(line)]


def _notices(line: CartLine) -> Iterable[Notice]:
    if not line.on_sale:
        yield Notice(NoticeCode.UNAVAILABLE, line.product_id, line.name, requested=line.quantity, available=0)
        return
    if line.unit_price != line.added_price:
        yield Notice(
            NoticeCode.PRICE_CHANGED,
            line.product_id,
            line.name,
            added_price=line.added_price,
            unit_price=line.unit_price,
        )
    if line.available is not None and line.quantity > line.available:
        yield Notice(
            NoticeCode.NOT_ENOUGH_STOCK,
            line.product_id,
            line.name,
            requested=line.quantity,
            available=line.available,
        )
