"""From a visitor's cart to a customer's order, over REST; in process, through JSON, and with every published call sent
twice."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from cart.interface import OrderedLine, carts
from catalog.interface import ProductChanges, catalog
from shared_kernel.ids import new_id
from tests.accounts.actions import customer_client, register
from tests.chain import make_product, make_store, make_warehouse, post, put_in_stock, sell
from tests.journeys.test_shop_floor import done

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("placement")]


def pieces(cart: dict[str, Any]) -> dict[str, int]:
    """What is in a cart, by the products' names."""
    return {line["name"]: line["quantity"] for line in cart["lines"]}


def told(cart: dict[str, Any]) -> list[tuple[str, str]]:
    return [(notice["code"], notice["product_name"]) for notice in cart["notices"]]


def test_a_visitor_fills_a_cart_logs_in_and_finds_it_in_their_own_until_it_is_ordered() -> None:
    warehouse, store = make_warehouse(), make_store()
    keyboard, mouse, cable = (make_product(name=name) for name in ("Keyboard", "Mouse", "Cable"))
    for product, place, quantity in [(keyboard, warehouse, 3), (keyboard, store, 2), (mouse, store, 9)]:
        put_in_stock(product, place, quantity)
    put_in_stock(cable, warehouse, 1)

    opened = done(post(Client(), "/cart/", {}), 201)
    visitor, address = Client(headers={"X-Cart-Token": opened["token"]}), f"/cart/{opened['id']}/"
    for product, quantity in [(keyboard, 3), (keyboard, 1), (mouse, 2), (cable, 1)]:
        cart = done(post(visitor, f"{address}items/", {"product_id": str(product.id), "quantity": quantity}), 200)
    assert (pieces(cart), cart["total"]) == ({"Keyboard": 4, "Mouse": 2, "Cable": 1}, "70.00")
    refused = done(post(visitor, f"{address}items/", {"product_id": str(keyboard.id), "quantity": 2}), 409)
    assert (refused["code"], refused["requested"], refused["available"]) == ("not_enough_stock", 6, 5)

    sell(keyboard, store, 2)
    catalog.update_product(product_id=mouse.id, changes=ProductChanges(price=Decimal("12.00")))
    catalog.archive_product(product_id=cable.id)
    carts.withdraw(product_id=cable.id)
    cart = done(visitor.get(f"/api/v1{address}"), 200)
    assert told(cart) == [("unavailable", "Cable"), ("not_enough_stock", "Keyboard"), ("price_changed", "Mouse")]

    register(email="camille@example.com")
    camille = customer_client("camille@example.com")
    mine = done(camille.get("/api/v1/cart/mine/"), 200)
    done(post(camille, f"/cart/{mine['id']}/items/", {"product_id": str(mouse.id)}), 200)
    merged = done(post(camille, f"{address}merge/", {}, **{"X-Cart-Token": opened["token"]}), 200)
    assert (merged["id"], pieces(merged)) == (mine["id"], {"Keyboard": 3, "Mouse": 3})
    assert told(merged) == [("capped", "Keyboard"), ("price_changed", "Mouse")]
    assert done(visitor.get(f"/api/v1{address}"), 404)["code"] == "cart_not_found"

    lines = [OrderedLine(keyboard.id, 3), OrderedLine(mouse.id, 2)]
    carts.check_out(cart_id=UUID(mine["id"]), order_id=new_id(), contents=[], lines=lines, now=datetime.now(UTC))
    [line] = (cart := done(camille.get("/api/v1/cart/mine/"), 200))["lines"]
    assert (line["name"], line["quantity"]) == ("Mouse", 1)
    emptied = done(camille.delete(f"/api/v1/cart/{mine['id']}/items/{line['id']}/"), 200)
    assert (cart["total"], emptied["total"]) == ("12.00", "0.00")
