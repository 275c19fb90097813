"""What the holder of a cart does with it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
from django.db import connection

from cart import models, rules
from cart.interface import (
    Cart,
    CartToOrder,
    Holder,
    ItemNotFound,
    NoticeCode,
    cart_of,
)
from cart.service import rows
from cart.service.values import Offer, notice_of, offers_of, value_of
from catalog.interface import ProductNotFound
from shared_kernel.errors import Refusal
from shared_kernel.postgres.transactions import atomic_write

Args = ParamSpec("Args")
Result = TypeVar("Result")

BRING_CONTENTS = """
UPDATE cart SET contents = cart.contents || other.contents FROM cart AS other WHERE cart.id = %s AND other.id = %s
"""

log = structlog.get_logger("comptoir.cart")


def refusals_logged(method: Callable[Args, Result]) -> Callable[Args, Result]:
    """Let the log say what a service method refuses, of which cart and product, and why."""

    @functools.wraps(method)
    def write(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except Refusal as refusal:
            asked = {name: kwargs[name] for name in ("cart_id", "item_id", "product_id", "quantity") if name in kwargs}
            told = {field.name: getattr(refusal, field.name) for field in fields(refusal)}
            context = {name: str(value) for name, value in {**asked, **told}.items()}
            log.info("cart call refused", call=method.__name__, code=refusal.code, **context)
            raise

    return write


class Holding:
    """The part of the carts that their holders use."""

    def cart(self, *, cart_id: UUID, holder: Holder) -> Cart:
        return _shown(cart_id, holder)

    def cart_to_order(self, *, cart_id: UUID, holder: Holder) -> CartToOrder:
        row, lines = rows.to_order(cart_id, holder)
        return CartToOrder(value_of(row, lines), row.contents)

    def open_cart(self, *, cart_id: UUID, token: str, now: datetime) -> Cart:
        return _open(models.Cart(id=cart_id, touched_at=now), Holder(token=token))

    def open_customers_cart(self, *, customer_id: UUID, now: datetime) -> Cart:
        row = models.Cart(id=cart_of(customer_id), customer_id=customer_id, touched_at=now)
        return _open(row, Holder(customer_id=customer_id))

    @atomic_write
    @refusals_logged
    def add_item(
        self, *, operation_id: UUID, cart_id: UUID, holder: Holder, product_id: UUID, quantity: int, now: datetime
    ) -> Cart:
        rules.check_quantity(quantity)
        if not rows.claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = rows.hold(cart_id, holder, now=now)
        lines = rows.lines_of(row.id)
        line = next((line for line in lines if line.product_id == product_id), None)
        if line is None:
            line = models.Line(cart=row, product_id=product_id, quantity=0)
            lines.append(line)
            rules.check_room(cart_id=cart_id, lines=len(lines))
        offers = offers_of(line.product_id for line in lines)
        _set(line, line.quantity + quantity, offers)
        return value_of(row, lines, offers=offers)

    @atomic_write
    @refusals_logged
    def change_item(
        self, *, operation_id: UUID, cart_id: UUID, holder: Holder, item_id: UUID, quantity: int, now: datetime
    ) -> Cart:
        rules.check_quantity(quantity)
        if not rows.claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = rows.hold(cart_id, holder, now=now)
        lines = rows.lines_of(row.id)
        line = _item(lines, item_id, cart_id=cart_id)
        offers = offers_of(line.product_id for line in lines)
        _set(line, quantity, offers)
        return value_of(row, lines, offers=offers)

    @atomic_write
    @refusals_logged
    def remove_item(self, *, operation_id: UUID, cart_id: UUID, holder: Holder, item_id: UUID, now: datetime) -> Cart:
        if not rows.claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = rows.hold(cart_id, holder, now=now)
        lines = rows.lines_of(row.id)
        line = _item(lines, item_id, cart_id=cart_id)
        models.Line.objects.filter(id=line.id).delete()
        lines.remove(line)
        return value_of(row, lines)

    @atomic_write
    @refusals_logged
    def empty(self, *, operation_id: UUID, cart_id: UUID, holder: Holder, now: datetime) -> Cart:
        if not rows.claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = rows.hold(cart_id, holder, now=now)
        row.lines.all().delete()
        return value_of(row, [])

    @atomic_write
    @refusals_logged
    def merge(self, *, operation_id: UUID, cart_id: UUID, token: str, customer_id: UUID, now: datetime) -> Cart:
        own_id, customer = cart_of(customer_id), Holder(customer_id=customer_id)
        if not rows.claim(operation_id, own_id, now=now):
            return self.cart(cart_id=own_id, holder=customer)
        row, other = rows.hold(own_id, customer, now=now), rows.hold(cart_id, Holder(token=token), now=now)
        lines = {line.product_id: line for line in rows.lines_of(row.id)}
        brought = rows.lines_of(other.id)
        offers = offers_of([*lines, *(line.product_id for line in brought)])
        changed, notices = [], []
        for line in brought:
            kept, notice = _merge(line, lines.get(line.product_id), offers[line.product_id])
            if kept:
                kept.cart = row
                lines[kept.product_id] = kept
                changed.append(kept)
            if notice:
                notice.cart = row
                notices.append(notice)
        rules.check_room(cart_id=own_id, lines=len(lines))
        models.Line.objects.bulk_update(changed, ["cart", "quantity", "added_price"])
        models.Notice.objects.bulk_create(notices)
        if brought:
            # Whoever makes an order of the other cart at this moment finds its goods here, and nobody orders them anew.
            rows.claim(other.id, own_id, now=now)
            with connection.cursor() as cursor:
                cursor.execute(BRING_CONTENTS, [own_id, other.id])
        other.delete()
        return value_of(row, sorted(lines.values(), key=lambda line: line.id), notices=notices, offers=offers)


def _shown(cart_id: UUID, holder: Holder) -> Cart:
    row = rows.found(cart_id, holder)
    return value_of(row, rows.lines_of(row.id), notices=list(row.notices.all()))


def _open(row: models.Cart, holder: Holder) -> Cart:
    """Make this cart in one statement, unless it is there."""
    return value_of(row, []) if rows.opened(row, holder) else _shown(row.id, holder)


def _item(lines: Sequence[models.Line], item_id: UUID, *, cart_id: UUID) -> models.Line:
    """The line of this id. Raises ItemNotFound."""
    for line in lines:
        if line.id == item_id:
            return line
    raise ItemNotFound(cart_id=cart_id, item_id=item_id)


def _set(line: models.Line, quantity: int, offers: Mapping[UUID, Offer]) -> None:
    """Give a line so many pieces, at the price of now. Raises ProductNotFound, InvalidQuantity, NotEnoughStock."""
    offer = offers.get(line.product_id)
    is_more = quantity > line.quantity
    if offer is None or (is_more and not offer.product.active):
        raise ProductNotFound(product_ids=[line.product_id])
    rules.check_quantity(quantity)
    if is_more:
        rules.check_available(product_id=line.product_id, quantity=quantity, available=offer.available)
    line.quantity, line.added_price = quantity, offer.product.price
    rows.put(line)


def _merge(
    brought: models.Line, own: models.Line | None, offer: Offer
) -> tuple[models.Line | None, models.Notice | None]:
    """The customer's line when they bring this one, if there is any to change; and what there is to tell about it."""
    if not offer.product.active:
        return None, notice_of(NoticeCode.UNAVAILABLE, brought, requested=brought.quantity, available=0)
    had = own.quantity if own else 0
    wanted, most = had + brought.quantity, rules.most(offer.available)
    notice = notice_of(NoticeCode.CAPPED, brought, requested=wanted, available=most) if wanted > most else None
    kept = own or brought
    kept.quantity = rules.merged(had=had, brought=brought.quantity, most=most)
    # Whichever is lower, so that no piece becomes dearer without a notice.
    kept.added_price = min(kept.added_price, brought.added_price)
    return kept if kept.quantity else None, notice
