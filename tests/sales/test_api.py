"""Till sales and reports over REST."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import inventory
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.chain import client_of, make_product, make_store, make_warehouse, on_hand, post, put_in_stock, sell

pytestmark = pytest.mark.django_db


def test_a_cashier_sells_in_their_own_store() -> None:
    store, product = make_store(), make_product(price=Decimal("25.50"))
    put_in_stock(product, store, 10)
    cashier = client_of(Role.CASHIER, store)
    payments = [{"method": "card", "amount": "50.00"}, {"method": "cash", "amount": 1}]

    answer = post(
        cashier,
        "/sales/",
        {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 2}], "payments": payments},
    )

    assert answer.status_code == 201
    body = answer.json()
    assert (body["total"], body["tax"], body["currency"], body["pieces"]) == ("51.00", "8.50", "EUR", 2)
    assert body["payments"] == [
        {"method": "card", "amount": "50.00", "tendered": None},
        {"method": "cash", "amount": "1.00", "tendered": "1.00"},
    ]
    assert body["lines"][0]["unit_price"] == "25.50"
    assert cashier.get(f"/api/v1/sales/{body['id']}/").json() == body
    assert on_hand(product, store) == 8


def test_a_cashier_does_not_sell_in_another_store() -> None:
    mine, other, product = make_store(), make_store(), make_product()
    put_in_stock(product, other, 10)

    answer = post(
        client_of(Role.CASHIER, mine),
        "/sales/",
        {"store_id": str(other.id), "lines": [{"product_id": str(product.id), "quantity": 1}]},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert on_hand(product, other) == 10


def test_nobody_sells_without_a_login() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)

    answer = post(
        Client(), "/sales/", {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")
    assert on_hand(product, store) == 10


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_some_roles_neither_sell_nor_read_sales(role: Role) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale, client = sell(product, store), client_of(role)

    refused = post(
        client, "/sales/", {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    )

    assert refused.status_code == 403
    for path in (f"/sales/{sale.id}/", f"/stores/{store.id}/sales/", "/reports/sales/", "/reports/statistics/"):
        assert client.get(f"/api/v1{path}").status_code == 403
    assert on_hand(product, store) == 9


def test_a_refusal_names_the_line_and_where_else_to_find_it() -> None:
    warehouse, store, product = make_warehouse("Central"), make_store(), make_product()
    put_in_stock(product, store, 2)
    put_in_stock(product, warehouse, 50)

    answer = post(
        client_of(Role.HEAD_OFFICE),
        "/sales/",
        {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 3}]},
    )

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("insufficient_stock", 409)
    assert problem["request_id"] == answer["X-Request-ID"]
    assert problem["lines"] == [
        {
            "product_id": str(product.id),
            "location_id": str(store.id),
            "requested": 3,
            "available": 2,
            "elsewhere": [{"location_id": str(warehouse.id), "location_name": "Central", "available": 50}],
        }
    ]
    assert on_hand(product, store) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"total": "0.01"}, "total"),
        ({"lines": [{"product_id": "PRODUCT", "quantity": 1, "unit_price": "0.01"}]}, "lines.0.unit_price"),
        ({"lines": [{"product_id": "PRODUCT", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"product_id": "PRODUCT", "quantity": -1}]}, "lines.0.quantity"),
        ({"lines": [{"product_id": "PRODUCT", "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [{"product_id": "PRODUCT", "barcode": "2000000000015", "quantity": 1}]}, "lines.0"),
        ({"lines": [{"quantity": 1}]}, "lines.0"),
        ({"lines": [{"product_id": "nonsense", "quantity": 1}]}, "lines.0.product_id"),
        ({"payments": [{"method": "shells", "amount": "10.00"}]}, "payments.0.method"),
        ({"payments": [{"method": "cash", "amount": "-10.00"}]}, "payments.0.amount"),
        ({"payments": [{"method": "cash", "amount": "10.001"}]}, "payments.0.amount"),
    ],
)
def test_what_is_not_a_sale_is_refused_and_changes_nothing(change: dict[str, object], field: str) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]} | change
    for line in body["lines"]:
        if line.get("product_id") == "PRODUCT":
            line["product_id"] = str(product.id)

    answer = post(client_of(Role.HEAD_OFFICE), "/sales/", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert on_hand(product, store) == 10
    assert sales.store_sales(store_id=store.id) == []


def test_a_payment_that_does_not_add_up_is_refused() -> None:
    store, product = make_store(), make_product(price=Decimal("25.50"))
    put_in_stock(product, store, 10)
    body = {
        "store_id": str(store.id),
        "lines": [{"product_id": str(product.id), "quantity": 1}],
        "payments": [{"method": "cash", "amount": "25.00"}],
    }

    answer = post(client_of(Role.HEAD_OFFICE), "/sales/", body)

    assert answer.status_code == 422
    assert {name: answer.json()[name] for name in ("code", "total", "paid")} == {
        "code": "payment_mismatch",
        "total": "25.50",
        "paid": "25.00",
    }
    assert on_hand(product, store) == 10


def test_an_unknown_store_and_an_unknown_product_are_named() -> None:
    store, product, nowhere, nothing = make_store(), make_product(), new_id(), new_id()
    head = client_of(Role.HEAD_OFFICE)

    without_store = post(
        head, "/sales/", {"store_id": str(nowhere), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    )
    without_product = post(
        head, "/sales/", {"store_id": str(store.id), "lines": [{"product_id": str(nothing), "quantity": 1}]}
    )

    assert (without_store.status_code, without_store.json()["location_ids"]) == (404, [str(nowhere)])
    assert (without_product.status_code, without_product.json()["product_ids"]) == (404, [str(nothing)])


def test_a_sale_sent_twice_under_one_key_is_answered_twice_and_sold_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    head = client_of(Role.HEAD_OFFICE)
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}

    first, second = (post(head, "/sales/", body, **{"Idempotency-Key": "till-7/123"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second["Idempotency-Replayed"] == "true"
    assert on_hand(product, store) == 9


def test_a_sale_in_a_foreign_store_is_not_found() -> None:
    mine, other, service = make_store(), make_store(), make_product(stocked=False)
    sale = sell(service, other)
    manager = client_of(Role.STORE_MANAGER, mine)

    assert manager.get(f"/api/v1/sales/{sale.id}/").status_code == 404
    assert manager.get(f"/api/v1/stores/{other.id}/sales/").status_code == 403
    assert manager.get(f"/api/v1/sales/{new_id()}/").json()["code"] == "sale_not_found"


def test_a_stores_sales_are_paged_by_cursor() -> None:
    store, service = make_store(), make_product(stocked=False)
    made = [str(sell(service, store, sale_id=new_id()).id) for _ in range(3)]
    made.sort(reverse=True)
    manager = client_of(Role.STORE_MANAGER, store)

    first = manager.get(f"/api/v1/stores/{store.id}/sales/?page_size=2").json()
    last = manager.get(first["next"]).json()

    assert [sale["id"] for sale in first["results"] + last["results"]] == made
    assert (first["previous"], last["next"]) == (None, None)


def test_the_report_adds_up_each_store_and_the_chain() -> None:
    lyon, lille = make_store("Lyon"), make_store("Lille")
    cheap, dear = make_product(sku="A", price=Decimal("1.10")), make_product(sku="B", price=Decimal("100.00"))
    for product in (cheap, dear):
        put_in_stock(product, lyon, 10)
        put_in_stock(product, lille, 10)
    sell(cheap, lyon, 3)
    sell(dear, lyon, 1)
    sell(cheap, lille, 2)

    report = client_of(Role.HEAD_OFFICE).get("/api/v1/reports/sales/").json()

    assert report["total"] == {
        "gross": "105.50",
        "returned": "0.00",
        "total": "105.50",
        "sales": 3,
        "returns": 0,
        "pieces": 6,
    }
    assert [(store["name"], store["total"], store["sales"], store["pieces"]) for store in report["stores"]] == [
        ("Lille", "2.20", 1, 2),
        ("Lyon", "103.30", 2, 4),
    ]
    in_lyon = report["stores"][1]
    assert [(product["sku"], product["quantity"]) for product in in_lyon["products"]] == [("A", 3), ("B", 1)]
    assert [(stock["product_id"], stock["available"]) for stock in in_lyon["stock"]] == [
        (str(dear.id), 9),
        (str(cheap.id), 7),
    ]
    assert (in_lyon["address"], in_lyon["channel"]) == ("1 rue de la Paix, Paris", "till")


def test_the_report_keeps_to_its_days_both_included() -> None:
    store, service = make_store(), make_product(stocked=False, price=Decimal("1.00"))
    for day in (1, 2, 3, 4):
        moment = datetime(2026, 3, day, 12, tzinfo=UTC)
        sell(service, store, sale_id=new_id(at=moment), sold_at=moment)
    head = client_of(Role.HEAD_OFFICE)

    def total(query: str) -> str:
        return str(head.get(f"/api/v1/reports/sales/?{query}").json()["total"]["total"])

    assert total("from=2026-03-02&to=2026-03-03") == "2.00"
    assert total("from=2026-03-02") == "3.00"
    assert total("to=2026-03-01") == "1.00"
    assert total("channel=online") == "0.00"


def test_the_report_cuts_long_lists_to_the_most_sold() -> None:
    store = make_store()
    products = [make_product(stocked=False, sku=sku) for sku in ("A", "B", "C")]
    for product, quantity in zip(products, (1, 3, 2), strict=True):
        sell(product, store, quantity)
    head = client_of(Role.HEAD_OFFICE)

    def sold(top: str) -> list[str]:
        [report] = head.get(f"/api/v1/reports/sales/?top={top}").json()["stores"]
        return [product["sku"] for product in report["products"]]

    assert sold("2") == ["B", "C"]
    assert sold("all") == ["B", "C", "A"]


def test_the_report_as_csv_has_a_line_per_store_and_per_product() -> None:
    store = make_store("=Formula()")
    product = make_product(stocked=False, sku="A", name='"Quoted", name', price=Decimal("2.00"))
    sell(product, store, 2)

    answer = client_of(Role.HEAD_OFFICE).get("/api/v1/reports/sales/?format=csv")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode().splitlines() == [
        "store_id,name,address,channel,gross,returned,total,sales,returns,pieces,product_id,sku,product,quantity",
        f'{store.id},\'=Formula(),"1 rue de la Paix, Paris",till,4.00,0.00,4.00,1,0,2,,,,',
        f'{store.id},\'=Formula(),"1 rue de la Paix, Paris",till,,,,,,,{product.id},A,"""Quoted"", name",2',
    ]


def test_a_store_manager_sees_the_reports_of_their_own_stores() -> None:
    mine, other, service = make_store(), make_store(), make_product(stocked=False, price=Decimal("5.00"))
    sell(service, mine)
    sell(service, other)
    manager = client_of(Role.STORE_MANAGER, mine)

    report = manager.get("/api/v1/reports/sales/").json()

    assert [store["store_id"] for store in report["stores"]] == [str(mine.id)]
    assert report["total"]["total"] == "5.00"
    assert manager.get(f"/api/v1/reports/sales/?store_id={other.id}").status_code == 403
    assert manager.get("/api/v1/reports/statistics/").json()["stores"] == 1


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=0", "top=0", "top=some", "format=xml", "channel=pigeon", "x=1"]
)
def test_a_parameter_that_makes_no_sense_is_refused(query: str) -> None:
    answer = client_of(Role.HEAD_OFFICE).get(f"/api/v1/reports/sales/?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_statistics_average_the_basket_and_name_the_most_sold() -> None:
    busy, idle = make_store("Busy"), make_store("Idle")
    one, two = make_product(stocked=False, price=Decimal("10.00")), make_product(stocked=False, price=Decimal("5.00"))
    sell(one, busy, 1)
    sell(two, busy, 3)
    sell(two, busy, 4, sold_at=datetime(2020, 1, 1, tzinfo=UTC))

    body = client_of(Role.HEAD_OFFICE).get("/api/v1/reports/statistics/").json()

    assert (body["sales"], body["revenue"], body["average_basket"], body["stores"]) == (3, "45.00", "15.00", 2)
    assert [(store["store_id"], store["average_basket"]) for store in body["per_store"]] == [
        (str(busy.id), "15.00"),
        (str(idle.id), "0.00"),
    ]
    assert [(product["product_id"], product["quantity"]) for product in body["top_products"]] == [
        (str(two.id), 3),
        (str(one.id), 1),
    ]


def test_a_movement_names_the_sale_and_the_cashier() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale = post(
        client_of(Role.CASHIER, store),
        "/sales/",
        {
            "store_id": str(store.id),
            "lines": [{"product_id": str(product.id), "quantity": 2}],
            "client_reference": "T1/9",
        },
    ).json()

    [latest, _] = inventory.movements(product_id=product.id)

    assert (str(latest.operation_id), latest.document, latest.delta) == (sale["id"], "sale T1/9", -2)
    assert (str(latest.actor_id), latest.actor_name) == (sale["cashier_id"], "cashier")
