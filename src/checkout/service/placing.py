"""Placing an order: its goods are reserved first, and only then is it written down.

Whoever is cut off between the two leaves a reservation that runs out by itself; called again with the same id, it finds
the reservation and goes on. The cart is emptied last, by a job that goes with the order, and at once where that works.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from accounts.interface import AddressDraft, accounts
from cart.interface import CartToOrder, Holder, OrderedLine, carts
from checkout import models, rules
from checkout.interface import (
    CartEmpty,
    CartOrdered,
    Destination,
    InvalidOrder,
    NotEnoughStock,
    Order,
    OrderAddress,
    OrderChannel,
    OrderedItem,
    OrderNotFound,
    OrderNotPending,
    OrderParcel,
    OrderStatus,
    OrderUpdated,
    PriceChanged,
    Quote,
    Step,
)
from checkout.service.keeping import counted, hold, keep, missing_lines, pieces_of, shelves
from checkout.service.lines import Ordered, changed_prices, lines_of, priced, unsold, wanted_of
from checkout.service.noticing import note_archived
from checkout.service.orders import found, locked, note, of_orders, value_of
from checkout.service.writing import Buyer, ReferenceTaken, check_not_ordered, known, write_down
from inventory.interface import inventory
from shared_kernel.ids import part_of
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write


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
        wanted = wanted_of(lines_of(cart))
        parcels = rules.parcels(wanted, shelves(wanted, pickup_store_id))
        return Quote(
            currency=cart.currency,
            net=cart.net,
            tax=cart.tax,
            total=cart.total,
            missing=unsold(cart) or ([] if parcels is not None else missing_lines(wanted, pickup_store_id)),
            changed_prices=changed_prices(cart),
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
        order = known(order_id)
        if order:
            contents = _contents_of(order_id)
        else:
            held = carts.cart_to_order(cart_id=cart_id, holder=holder)
            cart = held.cart
            # Emptied by a twin, perhaps, who has placed the order meanwhile.
            if not cart.lines and not models.Order.objects.filter(id=order_id).exists():
                raise CartEmpty(cart_id=cart_id)
            if missing := unsold(cart):
                raise NotEnoughStock(lines=missing)
            if (changed := changed_prices(cart)) and not accept_prices:
                raise PriceChanged(lines=changed)
            # Whoever is logged in orders for themselves, be it what they put into a cart before.
            customer_id = cart.customer_id or holder.customer_id
            buyer = Buyer(OrderChannel.WEB, customer_id, None if customer_id else holder.token, None)
            order = _place(order_id, buyer, lines_of(cart), destination, held=held, now=now)
            contents = held.contents
        ordered = [OrderedLine(line.product_id, line.quantity) for line in order.lines]
        carts.check_out(cart_id=cart_id, order_id=order_id, contents=contents, lines=ordered, now=now)
        return order

    def follow_up(self, *, order_id: UUID, cart_id: UUID | None, now: datetime) -> None:
        lines = of_orders(models.OrderLine, [order_id])[order_id]
        ordered = [OrderedLine(line.product_id, line.quantity) for line in lines]
        if not ordered:
            raise OrderNotFound(order_id=order_id)
        if cart_id:
            contents = _contents_of(order_id)
            carts.check_out(cart_id=cart_id, order_id=order_id, contents=contents, lines=ordered, now=now)
        note_archived([line.product_id for line in ordered])

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
        return known(order_id) or _place(order_id, buyer, priced(items), destination, held=None, now=now)

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
        kept = keep(order_id, wanted_of(lines), destination.pickup_store_id, now=now)
    except NotEnoughStock:
        # What is missing may be what another order of this very cart keeps.
        check_not_ordered(order_id, held)
        raise
    write = partial(write_down, order_id, buyer, lines, destination, kept, held=held, now=now)
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


def _contents_of(order_id: UUID) -> list[UUID]:
    """What the cart held that an order was made of."""
    return list(models.OrderedContent.objects.filter(order_id=order_id).values_list("id", flat=True))


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
