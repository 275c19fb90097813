"""Goods in, out, corrected, counted and moved: what each write does to the shelf and writes into the ledger."""

import pytest

from catalog.interface import ProductNotFound
from inventory.interface import (
    CountBelowReserved,
    InsufficientStock,
    LocationNotFound,
    MovementReason,
    NotStocked,
    StockLine,
    Thresholds,
    inventory,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, level, make_product, make_store, make_warehouse, on_hand, put_in_stock
from tests.inventory.actions import (
    HOUR,
    NOW,
    adjust,
    count,
    everything,
    issue,
    ledger,
    lines,
    receive,
    refused,
    reserve,
    reserved_and_run_out,
    stored,
    transfer,
)
from tests.inventory.conftest import Told

pytestmark = pytest.mark.django_db


# --- Goods in -------------------------------------------------------------------------------------------------------


def test_goods_that_arrive_are_in_stock_and_in_the_ledger() -> None:
    store, product, clerk, operation_id = make_store(), make_product(), new_id(), new_id()

    [moved] = receive(store, (product, 12), operation_id=operation_id, document="BL-1042", actor_id=clerk)

    assert (moved.product_id, moved.location_id, moved.operation_id) == (product.id, store.id, operation_id)
    assert (moved.delta, moved.before, moved.after) == (12, 0, 12)
    assert (moved.reason, moved.document, moved.note) == (MovementReason.RECEIPT, "BL-1042", "")
    assert (moved.actor_id, moved.recorded_at) == (clerk, NOW)
    [row] = inventory.movements(product_id=product.id)
    assert (row.id, row.product_name, row.location_name, row.actor_name) == (moved.id, product.name, store.name, None)
    assert on_hand(product, store) == 12
    assert books_agree()


def test_two_lines_of_one_product_arrive_as_one_movement() -> None:
    store, product = make_store(), make_product()

    receive(store, (product, 2), (product, 3))

    assert ledger(product, store) == [(5, 0, 5, "receipt")]


def test_a_delivery_sent_twice_arrives_once_and_is_answered_alike() -> None:
    store, held, new = make_store(), make_product(), make_product()
    put_in_stock(held, store, 4)
    operation_id = new_id()

    first = receive(store, (held, 1), (new, 2), operation_id=operation_id)
    after_first = everything()
    second = receive(store, (held, 1), (new, 2), operation_id=operation_id)

    assert second == first
    assert everything() == after_first
    assert (on_hand(held, store), on_hand(new, store)) == (5, 2)


def test_a_delivery_frees_what_has_run_out_beside_a_product_the_place_never_held() -> None:
    store, held, new = make_store(), make_product(), make_product()
    put_in_stock(held, store, 10)
    reserved_and_run_out(store, (held, 4))

    receive(store, (held, 1), (new, 1))

    assert (stored(held, store), stored(new, store)) == ((11, 0), (1, 0))
    assert books_agree()


def test_a_delivery_of_what_is_unknown_or_a_service_or_to_nowhere_is_refused() -> None:
    store, product, service, unknown = make_store(), make_product(), make_product(stocked=False), new_id()

    with refused(ProductNotFound) as refusal:
        inventory.receive(
            operation_id=new_id(),
            location_id=store.id,
            lines=[StockLine(product.id, 1), StockLine(unknown, 1)],
            document="",
            actor_id=None,
            now=NOW,
        )
    assert refusal.value.product_ids == [unknown]

    with refused(NotStocked) as refusal:
        receive(store, (product, 1), (service, 1))
    assert refusal.value.product_ids == [service.id]

    with refused(LocationNotFound) as refusal:
        inventory.receive(
            operation_id=new_id(), location_id=unknown, lines=lines((product, 1)), document="", actor_id=None, now=NOW
        )
    assert refusal.value.location_ids == [unknown]


# --- Goods sold -----------------------------------------------------------------------------------------------------


def test_sold_goods_leave_the_shelf() -> None:
    store, one, other = make_store(), make_product(), make_product()
    put_in_stock(one, store, 5)
    put_in_stock(other, store, 5)

    moved = issue(store, (one, 2), (other, 5), document="sale 7")

    assert {(row.product_id, row.delta, row.after) for row in moved} == {(one.id, -2, 3), (other.id, -5, 0)}
    assert {row.document for row in moved} == {"sale 7"}
    assert ledger(one, store) == [(5, 0, 5, "receipt"), (-2, 5, 3, "sale")]
    assert books_agree()


def test_an_issue_sent_twice_leaves_once_even_when_it_emptied_the_shelf() -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)

    first = issue(store, (product, 5), operation_id=operation_id)
    second = issue(store, (product, 5), operation_id=operation_id)

    assert second == first
    assert ledger(product, store) == [(5, 0, 5, "receipt"), (-5, 5, 0, "sale")]


def test_one_line_too_many_refuses_all_and_says_where_there_is_some() -> None:
    store, near, far = make_store(), make_store(), make_warehouse()
    plenty, scarce = make_product(), make_product()
    put_in_stock(plenty, store, 10)
    put_in_stock(scarce, store, 2)
    put_in_stock(scarce, near, 3)
    put_in_stock(scarce, far, 8)

    with refused(InsufficientStock) as refusal:
        issue(store, (plenty, 1), (scarce, 3))

    [line] = refusal.value.lines
    assert (line.product_id, line.location_id, line.requested, line.available) == (scarce.id, store.id, 3, 2)
    assert [(place.location_name, place.available) for place in line.elsewhere] == [(far.name, 8), (near.name, 3)]


def test_what_a_store_never_held_cannot_be_sold_there() -> None:
    store, product, held = make_store(), make_product(), make_product()
    put_in_stock(held, store, 5)

    with refused(InsufficientStock) as refusal:
        issue(store, (held, 1), (product, 1))

    [line] = refusal.value.lines
    assert (line.product_id, line.requested, line.available, line.elsewhere) == (product.id, 1, 0, [])


def test_what_is_reserved_is_not_sold() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    reserve(store, (product, 3))

    with refused(InsufficientStock) as refusal:
        issue(store, (product, 3))

    assert (refusal.value.lines[0].requested, refusal.value.lines[0].available) == (3, 2)
    issue(store, (product, 2))
    assert stored(product, store) == (3, 3)


def test_what_was_reserved_and_has_run_out_is_sold() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    reserved_and_run_out(store, (product, 5))
    assert stored(product, store) == (5, 5)

    issue(store, (product, 4))

    assert stored(product, store) == (1, 0)
    assert books_agree()


def test_a_refused_sale_leaves_even_what_has_run_out_as_it_was() -> None:
    store, one, other = make_store(), make_product(), make_product()
    put_in_stock(one, store, 5)
    put_in_stock(other, store, 5)
    reserved_and_run_out(store, (one, 5))

    with refused(InsufficientStock) as refusal:
        issue(store, (one, 5), (other, 6))

    assert [(line.product_id, line.available) for line in refusal.value.lines] == [(other.id, 5)]
    assert stored(one, store) == (5, 5)
    assert books_agree()


# --- Corrections ----------------------------------------------------------------------------------------------------


def test_an_adjustment_adds_and_takes_away() -> None:
    store, found, broken = make_store(), make_product(), make_product()
    put_in_stock(broken, store, 5)

    adjust(store, (found, 2), (broken, -1), note="inventory week")

    assert ledger(found, store) == [(2, 0, 2, "adjustment")]
    assert ledger(broken, store) == [(5, 0, 5, "receipt"), (-1, 5, 4, "adjustment")]
    assert {row.note for row in inventory.movements(product_id=found.id)} == {"inventory week"}
    assert books_agree()


def test_an_adjustment_sent_twice_is_made_once() -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)

    first = adjust(store, (product, -5), operation_id=operation_id)

    assert adjust(store, (product, -5), operation_id=operation_id) == first
    assert on_hand(product, store) == 0


def test_an_adjustment_below_zero_or_into_what_is_reserved_is_refused() -> None:
    store, product, never_held = make_store(), make_product(), make_product()
    put_in_stock(product, store, 5)
    reserve(store, (product, 3))

    with refused(InsufficientStock) as refusal:
        adjust(store, (product, -3))
    assert [(line.requested, line.available) for line in refusal.value.lines] == [(3, 2)]

    with refused(InsufficientStock) as refusal:
        adjust(store, (product, 1), (never_held, -1))
    assert [(line.product_id, line.requested, line.available) for line in refusal.value.lines] == [
        (never_held.id, 1, 0)
    ]


def test_an_adjustment_of_a_service_or_nowhere_is_refused() -> None:
    store, service, product = make_store(), make_product(stocked=False), make_product()

    with refused(NotStocked):
        adjust(store, (service, 1))
    with refused(LocationNotFound):
        inventory.adjust(
            operation_id=new_id(), location_id=new_id(), lines=lines((product, 1)), note="", actor_id=None, now=NOW
        )


# --- Counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("counted", "delta"), [(18, -2), (23, 3), (0, -20)])
def test_a_count_sets_the_shelf_to_what_was_counted(counted: int, delta: int) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 20)

    row = count(store, product, counted, note="weekly count")

    assert (row.on_hand, row.available) == (counted, counted)
    assert ledger(product, store)[-1] == (delta, 20, counted, "count")
    assert inventory.movements(product_id=product.id)[0].note == "weekly count"
    assert books_agree()


def test_a_count_that_finds_no_difference_is_in_the_ledger_too() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 20)

    count(store, product, 20)

    assert ledger(product, store) == [(20, 0, 20, "receipt"), (0, 20, 20, "count")]


def test_a_count_of_what_the_store_never_held() -> None:
    store, product = make_store(), make_product()

    row = count(store, product, 0)

    assert (row.on_hand, row.reorder_point, row.low) == (0, 10, True)
    assert ledger(product, store) == [(0, 0, 0, "count")]


def test_a_count_sets_the_thresholds_it_is_given_and_leaves_the_others() -> None:
    store, product = make_store(), make_product()

    first = count(store, product, 7, thresholds=Thresholds(reorder_point=7, target=30, safety_stock=2))
    second = count(store, product, 7, thresholds=Thresholds(target=40))

    assert (first.reorder_point, first.target, first.safety_stock, first.low) == (7, 30, 2, True)
    assert (second.reorder_point, second.target, second.safety_stock, second.low) == (7, 40, 2, True)


def test_a_count_sent_twice_counts_once_and_does_not_bring_its_thresholds_back() -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    arguments = {"operation_id": operation_id, "thresholds": Thresholds(reorder_point=3)}

    first = count(store, product, 7, **arguments)
    assert count(store, product, 7, **arguments) == first
    count(store, product, 9, thresholds=Thresholds(reorder_point=4))
    late = count(store, product, 7, **arguments)

    assert (late.on_hand, late.reorder_point) == (9, 4)
    assert ledger(product, store) == [(7, 0, 7, "count"), (2, 7, 9, "count")]


def test_a_count_below_what_is_promised_to_orders_is_refused() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 20)
    reserve(store, (product, 3), now=NOW - 3 * HOUR)
    reserved_and_run_out(store, (product, 6))

    with refused(CountBelowReserved) as refusal:
        count(store, product, 2, thresholds=Thresholds(reorder_point=1))

    assert (refusal.value.product_id, refusal.value.location_id) == (product.id, store.id)
    assert (refusal.value.counted, refusal.value.reserved) == (2, 3)
    assert count(store, product, 3).available == 0
    assert books_agree()


def test_a_count_of_what_is_unknown_or_a_service_or_nowhere_is_refused() -> None:
    store, product, service = make_store(), make_product(), make_product(stocked=False)
    arguments = {
        "operation_id": new_id(),
        "quantity": 1,
        "thresholds": Thresholds(),
        "note": "",
        "actor_id": None,
        "now": NOW,
    }

    with refused(NotStocked):
        count(store, service, 1)
    with refused(ProductNotFound):
        inventory.count(location_id=store.id, product_id=new_id(), **arguments)
    with refused(LocationNotFound):
        inventory.count(location_id=new_id(), product_id=product.id, **arguments)


# --- Transfers ------------------------------------------------------------------------------------------------------


def test_a_transfer_moves_goods_and_another_moves_them_back() -> None:
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 100)

    transfer(warehouse, store, (product, 21), document="T-1")
    transfer(store, warehouse, (product, 1), document="T-2")

    assert ledger(product, warehouse) == [
        (100, 0, 100, "receipt"),
        (-21, 100, 79, "transfer"),
        (1, 79, 80, "transfer"),
    ]
    assert ledger(product, store) == [(21, 0, 21, "transfer"), (-1, 21, 20, "transfer")]
    assert [row.document for row in inventory.movements(product_id=product.id, limit=4)] == ["T-2", "T-2", "T-1", "T-1"]
    assert books_agree()


def test_a_transfer_sent_twice_moves_once_even_when_it_emptied_the_place() -> None:
    warehouse, store, product, operation_id = make_warehouse(), make_store(), make_product(), new_id()
    put_in_stock(product, warehouse, 8)

    first = transfer(warehouse, store, (product, 8), operation_id=operation_id)
    second = transfer(warehouse, store, (product, 8), operation_id=operation_id)

    assert second == first
    assert (on_hand(product, warehouse), on_hand(product, store)) == (0, 8)


def test_a_transfer_that_lacks_one_line_moves_nothing() -> None:
    warehouse, store, plenty, scarce = make_warehouse(), make_store(), make_product(), make_product()
    put_in_stock(plenty, warehouse, 10)
    put_in_stock(scarce, warehouse, 1)
    put_in_stock(scarce, store, 4)
    reserved_and_run_out(store, (scarce, 3))

    with refused(InsufficientStock) as refusal:
        transfer(warehouse, store, (plenty, 5), (scarce, 2))

    [line] = refusal.value.lines
    assert (line.product_id, line.location_id) == (scarce.id, warehouse.id)
    assert (line.requested, line.available) == (2, 1)
    assert [(place.location_id, place.available) for place in line.elsewhere] == [(store.id, 4)]


def test_a_transfer_to_the_same_place_or_nowhere_is_refused() -> None:
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 10)
    nowhere = new_id()

    with refused(LocationNotFound):
        transfer(warehouse, warehouse, (product, 1))
    for origin, destination in [(nowhere, store.id), (warehouse.id, nowhere)]:
        with refused(LocationNotFound) as refusal:
            inventory.transfer(
                operation_id=new_id(),
                from_location_id=origin,
                to_location_id=destination,
                lines=lines((product, 1)),
                document="",
                actor_id=None,
                now=NOW,
            )
        assert refusal.value.location_ids == [nowhere]


# --- New and archived products --------------------------------------------------------------------------------------


def test_every_warehouse_carries_a_new_product_at_zero() -> None:
    one, other, store = make_warehouse(), make_warehouse(), make_store()
    product, second = make_product(), make_product()

    inventory.carry(product_ids=[product.id, second.id])
    put_in_stock(product, one, 5)
    inventory.carry(product_ids=[product.id])

    held = inventory.held_stock(location_ids=[one.id, other.id, store.id])
    assert {(row.location_id, row.product_id, row.available) for row in held} == {
        (one.id, product.id, 5),
        (one.id, second.id, 0),
        (other.id, product.id, 0),
        (other.id, second.id, 0),
    }
    assert books_agree()


def test_what_is_not_reordered_any_more_is_never_low() -> None:
    store, warehouse, product, other = make_store(), make_warehouse(), make_product(), make_product()
    put_in_stock(product, store, 2)
    put_in_stock(product, warehouse, 2)
    put_in_stock(other, store, 2)
    count(store, product, 2, thresholds=Thresholds(target=30))

    inventory.stop_reordering(product_ids=[product.id])
    inventory.stop_reordering(product_ids=[product.id])

    for place in (store, warehouse):
        row = level(product, place)
        assert (row.on_hand, row.reorder_point, row.target, row.low) == (2, 0, None, False)
    assert (level(other, store).reorder_point, level(other, store).low) == (10, True)


def test_nothing_to_stop_reordering_is_fine() -> None:
    inventory.stop_reordering(product_ids=[make_product().id])


# --- Running low ----------------------------------------------------------------------------------------------------


def test_running_low_is_told_once_when_the_reorder_point_is_reached(told_low: Told) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 13)

    issue(store, (product, 2))
    assert told_low() == []
    issue(store, (product, 1))
    assert told_low() == [(10, 10)]
    issue(store, (product, 1))
    assert told_low() == [(10, 10)]


def test_it_is_told_again_after_the_shelf_was_filled(told_low: Told) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 11)
    issue(store, (product, 5))
    put_in_stock(product, store, 20)

    count(store, product, 9)

    assert told_low() == [(6, 10), (9, 10)]


def test_a_reservation_makes_a_product_low_and_its_sale_does_not_again(told_low: Told) -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 12)

    reserve(store, (product, 4), order_id=order_id)
    inventory.confirm(order_id=order_id, actor_id=None, now=NOW)

    assert told_low() == [(8, 10)]


def test_what_has_run_out_counts_as_free_before_it_is_told(told_low: Told) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 12)
    reserved_and_run_out(store, (product, 1))

    issue(store, (product, 1))
    assert told_low() == []
    issue(store, (product, 1))
    assert told_low() == [(10, 10)]


def test_a_product_without_a_reorder_point_is_never_told_low(told_low: Told) -> None:
    store, product = make_store(), make_product()
    count(store, product, 3, thresholds=Thresholds(reorder_point=0))

    issue(store, (product, 3))

    assert told_low() == []


def test_a_write_sent_twice_or_refused_tells_nothing(told_low: Told) -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 12)
    issue(store, (product, 4), operation_id=operation_id)

    issue(store, (product, 4), operation_id=operation_id)
    with refused(InsufficientStock):
        issue(store, (product, 9))

    assert told_low() == [(8, 10)]
