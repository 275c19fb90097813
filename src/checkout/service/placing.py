"""Placing an order: its goods are reserved first, and only then is it written down.

Whoever is cut off between the two leaves a reservation that runs out by itself; called again with the same id, it finds
the reservation and goes on. The cart is emptied last, by a job that goes with the order, and at once where that works.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection

from accounts.interface import AddressDraft, accounts
from cart.interface import Cart, CartToOrder, Holder, OrderedLine, carts
from catalog.interface import catalog
from checkout import models, rules
from checkout.interface import (
    CartEmpty,
    CartOrdered,
    ChangedPrice,
    Destination,
    InvalidOrder,
    MissingLine,
    NotEnoughStock,
    Order,
    OrderAddress,
    OrderChannel,
    OrderCreated,
    OrderedItem,
    OrderNotPending,
    OrderParcel,
    OrderStatus,
    OrderUpdated,
    PriceChanged,
    Quote,
    Step,
)
from checkout.service.keeping import counted, hold, keep, missing_lines, reservation_time, shelves
from checkout.service.orders import (
    assembled,
    found,
    locked,
    note,
    pieces_of,
    value_of,
    write_pieces,
)
from inventory.interface import (
    Reservation,
    inventory,
)
from shared_kernel.ids import digest_of, part_of
from shared_kernel.money import ZERO, tax_within
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

CLAIM = "INSERT INTO ordered_content (id, order_id) SELECT unnest(%s::uuid[]), %s ON CONFLICT DO NOTHING"


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


@dataclass(frozen=True)
class Buyer:
    """Whose order it is: a customer's, a cart's token's holder, or a reseller's program's."""

    channel: OrderChannel
    customer_id: UUID | None
    token: str | None
    placed_by: UUID | None


class ReferenceTaken(Exception):
    """Another order, out of a million millions, has the same reference."""


class Placing:
    """The part of the checkout that takes orders."""

    def quote(
        self,
        *,
        cart_id: UUID,
        holder: Holder,
        address: OrderAddress | None = None,
        pickup_store_id: UUID | None = None,
    ) -> Quote:
        if address:
            _sound_address(address)
        if pickup_store_id:
            inventory.store(store_id=pickup_store_id)
        cart = carts.cart(cart_id=cart_id, holder=holder)
        wanted = _wanted(_lines_of(cart))
        parcels = rules.parcels(wanted, shelves(wanted, pickup_store_id))
        return Quote(
            currency=cart.currency,
            net=cart.net,
            tax=cart.tax,
            total=cart.total,
            missing=_unsold(cart) or ([] if parcels is not None else missing_lines(wanted, pickup_store_id)),
            changed_prices=_changed_prices(cart),
            parcels=[
                OrderParcel(
                    parcel.location_id, [OrderedItem(product, number) for product, number in parcel.pieces.items()]
                )
                for parcel in parcels or []
            ],
        )

    def process(
        self,
        *,
        order_id: UUID,
        cart_id: UUID,
        holder: Holder,
        destination: Destination,
        accept_prices: bool = False,
        now: datetime,
    ) -> Order:
        order = _known(order_id)
        if order:
            contents = _contents_of(order_id)
        else:
            held = carts.cart_to_order(cart_id=cart_id, holder=holder)
            cart = held.cart
            # Emptied by a twin, perhaps, who has placed the order meanwhile.
            if not cart.lines and not models.Order.objects.filter(id=order_id).exists():
                raise CartEmpty(cart_id=cart_id)
            if missing := _unsold(cart):
                raise NotEnoughStock(lines=missing)
            if (changed := _changed_prices(cart)) and not accept_prices:
                raise PriceChanged(lines=changed)
            # Whoever is logged in orders for themselves, be it what they put into a cart before.
            customer_id = cart.customer_id or holder.customer_id
            buyer = Buyer(OrderChannel.WEB, customer_id, None if customer_id else holder.token, None)
            order = _place(order_id, buyer, _lines_of(cart), destination, held=held, now=now)
            contents = held.contents
        _empty_cart(order, cart_id, contents, now=now)
        return order

    def empty_cart(self, *, order_id: UUID, cart_id: UUID, now: datetime) -> None:
        _empty_cart(value_of(found(order_id)), cart_id, _contents_of(order_id), now=now)

    def place_order(
        self,
        *,
        order_id: UUID,
        items: Sequence[OrderedItem],
        destination: Destination,
        customer_id: UUID | None,
        actor_id: UUID | None,
        now: datetime,
    ) -> Order:
        buyer = Buyer(OrderChannel.RESELLER, customer_id, None, actor_id)
        return _known(order_id) or _place(order_id, buyer, _priced(items), destination, held=None, now=now)

    @atomic_write
    def change_destination(
        self, *, order_id: UUID, destination: Destination, actor_id: UUID | None, now: datetime
    ) -> Order:
        row = locked(order_id)
        if row.status != OrderStatus.PENDING:
            raise OrderNotPending(order_id=order_id, order_status=OrderStatus(row.status))
        if destination.pickup_store_id != row.pickup_store_id:
            raise InvalidOrder(
                errors=[{"field": "pickup_store_id", "message": "From where the goods come stays: order anew."}]
            )
        sound = _sound(destination)
        if (sound.email, sound.address) != (row.email, row.sent_to()):
            row.email, row.address = sound.email, sound.address and asdict(sound.address)
            row.save(update_fields=["email", "address"])
            note(row, Step.CHANGED, actor_id=actor_id, now=now)
            publish([OrderUpdated(order_id=order_id, status=OrderStatus.PENDING)])
        return value_of(row)


def _place(
    order_id: UUID,
    buyer: Buyer,
    lines: Sequence[Ordered],
    destination: Destination,
    *,
    held: CartToOrder | None,
    now: datetime,
) -> Order:
    destination = _sound(destination)
    try:
        kept = keep(order_id, _wanted(lines), destination.pickup_store_id, now=now)
    except NotEnoughStock:
        # What is missing may be what another order of this very cart keeps.
        _check_not_ordered(order_id, held)
        raise
    write = partial(_write, order_id, buyer, lines, destination, kept, held=held, now=now)
    try:
        try:
            return write(reference=rules.reference(order_id))
        except ReferenceTaken:
            return write(reference=rules.reference(part_of(order_id, "another reference")))
    except AlreadyDone:
        row = found(order_id)
        if counted(kept) != pieces_of(order_id):
            # Written of what the cart held before: at the latest when it is paid, its own goods are kept again.
            with suppress(NotEnoughStock):
                hold(row, now=now)
        return value_of(row)
    except CartOrdered:
        inventory.release(order_id=order_id, now=now)
        raise


def _check_not_ordered(order_id: UUID, held: CartToOrder | None) -> None:
    """Raises CartOrdered for a cart of which another order was made."""
    if held:
        taken = models.OrderedContent.objects.filter(id__in=held.contents).exclude(order_id=order_id).first()
        if taken:
            raise CartOrdered(cart_id=held.cart.id, order_id=taken.order_id)


def _claim(order_id: UUID, held: CartToOrder) -> None:
    """Make what a cart holds this order's. Waits for another under way. Raises CartOrdered where that is first."""
    with connection.cursor() as cursor:
        # In one order, so that no two wait for each other.
        cursor.execute(CLAIM, [sorted(held.contents), order_id])
        if cursor.rowcount < len(held.contents):
            _check_not_ordered(order_id, held)


def _contents_of(order_id: UUID) -> list[UUID]:
    """What the cart held that an order was made of."""
    return list(models.OrderedContent.objects.filter(order_id=order_id).values_list("id", flat=True))


def _empty_cart(order: Order, cart_id: UUID, contents: Sequence[UUID], *, now: datetime) -> None:
    """Take what an order holds out of the cart that it was made of. Idempotent."""
    lines = [OrderedLine(line.product_id, line.quantity) for line in order.lines]
    carts.check_out(cart_id=cart_id, order_id=order.id, contents=contents, lines=lines, now=now)


def _known(order_id: UUID) -> Order | None:
    """The order of this id, if it was placed before."""
    row = models.Order.objects.filter(id=order_id).first()
    return value_of(row) if row else None


@atomic_write
def _write(
    order_id: UUID,
    buyer: Buyer,
    lines: Sequence[Ordered],
    destination: Destination,
    kept: Sequence[Reservation],
    *,
    reference: str,
    held: CartToOrder | None,
    now: datetime,
) -> Order:
    """Write an order down whose goods are reserved.

    Raises AlreadyDone where a twin has just done so, ReferenceTaken, and CartOrdered where another order was made of
    the cart.
    """
    rows = [_row(order_id, position, line) for position, line in enumerate(lines, start=1)]
    order = models.Order(
        id=order_id,
        reference=reference,
        channel=buyer.channel,
        customer_id=buyer.customer_id,
        token_digest=digest_of(buyer.token) if buyer.token else None,
        placed_by=buyer.placed_by,
        email=destination.email,
        address=destination.address and asdict(destination.address),
        pickup_store_id=destination.pickup_store_id,
        currency=settings.COMPTOIR_CURRENCY,
        tax=sum((row.tax for row in rows), ZERO),
        total=sum((row.total for row in rows), ZERO),
        refunded=ZERO,
        placed_at=now,
        reserved_until=min((piece.until for piece in kept if piece.until), default=now + reservation_time()),
    )
    try:
        order.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) == "customer_order_pkey":
            raise AlreadyDone from error
        if constraint_of(error) == "customer_order_reference_key":
            raise ReferenceTaken from error
        raise
    if held:
        _claim(order_id, held)
    models.OrderLine.objects.bulk_create(rows)
    pieces = write_pieces(order_id, kept)
    placed = note(order, Step.PLACED, actor_id=buyer.placed_by or buyer.customer_id, now=now)
    publish([OrderCreated(order_id=order_id, customer_id=buyer.customer_id, cart_id=held.cart.id if held else None)])
    return assembled(order, lines=rows, pieces=pieces, steps=[placed])


def _row(order_id: UUID, position: int, line: Ordered) -> models.OrderLine:
    total = line.unit_price * line.quantity
    return models.OrderLine(
        order_id=order_id,
        position=position,
        product_id=line.product_id,
        sku=line.sku,
        name=line.name,
        stocked=line.stocked,
        quantity=line.quantity,
        unit_price=line.unit_price,
        tax_rate=line.tax_rate,
        tax=tax_within(total, line.tax_rate),
        total=total,
    )


def _lines_of(cart: Cart) -> list[Ordered]:
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


def _priced(items: Sequence[OrderedItem]) -> list[Ordered]:
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


def _wanted(lines: Sequence[Ordered]) -> dict[UUID, int]:
    """The pieces that have to come from somewhere."""
    return {line.product_id: line.quantity for line in lines if line.stocked}


def _unsold(cart: Cart) -> list[MissingLine]:
    """The lines of a cart that are not sold any more."""
    return [MissingLine(line.product_id, line.quantity, 0, []) for line in cart.lines if not line.on_sale]


def _changed_prices(cart: Cart) -> list[ChangedPrice]:
    return [
        ChangedPrice(line.product_id, line.added_price, line.unit_price)
        for line in cart.lines
        if line.unit_price != line.added_price
    ]


def _sound(destination: Destination) -> Destination:
    """The same in its normal form.

    Raises InvalidOrder, InvalidDetails (of accounts), and LocationNotFound (of inventory).
    """
    destination = replace(destination, email=destination.email.strip().lower())
    if errors := rules.destination_errors(destination):
        raise InvalidOrder(errors=errors)
    if destination.pickup_store_id:
        inventory.store(store_id=destination.pickup_store_id)
    return replace(destination, address=destination.address and _sound_address(destination.address))


def _sound_address(address: OrderAddress) -> OrderAddress:
    """The same in its normal form. Raises InvalidDetails (of accounts)."""
    draft = accounts.sound_address(draft=AddressDraft(**asdict(address)))
    return OrderAddress(**{name: getattr(draft, name) for name in asdict(address)})
