"""Who calls about an order, and which orders are theirs to see."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja.params.functions import Header

from accounts.interface import Action, Actor, NotAllowed, caller_of
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


def visible(request: HttpRequest, order_id: UUID, token: str | None = None) -> Order:
    """An order that is the caller's: bought by them, placed by their program, or handled in a place of theirs.

    Raises OrderNotFound for any other.
    """
    actor = caller_of(request)
    if actor is None or actor.is_customer:
        return checkout.order(order_id=order_id, holder=holder_of(request, token))
    order = checkout.order(order_id=order_id)
    if not (_is_handled_by(actor, order) or (order.placed_by == actor.id and actor.may(Action.PLACE_ORDERS))):
        raise OrderNotFound(order_id=order_id)
    return order


def required(actor: Actor, order: Order, action: Action) -> None:
    """Raises NotAllowed unless the caller may do this with the order: in one of its places, or everywhere."""
    if actor.stores_for(action) is not None and not any(actor.may(action, at=place) for place in _places(order)):
        raise NotAllowed(action=action)


def required_buyer(request: HttpRequest, order: Order) -> UUID | None:
    """Who calls about an order that is visible to them: its buyer, or whoever manages orders. Raises NotAllowed."""
    actor = caller_of(request)
    if actor is None:
        return None
    if not (actor.is_customer or order.placed_by == actor.id):
        required(actor, order, Action.MANAGE_ORDERS)
    return actor.id


def shown(request: HttpRequest, order: Order) -> Order:
    """The order as the caller may see it: which of the chain's people did what is shown to those people alone."""
    actor = caller_of(request)
    if actor and _is_handled_by(actor, order):
        return order
    own = actor.id if actor else None
    steps = [step if step.actor_id == own else replace(step, actor_id=None) for step in order.steps]
    return replace(order, steps=steps)


def _is_handled_by(actor: Actor, order: Order) -> bool:
    return actor.stores_for(Action.READ_ORDERS) is None or any(
        actor.may(Action.READ_ORDERS, at=place) for place in _places(order)
    )


def _places(order: Order) -> list[UUID]:
    """Where an order is handled: where it is picked up, and from where it comes."""
    places = [parcel.location_id for parcel in order.parcels]
    return [order.pickup_store_id, *places] if order.pickup_store_id else places
