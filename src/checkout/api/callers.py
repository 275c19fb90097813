"""Who calls about an order, and which orders are theirs to see."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja.params.functions import Header

from accounts.interface import Action, caller_of
from cart.interface import Holder
from checkout.interface import Order, OrderNotFound, checkout

TOKEN: Any = Header(
    None,
    alias="X-Cart-Token",
    description="The token of the anonymous cart that the order was made of, where nobody is logged in.",
)


def holder_of(request: HttpRequest, token: str | None) -> Holder:
    """Who calls, as a buyer: a customer, or whoever has a cart's token."""
    actor = caller_of(request)
    return Holder(actor.id if actor and actor.is_customer else None, token)


def buyer_of(request: HttpRequest, token: str | None) -> Holder | None:
    """The same, or None for the chain's people and for programs, who are no buyers."""
    actor = caller_of(request)
    return None if actor and not actor.is_customer else holder_of(request, token)


def visible(request: HttpRequest, order_id: UUID, token: str | None = None) -> Order:
    """An order that is the caller's: bought by them, placed by their program, or handled in a place of theirs.

    Raises OrderNotFound for any other.
    """
    order = checkout.order(order_id=order_id, holder=buyer_of(request, token))
    actor = caller_of(request)
    if (
        actor is None
        or actor.is_customer
        or actor.may_in(Action.READ_ORDERS, order.places)
        or (order.placed_by == actor.id and actor.may(Action.PLACE_ORDERS))
    ):
        return order
    raise OrderNotFound(order_id=order_id)


def required_buyer(request: HttpRequest, order: Order) -> UUID | None:
    """Who calls about an order that is visible to them: its buyer, or whoever manages orders. Raises NotAllowed."""
    actor = caller_of(request)
    if actor is None:
        return None
    if not (actor.is_customer or order.placed_by == actor.id):
        actor.require_in(Action.MANAGE_ORDERS, order.places)
    return actor.id


def shown(request: HttpRequest, order: Order) -> Order:
    """The order as the caller may see it: which of the chain's people did what is shown to those people alone."""
    actor = caller_of(request)
    if actor and actor.may_in(Action.READ_ORDERS, order.places):
        return order
    return order.seen_by(actor.id if actor else None)
