"""What other modules may know of orders, and ask about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cart.interface import Holder
from checkout.interface.refusals import (
    CardInvalid,
    CartEmpty,
    CartOrdered,
    ImpossibleStep,
    InvalidOrder,
    NotEnoughStock,
    NoticeForged,
    OrderNotFound,
    OrderNotPending,
    ParcelNotFound,
    PaymentNotFound,
    PaymentRunning,
    PriceChanged,
    ProviderAway,
    RefundExceedsOrder,
)
from checkout.interface.values import (
    Card,
    ChangedPrice,
    Destination,
    MissingLine,
    Order,
    OrderAddress,
    OrderCancelled,
    OrderChannel,
    OrderCreated,
    OrderDifference,
    OrderedItem,
    OrderFigures,
    OrderLine,
    OrderNotice,
    OrderNoticeCode,
    OrderPaid,
    OrderParcel,
    OrderPayment,
    OrderRefund,
    OrderRefunded,
    OrderStatus,
    OrderStep,
    OrderSummary,
    OrderUpdated,
    PaymentState,
    Quote,
    Source,
    Step,
)
from shared_kernel.published import published

__all__ = [
    "Card",
    "CardInvalid",
    "CartEmpty",
    "CartOrdered",
    "ChangedPrice",
    "Checkout",
    "Destination",
    "ImpossibleStep",
    "InvalidOrder",
    "MissingLine",
    "NotEnoughStock",
    "NoticeForged",
    "Order",
    "OrderAddress",
    "OrderCancelled",
    "OrderChannel",
    "OrderCreated",
    "OrderDifference",
    "OrderFigures",
    "OrderLine",
    "OrderNotFound",
    "OrderNotPending",
    "OrderNotice",
    "OrderNoticeCode",
    "OrderPaid",
    "OrderParcel",
    "OrderPayment",
    "OrderRefund",
    "OrderRefunded",
    "OrderStatus",
    "OrderStep",
    "OrderSummary",
    "OrderUpdated",
    "OrderedItem",
    "ParcelNotFound",
    "PaymentNotFound",
    "PaymentRunning",
    "PaymentState",
    "PriceChanged",
    "ProviderAway",
    "Quote",
    "RefundExceedsOrder",
    "Source",
    "Step",
    "checkout",
]


class Checkout(Protocol):
    """Orders: from the cart to the money, and to the goods that leave or come back.

    No call holds a transaction over another module's write: each takes steps that are idempotent by the order's id, so
    that the same call again goes on where one was cut off, and what nobody takes up again heals by itself.
    """

    # --- Placing ----------------------------------------------------------------------------------------------------

    def quote(
        self,
        *,
        cart_id: UUID,
        holder: Holder,
        address: OrderAddress | None = None,
        pickup_store_id: UUID | None = None,
    ) -> Quote:
        """What this cart would come to as an order, sent or picked up in this store, and what stands against it.

        Changes nothing. Raises CartNotFound (of cart), InvalidDetails (of accounts) for an address that is none, and
        LocationNotFound (of inventory).
        """
        ...

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
        """Make an order of a cart: reserve its goods for a quarter of an hour, take names and prices down, empty it.

        Goods that are sent come from as few places as possible, the warehouse first (`checkout.rules.parcels`); those
        that are picked up, from that store. Publishes OrderCreated. Idempotent by `order_id`. Raises CartNotFound (of
        cart), CartEmpty, InvalidOrder, PriceChanged unless `accept_prices`, NotEnoughStock, and CartOrdered for what
        another order holds; then the cart is as it was.
        """
        ...

    def follow_up(self, *, order_id: UUID, cart_id: UUID | None, now: datetime) -> None:
        """Do what an order asks for once it is placed, and which its buyer does not wait for.

        What it holds leaves the cart that it was made of, where `process` was cut off before; and it tells of what left
        the catalogue meanwhile, as `note_archived` does. Idempotent. Raises OrderNotFound.
        """
        ...

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
        """Order these products without a cart, at the catalogue's prices; for the rest as `process`.

        Idempotent by `order_id`. Raises InvalidOrder, NotEnoughStock, and ProductNotFound (of catalog).
        """
        ...

    def change_destination(
        self, *, order_id: UUID, destination: Destination, actor_id: UUID | None, now: datetime
    ) -> Order:
        """Have a pending order sent to another address, or its buyer written to elsewhere. Idempotent.

        A pickup stays one in its store, and a delivery one. Raises OrderNotFound, OrderNotPending, InvalidOrder.
        """
        ...

    # --- Looking ----------------------------------------------------------------------------------------------------

    def order(self, *, order_id: UUID, holder: Holder | None = None) -> Order:
        """One order with all that happened to it. Raises OrderNotFound, and for what is not the holder's, if given."""
        ...

    def orders(
        self,
        *,
        statuses: Sequence[OrderStatus] | None = None,
        customer_id: UUID | None = None,
        placed_by: UUID | None = None,
        location_ids: Sequence[UUID] | None = None,
        reference: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: UUID | None = None,
        limit: int = 20,
    ) -> list[OrderSummary]:
        """The orders that fit what is given, latest first, of ids below `before`.

        `location_ids` keeps those of which one of these places sends or hands over something; `since` is included,
        `until` is not.
        """
        ...

    def orders_in_full(
        self,
        *,
        statuses: Sequence[OrderStatus] | None = None,
        customer_id: UUID | None = None,
        location_ids: Sequence[UUID] | None = None,
        reference: str | None = None,
        oldest_first: bool = False,
        beyond: UUID | None = None,
        limit: int = 20,
    ) -> list[Order]:
        """The orders that fit what is given, each with all that happened to it; latest first, unless `oldest_first`.

        With `beyond`, those that follow this one. For the rest as `orders`. Takes the same number of statements for any
        number of orders and lines.
        """
        ...

    def figures(self, *, since: datetime | None = None, until: datetime | None = None) -> list[OrderFigures]:
        """How many orders there are of each status, and what they come to, placed within this time."""
        ...

    # --- Life cycle -------------------------------------------------------------------------------------------------

    def advance(self, *, order_id: UUID, status: OrderStatus, actor_id: UUID | None, now: datetime) -> Order:
        """Take an order to `paid` (by another way than here, such as a bank transfer), `processing` or `completed`.

        A completed one has been sent whole, from all its places. Idempotent. Publishes OrderPaid or OrderUpdated.
        Raises OrderNotFound, ImpossibleStep (also for one of which all money goes back), PaymentRunning, and
        NotEnoughStock when an order that is paid late can be served no more.
        """
        ...

    def send_parcel(self, *, order_id: UUID, location_id: UUID, actor_id: UUID | None, now: datetime) -> Order:
        """Note that a place has sent, or handed over, its part of an order. With the last one the order is completed.

        Idempotent. Publishes OrderUpdated. Raises OrderNotFound, ParcelNotFound where there is nothing to send, and
        ImpossibleStep unless the order is being packed.
        """
        ...

    def cancel(self, *, order_id: UUID, reason: str, actor_id: UUID | None, now: datetime) -> Order:
        """Give up a pending order: its goods are free again. Publishes OrderCancelled.

        Raises OrderNotFound, ImpossibleStep, PaymentRunning.
        """
        ...

    def expire(self, *, now: datetime, limit: int = 100) -> int:
        """Cancel orders that nobody pays in time; returns how many. Safe to repeat, also at the same time."""
        ...

    def forget_customer(self, *, customer_id: UUID) -> None:
        """Remove a customer from their orders, which stay: e-mail, address, card, and what was said. Idempotent.

        An order that is under way keeps them until it has ended: then `forget_buyers` removes them.
        """
        ...

    def forget_buyers(self, *, now: datetime, limit: int = 1000) -> int:
        """Do the same to orders that have ended, of erased customers, and of others without an account who bought more
        than COMPTOIR_GUEST_DAYS ago; returns how many. Safe to repeat, also at the same time.
        """
        ...

    def note_archived(self, *, product_ids: Sequence[UUID], limit: int = 1000) -> int:
        """Note on orders that are under way which of these products have left the catalogue; at most `limit` orders.

        Publishes OrderUpdated for each; returns how many. Nothing happens for what is on sale. Idempotent; takes the
        same number of statements for any number of orders.
        """
        ...

    # --- Payment ----------------------------------------------------------------------------------------------------

    def pay(
        self,
        *,
        payment_id: UUID,
        order_id: UUID,
        card: Card,
        holder: Holder | None = None,
        actor_id: UUID | None,
        now: datetime,
    ) -> OrderPayment:
        """Begin to pay an order by card: the worker charges it. Its goods are kept anew for a quarter of an hour.

        The card goes to the provider, who gives a token for it; of its number four digits are kept. Idempotent by
        `payment_id`. Raises OrderNotFound, and for what is not the holder's, if given; OrderNotPending, PaymentRunning,
        CardInvalid, ProviderAway, and NotEnoughStock when the goods were free again and have been sold meanwhile.
        """
        ...

    def payment(self, *, payment_id: UUID, holder: Holder | None = None) -> OrderPayment:
        """One payment, which runs until its order is paid, too.

        Raises PaymentNotFound, and for what is not the holder's, if given.
        """
        ...

    def charge(self, *, payment_id: UUID, now: datetime) -> None:
        """Have the provider charge a running payment, and do what follows of the answer: the worker's part of `pay`.

        Paid, the order's goods leave the stock and OrderPaid is published; where they are gone, the money goes back and
        the order is cancelled. Idempotent: the provider charges a payment once. Raises ProviderAway when it is unknown
        what became of it: then it is to be called again.
        """
        ...

    def hear(self, *, body: bytes, signature: str, now: datetime) -> None:
        """Take note of what the provider tells of a payment by itself: the same as `charge` does with its answer.

        Idempotent, in any order. Raises NoticeForged.
        """
        ...

    def refund(
        self,
        *,
        refund_id: UUID,
        order_id: UUID,
        items: Sequence[OrderedItem] | None,
        restock: bool,
        reason: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> OrderRefund:
        """Give money back for these pieces of a paid order (None: all that are left), to the card that paid.

        Restocked goods return to the places that they came from; others are written off. Of an order that was cancelled
        because the money came too late, and could not go back at once, all of it goes back, and no pieces. The worker
        carries it out; OrderRefunded is published when the money is on its way. Idempotent by `refund_id`. Raises
        OrderNotFound, ImpossibleStep, RefundExceedsOrder, InvalidOrder.
        """
        ...

    def carry_out_refund(self, *, refund_id: UUID, now: datetime) -> None:
        """Give the money back and the goods: the worker's part of `refund`. Idempotent. Raises ProviderAway."""
        ...

    def take_up(self, *, now: datetime, limit: int = 100) -> int:
        """Go on with payments and refunds that nobody has gone on with for a minute; returns how many.

        Whatever was killed, this brings it to its end. Safe to repeat, also at the same time.
        """
        ...

    # --- The books --------------------------------------------------------------------------------------------------

    def report_sale(self, *, order_id: UUID) -> None:
        """Write a paid order down as a sale of the web shop, once. Raises OrderNotFound."""
        ...

    def verify(self, *, now: datetime) -> list[OrderDifference]:
        """What is wrong with orders, against the stock, the sales and the provider's charges; nothing, it should be.

        What is under way at this moment is left out.
        """
        ...


checkout = published(Checkout)
