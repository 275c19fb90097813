"""From the cart to an order: `/checkout/`."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Status
from pydantic import model_validator

from accounts.interface import accounts
from checkout.api.callers import TOKEN, holder_of
from checkout.interface import (
    Destination,
    InvalidOrder,
    Order,
    OrderAddress,
    Quote,
    checkout,
)
from shared_kernel.rest.bodies import Body, example
from shared_kernel.rest.idempotency import operation_of, resumable

router = Router(tags=["checkout"])

CART = "0190a6e4-7b1c-7c3e-9a51-0a2b7a4f8f7e"
ADDRESS_FIELDS = [field.name for field in fields(OrderAddress)]
HOME = {
    "name": "Camille Martin",
    "line1": "12 rue de la République",
    "city": "Lyon",
    "postal_code": "69002",
    "country": "FR",
    "email": "camille@example.com",
}


class AddressBody(Body):
    name: str = Field(max_length=200, description="Who gets it.")
    line1: str = Field(max_length=200, description="Street and number.")
    line2: str = Field("", max_length=200, description="Building, floor, at whose place.")
    city: str = Field(max_length=100, description="The town.")
    postal_code: str = Field("", max_length=20, description="As the country writes it; needed where it has any.")
    region: str = Field("", max_length=100, description="State or province.")
    country: str = Field(max_length=2, description="An ISO 3166 code of two letters.")
    phone: str = Field("", max_length=40, description="Without the country's code it is one of the address's country.")
    email: str = Field("", max_length=254, description="Where the buyer is written to; needed without a login.")

    model_config = example(**HOME)

    def value(self) -> OrderAddress:
        return OrderAddress(**self.dict())


class PlaceBody(Body):
    """Where an order goes: to an address, to one of the customer's own, or to a store; one of these at most."""

    shipping_address: AddressBody | None = Field(None, description="Send it there.")
    address_id: UUID | None = Field(None, description="Send it to this address of the customer's book.")
    pickup_store_id: UUID | None = Field(None, description="Keep it in this store until it is fetched.")

    @property
    def given(self) -> int:
        """How many of these are given."""
        return sum(each is not None for each in (self.shipping_address, self.address_id, self.pickup_store_id))

    @model_validator(mode="after")
    def one_at_most(self) -> Self:
        if self.given > 1:
            raise ValueError("give one of shipping_address, address_id and pickup_store_id")
        return self

    def address(self, customer_id: UUID | None) -> OrderAddress | None:
        """The address, for this customer; None in a store. Raises InvalidOrder for one that is not in their book."""
        if self.shipping_address:
            return self.shipping_address.value()
        if self.address_id is None:
            return None
        book = accounts.addresses(customer_ids=[customer_id]) if customer_id else []
        for known in book:
            if known.id == self.address_id:
                return OrderAddress(**{name: getattr(known, name) for name in ADDRESS_FIELDS})
        raise InvalidOrder(errors=[{"field": "address_id", "message": "The address book holds no such address."}])


class DestinationBody(PlaceBody):
    """Where an order goes, and where its buyer is written to."""

    email: str = Field("", max_length=254, description="Where the buyer is written to, if not at the address's.")

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if not self.given:
            raise ValueError("give one of shipping_address, address_id and pickup_store_id")
        return self

    def destination(self, customer_id: UUID | None) -> Destination:
        """Where it goes, for this customer. Raises InvalidOrder when nobody could be written to."""
        address = self.address(customer_id)
        email = self.email or (address.email if address else "") or _email_of(customer_id)
        if not email:
            raise InvalidOrder(errors=[{"field": "email", "message": "Give one, to be told of the order."}])
        return Destination(email=email, address=address, pickup_store_id=self.pickup_store_id)


class CheckoutBody(DestinationBody):
    cart_id: UUID = Field(description="What to order.")
    accept_prices: bool = Field(False, description="Whether prices that have changed since are all right.")

    model_config = example(cart_id=CART, shipping_address=HOME)


class QuoteBody(PlaceBody):
    cart_id: UUID = Field(description="What would be ordered.")

    model_config = example(cart_id=CART, shipping_address=HOME)


def _email_of(customer_id: UUID | None) -> str:
    known = accounts.customers(ids=[customer_id]) if customer_id else []
    return known[0].email if known else ""


@router.post("/checkout/validate/", response=Quote, auth=None, operation_id="validate_checkout")
def validate(request: HttpRequest, body: QuoteBody, token: str | None = TOKEN) -> Any:
    """What a cart would come to as an order, and what stands against it. Changes and keeps nothing.

    `missing` lists what cannot be served, `changed_prices` what costs something else by now; both empty, it can be
    ordered as it is. Where it would go may be left out; 422 for an address that is none.
    """
    holder = holder_of(request, token)
    return checkout.quote(
        cart_id=body.cart_id,
        holder=holder,
        address=body.address(holder.customer_id),
        pickup_store_id=body.pickup_store_id,
    )


@router.post("/checkout/process/", response={201: Order}, auth=None, operation_id="process_checkout")
@resumable
def process(request: HttpRequest, body: CheckoutBody, token: str | None = TOKEN) -> Any:
    """Make an order of a cart: its goods are reserved until `reserved_until`, and the cart is empty.

    Goods that are sent come from as few places as possible. 409 `insufficient_stock` names each line with what was
    asked, what there is and where else, `price_changed` what costs something else by now: accept that with
    `accept_prices`, `cart_ordered` the order that another call has just made of this cart. After a refusal the cart
    is as it was.
    """
    holder = holder_of(request, token)
    made = checkout.process(
        order_id=operation_of(request),
        cart_id=body.cart_id,
        holder=holder,
        destination=body.destination(holder.customer_id),
        accept_prices=body.accept_prices,
        now=datetime.now(UTC),
    )
    return Status(201, made)
