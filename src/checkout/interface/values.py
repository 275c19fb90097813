"""What the checkout speaks of: orders, from where their goods come, what became of them, and how they were paid.

Amounts are Decimal, with two places, tax included.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from shared_kernel.events import Event


class OrderStatus(StrEnum):
    """Where an order stands; `checkout.rules.NEXT` says what may follow."""

    PENDING = "pending"
    PAID = "paid"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"

    @property
    def is_refundable(self) -> bool:
        """Whether pieces of such an order can be refunded."""
        return self in {OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED}


class Step(StrEnum):
    """Something that happened to an order."""

    PLACED = "placed"
    CHANGED = "changed"
    PAYMENT_STARTED = "payment_started"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"
    PROCESSING = "processing"
    # One of its parcels left, or was handed over.
    SENT = "sent"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class OrderChannel(StrEnum):
    """By whom an order was placed: in the web shop, or by a reseller's own program."""

    WEB = "web"
    RESELLER = "reseller"


class PaymentState(StrEnum):
    """Where a payment or a refund stands.

    A queued payment waits for the worker. A running one waits for the provider, who may have carried it out already:
    it is asked again until it tells.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class OrderAddress:
    """Where an order is sent, as it was when that was decided."""

    name: str
    line1: str
    city: str
    country: str
    line2: str = ""
    postal_code: str = ""
    region: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class Destination:
    """Where the goods go: to an address, or to a store where they are picked up; exactly one of both.

    `email` is where the buyer can be written to.
    """

    email: str
    address: OrderAddress | None = None
    pickup_store_id: UUID | None = None


@dataclass(frozen=True)
class OrderedItem:
    """So many pieces of a product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class OrderLine:
    """A line of an order as it was placed. `tax` is contained in `total`; `refunded` counts pieces.

    Of what is not `stocked`, nothing is sent.
    """

    position: int
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal
    tax: Decimal
    total: Decimal
    refunded: int
    stocked: bool


@dataclass(frozen=True)
class OrderParcel:
    """What one place sends, or hands over, of an order, and when it did: the pieces for which no money goes back."""

    location_id: UUID
    items: list[OrderedItem]
    sent_at: datetime | None = None


@dataclass(frozen=True)
class OrderStep:
    """Something that happened to an order: when, by whom (None: the system, or the buyer without an account), and
    why; of a parcel that was sent, from where."""

    step: Step
    at: datetime
    actor_id: UUID | None
    note: str
    location_id: UUID | None = None


@dataclass(frozen=True)
class OrderPayment:
    """An attempt to pay an order by card, of which so much is kept as its owner needs to know it by.

    `code` says why it failed.
    """

    id: UUID
    order_id: UUID
    state: PaymentState
    amount: Decimal
    brand: str
    last4: str
    expiry: str
    code: str
    started_at: datetime


@dataclass(frozen=True)
class OrderRefund:
    """Money that goes back to the buyer, for these pieces."""

    id: UUID
    state: PaymentState
    amount: Decimal
    items: list[OrderedItem]
    restock: bool
    reason: str
    started_at: datetime


class OrderNoticeCode(StrEnum):
    """Something about a product of an order that its buyer, and whoever packs it, should know."""

    PRODUCT_ARCHIVED = "product_archived"


@dataclass(frozen=True)
class OrderNotice:
    """What there is to know about a product of an order.

    `product_archived`: it has left the catalogue before the order had ended. What is ordered stays ordered.
    """

    code: OrderNoticeCode
    product_id: UUID
    product_name: str


@dataclass(frozen=True)
class OrderSummary:
    """An order without its lines, for lists. `refunded` is an amount; `placed_by` a reseller's program."""

    id: UUID
    reference: str
    channel: OrderChannel
    customer_id: UUID | None
    placed_by: UUID | None
    status: OrderStatus
    pickup_store_id: UUID | None
    currency: str
    total: Decimal
    refunded: Decimal
    placed_at: datetime
    reserved_until: datetime | None


@dataclass(frozen=True)
class Order(OrderSummary):
    """An order with all that happened to it.

    The goods of a pending one are kept until `reserved_until`. Once it has ended, nothing is left of a buyer who was
    erased but the id; nor, after COMPTOIR_GUEST_DAYS, of one who had no account.
    """

    email: str
    address: OrderAddress | None
    net: Decimal
    tax: Decimal
    lines: list[OrderLine]
    parcels: list[OrderParcel]
    steps: list[OrderStep]
    payments: list[OrderPayment]
    refunds: list[OrderRefund]
    notices: list[OrderNotice]

    @property
    def places(self) -> list[UUID]:
        """Where it is handled: where it is picked up, and from where it comes."""
        sources = [parcel.location_id for parcel in self.parcels]
        return [self.pickup_store_id, *sources] if self.pickup_store_id else sources

    @property
    def is_owed(self) -> bool:
        """Whether it was cancelled with money in it, of which some has not gone back."""
        paid = any(payment.state is PaymentState.SUCCEEDED for payment in self.payments)
        return self.status is OrderStatus.CANCELLED and paid and self.refunded < self.total

    @property
    def to_send(self) -> list[OrderParcel]:
        """The parcels that have not left yet."""
        return [parcel for parcel in self.parcels if parcel.items and not parcel.sent_at]

    def seen_by(self, person_id: UUID | None) -> Self:
        """The same as this buyer may see it: who else did what is the chain's business."""
        steps = [step if step.actor_id == person_id else replace(step, actor_id=None) for step in self.steps]
        return replace(self, steps=steps)


@dataclass(frozen=True)
class OrderFigures:
    """How many orders stand here, and what they come to, less what was refunded."""

    status: OrderStatus
    orders: int
    revenue: Decimal


@dataclass(frozen=True)
class Source:
    """Where a product can be had, and how many pieces."""

    location_id: UUID
    location_name: str
    available: int


@dataclass(frozen=True)
class MissingLine:
    """A line that cannot be served: what was asked, what can be had that way, and where there is some."""

    product_id: UUID
    requested: int
    available: int
    elsewhere: list[Source]


@dataclass(frozen=True)
class ChangedPrice:
    """A product that costs something else than when it was put into the cart."""

    product_id: UUID
    added_price: Decimal
    unit_price: Decimal


@dataclass(frozen=True)
class Quote:
    """What a cart would come to as an order, and what stands against it: nothing where the lists are empty."""

    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal
    missing: list[MissingLine]
    changed_prices: list[ChangedPrice]
    parcels: list[OrderParcel]


@dataclass(frozen=True)
class Card:
    """A card as its owner types it. It goes to the payment provider, and is kept nowhere."""

    number: str
    expiry_month: int
    expiry_year: int
    security_code: str

    def __repr__(self) -> str:
        return "<card>"


@dataclass(frozen=True)
class OrderDifference:
    """An order about which two books disagree, and how, in words; None for a charge that is no order's."""

    order_id: UUID | None
    problem: str


@dataclass(frozen=True)
class OrderCreated(Event):
    """An order was placed, of a cart unless by a reseller, and its goods are reserved."""

    type: ClassVar[str] = "order.created"
    order_id: UUID
    customer_id: UUID | None
    cart_id: UUID | None


@dataclass(frozen=True)
class OrderPaid(Event):
    """An order was paid, and its goods have left the stock."""

    type: ClassVar[str] = "order.paid"
    order_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True)
class OrderUpdated(Event):
    """An order's delivery changed, it went a step further, or a product of it left the catalogue."""

    type: ClassVar[str] = "order.updated"
    order_id: UUID
    status: OrderStatus


@dataclass(frozen=True)
class OrderCancelled(Event):
    """An order was cancelled, or ran out unpaid: its goods are free again."""

    type: ClassVar[str] = "order.cancelled"
    order_id: UUID


@dataclass(frozen=True)
class OrderRefunded(Event):
    """Money of an order went back: all of it, or some."""

    type: ClassVar[str] = "order.refunded"
    order_id: UUID
    amount: Decimal
