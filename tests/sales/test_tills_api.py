"""Till sessions over REST."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import Location
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.chain import client_of, make_product, make_store, post, sell
from tests.sales.actions import card, cash, close_till, everything, open_till

pytestmark = pytest.mark.django_db


def opened(client: Client, store: Location, till: str = "Till 1") -> Any:
    answer = post(client, "/till-sessions/", {"store_id": str(store.id), "till": till, "opening_float": "100.00"})
    assert answer.status_code == 201, answer.content
    return answer.json()


def refused(client: Client, path: str, body: Any, status: int) -> Any:
    """The problem that a call gets; nothing has changed."""
    before = everything()
    answer = post(client, path, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert everything() == before
    return answer.json()


def test_a_cashier_runs_a_till_from_its_opening_to_its_count() -> None:
    store, service = make_store("Lyon"), make_product(stocked=False, price=Decimal("30.00"))
    cashier = client_of(Role.CASHIER, store)
    session = opened(cashier, store)
    path = f"/till-sessions/{session['id']}"
    sell(service, store, payments=[card("20.00"), cash("50.00")], till_session_id=session["id"])
    moved = post(cashier, f"{path}/cash-movements/", {"direction": "out", "amount": "15.50", "reason": "Stamps"})

    closed = post(cashier, f"{path}/close/", {"counted_cash": "90.00", "note": "Somebody miscounted"})

    assert (moved.status_code, closed.status_code) == (201, 200)
    report = closed.json()
    assert (report["expected_cash"], report["counted_cash"], report["difference"]) == ("94.50", "90.00", "-4.50")
    assert (report["tickets"], report["returns"], report["revenue"], report["z_number"]) == (1, 0, "30.00", 1)
    assert report["payments"] == [
        {"method": "card", "amount": "20.00", "tendered": None},
        {"method": "cash", "amount": "10.00", "tendered": None},
    ]
    [movement] = report["cash_movements"]
    assert (movement["direction"], movement["amount"], movement["reason"]) == ("out", "15.50", "Stamps")
    assert (report["store_name"], report["opened_by_name"], report["closed_by_name"]) == ("Lyon", "cashier", "cashier")
    assert cashier.get(f"/api/v1{path}/").json() == report


def test_the_count_is_blind() -> None:
    store, service = make_store(), make_product(stocked=False, price=Decimal("30.00"))
    cashier, manager = client_of(Role.CASHIER, store), client_of(Role.STORE_MANAGER, store)
    session = opened(cashier, store)
    sell(service, store, payments=[card("20.00"), cash("10.00")], till_session_id=session["id"])

    seen = cashier.get(f"/api/v1/till-sessions/{session['id']}/").json()
    supervised = manager.get(f"/api/v1/till-sessions/{session['id']}/").json()
    [listed] = cashier.get("/api/v1/till-sessions/").json()["results"]

    assert (session["expected_cash"], session["revenue"], listed["revenue"]) == (None, None, None)
    assert (seen["tickets"], seen["expected_cash"], seen["revenue"]) == (1, None, None)
    assert [payment["method"] for payment in seen["payments"]] == ["card"]
    assert (supervised["expected_cash"], supervised["revenue"]) == ("110.00", "30.00")
    assert [payment["method"] for payment in supervised["payments"]] == ["card", "cash"]


def test_a_till_is_closed_once() -> None:
    store = make_store()
    cashier = client_of(Role.CASHIER, store)
    session = opened(cashier, store)
    path = f"/till-sessions/{session['id']}"
    post(cashier, f"{path}/close/", {"counted_cash": "100.00"})

    again = refused(cashier, f"{path}/close/", {"counted_cash": "120.00"}, 409)
    moved = refused(cashier, f"{path}/cash-movements/", {"direction": "in", "amount": "1", "reason": "Found"}, 409)

    assert [problem["code"] for problem in (again, moved)] == ["till_session_closed"] * 2
    assert again["session_id"] == session["id"]


def test_a_closing_repeated_under_its_key_is_answered_again() -> None:
    store = make_store()
    cashier = client_of(Role.CASHIER, store)
    path = f"/till-sessions/{opened(cashier, store)['id']}/close/"

    first, second = (
        post(cashier, path, {"counted_cash": "100.00"}, **{"Idempotency-Key": "close-1"}) for _ in range(2)
    )

    assert (first.status_code, second.content) == (200, first.content)


def test_a_till_that_is_open_is_not_opened() -> None:
    store = make_store()
    cashier = client_of(Role.CASHIER, store)
    session = opened(cashier, store)

    body = {"store_id": str(store.id), "till": "Till 1", "opening_float": "0"}
    problem = refused(cashier, "/till-sessions/", body, 409)

    assert (problem["code"], problem["session_id"]) == ("till_already_open", session["id"])


def test_a_foreign_till_is_not_found() -> None:
    session = open_till(make_store())
    stranger, path = client_of(Role.STORE_MANAGER, make_store()), f"/till-sessions/{session.id}"

    assert stranger.get(f"/api/v1{path}/").status_code == 404
    refused(stranger, f"{path}/close/", {"counted_cash": "100.00"}, 404)
    refused(stranger, f"{path}/cash-movements/", {"direction": "in", "amount": "1", "reason": "Found"}, 404)
    refused(stranger, f"/till-sessions/{new_id()}/close/", {"counted_cash": "100.00"}, 404)
    body = {"store_id": str(session.store_id), "till": "Till 2", "opening_float": "0"}
    assert refused(stranger, "/till-sessions/", body, 403)["code"] == "not_allowed"


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_some_roles_run_no_tills(role: Role) -> None:
    session, client = open_till(make_store()), client_of(role)

    assert client.get("/api/v1/till-sessions/").status_code == 403
    assert client.get(f"/api/v1/till-sessions/{session.id}/").status_code == 403
    refused(client, f"/till-sessions/{session.id}/close/", {"counted_cash": "100.00"}, 403)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"till": ""}, "till"),
        ({"opening_float": "-1.00"}, "opening_float"),
        ({"opening_float": "1.001"}, "opening_float"),
        ({"z_number": 7}, "z_number"),
    ],
)
def test_what_is_not_an_opening_is_refused(change: dict[str, Any], field: str) -> None:
    body = {"store_id": str(make_store().id), "till": "Till 1", "opening_float": "0"} | change

    problem = refused(client_of(Role.HEAD_OFFICE), "/till-sessions/", body, 422)

    assert [error["field"] for error in problem["errors"]] == [field]


def test_sessions_are_listed_by_store_and_state_page_by_page() -> None:
    lyon, lille = make_store("Lyon"), make_store("Lille")
    closed = open_till(lyon)
    close_till(closed, "100.00")
    again, other = open_till(lyon), open_till(lille)
    manager, head = client_of(Role.STORE_MANAGER, lyon), client_of(Role.HEAD_OFFICE)

    def listed(client: Client, query: str = "") -> list[str]:
        return [session["id"] for session in client.get(f"/api/v1/till-sessions/?{query}").json()["results"]]

    of_lyon = sorted([str(closed.id), str(again.id)], reverse=True)
    assert listed(manager) == listed(head, f"store_id={lyon.id}") == of_lyon
    assert listed(head) == sorted([*of_lyon, str(other.id)], reverse=True)
    assert listed(head, f"store_id={lyon.id}&open=true") == [str(again.id)]
    assert listed(head, "open=false") == [str(closed.id)]
    first = head.get("/api/v1/till-sessions/?page_size=2").json()
    assert [session["id"] for session in first["results"] + head.get(first["next"]).json()["results"]] == listed(head)
    assert manager.get(f"/api/v1/till-sessions/?store_id={lille.id}").status_code == 403
    assert sales.till_sessions(store_ids=[]) == []
