"""What other modules may know of shopping carts, and ask of them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.events import Event
from shared_kernel.ids import digest_of, part_of
from shared_kernel.published import published

MAX_LINES = 100


def new_token() -> str:
    """What proves that an anonymous cart is one's own: 256 random bits."""
    return secrets.token_urlsafe(32)


def cart_of(customer_id: UUID) -> UUID:
    """The id of a customer's cart. It follows from theirs, so that everybody names the same one, made yet or not."""
    return part_of(customer_id, "cart")


@dataclass(frozen=True)
class Holder:
    """Who asks for a cart: a customer, or whoever has an anonymous cart's token; or one with both."""

    customer_id: UUID | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def token_digest(self) -> bytes | None:
        """What is kept of the token."""
        return digest_of(self.token) if self.token is not None else None


class NoticeCode(StrEnum):
    """Something about a product in a cart that its holder has to be told."""

    PRICE_CHANGED = "price_changed"
    NOT_ENOUGH_STOCK = "not_enough_stock"
    UNAVAILABLE = "unavailable"
    CAPPED = "capped"


@dataclass(frozen=True)
class Notice:
    """What a cart's holder has to be told about a product.

    `price_changed`: it costs `unit_price` now, and `added_price` when it was put in. `not_enough_stock`: fewer pieces
    are available than the cart holds. `unavailable`: it is not sold any more, and has left the cart or is about to.
    `capped`: when two carts were merged, fewer pieces were available than both held together.
    """

    code: NoticeCode
    product_id: UUID
    product_name: str
    requested: int | None = None
    available: int | None = None
    added_price: Decimal | None = None
    unit_price: Decimal | None = None


@dataclass(frozen=True)
class CartLine:
    """So many pieces of a product, at the price of now; `added_price` is the one when their number was last set.

    `available` is what the web shop can send from all places together; None for a service, which is not counted.
    """

    id: UUID
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    added_price: Decimal
    tax_rate: Decimal
    available: int | None
    on_sale: bool
    total: Decimal


@dataclass(frozen=True)
class Cart:
    """What somebody means to buy, at the prices of now; `tax` is what the total contains.

    A customer's cart is there before anything was put into it; `updated_at` is None then.
    """

    id: UUID
    customer_id: UUID | None
    currency: str
    lines: list[CartLine]
    net: Decimal
    tax: Decimal
    total: Decimal
    notices: list[Notice]
    updated_at: datetime | None


@dataclass(frozen=True)
class CartToOrder:
    """A cart as it can be ordered: `contents` is what it holds at this moment goes by.

    Of each, one order is made at most; `check_out` with that order ends it. A merge puts those of both carts together.
    """

    cart: Cart
    contents: list[UUID]


@dataclass(frozen=True)
class OrderedLine:
    """So many pieces of a product, of a cart, that have been ordered."""

    product_id: UUID
    quantity: int


@dataclass(eq=False)
class CartNotFound(NotFound):
    """The cart does not exist, or is somebody else's."""

    code: ClassVar[str] = "cart_not_found"
    cart_id: UUID

    def __str__(self) -> str:
        return f"There is no cart {self.cart_id} of yours: log in, or send the cart's token in X-Cart-Token."


@dataclass(eq=False)
class ItemNotFound(NotFound):
    """The cart has no such line (any more)."""

    code: ClassVar[str] = "item_not_found"
    cart_id: UUID
    item_id: UUID

    def __str__(self) -> str:
        return f"There is no item {self.item_id} in cart {self.cart_id}: read the cart again."


@dataclass(eq=False)
class NotEnoughStock(Conflict):
    """Fewer pieces are available than the cart would hold."""

    code: ClassVar[str] = "not_enough_stock"
    product_id: UUID
    requested: int
    available: int

    def __str__(self) -> str:
        return (
            f"The cart would hold {self.requested} pieces of product {self.product_id}, but {self.available} are"
            " available: take fewer."
        )


@dataclass(eq=False)
class CartFull(Conflict):
    """The cart would hold more different products than a cart may."""

    code: ClassVar[str] = "cart_full"
    cart_id: UUID
    most: int

    def __str__(self) -> str:
        return f"A cart holds at most {self.most} different products: order these first, or remove some."


@dataclass(eq=False)
class InvalidQuantity(Invalid):
    """The quantity is not one that a line can have."""

    code: ClassVar[str] = "invalid_quantity"
    quantity: int
    smallest: int
    largest: int

    def __str__(self) -> str:
        return f"The quantity would be {self.quantity}, but must lie between {self.smallest} and {self.largest}."


@dataclass(frozen=True)
class CartAbandoned(Event):
    """A cart with these products has been left untouched for so long that it was emptied."""

    type: ClassVar[str] = "cart.abandoned"
    cart_id: UUID
    customer_id: UUID | None
    product_ids: list[UUID]


class Carts(Protocol):
    """Shopping carts.

    A holder's write takes `operation_id`, a key that the caller chose: sent again under its key it changes nothing, and
    answers the cart. One that is refused changes nothing either, and the log says why. It raises CartNotFound where the
    cart is not the holder's. Whatever a holder changes, they have been told of what there was to tell.
    """

    # --- What a holder does -----------------------------------------------------------------------------------------

    def cart(self, *, cart_id: UUID, holder: Holder) -> Cart:
        """The holder's cart; a customer's own is empty where it was not made yet. Changes nothing.

        Takes the same number of statements for any number of lines. Raises CartNotFound.
        """
        ...

    def cart_to_order(self, *, cart_id: UUID, holder: Holder) -> CartToOrder:
        """The same as `cart`, of one moment with what its contents go by, and without what was told of other products.

        Raises CartNotFound.
        """
        ...

    def open_cart(self, *, cart_id: UUID, token: str, now: datetime) -> Cart:
        """Make an anonymous cart for whoever has this token, made by `new_token`; only its digest is kept.

        Idempotent by `cart_id`.
        """
        ...

    def open_customers_cart(self, *, customer_id: UUID, now: datetime) -> Cart:
        """Make a customer's cart, whose id is `cart_of(customer_id)`, where it is not there yet. Idempotent."""
        ...

    def add_item(
        self, *, operation_id: UUID, cart_id: UUID, holder: Holder, product_id: UUID, quantity: int, now: datetime
    ) -> Cart:
        """Put pieces of a product into a cart; those of a product that is there already add up.

        Raises ProductNotFound (of catalog) for one that is not on sale, InvalidQuantity, CartFull, and NotEnoughStock
        for more than the web shop can send now.
        """
        ...

    def change_item(
        self, *, operation_id: UUID, cart_id: UUID, holder: Holder, item_id: UUID, quantity: int, now: datetime
    ) -> Cart:
        """Set how many pieces a line has. More than before have to be on sale and available, as in `add_item`.

        Raises ItemNotFound, and what `add_item` raises.
        """
        ...

    def remove_item(self, *, operation_id: UUID, cart_id: UUID, holder: Holder, item_id: UUID, now: datetime) -> Cart:
        """Take a line out of a cart. Raises ItemNotFound."""
        ...

    def empty(self, *, operation_id: UUID, cart_id: UUID, holder: Holder, now: datetime) -> Cart:
        """Take everything out of a cart."""
        ...

    def merge(self, *, operation_id: UUID, cart_id: UUID, token: str, customer_id: UUID, now: datetime) -> Cart:
        """Put what is in the anonymous cart of this token into the customer's, and answer that; the other is gone.

        Pieces of a product in both add up, as far as they are available; the customer has none taken away. What is cut
        short, or not sold any more, is told by a notice. Raises CartFull, and leaves both carts as they are.
        """
        ...

    # --- What happens to carts --------------------------------------------------------------------------------------

    def check_out(
        self, *, cart_id: UUID, order_id: UUID, contents: Sequence[UUID], lines: Sequence[OrderedLine], now: datetime
    ) -> None:
        """Take what an order holds out of the cart that it was made of; what was added since stays, for another order.

        Where that cart was merged into a customer's meanwhile, out of theirs. Idempotent by `order_id`, for as long as
        `forget_changes` keeps it. The caller vouches for the cart: for one that is gone, nothing happens.
        """
        ...

    def withdraw(self, *, product_id: UUID, limit: int = 1000) -> int:
        """Take an archived product out of carts, and leave a notice there; at most `limit` carts. Returns how many.

        Nothing happens for a product that is on sale (again). Idempotent; takes the same number of statements for any
        number of carts.
        """
        ...

    def forget_customer(self, *, customer_id: UUID) -> None:
        """Remove a customer's cart. Again: nothing happens."""
        ...

    def abandon(self, *, now: datetime, limit: int = 1000) -> int:
        """Remove the carts that nobody has touched for COMPTOIR_CART_DAYS, and publish CartAbandoned for each that held
        something; at most `limit` carts. Returns how many. Safe to repeat, and beside itself.

        A customer's is there again, empty, whenever they ask for it.
        """
        ...

    def forget_changes(self, *, now: datetime) -> int:
        """Forget the keys of writes that nobody sends again any more. Returns how many. Safe to repeat."""
        ...


carts = published(Carts)
