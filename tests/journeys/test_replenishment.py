"""From a low shelf to goods on it, over REST; in process, through JSON, and with every published call sent twice."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import Location, LocationDraft, inventory
from replenishment.interface import replenishment
from tests.chain import books_agree, client_of, level, make_product, make_store, make_warehouse, post, put_in_stock
from tests.journeys.test_shop_floor import done, quantities

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("placement")]

REQUESTS, SUGGESTIONS = "/replenishment-requests/", "/replenishment-suggestions/"


def act(client: Client, request: dict[str, Any], action: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = done(post(client, f"{REQUESTS}{request['id']}/{action}/", body), 200)
    return answer


def use_transit(warehouse: Location) -> None:
    draft = LocationDraft(warehouse.kind, warehouse.name, warehouse.address, warehouse.time_zone, uses_transit=True)
    inventory.save_location(location_id=warehouse.id, draft=draft)


def accepting(store: Location, product_id: object) -> dict[str, Any]:
    return {"lines": [{"store_id": str(store.id), "product_id": str(product_id)}]}


def test_a_low_shelf_is_filled_from_the_warehouse() -> None:
    warehouse, lyon, lille = make_warehouse("Central"), make_store("Lyon"), make_store("Lille")
    keyboard, mouse = make_product(), make_product()
    for product, place, pieces in [(keyboard, warehouse, 100), (keyboard, lyon, 20), (mouse, warehouse, 30)]:
        put_in_stock(product, place, pieces)
    cashier, manager = client_of(Role.CASHIER, lyon), client_of(Role.STORE_MANAGER, lille)
    logistics = client_of(Role.WAREHOUSE)

    wanted = {"product_id": str(keyboard.id), "store_id": str(lyon.id), "quantity": 21}
    request = done(post(cashier, REQUESTS, wanted), 201)
    assert quantities(str(keyboard.id)) == {"Central": 100, "Lille": 0, "Lyon": 20}
    assert done(post(manager, REQUESTS, wanted), 403)["code"] == "not_allowed"
    assert done(manager.get(f"/api/v1{REQUESTS}{request['id']}/"), 404)["code"] == "request_not_found"

    assert act(logistics, request, "approve")["approved_quantity"] == 21
    assert quantities(str(keyboard.id)) == {"Central": 79, "Lille": 0, "Lyon": 41}
    assert done(post(logistics, f"{REQUESTS}{request['id']}/reject/", {}), 409)["code"] == "already_decided"

    wanted = {"product_id": str(mouse.id), "store_id": str(lille.id), "quantity": 20}
    requests = [done(post(manager, REQUESTS, wanted), 201)["id"] for _ in range(2)]
    decisions = {"request_ids": requests, "verdict": "approve"}
    outcomes = done(post(logistics, f"{REQUESTS}decisions/", decisions), 200)["results"]
    assert [outcome["code"] for outcome in outcomes] == ["", "central_stock_too_low"]
    [pending] = done(logistics.get(f"/api/v1{REQUESTS}?status=pending"), 200)["results"]
    act(logistics, pending, "approve", quantity=10, reason="the rest next week")
    assert quantities(str(mouse.id)) == {"Central": 0, "Lille": 30, "Lyon": 0}

    assert books_agree()


def test_a_suggestion_travels_to_the_shelf() -> None:
    warehouse, lyon, product = make_warehouse("Central"), make_store("Lyon"), make_product()
    use_transit(warehouse)
    put_in_stock(product, warehouse, 100)
    put_in_stock(product, lyon, 4)
    manager, logistics = client_of(Role.STORE_MANAGER, lyon), client_of(Role.WAREHOUSE)
    replenishment.suggest(now=datetime.now(UTC))

    [suggestion] = done(manager.get(f"/api/v1{SUGGESTIONS}"), 200)["results"]
    assert suggestion["quantity"] == 6
    [accepted] = done(post(manager, f"{SUGGESTIONS}accept/", accepting(lyon, product.id)), 200)["results"]
    assert accepted["code"] == ""
    request = accepted["request"]
    [again] = done(post(manager, f"{SUGGESTIONS}accept/", accepting(lyon, product.id)), 200)["results"]
    assert again["code"] == "suggestion_gone"

    act(logistics, request, "approve")
    assert quantities(str(product.id)) == {"Central": 94, "Lyon": 4}
    act(logistics, request, "ship")
    assert (level(product, lyon).in_transit, level(product, lyon).available) == (6, 4)
    received = act(manager, request, "receive", quantity=5)
    assert (received["approved_quantity"], received["received_quantity"]) == (6, 5)
    assert quantities(str(product.id)) == {"Central": 94, "Lyon": 9}
    assert books_agree()
