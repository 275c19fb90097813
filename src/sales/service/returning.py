"""What is brought back: never more than was sold, at the price and by the payments of that time.

Locking policy: whoever takes something back of a sale first locks the sale's row, several in the order of their ids,
and before any stock. So the returns of one sale come one after the other, and each sees what the one before has left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from catalog.interface import catalog
from inventory.interface import StockLine
from sales import models, rules
from sales.interface import Channel, Payment, PaymentMethod, ReturnedItem, ReturnExceedsSale, SaleLine, SaleNotFound
from shared_kernel.money import ZERO

LOCK = "SELECT id FROM sale WHERE id = ANY(%s::uuid[]) AND store_id = %s AND channel = %s ORDER BY id FOR NO KEY UPDATE"

TAKE = """
UPDATE sale_line l SET quantity_returned = l.quantity_returned + asked.quantity
FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS asked(sale_id, position, quantity)
WHERE l.sale_id = asked.sale_id AND l.position = asked.position
    AND l.quantity_returned + asked.quantity <= l.quantity
RETURNING l.sale_id, l.position
"""

GIVE_BACK = """
UPDATE sale_payment p SET refundable = p.refundable - share.amount
FROM unnest(%s::uuid[], %s::int[], %s::numeric[]) AS share(sale_id, position, amount)
WHERE p.sale_id = share.sale_id AND p.position = share.position
"""

Origin = tuple[UUID, int]


@dataclass(frozen=True)
class BroughtBack:
    """The lines that give something back, and by which methods it had been paid."""

    lines: list[SaleLine]
    credit: list[Payment]


NOTHING_BACK = BroughtBack([], [])


def lock(store_id: UUID, channel: Channel, items: Sequence[ReturnedItem]) -> None:
    """Let nobody else take back what these sales sold.

    Raises SaleNotFound for a sale that is not the store's, and at a till for one of the web shop, whose money goes back
    to a card: the checkout refunds it.
    """
    wanted = {item.sale_id for item in items}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [list(wanted), store_id, channel])
        missing = wanted - {sale_id for (sale_id,) in cursor.fetchall()}
    if missing:
        raise SaleNotFound(sale_id=min(missing))


def take(items: Sequence[ReturnedItem], *, first_position: int) -> BroughtBack:
    """Take these items back of their sales, which are locked. Raises ReturnExceedsSale."""
    asked: dict[Origin, int] = {}
    for item in items:
        asked[item.sale_id, item.position] = asked.get((item.sale_id, item.position), 0) + item.quantity
    origins = _raise_returned(asked)
    before = {origin: origins[origin].quantity_returned - quantity for origin, quantity in asked.items()}
    lines = []
    for position, item in enumerate(items, start=first_position):
        origin = (item.sale_id, item.position)
        lines.append(rules.returned_line(origins[origin], item, position=position, returned_before=before[origin]))
        before[origin] += item.quantity
    return BroughtBack(lines, _draw(lines))


def goods_of(lines: Sequence[SaleLine]) -> list[StockLine]:
    """What these lines put onto the shelf again: nothing of what was written off, and no services."""
    restocked = [line for line in lines if line.restocked]
    if not restocked:
        return []
    products = catalog.products(ids=list({line.product_id for line in restocked}))
    stocked = {product.id for product in products if product.stocked}
    return [StockLine(line.product_id, -line.quantity) for line in restocked if line.product_id in stocked]


def _raise_returned(asked: dict[Origin, int]) -> dict[Origin, SaleLine]:
    """The lines of which so many pieces have come back now, and all others of their sales. Raises ReturnExceedsSale."""
    sales, positions = [sale_id for sale_id, _ in asked], [position for _, position in asked]
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [sales, positions, list(asked.values())])
        taken = set(cursor.fetchall())
    rows = models.SaleLine.objects.filter(sale_id__in=set(sales))
    lines = {(row.sale_id, row.position): row.value() for row in rows}
    for origin, quantity in asked.items():
        if origin not in taken:
            line = lines.get(origin)
            raise ReturnExceedsSale(
                sale_id=origin[0],
                position=origin[1],
                sold=max(line.quantity, 0) if line else 0,
                returned_before=line.quantity_returned if line else 0,
                asked=quantity,
            )
    return lines


def _draw(lines: Sequence[SaleLine]) -> list[Payment]:
    """By which methods these lines had been paid; so much less may be given back of their sales from now on."""
    values: dict[UUID, Decimal] = {}
    for line in lines:
        if line.origin_sale_id:
            values[line.origin_sale_id] = values.get(line.origin_sale_id, ZERO) - line.total
    rows: dict[UUID, list[models.SalePayment]] = {sale_id: [] for sale_id in sorted(values)}
    for row in models.SalePayment.objects.filter(sale_id__in=values).order_by("sale_id", "position"):
        rows[row.sale_id].append(row)
    shares: list[tuple[UUID, int, Decimal]] = []
    credit: list[Payment] = []
    for sale_id, paid in rows.items():
        refundable = [Payment(PaymentMethod(row.method), row.refundable) for row in paid]
        given = rules.given_back(refundable, amount=values[sale_id])
        shares += [(sale_id, row.position, share.amount) for row, share in zip(paid, given, strict=False)]
        credit += given
    if shares:
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [list(column) for column in zip(*shares, strict=True)])
    return rules.by_method(credit)
