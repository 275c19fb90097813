"""Placing an order: its goods are reserved first, and only then is it written down.

Whoever is cut off between the two leaves a reservation that runs out by itself; called again with the same id, it finds
the reservation and goes on. The cart is emptied last, by a job that goes with the order, and at once where that works.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from accounts.interface import AddressDraft, accounts
from cart.interface import Cart, Holder, OrderedLine, carts
from catalog.interface import catalog
from checkout import models, rules
from checkout.interface import (
    CartEmpty,
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
    Source,
    Step,
)
from checkout.service.orders import assembled, digest, found, locked, note, value_of, write_pieces
from inventory.interface import InsufficientStock, PlacedLine, Reservation, inventory
from shared_kernel.money import ZERO, tax_within
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

# While we look and reserve, others reserve, too: as often as this, we look again.
LOOKS = 10


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
        parcels = rules.parcels(wanted, _shelves(wanted, pickup_store_id))
        return Quote(
            currency=cart.currency,
            net=cart.net,
            tax=cart.tax,
            total=cart.total,
            missing=_unsold(cart) or ([] if parcels is not None else _missing(wanted, pickup_store_id)),
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
        if order is None:
            cart = carts.cart(cart_id=cart_id, holder=holder)
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
            order = _place(order_id, buyer, _lines_of(cart), destination, cart_id=cart_id, now=now)
        carts.check_out(
            cart_id=cart_id,
            order_id=order_id,
            lines=[OrderedLine(line.product_id, line.quantity) for line in order.lines],
            now=now,
        )
        return order

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
        return _known(order_id) or _place(order_id, buyer, _priced(items), destination, cart_id=None, now=now)

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


def reserve(order_id: UUID, pieces: Sequence[PlacedLine], *, now: datetime) -> list[Reservation]:
    """Keep these pieces for an order for a while. Raises InsufficientStock."""
    return inventory.reserve(order_id=order_id, lines=pieces, until=now + reservation_time(), now=now)


def reservation_time() -> timedelta:
    """For how long an order's goods are kept while it is not paid."""
    return timedelta(seconds=settings.COMPTOIR_RESERVATION_SECONDS)


def keep(order_id: UUID, wanted: rules.Pieces, pickup_store_id: UUID | None, *, now: datetime) -> list[Reservation]:
    """Reserve this for an order, in as few places as possible. Raises NotEnoughStock."""
    if not wanted:
        return []
    for _ in range(LOOKS):
        parcels = rules.parcels(wanted, _shelves(wanted, pickup_store_id))
        if parcels is None:
            break
        pieces = [
            PlacedLine(parcel.location_id, product, number)
            for parcel in parcels
            for product, number in parcel.pieces.items()
        ]
        with suppress(InsufficientStock):
            return reserve(order_id, pieces, now=now)
    # What is missing may be what a twin, or a call that was cut off, keeps for this very order.
    if kept := reserve(order_id, [], now=now):
        return kept
    raise NotEnoughStock(lines=_missing(wanted, pickup_store_id))


def _place(
    order_id: UUID,
    buyer: Buyer,
    lines: Sequence[Ordered],
    destination: Destination,
    *,
    cart_id: UUID | None,
    now: datetime,
) -> Order:
    destination = _sound(destination)
    kept = keep(order_id, _wanted(lines), destination.pickup_store_id, now=now)
    try:
        return _write(order_id, buyer, lines, destination, kept, cart_id=cart_id, now=now)
    except AlreadyDone:
        return value_of(found(order_id))


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
    cart_id: UUID | None,
    now: datetime,
) -> Order:
    """Write an order down whose goods are reserved. Raises AlreadyDone where a twin has just done so."""
    rows = [_row(order_id, position, line) for position, line in enumerate(lines, start=1)]
    order = models.Order(
        id=order_id,
        reference=rules.reference(order_id),
        channel=buyer.channel,
        customer_id=buyer.customer_id,
        token_digest=digest(buyer.token) if buyer.token else None,
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
        raise
    models.OrderLine.objects.bulk_create(rows)
    pieces = write_pieces(order_id, kept)
    placed = note(order, Step.PLACED, actor_id=buyer.placed_by or buyer.customer_id, now=now)
    publish([OrderCreated(order_id=order_id, customer_id=buyer.customer_id, cart_id=cart_id)])
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


def _shelves(wanted: rules.Pieces, pickup_store_id: UUID | None) -> list[rules.Shelf]:
    """The places that could give something, or the one store where it is to be picked up."""
    pieces: dict[tuple[UUID, bool], dict[UUID, int]] = {}
    for held in inventory.online_stock(product_ids=list(wanted)):
        if pickup_store_id in {None, held.location_id}:
            pieces.setdefault((held.location_id, held.in_warehouse), {})[held.product_id] = held.available
    return [rules.Shelf(location_id, in_warehouse, on_it) for (location_id, in_warehouse), on_it in pieces.items()]


def _missing(wanted: rules.Pieces, pickup_store_id: UUID | None) -> list[MissingLine]:
    """The lines that cannot be served, with what there is, and where else."""
    sources: dict[UUID, list[Source]] = {product: [] for product in wanted}
    held = inventory.online_stock(product_ids=list(wanted))
    names = {place.id: place.name for place in inventory.locations(ids=list({each.location_id for each in held}))}
    for each in held:
        sources[each.product_id].append(Source(each.location_id, names[each.location_id], each.available))
    lines = []
    for product, number in wanted.items():
        here = [source for source in sources[product] if pickup_store_id in {None, source.location_id}]
        available = sum(source.available for source in here)
        lines.append(MissingLine(product, number, available, [each for each in sources[product] if each not in here]))
    # There may be enough again by now, of all of them: then these are the ones that it was about.
    return [line for line in lines if line.available < line.requested] or lines


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
