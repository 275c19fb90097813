"""Carries out what `cart.interface` publishes.

Locking policy: whatever changes what is in a cart locks the cart's row first; of several, customers' before anonymous
ones.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from cart import models, rules
from cart.interface import (
    Cart,
    CartAbandoned,
    CartLine,
    CartNotFound,
    CartToOrder,
    Holder,
    ItemNotFound,
    Notice,
    NoticeCode,
    OrderedLine,
    cart_of,
)
from catalog.interface import Product, ProductNotFound, catalog
from inventory.interface import inventory
from shared_kernel.errors import Refusal
from shared_kernel.ids import digest_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write

Args = ParamSpec("Args")
Result = TypeVar("Result")

# An order waits for these: each is one statement.
END_CONTENTS = """
    UPDATE cart SET touched_at = %s,
        contents = %s::uuid || ARRAY(SELECT unnest(contents) EXCEPT SELECT unnest(%s::uuid[]))
    WHERE id = %s
"""
BRING_CONTENTS = """
    UPDATE cart SET contents = cart.contents || other.contents FROM cart AS other WHERE cart.id = %s AND other.id = %s
"""
TAKE_OUT = """
    WITH ordered AS (
        SELECT * FROM unnest(%s::uuid[], %s::integer[]) AS ordered (product_id, quantity)
    ), gone AS (
        DELETE FROM cart_line AS line USING ordered
        WHERE line.cart_id = %s AND line.product_id = ordered.product_id AND line.quantity <= ordered.quantity
    )
    UPDATE cart_line AS line SET quantity = line.quantity - ordered.quantity FROM ordered
    WHERE line.cart_id = %s AND line.product_id = ordered.product_id AND line.quantity > ordered.quantity
"""

log = structlog.get_logger("comptoir.cart")


@dataclass(frozen=True)
class Offer:
    """A product, and how many pieces of it the web shop can send; None where they are not counted."""

    product: Product
    available: int | None


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


class CartService:
    # --- What a holder does -----------------------------------------------------------------------------------------

    def cart(self, *, cart_id: UUID, holder: Holder) -> Cart:
        row = _found(cart_id, holder)
        return _value(row, list(row.lines.all()), notices=list(row.notices.all()))

    def cart_to_order(self, *, cart_id: UUID, holder: Holder) -> CartToOrder:
        held = models.Cart.objects.held_by(holder).filter(id=cart_id)
        # In one statement, so that no merge and no order comes between the lines and what they go by.
        lines = list(models.Line.objects.filter(cart__in=held).select_related("cart"))
        row = lines[0].cart if lines else _found(cart_id, holder)
        return CartToOrder(_value(row, lines), row.contents)

    @atomic_write
    def open_cart(self, *, cart_id: UUID, token: str, now: datetime) -> Cart:
        row = models.Cart(id=cart_id, token_digest=digest_of(token), touched_at=now)
        models.Cart.objects.bulk_create([row], ignore_conflicts=True)
        return self.cart(cart_id=cart_id, holder=Holder(token=token))

    @atomic_write
    def open_customers_cart(self, *, customer_id: UUID, now: datetime) -> Cart:
        row = models.Cart(id=cart_of(customer_id), customer_id=customer_id, touched_at=now)
        models.Cart.objects.bulk_create([row], ignore_conflicts=True)
        return self.cart(cart_id=row.id, holder=Holder(customer_id=customer_id))

    @atomic_write
    @refusals_logged
    def add_item(
        self, *, operation_id: UUID, cart_id: UUID, holder: Holder, product_id: UUID, quantity: int, now: datetime
    ) -> Cart:
        rules.check_quantity(quantity)
        if not _claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = _hold(cart_id, holder, now=now)
        lines = list(row.lines.all())
        line = next((line for line in lines if line.product_id == product_id), None)
        if line is None:
            line = models.Line(cart=row, product_id=product_id, quantity=0)
            lines.append(line)
            rules.check_room(cart_id=cart_id, lines=len(lines))
        offers = _offers(line.product_id for line in lines)
        _set(line, line.quantity + quantity, offers)
        return _value(row, lines, offers=offers)

    @atomic_write
    @refusals_logged
    def change_item(
        self, *, operation_id: UUID, cart_id: UUID, holder: Holder, item_id: UUID, quantity: int, now: datetime
    ) -> Cart:
        rules.check_quantity(quantity)
        if not _claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = _hold(cart_id, holder, now=now)
        lines = list(row.lines.all())
        line = _item(lines, item_id, cart_id=cart_id)
        offers = _offers(line.product_id for line in lines)
        _set(line, quantity, offers)
        return _value(row, lines, offers=offers)

    @atomic_write
    @refusals_logged
    def remove_item(self, *, operation_id: UUID, cart_id: UUID, holder: Holder, item_id: UUID, now: datetime) -> Cart:
        if not _claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = _hold(cart_id, holder, now=now)
        lines = list(row.lines.all())
        line = _item(lines, item_id, cart_id=cart_id)
        models.Line.objects.filter(id=line.id).delete()
        lines.remove(line)
        return _value(row, lines)

    @atomic_write
    @refusals_logged
    def empty(self, *, operation_id: UUID, cart_id: UUID, holder: Holder, now: datetime) -> Cart:
        if not _claim(operation_id, cart_id, now=now):
            return self.cart(cart_id=cart_id, holder=holder)
        row = _hold(cart_id, holder, now=now)
        row.lines.all().delete()
        return _value(row, [])

    @atomic_write
    @refusals_logged
    def merge(self, *, operation_id: UUID, cart_id: UUID, token: str, customer_id: UUID, now: datetime) -> Cart:
        own_id, customer = cart_of(customer_id), Holder(customer_id=customer_id)
        if not _claim(operation_id, own_id, now=now):
            return self.cart(cart_id=own_id, holder=customer)
        row, other = _hold(own_id, customer, now=now), _hold(cart_id, Holder(token=token), now=now)
        lines = {line.product_id: line for line in row.lines.all()}
        brought = list(other.lines.all())
        offers = _offers([*lines, *(line.product_id for line in brought)])
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
            _claim(other.id, own_id, now=now)
            with connection.cursor() as cursor:
                cursor.execute(BRING_CONTENTS, [own_id, other.id])
        other.delete()
        return _value(row, sorted(lines.values(), key=lambda line: line.id), notices=notices, offers=offers)

    # --- What happens to carts --------------------------------------------------------------------------------------

    @atomic_write
    def check_out(
        self, *, cart_id: UUID, order_id: UUID, contents: Sequence[UUID], lines: Sequence[OrderedLine], now: datetime
    ) -> None:
        if not _claim(order_id, cart_id, now=now):
            return
        ordered: Counter[UUID] = Counter()
        for line in lines:
            ordered[line.product_id] += line.quantity
        for holding in _where_it_is(cart_id):
            with connection.cursor() as cursor:
                cursor.execute(END_CONTENTS, [now, order_id, list(contents), holding])
                if cursor.rowcount:
                    models.Notice.objects.filter(cart_id=holding).delete()
                    cursor.execute(TAKE_OUT, [list(ordered), list(ordered.values()), holding, holding])
                    return

    @atomic_write
    def withdraw(self, *, product_id: UUID, limit: int = 1000) -> int:
        if any(product.active for product in catalog.products(ids=[product_id])):
            return 0
        lines = models.Line.objects.filter(product_id=product_id)
        holding = models.Cart.objects.filter(id__in=lines.values("cart_id")).customers_first().select_for_update()
        cart_ids = list(holding.values_list("id", flat=True)[:limit])
        gone = lines.filter(cart_id__in=cart_ids)
        notices = [_notice(NoticeCode.UNAVAILABLE, line, requested=line.quantity, available=0) for line in gone]
        models.Notice.objects.bulk_create(notices, ignore_conflicts=True)
        gone.delete()
        return len(cart_ids)

    @atomic_write
    def forget_customer(self, *, customer_id: UUID) -> None:
        row = models.Cart.objects.select_for_update().filter(customer_id=customer_id).first()
        if row is not None:
            row.delete()

    @atomic_write
    def abandon(self, *, now: datetime, limit: int = 1000) -> int:
        untouched = models.Cart.objects.filter(touched_at__lt=now - timedelta(days=settings.COMPTOIR_CART_DAYS))
        # One that is locked is being touched, or abandoned by somebody else.
        due = untouched.order_by("touched_at").select_for_update(skip_locked=True)
        customers = dict(due.values_list("id", "customer_id")[:limit])
        product_ids: dict[UUID, list[UUID]] = defaultdict(list)
        for line in models.Line.objects.filter(cart_id__in=customers):
            product_ids[line.cart_id].append(line.product_id)
        publish([CartAbandoned(cart_id, customers[cart_id], ids) for cart_id, ids in product_ids.items()])
        models.Cart.objects.filter(id__in=customers).delete()
        return len(customers)

    @atomic_write
    def forget_changes(self, *, now: datetime) -> int:
        return models.Change.objects.filter(at__lt=now - rules.CHANGES_KEPT).delete()[0]


# --- Keys and locks -------------------------------------------------------------------------------------------------


def _claim(operation_id: UUID, cart_id: UUID, *, now: datetime) -> bool:
    """Whether the write under this key is to be carried out now, and was not before. Waits for a twin under way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cart_change (id, cart_id, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [operation_id, cart_id, now],
        )
        return bool(cursor.rowcount == 1)


def _found(cart_id: UUID, holder: Holder) -> models.Cart:
    """The holder's cart; a customer's own is an empty one where it was not made yet. Raises CartNotFound."""
    row = models.Cart.objects.held_by(holder).filter(id=cart_id).first()
    if row is None and _is_own(cart_id, holder):
        return models.Cart(id=cart_id, customer_id=holder.customer_id, contents=[])
    if row is None:
        raise CartNotFound(cart_id=cart_id)
    return row


def _is_own(cart_id: UUID, holder: Holder) -> bool:
    return holder.customer_id is not None and cart_id == cart_of(holder.customer_id)


def _hold(cart_id: UUID, holder: Holder, *, now: datetime) -> models.Cart:
    """The cart, touched by its holder, which nobody else changes until the end of the transaction.

    A customer's is made where it is not there. What there was to tell has been told. Raises CartNotFound.
    """
    row = models.Cart(id=cart_id, touched_at=now)
    if _is_own(cart_id, holder):
        row.customer_id = holder.customer_id
        models.Cart.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["id"], update_fields=["touched_at"]
        )
    elif not models.Cart.objects.held_by(holder).filter(id=cart_id).update(touched_at=now):
        raise CartNotFound(cart_id=cart_id)
    row.notices.all().delete()
    return row


def _where_it_is(cart_id: UUID) -> Iterator[UUID]:
    """Where what was in a cart may be: there, or else in the customer's that it was merged into."""
    yield cart_id
    # A merge under its id says where to.
    yield from models.Change.objects.filter(id=cart_id).values_list("cart_id", flat=True)


# --- Lines ----------------------------------------------------------------------------------------------------------


def _offers(product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
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
    line.save()


def _merge(
    brought: models.Line, own: models.Line | None, offer: Offer
) -> tuple[models.Line | None, models.Notice | None]:
    """The customer's line when they bring this one, if there is any to change; and what there is to tell about it."""
    if not offer.product.active:
        return None, _notice(NoticeCode.UNAVAILABLE, brought, requested=brought.quantity, available=0)
    had = own.quantity if own else 0
    wanted, most = had + brought.quantity, rules.most(offer.available)
    notice = _notice(NoticeCode.CAPPED, brought, requested=wanted, available=most) if wanted > most else None
    kept = own or brought
    kept.quantity = rules.merged(had=had, brought=brought.quantity, most=most)
    # Whichever is lower, so that no piece becomes dearer without a notice.
    kept.added_price = min(kept.added_price, brought.added_price)
    return kept if kept.quantity else None, notice


def _notice(code: NoticeCode, line: models.Line, *, requested: int, available: int) -> models.Notice:
    """Something to tell about a line that leaves its cart, or comes into another."""
    return models.Notice(
        cart_id=line.cart_id, code=code, product_id=line.product_id, requested=requested, available=available
    )


# --- Values ---------------------------------------------------------------------------------------------------------


def _value(
    row: models.Cart,
    lines: Sequence[models.Line],
    *,
    notices: Sequence[models.Notice] = (),
    offers: Mapping[UUID, Offer] | None = None,
) -> Cart:
    """A cart as a published value; takes as many statements for any number of lines."""
    if offers is None:
        offers = _offers({*(line.product_id for line in lines), *(notice.product_id for notice in notices)})
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
