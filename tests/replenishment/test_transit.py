"""Goods that travel: where the warehouse uses transit, approval keeps them, and two more steps bring them."""

import pytest

from inventory.interface import inventory
from replenishment.interface import (
    AlreadyDecided,
    CentralStockTooLow,
    InvalidQuantity,
    NotOnItsWay,
    RequestStatus,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, level
from tests.replenishment.actions import (
    HOUR,
    NOW,
    Chain,
    approve,
    cancel,
    nothing_changes,
    receive,
    refused,
    reject,
    request,
    set_warehouse,
    ship,
    statuses,
)

pytestmark = pytest.mark.django_db


def test_availability_is_right_at_each_step() -> None:
    chain = Chain(central=100, store=20, transit=True)
    made = request(chain, 21)
    assert (chain.shelves, chain.in_transit) == ((100, 20), 0)

    approved = approve(made)
    assert (chain.shelves, chain.in_transit) == ((79, 20), 0)
    assert level(chain.product, chain.warehouse).on_hand == 100
    assert (approved.status, approved.central_available, approved.shipped_at) == (RequestStatus.APPROVED, 79, None)
    assert books_agree()

    shipped = ship(made, now=NOW + HOUR)
    assert (chain.shelves, chain.in_transit) == ((79, 20), 21)
    assert level(chain.product, chain.warehouse).on_hand == 79
    assert (shipped.status, shipped.shipped_at, shipped.received_quantity) == (RequestStatus.SHIPPED, NOW + HOUR, None)
    assert books_agree()

    received = receive(made, now=NOW + 2 * HOUR)
    assert (chain.shelves, chain.in_transit) == ((79, 41), 0)
    assert (received.status, received.received_quantity) == (RequestStatus.RECEIVED, 21)
    assert (received.shipped_at, received.received_at) == (NOW + HOUR, NOW + 2 * HOUR)
    assert books_agree()


def test_a_part_travels_to_a_store_that_never_held_the_product() -> None:
    chain = Chain(central=100, store=None, transit=True)
    made = request(chain, 21)

    approve(made, quantity=20)
    ship(made)
    assert (chain.shelves, chain.in_transit) == ((80, 0), 20)
    receive(made)

    assert (chain.shelves, chain.in_transit) == ((80, 20), 0)
    assert books_agree()


@pytest.mark.parametrize("arrived", [18, 0])
def test_a_difference_stays_on_the_request_and_in_the_ledger(arrived: int) -> None:
    chain = Chain(central=100, store=20, transit=True)
    made = request(chain, 21)
    approve(made)
    ship(made)

    received = receive(made, quantity=arrived)

    assert (received.approved_quantity, received.received_quantity) == (21, arrived)
    assert (chain.shelves, chain.in_transit) == ((79, 20 + arrived), 0)
    [arrival] = inventory.movements(location_ids=[chain.store.id], product_id=chain.product.id, limit=1)
    assert (arrival.delta, arrival.in_transit, arrival.document) == (arrived, -21, f"request {made.id}")
    assert arrival.note == f"21 sent, {arrived} arrived"
    assert books_agree()


@pytest.mark.parametrize("arrived", [-1, 22])
def test_more_than_was_sent_does_not_arrive(arrived: int) -> None:
    chain = Chain(transit=True)
    made = request(chain, 21)
    approve(made)
    ship(made)

    with refused(InvalidQuantity) as refusal:
        receive(made, quantity=arrived)

    assert (refusal.value.smallest, refusal.value.largest) == (0, 21)


def test_approving_checks_anew_what_the_warehouse_has_available() -> None:
    chain = Chain(central=30, transit=True)
    first, second = request(chain, 21), request(chain, 10)
    approve(first)

    with refused(CentralStockTooLow) as refusal:
        approve(second)

    assert (refusal.value.requested, refusal.value.available) == (10, 9)
    assert statuses(chain) == [RequestStatus.APPROVED, RequestStatus.PENDING]


def test_each_step_sent_twice_is_taken_once() -> None:
    chain = Chain(central=100, store=20, transit=True)
    made, decision_id, shipment_id, receipt_id = request(chain, 21), new_id(), new_id(), new_id()

    first = approve(made, decision_id=decision_id)
    with nothing_changes():
        assert approve(made, decision_id=decision_id) == first
    first = ship(made, shipment_id=shipment_id)
    with nothing_changes():
        assert ship(made, shipment_id=shipment_id) == first
    first = receive(made, receipt_id=receipt_id)
    with nothing_changes():
        assert receive(made, receipt_id=receipt_id) == first
        assert approve(made, decision_id=decision_id) == first

    assert (chain.shelves, chain.in_transit) == ((79, 41), 0)
    assert books_agree()


def test_the_steps_come_in_their_order() -> None:
    chain = Chain(transit=True)
    made = request(chain, 21)

    for step in (ship, receive):
        with refused(NotOnItsWay) as refusal:
            step(made)
        assert refusal.value.request_status is RequestStatus.PENDING
    approve(made)
    with refused(NotOnItsWay) as refusal:
        receive(made)
    assert (refusal.value.request_status, refusal.value.needed) == (RequestStatus.APPROVED, RequestStatus.SHIPPED)
    ship(made)
    with refused(NotOnItsWay):
        ship(made)
    receive(made)
    for step in (ship, receive):
        with refused(NotOnItsWay) as refusal:
            step(made)
        assert refusal.value.request_status is RequestStatus.RECEIVED
    for decide in (approve, reject, cancel):
        with refused(AlreadyDecided):
            decide(made)


@pytest.mark.parametrize("decide", [reject, cancel])
def test_what_is_not_approved_does_not_travel(decide: object) -> None:
    made = request(Chain(transit=True))
    decide(made)  # type: ignore[operator]

    with refused(NotOnItsWay):
        ship(made)


def test_what_was_moved_at_once_does_not_travel() -> None:
    made = request(Chain(central=100, store=20))
    approve(made)

    with refused(NotOnItsWay) as refusal:
        ship(made)
    assert "not for goods that travel" in str(refusal.value)
    with refused(NotOnItsWay):
        receive(made)


def test_goods_approved_before_transit_ended_still_travel() -> None:
    chain = Chain(central=100, store=20, transit=True)
    made = request(chain, 21)
    approve(made)
    set_warehouse(transit=False)

    ship(made)
    receive(made)

    assert chain.shelves == (79, 41)
    assert books_agree()
