"""From the cart to an order over REST, and orders without a cart."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.interface import Action, Role, accounts
from catalog.interface import ProductChanges, catalog
from checkout import models
from shared_kernel.ids import new_id
from tests.accounts.actions import home
from tests.chain import client_of, make_product, put_in_stock
from tests.checkout.actions import A_WHILE, EMAIL, Shop, order
from tests.checkout.web import (
    ADDRESS,
    bought,
    call,
    goods,
    guest,
    invalid_fields,
    machine,
    nothing_changes,
    once,
    ordered,
    refusal_of,
    reseller,
    shopper,
)

pytestmark = pytest.mark.django_db

PROCESS, VALIDATE, ORDERS = "/checkout/process/", "/checkout/validate/", "/orders/"


# --- A visitor ------------------------------------------------------------------------------------------------------


def test_a_guest_orders_what_is_in_their_cart_and_sees_the_order_by_its_token() -> None:
    shop = Shop()
    cart, client = guest((shop.product, 3))

    answer = call(client, "POST", PROCESS, {"cart_id": cart.id, "shipping_address": ADDRESS})

    assert answer.status_code == 201
    placed = answer.json()
    made, until = (datetime.fromisoformat(placed[name]) for name in ("placed_at", "reserved_until"))
    assert until - made == A_WHILE
    assert placed == placed | {
        "channel": "web",
        "status": "pending",
        "customer_id": None,
        "placed_by": None,
        "email": EMAIL,
        "pickup_store_id": None,
        "currency": "EUR",
        "net": "25.00",
        "tax": "5.00",
        "total": "30.00",
        "refunded": "0.00",
        "payments": [],
        "refunds": [],
        "notices": [],
    }
    assert placed["address"] == ADDRESS | {"line2": "", "region": "", "phone": ""}
    assert placed["lines"] == [
        {
            "position": 1,
            "product_id": str(shop.product.id),
            "sku": shop.product.sku,
            "name": shop.product.name,
            "stocked": True,
            "quantity": 3,
            "unit_price": "10.00",
            "tax_rate": "0.2000",
            "tax": "5.00",
            "total": "30.00",
            "refunded": 0,
        }
    ]
    assert placed["parcels"] == [
        {
            "location_id": str(shop.warehouse.id),
            "items": [{"product_id": str(shop.product.id), "quantity": 3}],
            "sent_at": None,
        }
    ]
    assert [(step["step"], step["actor_id"], step["note"]) for step in placed["steps"]] == [("placed", None, "")]
    assert shop.shelf() == (10, 3)
    assert call(client, "GET", f"/cart/{cart.id}/").json()["lines"] == []
    assert call(client, "GET", f"/orders/{placed['id']}/").json() == placed


def test_a_guest_says_where_they_can_be_written_to() -> None:
    shop = Shop()
    cart, client = guest((shop.product, 1))
    put_in_stock(shop.product, shop.lyon, 1)
    nameless = {name: value for name, value in ADDRESS.items() if name != "email"}

    with nothing_changes():
        for where in ({"shipping_address": nameless}, {"pickup_store_id": shop.lyon.id}):
            assert invalid_fields(call(client, "POST", PROCESS, {"cart_id": cart.id, **where})) == ["email"]
            odd = {"cart_id": cart.id, "email": "camille at home", **where}
            assert invalid_fields(call(client, "POST", PROCESS, odd)) == ["email"]
    bought(cart, client, shipping_address=nameless, email=" Camille@Example.com")
    assert models.Order.objects.get().email == EMAIL


def test_a_guest_fetches_their_order_in_a_store() -> None:
    shop = Shop()
    put_in_stock(shop.product, shop.lyon, 2)
    cart, client = guest((shop.product, 2))
    body = {"cart_id": cart.id, "pickup_store_id": shop.lyon.id, "email": EMAIL}

    placed = call(client, "POST", PROCESS, body).json()

    assert (placed["pickup_store_id"], placed["address"]) == (str(shop.lyon.id), None)
    assert [parcel["location_id"] for parcel in placed["parcels"]] == [str(shop.lyon.id)]
    assert (shop.shelf(), shop.shelf(shop.lyon)) == ((10, 0), (2, 2))


# --- A customer -----------------------------------------------------------------------------------------------------


def test_a_customer_orders_to_an_address_of_their_book_and_is_written_to_by_their_own() -> None:
    shop = Shop()
    cart, client = shopper((shop.product, 1))
    address = accounts.add_address(customer_id=cart.customer_id or new_id(), address_id=new_id(), draft=home())

    placed = call(client, "POST", PROCESS, {"cart_id": cart.id, "address_id": address.id}).json()

    [customer] = accounts.customers(ids=[cart.customer_id or new_id()])
    assert (placed["customer_id"], placed["email"]) == (str(customer.id), customer.email)
    assert (placed["address"]["name"], placed["address"]["line1"]) == ("Camille", "12 rue Mercière")
    assert [step["actor_id"] for step in placed["steps"]] == [str(customer.id)]


def test_somebody_elses_address_is_in_nobody_elses_book() -> None:
    shop = Shop()
    (cart, client), (other, _) = shopper((shop.product, 1)), shopper()
    theirs = accounts.add_address(customer_id=other.customer_id or new_id(), address_id=new_id(), draft=home())
    guests_cart, guests_client = guest((shop.product, 1))

    with nothing_changes():
        for address_id in (theirs.id, new_id()):
            body = {"cart_id": cart.id, "address_id": address_id}
            assert invalid_fields(call(client, "POST", PROCESS, body)) == ["address_id"]
        body = {"cart_id": guests_cart.id, "address_id": theirs.id, "email": EMAIL}
        assert invalid_fields(call(guests_client, "POST", PROCESS, body)) == ["address_id"]
        assert invalid_fields(call(reseller(), "POST", ORDERS, order_to_book(shop, theirs.id))) == ["address_id"]


def order_to_book(shop: Shop, address_id: UUID) -> dict[str, Any]:
    return {"products": [{"id": shop.product.id, "quantity": 1}], "address_id": address_id, "email": EMAIL}


def test_what_a_customer_put_into_a_cart_before_they_logged_in_they_order_for_themselves() -> None:
    shop = Shop()
    (own, client), (cart, anonymous) = shopper(), guest((shop.product, 1))

    body = {"cart_id": cart.id, "shipping_address": ADDRESS}
    order_id = call(client, "POST", PROCESS, body, **{"X-Cart-Token": token_of(anonymous)}).json()["id"]

    assert call(client, "GET", f"/orders/{order_id}/").json()["customer_id"] == str(own.customer_id)
    assert refusal_of(call(anonymous, "GET", f"/orders/{order_id}/")) == (404, "order_not_found")


def token_of(client: Client) -> str:
    return str(client.defaults["HTTP_X_CART_TOKEN"])


# --- Whose cart it is -----------------------------------------------------------------------------------------------


def test_nobody_orders_what_is_in_somebody_elses_cart() -> None:
    shop = Shop()
    carts = [guest((shop.product, 1))[0], shopper((shop.product, 1))[0]]
    strangers = [Client(), guest()[1], shopper()[1], client_of(Role.HEAD_OFFICE), reseller()]

    with nothing_changes():
        for cart in carts:
            for stranger in strangers:
                for path in (PROCESS, VALIDATE):
                    body = {"cart_id": cart.id, "shipping_address": ADDRESS}
                    assert refusal_of(call(stranger, "POST", path, body)) == (404, "cart_not_found")


def test_a_login_that_does_not_hold_orders_nothing() -> None:
    shop = Shop()
    cart, client = guest((shop.product, 1))

    with nothing_changes():
        body = {"cart_id": cart.id, "shipping_address": ADDRESS}
        assert refusal_of(call(client, "POST", PROCESS, body, Authorization="Bearer x")) == (401, "invalid_token")


# --- What stands against it -----------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_an_order_would_come_to() -> None:
    shop = Shop()
    put_in_stock(shop.product, shop.lyon, 1)
    cart, client = guest((shop.product, 3))

    with nothing_changes():
        sent = call(client, "POST", VALIDATE, {"cart_id": cart.id})
        fetched = call(client, "POST", VALIDATE, {"cart_id": cart.id, "pickup_store_id": shop.lyon.id})

    assert sent.status_code == fetched.status_code == 200
    assert sent.json() == {
        "currency": "EUR",
        "net": "25.00",
        "tax": "5.00",
        "total": "30.00",
        "missing": [],
        "changed_prices": [],
        "parcels": [
            {
                "location_id": str(shop.warehouse.id),
                "items": [{"product_id": str(shop.product.id), "quantity": 3}],
                "sent_at": None,
            }
        ],
    }
    assert fetched.json()["parcels"] == []
    assert fetched.json()["missing"] == [
        {
            "product_id": str(shop.product.id),
            "requested": 3,
            "available": 1,
            "elsewhere": [
                {"location_id": str(shop.warehouse.id), "location_name": shop.warehouse.name, "available": 10}
            ],
        }
    ]


def test_a_dry_run_looks_at_the_address_too() -> None:
    shop = Shop()
    cart, client = guest((shop.product, 1))

    with nothing_changes():
        for path in (VALIDATE, PROCESS):
            wrong = {"cart_id": cart.id, "shipping_address": ADDRESS | {"postal_code": "1"}}
            assert invalid_fields(call(client, "POST", path, wrong)) == ["postal_code"]
            nowhere = {"cart_id": cart.id, "pickup_store_id": new_id(), "email": EMAIL}
            if path == VALIDATE:
                del nowhere["email"]
            assert refusal_of(call(client, "POST", path, nowhere)) == (404, "location_not_found")
        assert call(client, "POST", VALIDATE, {"cart_id": cart.id, "shipping_address": ADDRESS}).status_code == 200


def test_what_is_gone_is_named_line_by_line_with_where_there_is_some() -> None:
    shop = Shop(4)
    put_in_stock(shop.product, shop.lyon, 2)
    cart, client = guest((shop.product, 4))
    order((shop.product, 3))

    with nothing_changes():
        body = {"cart_id": cart.id, "pickup_store_id": shop.lyon.id, "email": EMAIL}
        answer = call(client, "POST", PROCESS, body)

    assert refusal_of(answer) == (409, "insufficient_stock")
    assert answer.json()["lines"] == [
        {
            "product_id": str(shop.product.id),
            "requested": 4,
            "available": 2,
            "elsewhere": [
                {"location_id": str(shop.warehouse.id), "location_name": shop.warehouse.name, "available": 1}
            ],
        }
    ]


def test_a_changed_price_is_told_and_accepted() -> None:
    shop = Shop()
    cart, client = guest((shop.product, 2))
    catalog.update_product(product_id=shop.product.id, changes=ProductChanges(price=Decimal("12.00")))
    body = {"cart_id": cart.id, "shipping_address": ADDRESS}

    with nothing_changes():
        answer = call(client, "POST", PROCESS, body)
    assert refusal_of(answer) == (409, "price_changed")
    told = [{"product_id": str(shop.product.id), "added_price": "10.00", "unit_price": "12.00"}]
    assert answer.json()["lines"] == told
    assert call(client, "POST", VALIDATE, {"cart_id": cart.id}).json()["changed_prices"] == told

    accepted = call(client, "POST", PROCESS, body | {"accept_prices": True})
    assert (accepted.status_code, accepted.json()["total"]) == (201, "24.00")


def test_an_empty_cart_is_no_order() -> None:
    cart, client = guest()

    with nothing_changes():
        answer = call(client, "POST", PROCESS, {"cart_id": cart.id, "shipping_address": ADDRESS})
    assert refusal_of(answer) == (409, "cart_empty")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cart_id": "nonsense"}, "cart_id"),
        ({"accept_prices": "maybe"}, "accept_prices"),
        ({"shipping_address": None}, "body"),
        ({"pickup_store_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"}, "body"),
        ({"shipping_address": ADDRESS | {"city": None}}, "shipping_address.city"),
        ({"shipping_address": ADDRESS | {"price": "0.01"}}, "shipping_address.price"),
        ({"status": "paid"}, "status"),
        ({"total": "0.01"}, "total"),
        ({"price": "0.01"}, "price"),
        ({"customer_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"}, "customer_id"),
        ({"order_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"}, "order_id"),
        ({"reserved_until": "2999-01-01T00:00:00Z"}, "reserved_until"),
    ],
)
def test_what_is_no_order_is_refused(change: dict[str, Any], field: str) -> None:
    shop = Shop()
    cart, client = guest((shop.product, 1))

    with nothing_changes():
        body = {"cart_id": cart.id, "shipping_address": ADDRESS} | change
        assert invalid_fields(call(client, "POST", PROCESS, body)) == [field]


# --- Sent twice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [guest, shopper])
def test_a_checkout_sent_twice_under_one_key_is_one_order(make: Any) -> None:
    shop, key = Shop(), once()
    cart, client = make((shop.product, 3))
    body = {"cart_id": cart.id, "shipping_address": ADDRESS}
    first = call(client, "POST", PROCESS, body, **key)

    with nothing_changes():
        again = call(client, "POST", PROCESS, body, **key)
        reused = call(client, "POST", PROCESS, body | {"accept_prices": True}, **key)

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert refusal_of(reused) == (422, "idempotency_key_reused")
    assert models.Order.objects.count() == 1


def test_a_refused_checkout_leaves_its_key_free() -> None:
    shop, key = Shop(1), once()
    cart, client = guest((shop.product, 1))
    rival = order((shop.product, 1))
    body = {"cart_id": cart.id, "shipping_address": ADDRESS}
    assert refusal_of(call(client, "POST", PROCESS, body, **key)) == (409, "insufficient_stock")

    put_in_stock(shop.product, shop.warehouse, 1)

    answer = call(client, "POST", PROCESS, body, **key)
    assert answer.status_code == 201
    assert answer.json()["id"] != str(rival.id)


# --- Resellers ------------------------------------------------------------------------------------------------------


def test_a_reseller_orders_products_and_sees_the_order() -> None:
    shop, client = Shop(10, 10), reseller()

    answer = call(client, "POST", ORDERS, goods((shop.products[0], 2), (shop.products[1], 1)))

    assert answer.status_code == 201
    placed = answer.json()
    assert (placed["channel"], placed["total"], placed["customer_id"]) == ("reseller", "30.00", None)
    assert placed["placed_by"] == placed["steps"][0]["actor_id"]
    assert [(line["product_id"], line["quantity"]) for line in placed["lines"]] == [
        (str(shop.products[0].id), 2),
        (str(shop.products[1].id), 1),
    ]
    assert call(client, "GET", f"/orders/{placed['id']}/").json() == placed


def test_the_older_way_orders_a_single_product() -> None:
    shop, client = Shop(), reseller()
    body = {"product": {"id": shop.product.id, "quantity": 2}, "shipping_address": ADDRESS}

    answer = call(client, "POST", ORDERS, body)

    assert answer.status_code == 201
    assert [(line["product_id"], line["quantity"]) for line in answer.json()["lines"]] == [(str(shop.product.id), 2)]
    assert shop.shelf() == (10, 2)


def test_a_reseller_has_an_order_kept_in_a_store() -> None:
    shop, client = Shop(), reseller()
    put_in_stock(shop.product, shop.lyon, 2)
    body = {"products": [{"id": shop.product.id, "quantity": 2}], "pickup_store_id": shop.lyon.id, "email": EMAIL}

    assert call(client, "POST", ORDERS, body).json()["pickup_store_id"] == str(shop.lyon.id)
    assert shop.shelf(shop.lyon) == (2, 2)


def test_a_direct_order_takes_a_key_for_it() -> None:
    shop = Shop()
    cashier, customer = client_of(Role.CASHIER, shop.lyon), shopper()[1]
    others = [cashier, customer, client_of(Role.WAREHOUSE), machine(Action.READ_ORDERS, Action.FULFIL_ORDERS)]

    with nothing_changes():
        assert refusal_of(call(Client(), "POST", ORDERS, goods((shop.product, 1)))) == (401, "login_required")
        for client in others:
            assert refusal_of(call(client, "POST", ORDERS, goods((shop.product, 1)))) == (403, "not_allowed")
    assert call(client_of(Role.HEAD_OFFICE), "POST", ORDERS, goods((shop.product, 1))).status_code == 201


def test_a_reseller_is_refused_what_is_not_there_or_not_sold() -> None:
    shop, client, archived = Shop(2), reseller(), make_product()
    catalog.archive_product(product_id=archived.id)

    with nothing_changes():
        answer = call(client, "POST", ORDERS, goods((shop.product, 3)))
        assert refusal_of(answer) == (409, "insufficient_stock")
        assert answer.json()["lines"] == [
            {"product_id": str(shop.product.id), "requested": 3, "available": 2, "elsewhere": []}
        ]
        assert refusal_of(call(client, "POST", ORDERS, goods((archived, 1)))) == (404, "product_not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"products": []}, "products"),
        ({"products": None}, "body"),
        ({"product": {"id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11", "quantity": 1}}, "body"),
        ({"products": [{"id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11", "quantity": 0}]}, "products.0.quantity"),
        ({"products": [{"id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11", "quantity": True}]}, "products.0.quantity"),
        (
            {"products": [{"id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11", "quantity": 1, "unit_price": "0.01"}]},
            "products.0.unit_price",
        ),
        ({"shipping_address": None}, "body"),
        ({"email": "nonsense"}, "email"),
        ({"status": "paid"}, "status"),
        ({"total": "0.01"}, "total"),
        ({"customer_id": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"}, "customer_id"),
        ({"placed_by": "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"}, "placed_by"),
    ],
)
def test_what_is_no_direct_order_is_refused(change: dict[str, Any], field: str) -> None:
    shop, client = Shop(), reseller()

    with nothing_changes():
        assert invalid_fields(call(client, "POST", ORDERS, goods((shop.product, 1)) | change)) == [field]


def test_a_direct_order_sent_twice_under_one_key_is_one() -> None:
    shop, client, key = Shop(), reseller(), once()
    first = call(client, "POST", ORDERS, goods((shop.product, 1)), **key)

    with nothing_changes():
        again = call(client, "POST", ORDERS, goods((shop.product, 1)), **key)
        reused = call(client, "POST", ORDERS, goods((shop.product, 2)), **key)

    assert (first.status_code, again.json()) == (201, first.json())
    assert refusal_of(reused) == (422, "idempotency_key_reused")
    assert ordered(reseller(), (shop.product, 1)) != UUID(first.json()["id"])
