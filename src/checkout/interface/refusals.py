"""What the checkout refuses, and why."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from checkout.interface.values import ChangedPrice, MissingLine, OrderStatus
from shared_kernel.errors import Away, Conflict, Forbidden, Invalid, InvalidFields, NotFound


@dataclass(eq=False)
class OrderNotFound(NotFound):
    """An order does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "order_not_found"
    order_id: UUID

    def __str__(self) -> str:
        return f"There is no order {self.order_id}."


@dataclass(eq=False)
class ParcelNotFound(NotFound):
    """A place sends, or hands over, nothing of an order."""

    code: ClassVar[str] = "parcel_not_found"
    order_id: UUID
    location_id: UUID

    def __str__(self) -> str:
        return f"There is nothing of order {self.order_id} to send from {self.location_id}."


@dataclass(eq=False)
class PaymentNotFound(NotFound):
    """A payment does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "job_not_found"
    job_id: UUID

    def __str__(self) -> str:
        return f"There is no job {self.job_id}."


@dataclass(eq=False)
class CartEmpty(Conflict):
    """There is nothing to order."""

    code: ClassVar[str] = "cart_empty"
    cart_id: UUID

    def __str__(self) -> str:
        return "The cart is empty: put something into it first."


@dataclass(eq=False)
class CartOrdered(Conflict):
    """An order has been made of what the cart holds, by another call, and is about to take it out."""

    code: ClassVar[str] = "cart_ordered"
    cart_id: UUID
    order_id: UUID

    def __str__(self) -> str:
        return f"Order {self.order_id} has just been made of this cart: look at that, or at the cart in a moment."


@dataclass(eq=False)
class NotEnoughStock(Conflict):
    """Fewer pieces can be had than were ordered. Nothing was ordered, and the cart is as it was."""

    code: ClassVar[str] = "insufficient_stock"
    lines: list[MissingLine]

    def __str__(self) -> str:
        lines = [f"product {line.product_id}: {line.requested} asked, {line.available} there" for line in self.lines]
        return f"Not enough stock for {'; '.join(lines)}. Order fewer, or pick them up where there are some."


@dataclass(eq=False)
class PriceChanged(Conflict):
    """Products cost something else than when they were put into the cart, which the buyer has not accepted."""

    code: ClassVar[str] = "price_changed"
    lines: list[ChangedPrice]

    def __str__(self) -> str:
        lines = [f"product {line.product_id}: {line.unit_price} instead of {line.added_price}" for line in self.lines]
        return f"Prices have changed for {'; '.join(lines)}. Send accept_prices to order at these."


@dataclass(eq=False)
class ImpossibleStep(Conflict):
    """An order cannot become what was asked, from where it stands."""

    code: ClassVar[str] = "impossible_step"
    order_id: UUID
    order_status: OrderStatus
    asked: OrderStatus
    possible: list[OrderStatus]

    def __str__(self) -> str:
        after = f"it can become {', '.join(self.possible)}" if self.possible else "nothing comes after that"
        return f"Order {self.order_id} is {self.order_status} and cannot become {self.asked}: {after}."


@dataclass(eq=False)
class OrderNotPending(Conflict):
    """What was asked is possible only before an order is paid, cancelled or has run out."""

    code: ClassVar[str] = "order_not_pending"
    order_id: UUID
    order_status: OrderStatus

    def __str__(self) -> str:
        return f"Order {self.order_id} is {self.order_status}: this is possible only while it is pending."


@dataclass(eq=False)
class PaymentRunning(Conflict):
    """The order is being paid at this moment."""

    code: ClassVar[str] = "payment_running"
    order_id: UUID
    job_id: UUID

    def __str__(self) -> str:
        return f"Order {self.order_id} is being paid: see job {self.job_id} for what becomes of it."


@dataclass(eq=False)
class RefundExceedsOrder(Conflict):
    """More would be refunded than was paid and not refunded yet."""

    code: ClassVar[str] = "refund_exceeds_order"
    order_id: UUID
    product_id: UUID
    requested: int
    refundable: int

    def __str__(self) -> str:
        return (
            f"Of product {self.product_id} in order {self.order_id}, {self.requested} would be refunded, but only"
            f" {self.refundable} can be: refund fewer."
        )


@dataclass(eq=False)
class InvalidOrder(InvalidFields):
    """What was ordered, or where it should go, breaks a rule."""


@dataclass(eq=False)
class CardInvalid(Invalid):
    """The payment provider knows that no such card can exist, or that it has expired."""

    code: ClassVar[str] = "card_invalid"
    reason: str

    def __str__(self) -> str:
        return f"The card cannot be used ({self.reason}): check its number, expiry date and security code."


@dataclass(eq=False)
class ProviderAway(Away):
    """The payment provider gives no answer.

    Whether it has done what it was asked is unknown until the same call is made again. Where a payment was to be begun,
    nothing was charged, and the order is as it was.
    """

    code: ClassVar[str] = "provider_away"
    order_id: UUID

    def __str__(self) -> str:
        return f"The payment of order {self.order_id} cannot be started at the moment: try again in a minute."


@dataclass(eq=False)
class NoticeForged(Forbidden):
    """What came in the payment provider's name was not signed by it, or long ago."""

    code: ClassVar[str] = "notice_forged"

    def __str__(self) -> str:
        return "The signature is not the payment provider's, or too old."
