"""Whoever calls the web shop over REST, and what they send."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.test import Client

from accounts.interface import Action, ApiKeyDraft, accounts, new_secret_key
from cart.interface import Cart
from catalog.interface import Product
from checkout.interface import Order
from shared_kernel.ids import new_id
from tests.accounts.actions import customer_client, register
from tests.checkout.actions import EMAIL, everything, fill

ADDRESS = {
    "name": "Camille",
    "line1": "12 rue Mercière",
    "city": "Lyon",
    "postal_code": "69002",
    "country": "FR",
    "email": EMAIL,
}
CARD = {"number": "4242 4242 4242 4242", "expiry_month": 12, "expiry_year": 2030, "security_code": "123"}


def call(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Call an operation of the API."""
    data = "" if body is None else json.dumps(body, default=str)
    return client.generic(method, f"/api/v1{path}", data, content_type="application/json", headers=headers)


def refusal_of(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


def invalid_fields(answer: Any) -> list[str]:
    assert refusal_of(answer) == (422, "invalid")
    return [error["field"] for error in answer.json()["errors"]]


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


def once() -> dict[str, str]:
    """A header that makes a repetition known as one."""
    return {"Idempotency-Key": str(new_id())}


def guest(*items: tuple[Product, int]) -> tuple[Cart, Client]:
    """Somebody without a login, with these products in their cart."""
    cart, holder = fill(*items)
    return cart, Client(headers={"X-Cart-Token": holder.token or ""})


def shopper(*items: tuple[Product, int]) -> tuple[Cart, Client]:
    """A customer who is logged in, with these products in their cart."""
    email = f"{new_id()}@example.com"
    cart, _ = fill(*items, customer_id=register(email=email).id)
    return cart, customer_client(email)


def key(*actions: Action, at: UUID | None = None) -> str:
    """A key for these actions."""
    made = new_secret_key()
    draft = ApiKeyDraft("Program", frozenset(actions), store_id=at)
    accounts.create_api_key(key_id=new_id(), key=made, draft=draft)
    return made


def machine(*actions: Action, at: UUID | None = None) -> Client:
    """A program, with a key for these actions."""
    return Client(headers={"X-API-Key": key(*actions, at=at)})


def reseller() -> Client:
    """The program of somebody who sells on what the chain sends."""
    return machine(Action.PLACE_ORDERS)


def goods(*items: tuple[Product, int], **values: Any) -> dict[str, Any]:
    """A reseller's order of these products."""
    products = [{"id": product.id, "quantity": quantity} for product, quantity in items]
    return {"products": products, "shipping_address": ADDRESS} | values


def ordered(client: Client, *items: tuple[Product, int], **values: Any) -> UUID:
    """The id of an order that this reseller has just placed."""
    answer = call(client, "POST", "/orders/", goods(*items, **values))
    assert answer.status_code == 201, answer.json()
    return UUID(answer.json()["id"])


def bought(cart: Cart, client: Client, **values: Any) -> UUID:
    """The id of the order that this buyer has just made of their cart."""
    answer = call(client, "POST", "/checkout/process/", {"cart_id": cart.id, "shipping_address": ADDRESS} | values)
    assert answer.status_code == 201, answer.json()
    return UUID(answer.json()["id"])


def paid(client: Client, placed: Order | UUID) -> UUID:
    """The job that this caller's payment of an order is."""
    order_id = placed if isinstance(placed, UUID) else placed.id
    answer = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD})
    assert answer.status_code == 202, answer.json()
    return UUID(answer.json()["job_id"])
