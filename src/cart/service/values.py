"""Carts as published values: at the prices of now, with what the web shop can send now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from cart import models, rules
from cart.interface import Cart, CartLine, Notice, NoticeCode
from catalog.interface import Product, catalog
from inventory.interface import inventory


@dataclass(frozen=True)
class Offer:
    """A product, and how many pieces of it the web shop can send; None where they are not counted."""

    product: Product
    available: int | None


def offers_of(product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
    """What the web shop can send of these products, in two statements; an unknown one is left out."""
    ids = list(product_ids)
    available: Counter[UUID] = Counter()
    for held in inventory.online_stock(product_ids=ids):
        available[held.product_id] += held.available
    return {
        product.id: Offer(product, _sendable(product, available[product.id])) for product in catalog.products(ids=ids)
    }


def _sendable(product: Product, pieces: int) -> int | None:
    """How many pieces the web shop can send of a product, of which so many are there; None for a service."""
    if not product.active:
        return 0
    return pieces if product.stocked else None


def value_of(
    row: models.Cart,
    lines: Sequence[models.Line],
    *,
    notices: Sequence[models.Notice] = (),
    offers: Mapping[UUID, Offer] | None = None,
) -> Cart:
    """A cart as a published value; takes as many statements for any number of lines."""
    if offers is None:
        offers = offers_of({*(line.product_id for line in lines), *(notice.product_id for notice in notices)})
    told = [_line(line, offers[line.product_id]) for line in lines]
    net, tax, total = rules.totals(told)
    return Cart(
        id=row.id,
        customer_id=row.customer_id,
        currency=settings.COMPTOIR_CURRENCY,
        lines=told,
        net=net,
        tax=tax,
        total=total,
        notices=[_told(notice, offers[notice.product_id]) for notice in notices] + rules.notices(told),
        updated_at=row.touched_at,
    )


def _line(line: models.Line, offer: Offer) -> CartLine:
    product = offer.product
    return CartLine(
        id=line.id,
        product_id=product.id,
        sku=product.sku,
        name=product.name,
        quantity=line.quantity,
        unit_price=product.price,
        added_price=line.added_price,
        tax_rate=product.tax_rate,
        available=offer.available,
        on_sale=product.active,
        total=product.price * line.quantity,
    )


def _told(notice: models.Notice, offer: Offer) -> Notice:
    return Notice(
        NoticeCode(notice.code),
        notice.product_id,
        offer.product.name,
        requested=notice.requested,
        available=notice.available,
    )


def notice_of(code: NoticeCode, line: models.Line, *, requested: int, available: int) -> models.Notice:
    """Something to tell about a line that leaves its cart, or comes into another."""
    return models.Notice(
        cart_id=line.cart_id, code=code, product_id=line.product_id, requested=requested, available=available
    )
