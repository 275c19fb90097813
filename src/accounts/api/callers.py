"""Whose account a caller may reach."""

from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.interface import Action, Actor, CustomerNotFound
from shared_kernel.ids import uuid_of

CUSTOMER_ID = OpenApiParameter(
    "customer_id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="A customer's id, or `me`.",
    examples=[OpenApiExample("Oneself", "me")],
)


def actor_of(request: Request) -> Actor:
    """Who calls. Raises NotAuthenticated."""
    if request.auth is None:
        raise NotAuthenticated
    actor: Actor = request.auth  # type: ignore[assignment]  # RestAuthentication puts it there
    return actor


def address_of(request: Request) -> str:
    """Where the caller is."""
    address: str = request._request.address  # type: ignore[attr-defined]  # RequestMiddleware put it there
    return address


def reached(request: Request, customer_id: str, action: Action) -> UUID:
    """The customer whom an address names by their id or as `me`: the caller, or anybody for whoever may do `action`.

    Raises NotAuthenticated, and CustomerNotFound for somebody else's account.
    """
    actor = actor_of(request)
    if customer_id == "me":
        return actor.id
    named = uuid_of(customer_id)
    if named is None:
        raise Http404
    if named != actor.id and not actor.may(action):
        raise CustomerNotFound(customer_id=named)
    return named
