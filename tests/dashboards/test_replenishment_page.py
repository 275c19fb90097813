"""The replenishment page: deciding, sending, receiving, suggestions."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import LocationDraft, LocationKind, StockLine, inventory
from replenishment.interface import Request, replenishment
from shared_kernel.ids import new_id
from tests.chain import make_product, on_hand, put_in_stock, sell
from tests.dashboards.conftest import Chain, visitor

HOME = "/dashboard/replenishment/"


def asked(chain: Chain, quantity: int = 21, **values: Any) -> Request:
    arguments = {"product_id": chain.keyboard.id, "store_id": chain.lyon.id} | values
    return replenishment.request(
        request_id=new_id(), quantity=quantity, actor_id=None, now=datetime.now(UTC), **arguments
    )


def step(client: Client, request: Request, name: str, **fields: Any) -> Any:
    return client.post(f"{HOME}{request.id}/{name}/", fields)


def shelves(chain: Chain) -> tuple[int, int]:
    return on_hand(chain.keyboard, chain.central), on_hand(chain.keyboard, chain.lyon)


def status(request: Request) -> str:
    return replenishment.find(request_id=request.id).status


def test_approving_moves_the_goods(chain: Chain) -> None:
    request = asked(chain)

    answer = step(visitor(Role.WAREHOUSE), request, "approve", quantity="21")

    assert (answer.status_code, answer.url) == (302, HOME)
    assert (status(request), shelves(chain)) == ("approved", (79, 41))


def test_approving_a_part_moves_the_part(chain: Chain) -> None:
    request = asked(chain)

    step(visitor(Role.WAREHOUSE), request, "approve", quantity="5")

    assert (status(request), shelves(chain)) == ("approved", (95, 25))


def test_a_form_sent_twice_moves_once_and_a_second_decision_is_told_beside_its_field(chain: Chain) -> None:
    request, client, key = asked(chain), visitor(Role.WAREHOUSE), str(new_id())

    first, again = (step(client, request, "approve", quantity="21", key=key) for _ in range(2))
    other = step(client, request, "reject")

    assert (first.status_code, again.status_code, other.status_code) == (302, 302, 409)
    assert other.context["wrong"] == {request.id: "Somebody has decided on this request already."}
    assert shelves(chain) == (79, 41)


@pytest.mark.parametrize("quantity", ["0", "22", "many", ""])
def test_a_wrong_quantity_is_told_beside_its_field_and_moves_nothing(chain: Chain, quantity: str) -> None:
    request = asked(chain)

    answer = step(visitor(Role.WAREHOUSE), request, "approve", quantity=quantity)

    assert answer.status_code in {409, 422}
    assert f'id="error-{request.id}"' in answer.content.decode()
    assert (status(request), shelves(chain)) == ("pending", (100, 20))


def test_rejecting_keeps_the_reason_and_moves_nothing(chain: Chain) -> None:
    request = asked(chain)

    step(visitor(Role.WAREHOUSE), request, "reject", reason="Too many")

    assert (status(request), replenishment.find(request_id=request.id).reason) == ("rejected", "Too many")
    assert shelves(chain) == (100, 20)


@pytest.mark.parametrize("name", ["approve", "reject", "ship"])
def test_a_store_does_not_decide(chain: Chain, name: str) -> None:
    request = asked(chain)

    answer = step(visitor(Role.STORE_MANAGER, chain.lyon), request, name)

    assert (answer.status_code, status(request), shelves(chain)) == (403, "pending", (100, 20))


def test_a_store_sees_its_own_requests_alone(chain: Chain) -> None:
    own, other = asked(chain), asked(chain, store_id=chain.lille.id)
    client = visitor(Role.STORE_MANAGER, chain.lyon)

    shown = client.get(HOME).context["requests"]
    foreign = client.get(f"{HOME}?store={chain.lille.id}").context["requests"]

    assert [request.id for request in shown] == [own.id]
    assert foreign == []
    assert step(client, other, "cancel").status_code == 404
    assert status(other) == "pending"


def test_a_store_takes_its_own_request_back(chain: Chain) -> None:
    request = asked(chain)

    answer = step(visitor(Role.CASHIER, chain.lyon), request, "cancel")

    assert (answer.status_code, status(request)) == (302, "cancelled")


def test_an_unknown_request_or_step_is_not_found(chain: Chain) -> None:
    client, request = visitor(Role.WAREHOUSE), asked(chain)

    assert client.post(f"{HOME}{uuid4()}/approve/").status_code == 404
    assert step(client, request, "burn").status_code == 404
    assert status(request) == "pending"


def decide(client: Client, verdict: str, *ids: object, **fields: str) -> Any:
    return client.post(f"{HOME}decisions/", {"verdict": verdict, "request_ids": [str(id_) for id_ in ids]} | fields)


def test_several_are_approved_at_once_and_one_that_is_refused_does_not_keep_the_others(chain: Chain) -> None:
    first, second = asked(chain, quantity=60), asked(chain, quantity=60)
    client = visitor(Role.WAREHOUSE)

    decide(client, "approve", first.id, second.id)
    page = client.get(HOME).content.decode()

    assert (status(first), status(second)) == ("approved", "pending")
    assert shelves(chain) == (40, 80)
    assert "1 request approved." in page
    assert "1 × The warehouse has fewer pieces available." in page


def test_several_are_rejected_at_once_with_a_reason(chain: Chain) -> None:
    requests = [asked(chain, quantity=quantity) for quantity in (1, 2, 3)]

    decide(visitor(Role.WAREHOUSE), "reject", *(request.id for request in requests), reason="Closed")

    assert [status(request) for request in requests] == ["rejected"] * 3
    assert shelves(chain) == (100, 20)


@pytest.mark.parametrize("given", ["nonsense", "1"])
def test_a_form_that_was_tampered_with_decides_nothing(chain: Chain, given: str) -> None:
    request = asked(chain)

    answer = decide(visitor(Role.WAREHOUSE), "approve", request.id, given)

    assert (answer.status_code, status(request)) == (404, "pending")


def test_a_verdict_that_is_none_is_no_decision(chain: Chain) -> None:
    request = asked(chain)

    assert decide(visitor(Role.WAREHOUSE), "burn", request.id).status_code == 404
    assert status(request) == "pending"


def test_a_store_decides_on_none_of_several(chain: Chain) -> None:
    request = asked(chain)

    answer = decide(visitor(Role.STORE_MANAGER, chain.lyon), "approve", request.id)

    assert (answer.status_code, status(request)) == (403, "pending")


@pytest.fixture
def transit(chain: Chain) -> Chain:
    draft = LocationDraft(LocationKind.WAREHOUSE, "Central", "Lyon", "Europe/Paris", uses_transit=True)
    inventory.save_location(location_id=chain.central.id, draft=draft)
    return chain


def test_with_transit_goods_are_shipped_and_received_with_a_difference(transit: Chain) -> None:
    request, warehouse = asked(transit), visitor(Role.WAREHOUSE)
    store = visitor(Role.STORE_MANAGER, transit.lyon)

    step(warehouse, request, "approve", quantity="21")
    to_ship = warehouse.get(f"{HOME}?tab=way").context["requests"]
    step(warehouse, request, "ship")
    coming = store.get(f"{HOME}?tab=way").context["requests"]
    wrong = step(store, request, "receive", quantity="22")
    step(store, request, "receive", quantity="19")

    assert [row.id for row in to_ship] == [row.id for row in coming] == [request.id]
    assert wrong.status_code == 409
    assert (status(request), shelves(transit)) == ("received", (79, 39))


def test_nothing_may_arrive_of_what_was_sent(transit: Chain) -> None:
    request, warehouse = asked(transit), visitor(Role.WAREHOUSE)
    step(warehouse, request, "approve", quantity="21")
    step(warehouse, request, "ship")

    answer = step(visitor(Role.STORE_MANAGER, transit.lyon), request, "receive", quantity="0")

    assert answer.status_code == 302
    assert (status(request), shelves(transit)) == ("received", (79, 20))


def test_another_store_does_not_receive(transit: Chain) -> None:
    request, warehouse = asked(transit), visitor(Role.WAREHOUSE)
    step(warehouse, request, "approve", quantity="21")
    step(warehouse, request, "ship")

    answer = step(visitor(Role.STORE_MANAGER, transit.lille), request, "receive", quantity="21")

    assert (answer.status_code, status(request)) == (404, "shipped")


@pytest.fixture
def suggested(chain: Chain) -> Chain:
    """Both stores have sold out of a mouse."""
    mouse = make_product(sku="MOUSE", name="Mouse")
    put_in_stock(mouse, chain.central, 100)
    for store in (chain.lyon, chain.lille):
        put_in_stock(mouse, store, 5)
        sell(mouse, store, quantity=5)
    replenishment.suggest(now=datetime.now(UTC))
    return chain


def pairs(client: Client) -> dict[UUID, str]:
    lines = client.get(f"{HOME}?tab=suggestions").context["suggestions"]
    return {line.store_id: f"{line.store_id}:{line.product_id}" for line in lines if line.product_name == "Mouse"}


def test_a_suggestion_says_why(suggested: Chain) -> None:
    page = visitor(Role.CASHIER, suggested.lyon).get(f"{HOME}?tab=suggestions").content.decode()

    assert "0 on the shelf, 0 on the way; sells" in page


def test_a_suggestion_says_that_the_warehouse_limits_it(suggested: Chain) -> None:
    mouse = next(line.product_id for line in replenishment.suggestions().suggestions if line.product_name == "Mouse")
    inventory.adjust(
        operation_id=new_id(),
        location_id=suggested.central.id,
        lines=[StockLine(mouse, -98)],
        note="lost",
        actor_id=None,
        now=datetime.now(UTC),
    )
    replenishment.suggest(now=datetime.now(UTC))
    client = visitor(Role.CASHIER, suggested.lyon)

    english = client.get(f"{HOME}?tab=suggestions").content.decode()
    client.post("/i18n/setlang/", {"language": "fr"})
    french = client.get(f"{HOME}?tab=suggestions").content.decode()

    assert "Limited by the stock of the warehouse: 2." in english
    assert "Limité par le stock de l’entrepôt : 2." in french


def test_accepting_one_or_several_makes_requests(suggested: Chain) -> None:
    client = visitor(Role.HEAD_OFFICE)
    lines = pairs(client)

    one = client.post(f"{HOME}suggestions/accept/", {"one": lines[suggested.lyon.id], "lines": list(lines.values())})
    after_one = [(request.store_name, request.status) for request in replenishment.requests().requests]
    client.post(f"{HOME}suggestions/accept/", {"lines": list(pairs(client).values())})

    assert one.status_code == 302
    assert after_one == [("Lyon", "pending")]
    assert {request.store_name for request in replenishment.requests().requests} == {"Lyon", "Lille"}
    assert pairs(client) == {}


def test_what_is_not_suggested_any_more_is_told(suggested: Chain) -> None:
    client = visitor(Role.HEAD_OFFICE)
    lines = {"lines": list(pairs(client).values())}
    client.post(f"{HOME}suggestions/accept/", lines)
    client.get(HOME)

    client.post(f"{HOME}suggestions/accept/", lines)

    assert "2 × " in client.get(HOME).content.decode()
    assert replenishment.requests().count == 2


def test_a_store_accepts_for_itself_alone(suggested: Chain) -> None:
    lines = pairs(visitor(Role.HEAD_OFFICE))

    answer = visitor(Role.CASHIER, suggested.lyon).post(f"{HOME}suggestions/accept/", {"lines": list(lines.values())})

    assert answer.status_code == 403
    assert replenishment.requests().count == 0


@pytest.mark.parametrize("line", ["nonsense", "a:b", ""])
def test_a_suggestion_that_was_tampered_with_is_not_found(suggested: Chain, line: str) -> None:
    assert visitor(Role.HEAD_OFFICE).post(f"{HOME}suggestions/accept/", {"lines": line}).status_code == 404


def test_a_key_that_another_decision_has_used_decides_on_its_own_request(chain: Chain) -> None:
    first, second, client, key = asked(chain), asked(chain, 7), visitor(Role.WAREHOUSE), str(new_id())

    answers = [step(client, request, "approve", key=key) for request in (first, second)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert (status(first), status(second), shelves(chain)) == ("approved", "approved", (72, 48))


def test_a_key_that_is_an_operation_s_in_the_ledger_moves_the_goods_all_the_same(chain: Chain) -> None:
    request = asked(chain)
    taken = inventory.movements(product_id=chain.keyboard.id)[0].operation_id

    step(visitor(Role.WAREHOUSE), request, "approve", key=str(taken))

    assert (status(request), shelves(chain)) == ("approved", (79, 41))


def test_the_same_key_for_another_verdict_or_quantity_is_another_decision(chain: Chain) -> None:
    request, client, key = asked(chain), visitor(Role.WAREHOUSE), str(new_id())
    step(client, request, "approve", quantity="5", key=key)

    others = [step(client, request, "approve", quantity="6", key=key), step(client, request, "reject", key=key)]

    assert [answer.status_code for answer in others] == [409, 409]
    assert (status(request), shelves(chain)) == ("approved", (95, 25))
