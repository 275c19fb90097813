"""Goods that travel: kept in the warehouse, in transit to a store, on its shelf; what is available at each step."""

import pytest

from catalog.interface import Product
from inventory.interface import (
    ArrivedLine,
    InsufficientStock,
    Location,
    LocationNotFound,
    ReservationNotFound,
    inventory,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, level, make_product, make_store, make_warehouse, put_in_stock
from tests.inventory.actions import HOUR, NOW, issue, ledger, receive_shipment, refused, reserve, ship

pytestmark = pytest.mark.django_db


def figures(product: Product, location: Location) -> tuple[int, int, int, int]:
    row = level(product, location)
    return row.on_hand, row.reserved, row.available, row.in_transit


@pytest.fixture
def warehouse() -> Location:
    return make_warehouse()


@pytest.fixture
def store() -> Location:
    return make_store()


@pytest.fixture
def keyboard(warehouse: Location, store: Location) -> Product:
    product = make_product()
    put_in_stock(product, warehouse, 100)
    put_in_stock(product, store, 20)
    return product


def test_goods_are_kept_then_travel_then_arrive(warehouse: Location, store: Location, keyboard: Product) -> None:
    order_id = new_id()

    reserve(warehouse, (keyboard, 21), order_id=order_id, until=None)
    assert (figures(keyboard, warehouse), figures(keyboard, store)) == ((100, 21, 79, 0), (20, 0, 20, 0))

    ship(order_id, store)
    assert (figures(keyboard, warehouse), figures(keyboard, store)) == ((79, 0, 79, 0), (20, 0, 20, 21))

    receive_shipment(store, ArrivedLine(keyboard.id, sent=21, arrived=21))
    assert (figures(keyboard, warehouse), figures(keyboard, store)) == ((79, 0, 79, 0), (41, 0, 41, 0))
    assert ledger(keyboard, store)[1:] == [(0, 20, 20, "transfer"), (21, 20, 41, "transfer")]
    assert [row.in_transit for row in inventory.movements(product_id=keyboard.id, location_ids=[store.id])] == [
        -21,
        21,
        0,
    ]
    assert books_agree()


def test_what_is_kept_without_a_time_never_runs_out(warehouse: Location, keyboard: Product) -> None:
    order_id = new_id()
    reserve(warehouse, (keyboard, 95), order_id=order_id, until=None)

    assert inventory.clear_expired(now=NOW + 10_000 * HOUR) == 0
    with refused(InsufficientStock):
        issue(warehouse, (keyboard, 6), now=NOW + 10_000 * HOUR)
    inventory.release(order_id=order_id, now=NOW)
    assert level(keyboard, warehouse).available == 100


def test_a_shipment_to_a_store_that_never_held_the_product_makes_its_row(
    warehouse: Location, keyboard: Product
) -> None:
    other, order_id = make_store(), new_id()
    reserve(warehouse, (keyboard, 5), order_id=order_id, until=None)

    ship(order_id, other)

    assert figures(keyboard, other) == (0, 0, 0, 5)
    assert books_agree()


def test_a_difference_on_arrival_is_in_the_ledger(warehouse: Location, store: Location, keyboard: Product) -> None:
    order_id = new_id()
    reserve(warehouse, (keyboard, 21), order_id=order_id, until=None)
    ship(order_id, store)

    [moved] = receive_shipment(store, ArrivedLine(keyboard.id, sent=21, arrived=19))

    assert (moved.delta, moved.in_transit, moved.note) == (19, -21, "21 sent, 19 arrived")
    assert figures(keyboard, store) == (39, 0, 39, 0)
    assert books_agree()


def test_a_shipment_sent_again_is_sent_once(warehouse: Location, store: Location, keyboard: Product) -> None:
    order_id, shipment, receipt = new_id(), new_id(), new_id()
    reserve(warehouse, (keyboard, 21), order_id=order_id, until=None)

    sent = [ship(order_id, store, operation_id=shipment) for _ in range(2)]
    arrived = [
        receive_shipment(store, ArrivedLine(keyboard.id, sent=21, arrived=21), operation_id=receipt) for _ in range(2)
    ]

    assert sent[0] == sent[1]
    assert arrived[0] == arrived[1]
    assert figures(keyboard, store) == (41, 0, 41, 0)


def test_more_than_is_in_transit_does_not_arrive(warehouse: Location, store: Location, keyboard: Product) -> None:
    order_id = new_id()
    reserve(warehouse, (keyboard, 5), order_id=order_id, until=None)
    ship(order_id, store)

    with refused(InsufficientStock):
        receive_shipment(store, ArrivedLine(keyboard.id, sent=6, arrived=6))


def test_nothing_is_shipped_that_is_not_kept(store: Location, warehouse: Location, keyboard: Product) -> None:
    with refused(ReservationNotFound):
        ship(new_id(), store)
    order_id = new_id()
    reserve(warehouse, (keyboard, 5), order_id=order_id, until=None)
    with refused(LocationNotFound):
        inventory.ship(operation_id=new_id(), order_id=order_id, to_location_id=new_id(), actor_id=None, now=NOW)
