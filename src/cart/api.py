"""Carts over REST: `/cart/`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Status
from ninja.params.functions import Header

from accounts.interface import Actor, CustomerNotFound, actor_of, caller_of
from cart.interface import Cart, CartNotFound, Holder, cart_of, carts, new_token
from shared_kernel.ids import new_id
from shared_kernel.quantities import MAX_QUANTITY
from shared_kernel.rest.bodies import KEYBOARD, Body, Whole, example
from shared_kernel.rest.idempotency import idempotent

router = Router(tags=["cart"])

TOKEN: Any = Header(
    None,
    alias="X-Cart-Token",
    description="The token of an anonymous cart, as it was told when the cart was opened.",
)


class ItemBody(Body):
    product_id: UUID = Field(description="What to put in.")
    quantity: Whole = Field(1, ge=1, le=MAX_QUANTITY, description="Pieces; they add up with those that are there.")

    model_config = example(product_id=KEYBOARD, quantity=2)


class QuantityBody(Body):
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces, in place of those that are there.")

    model_config = example(quantity=3)


@dataclass(frozen=True)
class OpenedCart(Cart):
    """A cart with the token that proves it is one's own; null for a customer's, where the login does."""

    token: str | None


def _customer(actor: Actor | None) -> UUID | None:
    """The customer who calls; None for nobody, for staff and for machines."""
    return actor.id if actor and actor.is_customer else None


def _holder(request: HttpRequest, token: str | None) -> Holder:
    """Who asks, by whatever they say of themselves. Raises InvalidToken and the like for what does not hold."""
    return Holder(_customer(caller_of(request)), token)


def _required_customer(request: HttpRequest) -> UUID:
    """The customer who calls. Raises CustomerNotFound for staff and machines."""
    actor = actor_of(request)
    customer_id = _customer(actor)
    if customer_id is None:
        raise CustomerNotFound(customer_id=actor.id)
    return customer_id


# --- Carts ----------------------------------------------------------------------------------------------------------


@router.post("/cart/", response={201: OpenedCart}, auth=None, operation_id="open_cart")
def open_cart(request: HttpRequest) -> Any:
    """Open a cart. Whoever is logged in as a customer is told their own, others a new one with its token.

    The token is told this once: it goes into the header X-Cart-Token from then on.
    """
    holder, now = _holder(request, None), datetime.now(UTC)
    if holder.customer_id is not None:
        own = carts.open_customers_cart(customer_id=holder.customer_id, now=now)
        return Status(201, OpenedCart(**vars(own), token=None))
    token = new_token()
    opened = carts.open_cart(cart_id=new_id(), token=token, now=now)
    return Status(201, OpenedCart(**vars(opened), token=token))


@router.get("/cart/mine/", response=Cart, operation_id="own_cart")
def own_cart(request: HttpRequest) -> Any:
    """The cart of the customer who is logged in."""
    customer_id = _required_customer(request)
    return carts.cart(cart_id=cart_of(customer_id), holder=Holder(customer_id))


@router.get("/cart/{uuid:cart_id}/", response=Cart, auth=None, operation_id="cart")
def cart(request: HttpRequest, cart_id: UUID, token: str | None = TOKEN) -> Any:
    """One's own cart: at the prices of now, with what is available, and notices of what has changed.

    Somebody else's is not found.
    """
    return carts.cart(cart_id=cart_id, holder=_holder(request, token))


@router.delete("/cart/{uuid:cart_id}/", response=Cart, auth=None, operation_id="empty_cart")
@idempotent
def empty_cart(request: HttpRequest, cart_id: UUID, token: str | None = TOKEN) -> Any:
    """Take everything out of a cart."""
    holder = _holder(request, token)
    return carts.empty(operation_id=new_id(), cart_id=cart_id, holder=holder, now=datetime.now(UTC))


@router.post("/cart/{uuid:cart_id}/merge/", response=Cart, operation_id="merge_cart")
@idempotent
def merge_cart(request: HttpRequest, cart_id: UUID, token: str | None = TOKEN) -> Any:
    """Put what is in an anonymous cart into that of the customer who has just logged in; the answer is theirs.

    Pieces of a product in both add up, as far as they are available; the notice `capped` tells where fewer are. The
    anonymous cart is gone afterwards. 409 `cart_full` leaves both as they are.
    """
    customer_id = _required_customer(request)
    if token is None:
        raise CartNotFound(cart_id=cart_id)
    return carts.merge(
        operation_id=new_id(), cart_id=cart_id, token=token, customer_id=customer_id, now=datetime.now(UTC)
    )


# --- What is in them ------------------------------------------------------------------------------------------------


@router.post("/cart/{uuid:cart_id}/items/", response=Cart, auth=None, operation_id="add_cart_item")
@idempotent
def add_cart_item(request: HttpRequest, cart_id: UUID, body: ItemBody, token: str | None = TOKEN) -> Any:
    """Put pieces of a product into a cart. Those of a product that is there already add up.

    404 `product_not_found` for what is not on sale, 409 `not_enough_stock` for more than the web shop can send now,
    409 `cart_full` for more than 100 different products.
    """
    return carts.add_item(
        operation_id=new_id(),
        cart_id=cart_id,
        holder=_holder(request, token),
        product_id=body.product_id,
        quantity=body.quantity,
        now=datetime.now(UTC),
    )


@router.put("/cart/{uuid:cart_id}/items/{uuid:item_id}/", response=Cart, auth=None, operation_id="replace_cart_item")
@idempotent
def replace_cart_item(
    request: HttpRequest, cart_id: UUID, item_id: UUID, body: QuantityBody, token: str | None = TOKEN
) -> Any:
    """Set how many pieces a line of a cart has. More than before have to be available: 409 `not_enough_stock`."""
    return _set_quantity(request, cart_id, item_id, body, token)


@router.patch("/cart/{uuid:cart_id}/items/{uuid:item_id}/", response=Cart, auth=None, operation_id="update_cart_item")
@idempotent
def update_cart_item(
    request: HttpRequest, cart_id: UUID, item_id: UUID, body: QuantityBody, token: str | None = TOKEN
) -> Any:
    """Set how many pieces a line of a cart has; the same as PUT, since there is nothing else to set."""
    return _set_quantity(request, cart_id, item_id, body, token)


def _set_quantity(request: HttpRequest, cart_id: UUID, item_id: UUID, body: QuantityBody, token: str | None) -> Cart:
    return carts.change_item(
        operation_id=new_id(),
        cart_id=cart_id,
        holder=_holder(request, token),
        item_id=item_id,
        quantity=body.quantity,
        now=datetime.now(UTC),
    )


@router.delete("/cart/{uuid:cart_id}/items/{uuid:item_id}/", response=Cart, auth=None, operation_id="remove_cart_item")
@idempotent
def remove_cart_item(request: HttpRequest, cart_id: UUID, item_id: UUID, token: str | None = TOKEN) -> Any:
    """Take a line out of a cart."""
    holder = _holder(request, token)
    return carts.remove_item(
        operation_id=new_id(), cart_id=cart_id, holder=holder, item_id=item_id, now=datetime.now(UTC)
    )
