"""Asking the warehouse, and what it says to that."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from accounts.interface import Role, accounts
from inventory.interface import inventory
from replenishment.interface import (
    AlreadyDecided,
    CentralStockTooLow,
    InvalidQuantity,
    NoCentralStock,
    RequestNotFound,
    RequestStatus,
    StoreUnknown,
    Verdict,
    replenishment,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, level, make_person, make_product, make_store, put_in_stock
from tests.replenishment.actions import (
    NOW,
    Chain,
    approve,
    cancel,
    decide_all,
    nothing_changes,
    refused,
    reject,
    request,
    statuses,
    suggest_product,
    suggested,
)
from tests.replenishment.conftest import Told

pytestmark = pytest.mark.django_db

# --- Asking ---------------------------------------------------------------------------------------------------------


def test_a_request_waits_for_the_warehouse_and_moves_nothing(told: Told) -> None:
    chain = Chain(central=100, store=20)
    email = make_person(Role.STORE_MANAGER, chain.store)
    person_id = accounts.ids_by_email(emails=[email])[email]

    made = request(chain, 21, actor_id=person_id)

    assert (made.status, made.quantity, made.approved_quantity, made.reason) == (RequestStatus.PENDING, 21, None, "")
    assert (made.product_name, made.store_name) == (chain.product.name, chain.store.name)
    assert (made.requested_by, made.requested_by_name, made.requested_at) == (person_id, "store_manager", NOW)
    assert (made.decided_by, made.decided_at, made.central_available) == (None, None, 100)
    assert chain.shelves == (100, 20)
    assert level(chain.product, chain.warehouse).reserved == 0
    assert replenishment.find(request_id=made.id) == made
    assert told() == ["replenishment.requested"]


def test_a_store_may_ask_for_all_that_the_warehouse_has() -> None:
    assert request(Chain(central=21), 21).status is RequestStatus.PENDING


def test_a_store_may_ask_for_what_it_never_held() -> None:
    assert request(Chain(store=None), 21).status is RequestStatus.PENDING


def test_asking_twice_under_one_key_makes_one_request(told: Told) -> None:
    chain, request_id = Chain(), new_id()
    first = request(chain, request_id=request_id)

    with nothing_changes():
        assert request(chain, request_id=request_id) == first
    assert told() == ["replenishment.requested"]


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_a_quantity_out_of_bounds_is_refused_before_all_else(quantity: int) -> None:
    chain = Chain()

    with refused(InvalidQuantity) as refusal:
        request(chain, quantity, product_id=new_id(), store_id=new_id())

    assert (refusal.value.smallest, refusal.value.largest) == (1, 1_000_000)


def test_what_the_warehouse_does_not_carry_is_refused_first() -> None:
    chain, elsewhere = Chain(), make_product()
    put_in_stock(elsewhere, chain.store, 50)

    for product_id in (elsewhere.id, new_id()):
        with refused(NoCentralStock) as refusal:
            request(chain, 1, product_id=product_id, store_id=new_id())
        assert refusal.value.product_id == product_id


def test_without_a_warehouse_nothing_is_carried() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    with refused(NoCentralStock):
        replenishment.request(
            request_id=new_id(), product_id=product.id, store_id=store.id, quantity=1, actor_id=None, now=NOW
        )


def test_more_than_the_warehouse_has_available_is_refused_second() -> None:
    chain = Chain(central=20)

    with refused(CentralStockTooLow) as refusal:
        request(chain, 21, store_id=new_id())

    assert (refusal.value.requested, refusal.value.available) == (21, 20)


def test_what_the_warehouse_carries_but_has_run_out_of_is_too_low() -> None:
    chain = Chain(central=0)
    inventory.carry(product_ids=[chain.product.id])

    with refused(CentralStockTooLow) as refusal:
        request(chain, 1)

    assert refusal.value.available == 0


def test_what_is_reserved_in_the_warehouse_is_not_available() -> None:
    chain = Chain(central=30, transit=True)
    approve(request(chain, 10))

    with refused(CentralStockTooLow) as refusal:
        request(chain, 21)

    assert refusal.value.available == 20


def test_a_store_that_does_not_exist_is_refused_last() -> None:
    chain = Chain()

    for store_id in (new_id(), chain.warehouse.id):
        with refused(StoreUnknown) as refusal:
            request(chain, store_id=store_id)
        assert refusal.value.store_id == store_id


def test_a_request_settles_the_suggestion() -> None:
    chain = Chain(store=2)
    assert suggest_product(chain) is not None

    request(chain, 1)

    assert suggested(chain.store) == []


# --- Lists ----------------------------------------------------------------------------------------------------------


def test_requests_are_listed_latest_first_by_where_they_stand_by_store_and_product() -> None:
    chain, other = Chain(), Chain()
    made = [request(chain, 1), request(chain, 2, product_id=other.product.id), request(other, 3)]
    reject(made[0])

    def found(**filters: object) -> list[int]:
        page = replenishment.requests(**filters)
        assert page.count >= len(page.requests)
        return [row.quantity for row in page.requests]

    assert found() == [3, 2, 1]
    assert found(statuses=[RequestStatus.PENDING]) == [3, 2]
    assert found(store_ids=[chain.store.id]) == [2, 1]
    assert found(store_ids=[chain.store.id], statuses=[RequestStatus.REJECTED]) == [1]
    assert found(store_ids=[]) == []
    assert found(product_id=other.product.id) == [3, 2]
    assert found(offset=1, limit=1) == [2]
    assert replenishment.requests(offset=5).count == 3


def test_what_waits_for_a_decision_is_counted_by_store() -> None:
    chain, other, third = Chain(), Chain(), Chain()
    for made in [request(chain, 1), request(chain, 2), request(other, 3), request(chain, 4)][:1]:
        reject(made)

    stores = [chain.store.id, other.store.id, third.store.id, new_id()]
    assert replenishment.pending_by_store(store_ids=stores) == {chain.store.id: 2, other.store.id: 1}
    assert replenishment.pending_by_store(store_ids=stores[1:2]) == {other.store.id: 1}


def test_an_unknown_request_is_not_found() -> None:
    request_id = new_id()

    with refused(RequestNotFound):
        replenishment.find(request_id=request_id)
    for decide in (replenishment.approve, replenishment.reject, replenishment.cancel):
        with refused(RequestNotFound):
            decide(decision_id=new_id(), request_id=request_id, actor_id=None, now=NOW)
    with refused(RequestNotFound):
        replenishment.ship(shipment_id=new_id(), request_id=request_id, actor_id=None, now=NOW)
    with refused(RequestNotFound):
        replenishment.receive(receipt_id=new_id(), request_id=request_id, actor_id=None, now=NOW)


# --- Decisions ------------------------------------------------------------------------------------------------------


def test_approving_moves_what_was_asked_for_from_the_warehouse_to_the_store(told: Told) -> None:
    chain = Chain(central=100, store=20)
    email = make_person(Role.WAREHOUSE)
    person_id = accounts.ids_by_email(emails=[email])[email]

    granted = approve(request(chain, 21), actor_id=person_id, reason="with the next van")

    assert (granted.status, granted.approved_quantity, granted.reason) == (
        RequestStatus.APPROVED,
        21,
        "with the next van",
    )
    assert (granted.decided_by, granted.decided_by_name, granted.decided_at) == (person_id, "warehouse", NOW)
    assert (granted.central_available, granted.received_quantity, granted.shipped_at) == (79, None, None)
    assert chain.shelves == (79, 20 + 21)
    moved = inventory.movements(product_id=chain.product.id, limit=2)
    assert {(row.location_id, row.delta, row.document, row.actor_id) for row in moved} == {
        (chain.warehouse.id, -21, f"request {granted.id}", person_id),
        (chain.store.id, 21, f"request {granted.id}", person_id),
    }
    assert told() == ["replenishment.requested", "replenishment.approved"]
    assert books_agree()


def test_approving_makes_the_stores_row() -> None:
    chain = Chain(central=100, store=None)

    approve(request(chain, 21))

    assert chain.shelves == (79, 21)
    assert books_agree()


def test_a_part_may_be_approved() -> None:
    chain = Chain(central=100, store=20)

    granted = approve(request(chain, 21), quantity=20)

    assert (granted.quantity, granted.approved_quantity) == (21, 20)
    assert chain.shelves == (80, 40)


@pytest.mark.parametrize("quantity", [0, -5, 22])
def test_more_than_was_asked_for_or_nothing_is_not_approved(quantity: int) -> None:
    chain = Chain()
    made = request(chain, 21)

    with refused(InvalidQuantity) as refusal:
        approve(made, quantity=quantity)

    assert (refusal.value.smallest, refusal.value.largest) == (1, 21)


def test_approving_twice_under_one_key_moves_stock_once(told: Told) -> None:
    chain, decision_id = Chain(central=100, store=20), new_id()
    made = request(chain, 21)
    first = approve(made, decision_id=decision_id)

    with nothing_changes():
        assert approve(made, decision_id=decision_id) == first
    assert chain.shelves == (79, 41)
    assert told() == ["replenishment.requested", "replenishment.approved"]


@pytest.mark.parametrize("decide", [approve, reject, cancel])
@pytest.mark.parametrize("again", [approve, reject, cancel])
def test_a_second_decision_of_any_kind_is_refused(decide: object, again: object) -> None:
    chain = Chain()
    made = request(chain, 21)
    email = make_person(Role.HEAD_OFFICE)
    decided = decide(made, actor_id=accounts.ids_by_email(emails=[email])[email])  # type: ignore[operator]

    with refused(AlreadyDecided) as refusal:
        again(made)  # type: ignore[operator]

    assert (refusal.value.request_status, refusal.value.decided_by_name) == (decided.status, "head_office")
    assert refusal.value.decided_at == NOW


def test_approving_checks_anew_what_the_warehouse_has() -> None:
    chain = Chain(central=30)
    first, second = request(chain, 21), request(chain, 10)
    approve(first)

    with refused(CentralStockTooLow) as refusal:
        approve(second)

    assert (refusal.value.requested, refusal.value.available) == (10, 9)
    assert statuses(chain) == [RequestStatus.APPROVED, RequestStatus.PENDING]
    assert approve(second, quantity=9).status is RequestStatus.APPROVED
    assert chain.shelves == (0, 50)


def test_rejecting_changes_the_status_alone(told: Told) -> None:
    chain = Chain(central=100, store=20)

    turned_down = reject(request(chain, 21), reason="kept for Lille")

    assert (turned_down.status, turned_down.approved_quantity) == (RequestStatus.REJECTED, None)
    assert (turned_down.reason, turned_down.decided_at) == ("kept for Lille", NOW)
    assert chain.shelves == (100, 20)
    assert told() == ["replenishment.requested", "replenishment.rejected"]


def test_a_store_takes_its_request_back() -> None:
    chain = Chain(central=100, store=20)

    assert cancel(request(chain, 21)).status is RequestStatus.CANCELLED
    assert chain.shelves == (100, 20)


@pytest.mark.parametrize("decide", [reject, cancel])
def test_a_decision_sent_twice_is_made_once(decide: object) -> None:
    made, decision_id = request(Chain()), new_id()
    first = decide(made, decision_id=decision_id)  # type: ignore[operator]

    with nothing_changes():
        assert decide(made, decision_id=decision_id) == first  # type: ignore[operator]


# --- Several at once ------------------------------------------------------------------------------------------------


def test_several_are_approved_each_for_itself_in_the_order_given() -> None:
    chain = Chain(central=30, store=20)
    made = [request(chain, 20), request(chain, 15), request(chain, 10)]
    unknown = new_id()

    outcomes = decide_all([made[0].id, unknown, made[1].id, made[2].id])

    assert [outcome.code for outcome in outcomes] == ["", "request_not_found", "central_stock_too_low", ""]
    assert [outcome.request_id for outcome in outcomes] == [made[0].id, unknown, made[1].id, made[2].id]
    assert [outcome.request and outcome.request.approved_quantity for outcome in outcomes] == [20, None, None, 10]
    assert outcomes[2].detail.startswith("15 pieces of product")
    assert statuses(chain) == [RequestStatus.APPROVED, RequestStatus.PENDING, RequestStatus.APPROVED]
    assert chain.shelves == (0, 50)
    assert books_agree()


def test_several_are_rejected() -> None:
    chain = Chain(central=100, store=20)
    made = [request(chain, 1), request(chain, 2)]

    outcomes = decide_all([row.id for row in made], Verdict.REJECT, reason="closed")

    assert [outcome.request.reason for outcome in outcomes if outcome.request] == ["closed", "closed"]
    assert statuses(chain) == [RequestStatus.REJECTED] * 2
    assert chain.shelves == (100, 20)


def test_decisions_on_several_sent_twice_are_made_once() -> None:
    chain, decision_id = Chain(central=30), new_id()
    ids = [request(chain, 20).id, request(chain, 15).id]
    first = decide_all(ids, decision_id=decision_id)

    with nothing_changes():
        again = decide_all(ids, decision_id=decision_id)

    assert [outcome.code for outcome in again] == [outcome.code for outcome in first] == ["", "central_stock_too_low"]
    assert again == first


def test_another_decision_on_several_is_refused_for_each() -> None:
    chain = Chain()
    ids = [request(chain, 1).id, request(chain, 2).id]
    decide_all(ids)

    with nothing_changes():
        outcomes = decide_all(ids, Verdict.REJECT)

    assert [outcome.code for outcome in outcomes] == ["already_decided"] * 2


# --- What the database refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("quantity = 0", "request_of_something"),
        ("status = 'lost', decision_id = id, decided_at = now()", "request_granted"),
        ("status = 'rejected'", "request_decided"),
        ("decided_at = now()", "request_decided"),
        ("approved_quantity = 5", "request_granted"),
        ("status = 'approved', decision_id = id, decided_at = now()", "request_granted"),
        ("status = 'approved', decision_id = id, decided_at = now(), approved_quantity = 22", "request_granted"),
        ("status = 'approved', decision_id = id, decided_at = now(), approved_quantity = 0", "request_granted"),
        ("status = 'shipped', decision_id = id, decided_at = now(), approved_quantity = 1", "request_shipped"),
        ("shipped_at = now()", "request_shipped"),
        ("received_quantity = 1", "request_received"),
    ],
)
def test_the_database_holds_a_request_together(change: str, constraint: str) -> None:
    request(Chain(), 21)

    with pytest.raises(IntegrityError, match=constraint), atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE replenishment_request SET {change}")


def test_one_decision_does_not_move_the_goods_of_two_requests() -> None:
    chain, decision_id = Chain(), new_id()
    approve(request(chain, 1), decision_id=decision_id)
    other = request(chain, 2)

    with nothing_changes(), pytest.raises(IntegrityError, match="decision_id"), atomic():
        approve(other, decision_id=decision_id)


def test_a_list_is_ordered_by_when_it_was_asked() -> None:
    chain = Chain()
    later = request(chain, 2, request_id=new_id(at=NOW + timedelta(hours=1)))
    earlier = request(chain, 1, request_id=new_id(at=NOW))

    assert [row.id for row in replenishment.requests().requests] == [later.id, earlier.id]
