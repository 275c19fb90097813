"""A store's stock page: finding a shelf, asking the warehouse, counting."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import StockLine, Thresholds, inventory
from replenishment.interface import RequestStatus, replenishment
from shared_kernel.ids import new_id
from tests.chain import level, make_product, on_hand, put_in_stock
from tests.dashboards.conftest import Chain, visitor

A_RANDOM_ID = "4d6a38a2-f62e-4ca5-8433-162e28826b09"
AN_ID_OF_2020 = "016f5e66-e800-7704-9d16-2c7bf18fcff4"


def address(chain: Chain) -> str:
    return f"/dashboard/stores/{chain.lyon.id}/stock/"


def ask(client: Client, chain: Chain, quantity: Any, key: object = "", **headers: str) -> Any:
    path = f"{address(chain)}{chain.keyboard.id}/request/?show=low"
    return client.post(path, {"quantity": quantity, "key": str(key)}, headers=headers)


def requests_of(chain: Chain) -> list[tuple[str, int]]:
    return [(request.status, request.quantity) for request in replenishment.requests().requests]


def set_thresholds(chain: Chain, reorder_point: int, target: int | None) -> None:
    inventory.count(
        operation_id=new_id(),
        location_id=chain.lyon.id,
        product_id=chain.keyboard.id,
        quantity=on_hand(chain.keyboard, chain.lyon),
        thresholds=Thresholds(reorder_point, target),
        note="count",
        actor_id=None,
        now=datetime.now(UTC),
    )


def test_the_filters_keep_what_is_low_out_or_too_many(chain: Chain) -> None:
    client = visitor(Role.CASHIER, chain.lyon)
    gone, plenty = make_product(name="Mouse"), make_product(name="Cable")
    put_in_stock(gone, chain.lyon, 1)
    inventory.adjust(
        operation_id=new_id(),
        location_id=chain.lyon.id,
        lines=[StockLine(gone.id, -1)],
        note="lost",
        actor_id=None,
        now=datetime.now(UTC),
    )
    put_in_stock(plenty, chain.lyon, 50)
    set_thresholds(chain, reorder_point=25, target=30)

    def shown(query: str) -> list[str]:
        return [row.product_name for row in client.get(f"{address(chain)}{query}").context["rows"]]

    assert shown("") == ["Cable", "Keyboard", "Mouse"]
    assert shown("?show=low") == ["Mouse", "Keyboard"]
    assert shown("?show=out") == ["Mouse"]
    assert shown("?search=keyb") == ["Keyboard"]
    assert shown("?show=nonsense&page=nonsense") == ["Cable", "Keyboard", "Mouse"]


def test_the_form_is_filled_in_with_what_is_missing_to_the_target(chain: Chain) -> None:
    client = visitor(Role.CASHIER, chain.lyon)
    set_thresholds(chain, reorder_point=25, target=41)

    def suggested() -> int:
        page = client.get(f"{address(chain)}?open={chain.keyboard.id}")
        quantity: int = page.context["form"]["quantity"].value()
        return quantity

    assert suggested() == 21
    ask(client, chain, 20)
    assert suggested() == 1
    set_thresholds(chain, reorder_point=3, target=4)
    assert suggested() == 1


def test_asking_makes_a_pending_request_and_moves_nothing(chain: Chain) -> None:
    client = visitor(Role.CASHIER, chain.lyon)

    answer = ask(client, chain, 21)

    assert (answer.status_code, answer.url) == (302, f"{address(chain)}?show=low")
    assert requests_of(chain) == [("pending", 21)]
    assert (on_hand(chain.keyboard, chain.central), on_hand(chain.keyboard, chain.lyon)) == (100, 20)


def test_the_next_page_says_so_and_offers_to_undo_it(chain: Chain) -> None:
    client = visitor(Role.CASHIER, chain.lyon)
    ask(client, chain, 21)

    page = client.get(address(chain)).content.decode()
    made = replenishment.requests().requests[0]

    assert "21 pieces of Keyboard requested." in page
    assert "21 requested" in page
    assert f'action="/dashboard/replenishment/{made.id}/cancel/"' in page


def test_undoing_takes_the_request_back_and_returns_to_the_page(chain: Chain) -> None:
    client = visitor(Role.CASHIER, chain.lyon)
    ask(client, chain, 21)
    made = replenishment.requests().requests[0]

    answer = client.post(f"/dashboard/replenishment/{made.id}/cancel/", {"next": address(chain)})

    assert answer.url == address(chain)
    assert requests_of(chain) == [("cancelled", 21)]


def test_a_form_sent_twice_is_one_request(chain: Chain) -> None:
    client, key = visitor(Role.CASHIER, chain.lyon), new_id()

    answers = [ask(client, chain, 21, key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert requests_of(chain) == [("pending", 21)]


@pytest.mark.parametrize("key", ["nonsense", "", A_RANDOM_ID, AN_ID_OF_2020])
def test_a_key_that_is_not_of_ours_is_replaced(chain: Chain, key: str) -> None:
    client = visitor(Role.CASHIER, chain.lyon)

    ask(client, chain, 2, key)
    ask(client, chain, 3, key)

    assert sorted(requests_of(chain)) == [("pending", 2), ("pending", 3)]


@pytest.mark.parametrize("quantity", ["0", "-1", "", "many", "1000001", "1.5"])
def test_a_wrong_quantity_is_told_beside_its_field(chain: Chain, quantity: str) -> None:
    answer = ask(visitor(Role.CASHIER, chain.lyon), chain, quantity)

    assert answer.status_code == 422
    assert answer.context["asked"] == chain.keyboard.id
    assert 'aria-invalid="true"' in answer.content.decode()
    assert requests_of(chain) == []


def test_more_than_the_warehouse_has_is_told_beside_its_field(chain: Chain) -> None:
    answer = ask(visitor(Role.CASHIER, chain.lyon), chain, 101)

    assert answer.status_code == 409
    assert answer.context["form"].errors["quantity"] == ["The warehouse has 100 pieces available: ask for fewer."]
    assert requests_of(chain) == []


def test_a_product_that_the_warehouse_does_not_carry_is_refused(chain: Chain) -> None:
    path = f"{address(chain)}{uuid4()}/request/"

    answer = visitor(Role.CASHIER, chain.lyon).post(path, {"quantity": "1"})

    assert answer.status_code in {404, 409}
    assert requests_of(chain) == []


def test_one_asks_for_ones_own_store_alone(chain: Chain) -> None:
    answer = ask(visitor(Role.CASHIER, chain.lille), chain, 3)

    assert answer.status_code == 403
    assert requests_of(chain) == []


def test_a_page_of_another_store_is_read_without_buttons(chain: Chain) -> None:
    page = visitor(Role.CASHIER, chain.lille).get(address(chain))

    assert page.status_code == 200
    assert not page.context["may_request"]
    assert "open=" not in page.content.decode()


def sold_beyond_the_books(chain: Chain) -> None:
    inventory.issue_departed(
        operation_id=new_id(),
        location_id=chain.lyon.id,
        lines=[StockLine(chain.keyboard.id, 23)],
        document="sale",
        actor_id=None,
        departed_at=datetime.now(UTC),
        now=datetime.now(UTC),
    )


def test_a_shelf_that_sold_more_than_it_held_is_to_be_counted_and_a_count_settles_it(chain: Chain) -> None:
    client = visitor(Role.STORE_MANAGER, chain.lyon)
    sold_beyond_the_books(chain)
    before = client.get(address(chain))

    answer = client.post(f"{address(chain)}{chain.keyboard.id}/count/", {"quantity": "4"})

    assert [(row.product_name, row.missing) for row in before.context["discrepancies"]] == [("Keyboard", 3)]
    assert answer.status_code == 302
    assert level(chain.keyboard, chain.lyon).on_hand == 4
    assert client.get(address(chain)).context["discrepancies"] == []


def test_a_wrong_count_is_told_beside_its_field_and_changes_nothing(chain: Chain) -> None:
    sold_beyond_the_books(chain)

    answer = visitor(Role.STORE_MANAGER, chain.lyon).post(
        f"{address(chain)}{chain.keyboard.id}/count/", {"quantity": "-4"}
    )

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert on_hand(chain.keyboard, chain.lyon) == 0
    assert inventory.discrepancies(location_ids=[chain.lyon.id]) != []


def test_a_cashier_does_not_count(chain: Chain) -> None:
    sold_beyond_the_books(chain)

    answer = visitor(Role.CASHIER, chain.lyon).post(f"{address(chain)}{chain.keyboard.id}/count/", {"quantity": "4"})

    assert (answer.status_code, on_hand(chain.keyboard, chain.lyon)) == (403, 0)


def test_a_decided_request_is_not_undone(chain: Chain) -> None:
    client = visitor(Role.CASHIER, chain.lyon)
    ask(client, chain, 21)
    made = replenishment.requests().requests[0]
    replenishment.reject(decision_id=new_id(), request_id=made.id, actor_id=None, now=datetime.now(UTC))

    answer = client.post(f"/dashboard/replenishment/{made.id}/cancel/", {"next": address(chain)})

    assert answer.status_code == 409
    assert replenishment.find(request_id=made.id).status is RequestStatus.REJECTED


def test_a_key_that_names_another_store_s_request_is_a_request_of_its_own(chain: Chain) -> None:
    taken = new_id()
    replenishment.request(
        request_id=taken,
        product_id=chain.keyboard.id,
        store_id=chain.lille.id,
        quantity=50,
        actor_id=None,
        now=datetime.now(UTC),
    )
    client = visitor(Role.STORE_MANAGER, chain.lyon)

    ask(client, chain, 2, taken)

    assert "2 pieces of Keyboard requested." in client.get(address(chain)).content.decode()
    made = {(request.store_name, request.quantity) for request in replenishment.requests().requests}
    assert made == {("Lyon", 2), ("Lille", 50)}


def test_a_second_count_under_the_same_key_counts_again(chain: Chain) -> None:
    client, key = visitor(Role.STORE_MANAGER, chain.lyon), str(new_id())

    for quantity in ("4", "5", "5"):
        client.post(f"{address(chain)}{chain.keyboard.id}/count/", {"quantity": quantity, "key": key})

    assert on_hand(chain.keyboard, chain.lyon) == 5
    counted = [row.delta for row in inventory.movements(product_id=chain.keyboard.id) if row.note == "stock count"]
    assert counted == [1, -16]
