"""Requests and suggestions over REST."""

from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.interface import Role
from inventory.interface import Location
from replenishment.interface import Request, RequestStatus, replenishment
from shared_kernel.ids import new_id
from tests.chain import client_of, make_product, make_store, post
from tests.replenishment.actions import (
    NOW,
    Chain,
    approve,
    nothing_changes,
    receive,
    request,
    ship,
    statuses,
    suggested,
)

pytestmark = pytest.mark.django_db

PATH = "/replenishment-requests/"


def body_of(chain: Chain, quantity: Any = 21, **values: Any) -> dict[str, Any]:
    return {"product_id": str(chain.product.id), "store_id": str(chain.store.id), "quantity": quantity} | values


def get(client: Client, path: str) -> Any:
    return client.get(f"/api/v1{path}")


def act(client: Client, made: Request, action: str, body: Any = None, **headers: str) -> Any:
    """POST to one of a request's actions, by id alone without a body."""
    path = f"/api/v1{PATH}{made.id}/{action}/"
    if body is None:
        return client.generic("POST", path, headers=headers or None)
    return client.post(path, body, content_type="application/json", headers=headers or None)


def refusal_of(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


# --- Asking ---------------------------------------------------------------------------------------------------------


def test_a_store_asks_the_warehouse_approves_and_the_goods_are_there() -> None:
    chain = Chain(central=100, store=20)
    manager, logistics = client_of(Role.STORE_MANAGER, chain.store), client_of(Role.WAREHOUSE)

    asked = post(manager, PATH, body_of(chain, 21))

    assert asked.status_code == 201
    made = asked.json()
    assert (made["status"], made["quantity"], made["approved_quantity"]) == ("pending", 21, None)
    assert (made["product_name"], made["store_name"]) == (chain.product.name, chain.store.name)
    assert (made["requested_by_name"], made["central_available"]) == ("store_manager", 100)
    assert get(manager, f"{PATH}{made['id']}/").json() == made
    assert chain.shelves == (100, 20)

    approved = post(logistics, f"{PATH}{made['id']}/approve/", {})

    assert approved.status_code == 200
    assert (approved.json()["status"], approved.json()["approved_quantity"]) == ("approved", 21)
    assert approved.json()["decided_by_name"] == "warehouse"
    assert chain.shelves == (79, 41)


@pytest.mark.parametrize("status", ["approved", "pending", "nonsense", 7, None, {"is": "approved"}])
def test_a_request_starts_as_pending_whatever_the_client_sends(status: Any) -> None:
    chain = Chain()

    answer = post(client_of(Role.CASHIER, chain.store), PATH, body_of(chain, status=status))

    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    assert chain.shelves == (100, 20)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": -3}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"product_id": "nonsense"}, "product_id"),
        ({"store_id": None}, "store_id"),
        ({"approved_quantity": 5}, "approved_quantity"),
    ],
)
def test_what_is_not_a_request_is_refused_and_changes_nothing(change: dict[str, Any], field: str) -> None:
    chain = Chain()
    head = client_of(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = post(head, PATH, body_of(chain) | change)

    assert refusal_of(answer) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_each_refusal_has_its_code_and_its_fields() -> None:
    chain = Chain(central=20)
    head, unknown = client_of(Role.HEAD_OFFICE), str(new_id())

    with nothing_changes():
        not_carried = post(head, PATH, body_of(chain, product_id=unknown, store_id=unknown))
        too_low = post(head, PATH, body_of(chain, 21, store_id=unknown))
        no_store = post(head, PATH, body_of(chain, 20, store_id=unknown))
        warehouse = post(head, PATH, body_of(chain, 20, store_id=str(chain.warehouse.id)))

    assert refusal_of(not_carried) == (409, "no_central_stock")
    assert not_carried.json()["product_id"] == unknown
    assert refusal_of(too_low) == (409, "central_stock_too_low")
    assert (too_low.json()["requested"], too_low.json()["available"]) == (21, 20)
    assert refusal_of(no_store) == refusal_of(warehouse) == (409, "store_unknown")
    assert post(head, PATH, body_of(chain, 20)).status_code == 201


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_some_roles_do_not_ask(role: Role) -> None:
    chain = Chain()
    client = client_of(role)

    with nothing_changes():
        assert refusal_of(post(client, PATH, body_of(chain))) == (403, "not_allowed")


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER])
def test_nobody_asks_for_a_store_that_is_not_theirs(role: Role) -> None:
    chain = Chain()
    client = client_of(role, make_store())

    with nothing_changes():
        assert refusal_of(post(client, PATH, body_of(chain))) == (403, "not_allowed")
        assert refusal_of(post(client, PATH, body_of(chain, store_id=str(new_id())))) == (403, "not_allowed")


def test_nothing_is_shown_or_done_without_a_login() -> None:
    chain = Chain()
    made = request(chain)
    lines = {"lines": [{"store_id": str(chain.store.id), "product_id": str(chain.product.id)}]}

    with nothing_changes():
        answers = [
            post(Client(), PATH, body_of(chain)),
            get(Client(), PATH),
            get(Client(), f"{PATH}{made.id}/"),
            *(act(Client(), made, action) for action in ("approve", "reject", "cancel", "ship", "receive")),
            post(Client(), f"{PATH}decisions/", {"request_ids": [str(made.id)], "verdict": "approve"}),
            get(Client(), "/replenishment-suggestions/"),
            post(Client(), "/replenishment-suggestions/accept/", lines),
        ]

    assert {refusal_of(answer) for answer in answers} == {(401, "login_required")}


def test_a_request_sent_twice_under_one_key_is_made_once() -> None:
    chain = Chain()
    cashier, key = client_of(Role.CASHIER, chain.store), {"Idempotency-Key": str(new_id())}

    first, again = (post(cashier, PATH, body_of(chain), **key) for _ in range(2))

    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert statuses(chain) == [RequestStatus.PENDING]


# --- Lists ----------------------------------------------------------------------------------------------------------


def listed(client: Client, query: str = "") -> list[int]:
    answer = get(client, f"{PATH}{query}")
    assert answer.status_code == 200, answer.content
    assert answer.json()["count"] >= len(answer.json()["results"])
    return [row["quantity"] for row in answer.json()["results"]]


def test_shop_staff_see_the_requests_of_their_own_stores() -> None:
    chain, other = Chain(), Chain()
    mine, theirs = request(chain, 1), request(other, 2)
    cashier = client_of(Role.CASHIER, chain.store)
    both = client_of(Role.STORE_MANAGER, chain.store, other.store)

    assert listed(cashier) == [1]
    assert listed(both) == [2, 1]
    assert listed(client_of(Role.WAREHOUSE)) == [2, 1]
    assert listed(client_of(Role.HEAD_OFFICE)) == [2, 1]
    assert listed(client_of(Role.CATALOG_MANAGER)) == []
    assert get(cashier, f"{PATH}{mine.id}/").status_code == 200
    assert refusal_of(get(cashier, f"{PATH}{theirs.id}/")) == (404, "request_not_found")
    assert refusal_of(get(client_of(Role.CATALOG_MANAGER), f"{PATH}{mine.id}/")) == (404, "request_not_found")
    assert refusal_of(get(cashier, f"{PATH}?store_id={other.store.id}")) == (403, "not_allowed")


def test_requests_are_filtered_and_paged() -> None:
    chain, other = Chain(), Chain()
    request(chain, 1)
    approve(request(chain, 2))
    request(other, 3)
    head = client_of(Role.HEAD_OFFICE)

    assert listed(head, "?status=pending") == [3, 1]
    assert listed(head, f"?store_id={chain.store.id}") == [2, 1]
    assert listed(head, f"?product_id={other.product.id}&status=pending") == [3]
    assert listed(head, "?status=received") == []
    page = get(head, f"{PATH}?page_size=2").json()
    assert (page["count"], [row["quantity"] for row in page["results"]]) == (3, [3, 2])
    assert page["next"].endswith("page_size=2&page=2")
    for wrong in ("?status=lost", "?store_id=nonsense", "?stores=x", "?page=0"):
        assert get(head, f"{PATH}{wrong}").status_code == 422


@pytest.mark.parametrize("name", [str(UUID(int=1)), "nonsense"])
def test_what_is_not_there_is_not_found(name: str) -> None:
    head = client_of(Role.HEAD_OFFICE)

    assert get(head, f"{PATH}{name}/").status_code == 404
    for action in ("approve", "reject", "cancel", "ship", "receive"):
        assert post(head, f"{PATH}{name}/{action}/", {}).status_code == 404


# --- Decisions ------------------------------------------------------------------------------------------------------


def test_the_warehouse_decides_by_id_alone() -> None:
    chain = Chain(central=100, store=20)
    logistics = client_of(Role.WAREHOUSE)
    first, second = request(chain, 21), request(chain, 10)

    assert act(logistics, first, "approve").json()["status"] == "approved"
    assert act(logistics, second, "reject").json()["status"] == "rejected"

    assert chain.shelves == (79, 41)
    with nothing_changes():
        for made in (first, second):
            for action in ("approve", "reject"):
                answer = act(logistics, made, action)
                assert refusal_of(answer) == (409, "already_decided")
    assert answer.json()["replenishment_request_id"] == str(second.id)
    assert (answer.json()["request_status"], answer.json()["decided_by_name"]) == ("rejected", "warehouse")
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_a_part_is_approved_for_a_reason() -> None:
    chain = Chain(central=100, store=20)

    answer = act(
        client_of(Role.WAREHOUSE), request(chain, 21), "approve", {"quantity": 5, "reason": "the rest on Friday"}
    )

    assert (answer.json()["quantity"], answer.json()["approved_quantity"]) == (21, 5)
    assert answer.json()["reason"] == "the rest on Friday"
    assert chain.shelves == (95, 25)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"quantity": 22}, "invalid_quantity"),
        ({"quantity": 0}, "invalid"),
        ({"reason": "x" * 201}, "invalid"),
        ({"status": "approved"}, "invalid"),
        ({"store_id": str(new_id())}, "invalid"),
    ],
)
def test_what_is_not_a_decision_is_refused_and_changes_nothing(body: dict[str, Any], code: str) -> None:
    made = request(Chain(), 21)
    logistics = client_of(Role.WAREHOUSE)

    with nothing_changes():
        assert refusal_of(act(logistics, made, "approve", body)) == (422, code)


def test_what_the_warehouse_no_longer_has_is_refused_and_stays_pending() -> None:
    chain = Chain(central=30)
    first, second = request(chain, 21), request(chain, 10)
    logistics = client_of(Role.WAREHOUSE)
    act(logistics, first, "approve")

    with nothing_changes():
        answer = act(logistics, second, "approve")

    assert refusal_of(answer) == (409, "central_stock_too_low")
    assert (answer.json()["requested"], answer.json()["available"]) == (10, 9)


def test_an_approval_sent_twice_under_one_key_is_answered_alike_and_moves_stock_once() -> None:
    chain, key = Chain(central=100, store=20), {"Idempotency-Key": str(new_id())}
    made, logistics = request(chain, 21), client_of(Role.WAREHOUSE)

    first, again = (act(logistics, made, "approve", {}, **key) for _ in range(2))

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert chain.shelves == (79, 41)


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER, Role.CATALOG_MANAGER])
@pytest.mark.parametrize("action", ["approve", "reject", "ship"])
def test_only_the_warehouse_and_the_head_office_decide(role: Role, action: str) -> None:
    chain = Chain()
    made = request(chain)
    client = client_of(role, *([] if role is Role.CATALOG_MANAGER else [chain.store]))

    with nothing_changes():
        assert refusal_of(act(client, made, action)) == (403, "not_allowed")
        several = {"request_ids": [str(made.id)], "verdict": "approve"}
        assert refusal_of(post(client, f"{PATH}decisions/", several)) == (403, "not_allowed")
    assert act(client_of(Role.HEAD_OFFICE), made, "approve").status_code == 200


def test_a_store_takes_its_own_request_back() -> None:
    chain, other = Chain(), Chain()
    mine, theirs = request(chain), request(other)
    cashier = client_of(Role.CASHIER, chain.store)

    with nothing_changes():
        assert refusal_of(act(cashier, theirs, "cancel")) == (404, "request_not_found")
        assert refusal_of(act(client_of(Role.WAREHOUSE), mine, "cancel")) == (403, "not_allowed")
    assert act(cashier, mine, "cancel").json()["status"] == "cancelled"
    assert refusal_of(act(cashier, mine, "cancel")) == (409, "already_decided")


# --- Several at once ------------------------------------------------------------------------------------------------


def test_several_are_decided_each_for_itself() -> None:
    chain = Chain(central=30, store=20)
    ids = [str(request(chain, quantity).id) for quantity in (20, 15, 10)]

    answer = post(client_of(Role.WAREHOUSE), f"{PATH}decisions/", {"request_ids": ids, "verdict": "approve"})

    assert answer.status_code == 200
    outcomes = answer.json()["results"]
    assert [outcome["request_id"] for outcome in outcomes] == ids
    assert [outcome["code"] for outcome in outcomes] == ["", "central_stock_too_low", ""]
    assert outcomes[0]["request"]["status"] == "approved"
    assert outcomes[1]["request"] is None
    assert chain.shelves == (0, 50)


def test_decisions_on_several_sent_twice_under_one_key_are_answered_alike() -> None:
    chain, key = Chain(central=100, store=20), {"Idempotency-Key": str(new_id())}
    logistics = client_of(Role.WAREHOUSE)
    body = {"request_ids": [str(request(chain, 5).id), str(request(chain, 6).id)], "verdict": "approve"}

    first, again = (post(logistics, f"{PATH}decisions/", body, **key) for _ in range(2))

    assert first.json() == again.json()
    assert [outcome["code"] for outcome in again.json()["results"]] == ["", ""]
    assert chain.shelves == (89, 31)
    other = post(logistics, f"{PATH}decisions/", body | {"verdict": "reject"}, **key)
    assert refusal_of(other) == (422, "idempotency_key_reused")
    malformed = post(logistics, f"{PATH}decisions/", body, **{"Idempotency-Key": "a key"})
    assert refusal_of(malformed) == (422, "idempotency_key_invalid")


def test_decisions_that_broke_down_on_their_way_go_on_under_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key = Chain(central=100, store=20), {"Idempotency-Key": str(new_id())}
    logistics = client_of(Role.WAREHOUSE)
    ids = [str(request(chain, quantity).id) for quantity in (5, 6)]
    body = {"request_ids": ids, "verdict": "approve"}
    decide_all = replenishment.decide_all

    def decide_one(*, request_ids: list[UUID], **values: Any) -> None:
        decide_all(request_ids=request_ids[:1], **values)
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(replenishment, "decide_all", decide_one)
        assert refusal_of(post(logistics, f"{PATH}decisions/", body, **key)) == (503, "service_unavailable")
    assert chain.shelves == (95, 25)

    answer = post(logistics, f"{PATH}decisions/", body, **key)

    assert [outcome["code"] for outcome in answer.json()["results"]] == ["", ""]
    assert chain.shelves == (89, 31)


def test_a_key_is_free_again_after_a_refusal() -> None:
    chain, key = Chain(), {"Idempotency-Key": str(new_id())}
    head = client_of(Role.HEAD_OFFICE)
    ids = [str(request(chain, 5).id)]

    refused = post(head, f"{PATH}decisions/", {"request_ids": ids, "verdict": "perhaps"}, **key)
    answer = post(head, f"{PATH}decisions/", {"request_ids": ids, "verdict": "approve"}, **key)

    assert (refused.status_code, answer.status_code) == (422, 200)


@pytest.mark.parametrize(
    "change", [{"request_ids": []}, {"request_ids": ["x"]}, {"verdict": "cancel"}, {"reason": "x" * 201}]
)
def test_what_is_no_decision_on_several_is_refused(change: dict[str, Any]) -> None:
    made = request(Chain())
    logistics = client_of(Role.WAREHOUSE)

    with nothing_changes():
        body = {"request_ids": [str(made.id)], "verdict": "approve"} | change
        assert refusal_of(post(logistics, f"{PATH}decisions/", body)) == (422, "invalid")


# --- Goods on their way ---------------------------------------------------------------------------------------------


def on_its_way(chain: Chain) -> Request:
    made = request(chain, 21)
    approve(made)
    return ship(made)


def test_goods_are_shipped_by_the_warehouse_and_received_by_the_store() -> None:
    chain = Chain(central=100, store=20, transit=True)
    made = request(chain, 21)
    logistics, manager = client_of(Role.WAREHOUSE), client_of(Role.STORE_MANAGER, chain.store)

    assert refusal_of(act(logistics, made, "ship")) == (409, "not_on_its_way")
    assert act(logistics, made, "approve").json()["status"] == "approved"
    assert refusal_of(act(manager, made, "receive")) == (409, "not_on_its_way")
    assert act(logistics, made, "ship").json()["status"] == "shipped"
    assert (chain.shelves, chain.in_transit) == ((79, 20), 21)
    received = act(manager, made, "receive", {"quantity": 19})

    assert (received.json()["status"], received.json()["received_quantity"]) == ("received", 19)
    assert (chain.shelves, chain.in_transit) == ((79, 39), 0)


def test_goods_are_received_by_id_alone_and_once_under_one_key() -> None:
    chain, key = Chain(central=100, store=20, transit=True), {"Idempotency-Key": str(new_id())}
    made, manager = on_its_way(chain), client_of(Role.STORE_MANAGER, chain.store)

    first, again = (act(manager, made, "receive", **key) for _ in range(2))

    assert first.json() == again.json()
    assert chain.shelves == (79, 41)
    assert refusal_of(act(manager, made, "receive")) == (409, "not_on_its_way")


def test_more_does_not_arrive_than_was_sent() -> None:
    chain = Chain(transit=True)
    made, manager = on_its_way(chain), client_of(Role.STORE_MANAGER, chain.store)

    with nothing_changes():
        assert refusal_of(act(manager, made, "receive", {"quantity": 22})) == (422, "invalid_quantity")
        assert refusal_of(act(manager, made, "receive", {"quantity": -1})) == (422, "invalid")


def test_a_store_receives_its_own_goods() -> None:
    chain = Chain(transit=True)
    made = on_its_way(chain)

    with nothing_changes():
        assert refusal_of(act(client_of(Role.CASHIER, chain.store), made, "receive")) == (403, "not_allowed")
        other = client_of(Role.STORE_MANAGER, make_store())
        assert refusal_of(act(other, made, "receive")) == (404, "request_not_found")
    assert act(client_of(Role.WAREHOUSE), made, "receive").status_code == 200


def test_what_has_arrived_is_history() -> None:
    chain = Chain(transit=True)
    receive(on_its_way(chain))

    row = get(client_of(Role.HEAD_OFFICE), f"{PATH}?status=received").json()["results"][0]

    assert (row["approved_quantity"], row["received_quantity"]) == (21, 21)
    assert row["shipped_at"] == row["received_at"] == NOW.isoformat().replace("+00:00", "Z")


# --- Suggestions ----------------------------------------------------------------------------------------------------

SUGGESTIONS = "/replenishment-suggestions/"


def lines_of(*places: tuple[Location, Any], **values: Any) -> dict[str, Any]:
    return {"lines": [{"store_id": str(store.id), "product_id": str(product.id)} | values for store, product in places]}


def test_a_store_sees_what_to_ask_for_and_asks() -> None:
    chain, other = Chain(central=100, store=4), Chain(store=2)
    replenishment.suggest(now=NOW)
    cashier = client_of(Role.CASHIER, chain.store)

    page = get(cashier, SUGGESTIONS).json()

    assert page["count"] == 1
    [row] = page["results"]
    assert (row["product_name"], row["store_name"], row["quantity"]) == (chain.product.name, chain.store.name, 6)
    assert row["why"] == "4 on the shelf, 0 on the way; sells 0 a day and a delivery takes 2 days; fills up to 10."
    assert (row["daily_sales"], row["reorder_level"], row["central"]) == ("0.00", 10, 100)

    answer = post(cashier, f"{SUGGESTIONS}accept/", lines_of((chain.store, chain.product)))

    assert answer.status_code == 200
    [accepted] = answer.json()["results"]
    assert (accepted["code"], accepted["request"]["status"], accepted["request"]["quantity"]) == ("", "pending", 6)
    assert accepted["request"]["requested_by_name"] == "cashier"
    assert get(cashier, SUGGESTIONS).json()["count"] == 0
    assert len(suggested(other.store)) == 1


def test_suggestions_are_seen_where_requests_are() -> None:
    chain, other = Chain(store=4), Chain(store=2)
    replenishment.suggest(now=NOW)

    def stores(client: Client, query: str = "") -> list[str]:
        return [row["store_name"] for row in get(client, f"{SUGGESTIONS}{query}").json()["results"]]

    for role in (Role.WAREHOUSE, Role.HEAD_OFFICE):
        assert stores(client_of(role)) == [other.store.name, chain.store.name]
        assert stores(client_of(role), f"?store_id={chain.store.id}") == [chain.store.name]
    assert stores(client_of(Role.CATALOG_MANAGER)) == []
    manager = client_of(Role.STORE_MANAGER, chain.store)
    assert stores(manager) == stores(manager, f"?store_id={chain.store.id}") == [chain.store.name]
    assert refusal_of(get(manager, f"{SUGGESTIONS}?store_id={other.store.id}")) == (403, "not_allowed")


def test_suggestions_accepted_twice_under_one_key_are_answered_alike() -> None:
    chain, key = Chain(store=4), {"Idempotency-Key": str(new_id())}
    replenishment.suggest(now=NOW)
    cashier = client_of(Role.CASHIER, chain.store)
    body = lines_of((chain.store, chain.product), (chain.store, make_product()), quantity=3)

    first, again = (post(cashier, f"{SUGGESTIONS}accept/", body, **key) for _ in range(2))

    assert first.json() == again.json()
    assert [result["code"] for result in again.json()["results"]] == ["", "suggestion_gone"]
    assert first.json()["results"][0]["request"]["quantity"] == 3
    assert statuses(chain) == [RequestStatus.PENDING]


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER, Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_nobody_accepts_for_a_store_that_is_not_theirs(role: Role) -> None:
    chain, mine = Chain(store=4), Chain(store=4)
    replenishment.suggest(now=NOW)
    client = client_of(role, *([mine.store] if role in {Role.CASHIER, Role.STORE_MANAGER} else []))

    with nothing_changes():
        body = lines_of((mine.store, mine.product), (chain.store, chain.product))
        assert refusal_of(post(client, f"{SUGGESTIONS}accept/", body)) == (403, "not_allowed")


@pytest.mark.parametrize(
    "change", [{"quantity": 0}, {"quantity": 1_000_001}, {"quantity": True}, {"store_id": "x"}, {"why": "more"}]
)
def test_what_is_no_acceptance_is_refused(change: dict[str, Any]) -> None:
    chain = Chain(store=4)
    replenishment.suggest(now=NOW)
    head = client_of(Role.HEAD_OFFICE)

    with nothing_changes():
        body = lines_of((chain.store, chain.product), **change)
        assert refusal_of(post(head, f"{SUGGESTIONS}accept/", body)) == (422, "invalid")
        assert refusal_of(post(head, f"{SUGGESTIONS}accept/", {"lines": []})) == (422, "invalid")
