"""From a new product to the report, over REST; in process, through JSON, and with every published call sent twice."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.interface import Role
from sales.interface import sales
from tests.chain import books_agree, client_of, make_product, make_store, make_warehouse, post, put_in_stock, sell

pytestmark = pytest.mark.django_db


def quantities(product_id: str) -> dict[str, int]:
    rows = Client().get(f"/api/v1/products/{product_id}/stock/").json()["results"]
    return {row["location_name"]: row["available"] for row in rows}


def done(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


@pytest.mark.usefixtures("placement")
def test_from_a_new_product_to_the_report() -> None:
    warehouse, lyon, lille = make_warehouse("Central"), make_store("Lyon"), make_store("Lille")
    buyer, logistics = client_of(Role.CATALOG_MANAGER), client_of(Role.WAREHOUSE)
    cashier, manager, head = (
        client_of(Role.CASHIER, lyon),
        client_of(Role.STORE_MANAGER, lyon),
        client_of(Role.HEAD_OFFICE),
    )

    draft = {"sku": "K-1", "name": "Clavier", "category": "Informatique", "price": "89.99", "barcode": "4006381333931"}
    product_id = done(post(buyer, "/products/", draft), 201)["id"]
    assert quantities(product_id) == {"Central": 0, "Lille": 0, "Lyon": 0}

    delivery = {"location_id": str(warehouse.id), "lines": [{"product_id": product_id, "quantity": 100}]}
    done(post(logistics, "/stock/receipts/", delivery), 201)
    for store, pieces in ((lyon, 20), (lille, 5)):
        move = {
            "from_location_id": str(warehouse.id),
            "to_location_id": str(store.id),
            "lines": [{"product_id": product_id, "quantity": pieces}],
        }
        done(post(logistics, "/stock/transfers/", move), 201)
    assert quantities(product_id) == {"Central": 75, "Lille": 5, "Lyon": 20}

    basket = {"store_id": str(lyon.id), "lines": [{"barcode": "4006381333931", "quantity": 2}]}
    sold = done(post(cashier, "/sales/", basket), 201)
    done(buyer.patch(f"/api/v1/products/{product_id}/", {"price": "79.99"}, content_type="application/json"), 200)
    done(post(cashier, "/sales/", basket), 201)
    too_many = {"store_id": str(lyon.id), "lines": [{"product_id": product_id, "quantity": 17}]}
    assert done(post(cashier, "/sales/", too_many), 409)["lines"][0]["available"] == 16

    counted = {"quantity": 15, "reason": "one is missing"}
    path = f"/api/v1/stores/{lyon.id}/products/{product_id}/stock/"
    assert done(manager.put(path, counted, content_type="application/json"), 200)["on_hand"] == 15
    damaged = {"location_id": str(lyon.id), "lines": [{"product_id": product_id, "delta": -1}], "reason": "broken"}
    done(post(manager, "/stock/adjustments/", damaged), 201)
    assert quantities(product_id) == {"Central": 75, "Lille": 5, "Lyon": 14}

    till = done(post(cashier, "/till-sessions/", {"store_id": str(lyon.id), "till": "1", "opening_float": "200"}), 201)
    broken = {"lines": [{"position": 1, "quantity": 1, "restock": False}], "till_session_id": till["id"]}
    back = done(post(cashier, f"/sales/{sold['id']}/returns/", broken), 201)
    assert (back["total"], back["payments"][0]["method"]) == ("-89.99", "cash")
    fit_for_sale = {"lines": [{"position": 1, "quantity": 1}], "till_session_id": till["id"]}
    done(post(cashier, f"/sales/{sold['id']}/returns/", fit_for_sale), 201)
    assert done(post(cashier, f"/sales/{sold['id']}/returns/", fit_for_sale), 409)["code"] == "return_exceeds_sale"
    counted = done(post(cashier, f"/till-sessions/{till['id']}/close/", {"counted_cash": "20.02"}), 200)
    assert (counted["expected_cash"], counted["difference"], counted["returns"]) == ("20.02", "0.00", 2)
    assert quantities(product_id) == {"Central": 75, "Lille": 5, "Lyon": 15}

    report = done(head.get("/api/v1/reports/sales/"), 200)
    assert (report["total"]["total"], report["total"]["sales"], report["total"]["pieces"]) == ("159.98", 2, 4)
    assert (report["total"]["returned"], report["total"]["returns"]) == ("179.98", 2)
    [_, movement, *_] = done(head.get(f"/api/v1/stock/movements/?product_id={product_id}"), 200)["results"]
    assert (movement["reason"], movement["note"], movement["before"], movement["after"]) == (
        "adjustment",
        "broken",
        15,
        14,
    )

    done(buyer.delete(f"/api/v1/products/{product_id}/"), 204)
    assert done(post(cashier, "/sales/", basket), 404)["code"] == "barcode_not_found"
    assert books_agree()


@pytest.mark.plain_calls
@pytest.mark.parametrize("path", ["/reports/sales/", "/reports/statistics/"])
def test_a_report_takes_as_many_statements_for_five_stores_as_for_one(path: str) -> None:
    head = client_of(Role.HEAD_OFFICE)

    def statements() -> int:
        sales.keep_stock_health(now=datetime.now(UTC))  # as the worker does
        with CaptureQueriesContext(connection) as captured:
            assert head.get(f"/api/v1{path}").status_code == 200
        return len(captured)

    def open_store_that_sells() -> None:
        store = make_store()
        for product in (make_product(), make_product()):
            put_in_stock(product, store, 10)
            sell(product, store)

    open_store_that_sells()
    with_one = statements()
    for _ in range(4):
        open_store_that_sells()

    assert statements() == with_one <= 7
