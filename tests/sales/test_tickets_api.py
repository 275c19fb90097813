"""Returns, exchanges, customers and batches over REST."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role, accounts
from inventory.interface import Location
from sales.interface import OfflineItem, SoldItem, sales
from shared_kernel.ids import new_id
from tests.chain import client_of, make_person, make_product, make_store, on_hand, post, put_in_stock, sell
from tests.sales.actions import card, cash, euros, everything, offline, open_till, send, ticket

pytestmark = pytest.mark.django_db

PIECE = {"position": 1, "quantity": 1}


def refused(client: Client, path: str, body: Any, status: int) -> Any:
    """The problem that a call gets; nothing has changed."""
    before = everything()
    answer = post(client, path, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert everything() == before
    return answer.json()


# --- Returns --------------------------------------------------------------------------------------------------------


def test_a_cashier_takes_goods_back() -> None:
    store, product = make_store(), make_product(price=Decimal("12.00"))
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3, payments=[card("36.00")])
    cashier = client_of(Role.CASHIER, store)
    lines = [{"position": 1, "quantity": 1}, {"position": 1, "quantity": 1, "restock": False}]

    answer = post(cashier, f"/sales/{sale.id}/returns/", {"lines": lines, "reason": "Too small"})

    assert answer.status_code == 201
    body = answer.json()
    assert (body["total"], body["returned"], body["pieces_returned"], body["note"]) == (
        "-24.00",
        "24.00",
        2,
        "Too small",
    )
    assert body["payments"] == [{"method": "card", "amount": "-24.00", "tendered": None}]
    assert [(line["origin_sale_id"], line["origin_position"], line["restocked"]) for line in body["lines"]] == [
        (str(sale.id), 1, True),
        (str(sale.id), 1, False),
    ]
    assert cashier.get(f"/api/v1/sales/{body['id']}/").json() == body
    assert cashier.get(f"/api/v1/sales/{sale.id}/").json()["lines"][0]["quantity_returned"] == 2
    assert on_hand(product, store) == 3


def test_more_than_was_sold_is_not_taken_back() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)
    cashier = client_of(Role.CASHIER, store)
    post(cashier, f"/sales/{sale.id}/returns/", {"lines": [{"position": 1, "quantity": 2}]})

    problem = refused(cashier, f"/sales/{sale.id}/returns/", {"lines": [{"position": 1, "quantity": 2}]}, 409)

    assert {name: problem[name] for name in ("code", "position", "sold", "returned_before", "asked")} == {
        "code": "return_exceeds_sale",
        "position": 1,
        "sold": 3,
        "returned_before": 2,
        "asked": 2,
    }


def test_a_return_sent_twice_under_one_key_is_taken_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)
    cashier = client_of(Role.CASHIER, store)

    first, second = (
        post(cashier, f"/sales/{sale.id}/returns/", {"lines": [PIECE]}, **{"Idempotency-Key": "r-1"}) for _ in range(2)
    )

    assert (first.status_code, second.content) == (201, first.content)
    assert on_hand(product, store) == 3


def test_a_foreign_sale_is_not_taken_back() -> None:
    store, product = make_store(), make_product(stocked=False)
    sale = sell(product, store)

    problem = refused(client_of(Role.CASHIER, make_store()), f"/sales/{sale.id}/returns/", {"lines": [PIECE]}, 404)

    assert problem["code"] == "sale_not_found"
    refused(Client(), f"/sales/{sale.id}/returns/", {"lines": [PIECE]}, 401)
    refused(client_of(Role.WAREHOUSE), f"/sales/{sale.id}/returns/", {"lines": [PIECE]}, 403)
    refused(client_of(Role.HEAD_OFFICE), f"/sales/{new_id()}/returns/", {"lines": [PIECE]}, 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"position": 0, "quantity": 1}]}, "lines.0.position"),
        ({"lines": [{"position": 1, "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"position": 1, "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [PIECE | {"restock": "yes"}]}, "lines.0.restock"),
        ({"lines": [PIECE | {"unit_price": "99.00"}]}, "lines.0.unit_price"),
        ({"payments": [{"method": "cash", "amount": "10.00"}]}, "payments"),
        ({"reason": "x" * 201}, "reason"),
    ],
)
def test_what_is_not_a_return_is_refused(change: dict[str, Any], field: str) -> None:
    store, product = make_store(), make_product(stocked=False)
    sale = sell(product, store)

    problem = refused(client_of(Role.HEAD_OFFICE), f"/sales/{sale.id}/returns/", {"lines": [PIECE]} | change, 422)

    assert [error["field"] for error in problem["errors"]] == [field]


# --- Exchanges and customers ----------------------------------------------------------------------------------------


def test_an_exchange_is_one_ticket() -> None:
    store, cheap, dear = make_store(), make_product(price=Decimal("10.00")), make_product(price=Decimal("25.00"))
    for product in (cheap, dear):
        put_in_stock(product, store, 5)
    sale = sell(cheap, store)

    answer = post(
        client_of(Role.CASHIER, store),
        "/sales/",
        {
            "store_id": str(store.id),
            "lines": [{"product_id": str(dear.id), "quantity": 1}],
            "returns": [{"sale_id": str(sale.id), "position": 1, "quantity": 1}],
            "payments": [{"method": "cash", "amount": "20.00"}],
        },
    )

    assert answer.status_code == 201
    body = answer.json()
    assert (body["gross"], body["returned"], body["total"], body["change"]) == ("25.00", "10.00", "15.00", "5.00")
    assert body["payments"] == [{"method": "cash", "amount": "15.00", "tendered": "20.00"}]
    assert (on_hand(cheap, store), on_hand(dear, store)) == (5, 4)


def test_a_ticket_of_returns_alone_is_a_return() -> None:
    store, product = make_store(), make_product(stocked=False)
    sale = sell(product, store)
    body = {"store_id": str(store.id), "returns": [{"sale_id": str(sale.id), "position": 1, "quantity": 1}]}

    answer = post(client_of(Role.CASHIER, store), "/sales/", body)

    assert (answer.status_code, answer.json()["total"]) == (201, "-10.00")


def test_a_ticket_of_nothing_is_refused() -> None:
    store = make_store()

    problem = refused(client_of(Role.CASHIER, store), "/sales/", {"store_id": str(store.id)}, 422)

    assert "a ticket holds lines, returns, or both" in problem["errors"][0]["message"]


def test_a_sale_may_name_its_customer() -> None:
    store, product = make_store(), make_product(stocked=False)
    [customer] = accounts.ids_by_email(emails=[make_person(Role.CATALOG_MANAGER)]).values()
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    cashier = client_of(Role.CASHIER, store)

    sold = post(cashier, "/sales/", body | {"customer_id": str(customer)}).json()
    back = post(cashier, f"/sales/{sold['id']}/returns/", {"lines": [PIECE]}).json()
    problem = refused(cashier, "/sales/", body | {"customer_id": str(new_id())}, 404)

    assert (sold["customer_id"], back["customer_id"]) == (str(customer), str(customer))
    assert problem["code"] == "customer_not_found"


def test_excess_is_change_only_in_cash() -> None:
    store, product = make_store(), make_product(stocked=False, price=Decimal("25.50"))
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    cashier = client_of(Role.CASHIER, store)

    sold = post(cashier, "/sales/", body | {"payments": [{"method": "cash", "amount": "30"}]}).json()
    problem = refused(cashier, "/sales/", body | {"payments": [{"method": "card", "amount": "30"}]}, 422)

    assert (sold["change"], sold["payments"]) == (
        "4.50",
        [{"method": "cash", "amount": "25.50", "tendered": "30.00"}],
    )
    assert problem["code"] == "payment_mismatch"


def test_a_misread_barcode_is_to_be_scanned_again() -> None:
    store = make_store()
    make_product(stocked=False, barcode="2000000000015")
    body = {"store_id": str(store.id), "lines": [{"barcode": "2000000000016", "quantity": 1}]}

    problem = refused(client_of(Role.CASHIER, store), "/sales/", body, 422)

    assert (problem["code"], problem["barcodes"]) == ("invalid_barcode", ["2000000000016"])


def test_a_upc_is_sold_with_and_without_its_leading_zero() -> None:
    store, product = make_store(), make_product(stocked=False, barcode="036000291452")

    codes = ["036000291452", "0036000291452"]
    sale = ticket(store, items=[SoldItem(1, barcode=code) for code in codes])
    [result] = send(offline(store, *[OfflineItem(1, barcode=code) for code in codes]))

    assert [line.product_id for line in sale.lines] == [product.id] * 2
    assert result.receipt_number == f"{sale.sold_on.year}-000002"


# --- Batches of tills that were offline -----------------------------------------------------------------------------


def offline_sale(store: Location, reference: str, *lines: dict[str, Any], **values: Any) -> dict[str, Any]:
    body = {"store_id": str(store.id), "lines": list(lines), "client_reference": reference}
    return body | {"sold_at": datetime.now(UTC).isoformat()} | values


def test_each_sale_of_a_batch_has_its_result() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"))
    put_in_stock(product, store, 1)
    cashier = client_of(Role.CASHIER, store)
    line = {"product_id": str(product.id), "quantity": 1}
    batch = {
        "sales": [
            offline_sale(store, "T1/1", line, sold_at="2026-03-02T10:15:00+01:00"),
            offline_sale(store, "T1/2", line | {"unit_price": "9.00"}, sold_at="2026-03-02T10:16:00+01:00"),
            offline_sale(store, "T1/3", line | {"product_id": str(new_id())}),
        ]
    }

    first = post(cashier, "/sales/batch/", batch)
    second = post(cashier, "/sales/batch/", batch)

    assert (first.status_code, second.status_code) == (200, 200)
    results = first.json()["results"]
    assert [
        (result["client_reference"], result["status"], result["receipt_number"], result["flags"]) for result in results
    ] == [
        ("T1/1", "recorded", "2026-000001", []),
        ("T1/2", "recorded", "2026-000002", ["stock_short", "price_differs"]),
        ("T1/3", "refused", None, []),
    ]
    assert (results[2]["sale_id"], results[2]["problem"]["code"]) == (None, "product_not_found")
    assert [result["status"] for result in second.json()["results"]] == ["known", "known", "refused"]
    assert [result["sale_id"] for result in second.json()["results"]] == [result["sale_id"] for result in results]
    sold = cashier.get(f"/api/v1/sales/{results[1]['sale_id']}/").json()
    assert (sold["sold_at"], sold["total"], sold["flags"]) == (
        "2026-03-02T09:16:00Z",
        "9.00",
        ["stock_short", "price_differs"],
    )
    assert on_hand(product, store) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"client_reference": ""}, "sales.0.client_reference"),
        ({"sold_at": "2026-03-02T10:15:00"}, "sales.0.sold_at"),
        ({"sold_at": "1970-01-01T00:00:00Z"}, "sales.0.sold_at"),
        ({"sold_at": "9999-12-31T23:59:59-14:00"}, "sales.0.sold_at"),
        ({"lines": []}, "sales.0.lines"),
        (
            {"lines": [{"product_id": str(new_id()), "quantity": 1, "unit_price": "-1.00"}]},
            "sales.0.lines.0.unit_price",
        ),
        ({"flags": ["archived"]}, "sales.0.flags"),
    ],
)
def test_what_is_not_a_batch_is_refused_as_a_whole(change: dict[str, Any], field: str) -> None:
    store, product = make_store(), make_product(stocked=False)
    good = offline_sale(store, "T1/2", {"product_id": str(product.id), "quantity": 1})

    problem = refused(client_of(Role.HEAD_OFFICE), "/sales/batch/", {"sales": [good | change, good]}, 422)

    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_batch_holds_one_to_500_sales() -> None:
    store, product = make_store(), make_product(stocked=False)
    good = offline_sale(store, "T1/2", {"product_id": str(product.id), "quantity": 1})
    head = client_of(Role.HEAD_OFFICE)

    for batch in ([], [good] * 501):
        assert [error["field"] for error in refused(head, "/sales/batch/", {"sales": batch}, 422)["errors"]] == [
            "sales"
        ]


def test_a_batch_with_a_sale_of_a_foreign_store_is_refused_as_a_whole() -> None:
    mine, other, product = make_store(), make_store(), make_product(stocked=False)
    line = {"product_id": str(product.id), "quantity": 1}
    batch = {"sales": [offline_sale(mine, "T1/1", line), offline_sale(other, "T1/2", line)]}

    assert refused(client_of(Role.CASHIER, mine), "/sales/batch/", batch, 403)["code"] == "not_allowed"


def test_a_sale_of_the_future_is_refused_by_itself() -> None:
    store, product = make_store(), make_product(stocked=False)
    line = {"product_id": str(product.id), "quantity": 1}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    batch = {"sales": [offline_sale(store, "T1/1", line, sold_at=tomorrow), offline_sale(store, "T1/2", line)]}

    results = post(client_of(Role.CASHIER, store), "/sales/batch/", batch).json()["results"]

    assert [result["status"] for result in results] == ["refused", "recorded"]
    assert results[0]["problem"]["code"] == "sold_in_future"


# --- Tills ----------------------------------------------------------------------------------------------------------


def test_a_sale_goes_into_the_open_till_and_no_other() -> None:
    store, product = make_store(), make_product(stocked=False, price=Decimal("10.00"))
    session, foreign = open_till(store), open_till(make_store())
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    cashier = client_of(Role.CASHIER, store)

    sold = post(cashier, "/sales/", body | {"till_session_id": str(session.id)}).json()
    problem = refused(cashier, "/sales/", body | {"till_session_id": str(foreign.id)}, 409)

    assert sold["till_session_id"] == str(session.id)
    assert sales.till_session(session_id=session.id).expected_cash == euros("110.00")
    assert problem["code"] == "till_session_closed"


def test_a_refund_leaves_the_till_that_gives_it() -> None:
    store, product = make_store(), make_product(stocked=False, price=Decimal("10.00"))
    session, sale = open_till(store), sell(product, store, payments=[cash("10.00")])
    body = {"lines": [PIECE], "till_session_id": str(session.id)}

    post(client_of(Role.CASHIER, store), f"/sales/{sale.id}/returns/", body)

    assert sales.till_session(session_id=session.id).expected_cash == euros("90.00")
