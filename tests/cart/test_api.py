"""Carts over REST."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from catalog.interface import ProductChanges, catalog
from shared_kernel.ids import new_id
from tests.accounts.actions import customer_client, register
from tests.cart.actions import Owner, add, customer, goods, item, nothing_changes, owner_of, visitor
from tests.chain import client_of, make_store, post

pytestmark = pytest.mark.django_db

PATH = "/api/v1/cart/"


def call(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Call an operation under `/cart/`."""
    data = "" if body is None else json.dumps(body, default=str)
    return client.generic(method, f"{PATH}{path}", data, content_type="application/json", headers=headers)


def token_client(owner: Owner) -> Client:
    """An API client of somebody of whom only the cart's token is known."""
    return Client(headers={"X-Cart-Token": owner.token})


def shopper() -> tuple[Owner, Client]:
    """A customer who is logged in."""
    email = f"{new_id()}@example.com"
    return owner_of(register(email=email).id), customer_client(email)


def refusal_of(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


# --- The way of a visitor -------------------------------------------------------------------------------------------


def test_a_visitor_opens_a_cart_fills_it_changes_it_and_empties_it() -> None:
    client, keyboard, mouse = Client(), goods(5, name="Keyboard"), goods(3, name="Mouse")

    opened = post(client, "/cart/", {})
    assert opened.status_code == 201
    cart_id, token = opened.json()["id"], opened.json()["token"]
    client = Client(headers={"X-Cart-Token": token})

    added = call(client, "POST", f"{cart_id}/items/", {"product_id": keyboard.id, "quantity": 2})
    assert added.status_code == 200
    added = call(client, "POST", f"{cart_id}/items/", {"product_id": mouse.id})
    answer = added.json()
    assert "token" not in answer
    assert [(line["name"], line["quantity"], line["available"]) for line in answer["lines"]] == [
        ("Keyboard", 2, 5),
        ("Mouse", 1, 3),
    ]
    assert (answer["net"], answer["tax"], answer["total"], answer["currency"]) == ("25.00", "5.00", "30.00", "EUR")
    assert answer["lines"][0] == {
        "id": answer["lines"][0]["id"],
        "product_id": str(keyboard.id),
        "sku": keyboard.sku,
        "name": "Keyboard",
        "quantity": 2,
        "unit_price": "10.00",
        "added_price": "10.00",
        "tax_rate": "0.2000",
        "available": 5,
        "on_sale": True,
        "total": "20.00",
    }
    assert client.get(f"{PATH}{cart_id}/").json() == answer

    one, other = (line["id"] for line in answer["lines"])
    assert call(client, "PUT", f"{cart_id}/items/{one}/", {"quantity": 3}).json()["total"] == "40.00"
    assert call(client, "PATCH", f"{cart_id}/items/{one}/", {"quantity": 1}).json()["total"] == "20.00"
    assert [line["id"] for line in call(client, "DELETE", f"{cart_id}/items/{one}/").json()["lines"]] == [other]
    emptied = call(client, "DELETE", f"{cart_id}/")
    assert (emptied.status_code, emptied.json()["lines"], emptied.json()["total"]) == (200, [], "0.00")


@pytest.mark.parametrize("known", [False, True])
def test_a_token_is_told_once_and_kept_nowhere(known: bool) -> None:
    asking = machine() if known else Client()
    opened = post(asking, "/cart/", {}, **{"Idempotency-Key": str(new_id())}).json()

    client = Client(headers={"X-Cart-Token": opened["token"]})
    assert "token" not in client.get(f"{PATH}{opened['id']}/").json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM idempotency_key")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT row_to_json(cart)::text FROM cart")
        assert opened["token"] not in str(cursor.fetchall())


def test_prices_and_stock_that_have_changed_are_told() -> None:
    owner, product = visitor(), goods(5)
    add(owner, product, 4)
    catalog.update_product(product_id=product.id, changes=ProductChanges(price=product.price + 1))

    notice = token_client(owner).get(f"{PATH}{owner.cart_id}/").json()["notices"]

    assert notice == [
        {
            "code": "price_changed",
            "product_id": str(product.id),
            "product_name": product.name,
            "requested": None,
            "available": None,
            "added_price": "10.00",
            "unit_price": "11.00",
        }
    ]


# --- The way of a customer ------------------------------------------------------------------------------------------


def test_a_customer_has_a_cart_from_the_start() -> None:
    owner, client = shopper()

    with nothing_changes():
        mine = client.get(f"{PATH}mine/")
    opened = post(client, "/cart/", {})

    assert (mine.status_code, mine.json()["id"], mine.json()["lines"]) == (200, str(owner.cart_id), [])
    assert (opened.status_code, opened.json()["id"], opened.json()["token"]) == (201, str(owner.cart_id), None)
    assert opened.json()["customer_id"] == str(owner.customer_id)


def test_a_customer_fills_their_cart_and_brings_another_after_login() -> None:
    (owner, client), anonymous = shopper(), visitor()
    both, brought = goods(5), goods(5)
    call(client, "POST", f"{owner.cart_id}/items/", {"product_id": both.id, "quantity": 3})
    add(anonymous, both, 3)
    add(anonymous, brought, 1)

    answer = call(client, "POST", f"{anonymous.cart_id}/merge/", **{"X-Cart-Token": anonymous.token})

    assert answer.status_code == 200
    assert [(line["product_id"], line["quantity"]) for line in answer.json()["lines"]] == [
        (str(both.id), 5),
        (str(brought.id), 1),
    ]
    assert [notice["code"] for notice in answer.json()["notices"]] == ["capped"]
    assert client.get(f"{PATH}mine/").json() == answer.json()
    assert refusal_of(token_client(anonymous).get(f"{PATH}{anonymous.cart_id}/")) == (404, "cart_not_found")


# --- Who may --------------------------------------------------------------------------------------------------------


def operations(cart_id: UUID, item_id: UUID, product_id: UUID) -> list[tuple[str, str, Any]]:
    """All that can be done with a cart."""
    return [
        ("GET", f"{cart_id}/", None),
        ("DELETE", f"{cart_id}/", None),
        ("POST", f"{cart_id}/items/", {"product_id": product_id}),
        ("PUT", f"{cart_id}/items/{item_id}/", {"quantity": 1}),
        ("PATCH", f"{cart_id}/items/{item_id}/", {"quantity": 1}),
        ("DELETE", f"{cart_id}/items/{item_id}/", None),
    ]


def machine() -> Client:
    key = new_secret_key()
    accounts.create_api_key(key_id=new_id(), key=key, draft=ApiKeyDraft("Till", frozenset(Action)))
    return Client(headers={"X-API-Key": key})


@pytest.mark.parametrize("make", [visitor, customer])
def test_nobody_else_reaches_a_cart(make: type[Owner]) -> None:
    owner, product = make(), goods()
    add(owner, product, 2)
    strangers = {
        "nobody": Client(),
        "another token": token_client(visitor()),
        "an empty token": Client(headers={"X-Cart-Token": ""}),
        "a token beyond ASCII": Client(headers={"X-Cart-Token": "é" * 43}),
        "another customer": shopper()[1],
        "head office": client_of(Role.HEAD_OFFICE),
        "a store": client_of(Role.STORE_MANAGER, make_store()),
        "a machine": machine(),
    }

    for name, stranger in strangers.items():
        with nothing_changes():
            for method, path, body in operations(owner.cart_id, item(owner, product), product.id):
                answer = call(stranger, method, path, body)
                assert refusal_of(answer) == (404, "cart_not_found"), (name, method, path)
                assert answer.json()["cart_id"] == str(owner.cart_id)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer nonsense"}, {"X-API-Key": "nonsense"}])
def test_a_token_does_not_help_a_login_that_does_not_hold(headers: dict[str, str]) -> None:
    owner, product = visitor(), goods()
    add(owner, product)
    client = Client(headers=headers | {"X-Cart-Token": owner.token})

    with nothing_changes():
        for method, path, body in operations(owner.cart_id, item(owner, product), product.id):
            assert call(client, method, path, body).status_code == 401
        assert post(client, "/cart/", {}).status_code == 401


def test_whoever_has_the_token_may_be_logged_in_as_anybody() -> None:
    owner, product = visitor(), goods()

    for client in (shopper()[1], client_of(Role.CATALOG_MANAGER), machine()):
        call(client, "POST", f"{owner.cart_id}/items/", {"product_id": product.id}, **{"X-Cart-Token": owner.token})

    assert owner.pieces == {product.id: 3}


def test_only_customers_have_a_cart_of_their_own() -> None:
    anonymous = visitor()
    merge = f"{anonymous.cart_id}/merge/"

    assert refusal_of(Client().get(f"{PATH}mine/")) == (401, "login_required")
    assert refusal_of(call(token_client(anonymous), "POST", merge)) == (401, "login_required")
    for client in (client_of(Role.HEAD_OFFICE), machine()):
        with nothing_changes():
            assert refusal_of(client.get(f"{PATH}mine/")) == (404, "customer_not_found")
            answer = call(client, "POST", merge, **{"X-Cart-Token": anonymous.token})
            assert refusal_of(answer) == (404, "customer_not_found")
        opened = post(client, "/cart/", {}).json()
        assert (opened["customer_id"], len(opened["token"])) == (None, 43)


def test_a_customer_brings_no_cart_without_its_token() -> None:
    (own, client), anonymous, other = shopper(), visitor(), visitor()
    add(anonymous, goods())

    with nothing_changes():
        for headers in ({}, {"X-Cart-Token": other.token}, {"X-Cart-Token": ""}):
            answer = call(client, "POST", f"{anonymous.cart_id}/merge/", **headers)
            assert refusal_of(answer) == (404, "cart_not_found")
        for cart_id in (own.cart_id, new_id()):
            answer = call(client, "POST", f"{cart_id}/merge/", **{"X-Cart-Token": anonymous.token})
            assert refusal_of(answer) == (404, "cart_not_found")


def test_an_item_of_another_cart_is_not_found_in_ones_own() -> None:
    owner, other, product = visitor(), visitor(), goods()
    add(owner, product)
    add(other, product)
    path = f"{owner.cart_id}/items/{item(other, product)}/"

    with nothing_changes():
        for method in ("PUT", "PATCH"):
            answer = call(token_client(owner), method, path, {"quantity": 2})
            assert refusal_of(answer) == (404, "item_not_found")
        assert refusal_of(call(token_client(owner), "DELETE", path)) == (404, "item_not_found")


def test_no_cache_keeps_what_a_token_showed() -> None:
    owner = visitor()

    assert token_client(owner).get(f"{PATH}{owner.cart_id}/")["Cache-Control"] == "no-store"


# --- What is refused ------------------------------------------------------------------------------------------------


def test_what_cannot_be_sent_is_refused_with_what_can() -> None:
    owner, product, archived = visitor(), goods(2), goods()
    add(owner, product, 2)
    catalog.archive_product(product_id=archived.id)
    client = token_client(owner)

    with nothing_changes():
        answer = call(client, "POST", f"{owner.cart_id}/items/", {"product_id": product.id, "quantity": 1})
        assert refusal_of(answer) == (409, "not_enough_stock")
        assert (answer.json()["product_id"], answer.json()["requested"]) == (str(product.id), 3)
        assert answer.json()["available"] == 2
        path = f"{owner.cart_id}/items/{item(owner, product)}/"
        assert refusal_of(call(client, "PUT", path, {"quantity": 3})) == (409, "not_enough_stock")
        for product_id in (archived.id, new_id()):
            answer = call(client, "POST", f"{owner.cart_id}/items/", {"product_id": product_id})
            assert refusal_of(answer) == (404, "product_not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"product_id": "nonsense"}, "product_id"),
        ({"unit_price": "0.01"}, "unit_price"),
        ({"customer_id": str(new_id())}, "customer_id"),
    ],
)
def test_what_is_no_item_is_refused(change: dict[str, Any], field: str) -> None:
    owner, product = visitor(), goods()
    add(owner, product)
    client = token_client(owner)

    with nothing_changes():
        body = {"product_id": str(product.id), "quantity": 2} | change
        answer = call(client, "POST", f"{owner.cart_id}/items/", body)
        assert refusal_of(answer) == (422, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        if field == "quantity":
            answer = call(client, "PUT", f"{owner.cart_id}/items/{item(owner, product)}/", change)
            assert refusal_of(answer) == (422, "invalid")


# --- Sent twice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", ["by token", "by login"])
def test_pieces_sent_twice_under_one_key_are_added_once(known: str) -> None:
    owner, client = shopper() if known == "by login" else (visitor(), Client())
    if known == "by token":
        client = token_client(owner)
    product, key = goods(), {"Idempotency-Key": str(new_id())}
    body = {"product_id": product.id, "quantity": 2}

    first = call(client, "POST", f"{owner.cart_id}/items/", body, **key)
    again = call(client, "POST", f"{owner.cart_id}/items/", body, **key)

    assert (first.json(), again["Idempotency-Replayed"]) == (again.json(), "true")
    assert owner.pieces == {product.id: 2}
    reused = call(client, "POST", f"{owner.cart_id}/items/", body | {"quantity": 3}, **key)
    assert refusal_of(reused) == (422, "idempotency_key_reused")
    malformed = call(client, "POST", f"{owner.cart_id}/items/", body, **{"Idempotency-Key": "two words"})
    assert refusal_of(malformed) == (422, "idempotency_key_invalid")


def test_a_key_of_one_token_answers_nobody_else() -> None:
    owner, product, key = visitor(), goods(), {"Idempotency-Key": str(new_id())}
    body = {"product_id": product.id}
    call(token_client(owner), "POST", f"{owner.cart_id}/items/", body, **key)

    for stranger in (token_client(visitor()), shopper()[1], Client()):
        answer = call(stranger, "POST", f"{owner.cart_id}/items/", body, **key)
        assert refusal_of(answer) == (404, "cart_not_found")


def test_a_merge_sent_twice_under_one_key_is_answered_alike() -> None:
    (own, client), anonymous, product = shopper(), visitor(), goods()
    add(anonymous, product, 2)
    headers = {"X-Cart-Token": anonymous.token, "Idempotency-Key": str(new_id())}

    first, again = (call(client, "POST", f"{anonymous.cart_id}/merge/", **headers) for _ in range(2))

    assert (first.status_code, first.json()) == (200, again.json())
    assert own.pieces == {product.id: 2}
