"""Two writes at one time, of which the second waits for the first: what it then finds is what it goes by."""

from typing import Any

import pytest

from inventory.interface import (
    InsufficientStock,
    ReservationExpired,
    ReservationNotFound,
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
    issue,
    ledger,
    receive,
    reserve,
    reserved_and_run_out,
    stored,
    transfer,
)
from tests.threads import Call, overtaken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plain_calls]

LATER = NOW + HOUR  # when a reservation made now has just run out


def twins(call: Call) -> Any:
    """The one answer of a call that is sent again before its first try has committed."""
    first, second = overtaken(call, call)
    assert second == first
    return first


# --- The same write twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [5, 4, 2])
def test_an_issue_is_carried_out_once_however_much_it_leaves(pieces: int) -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)

    [moved] = twins(lambda: issue(store, (product, pieces), operation_id=operation_id))

    assert (moved.before, moved.after) == (5, 5 - pieces)
    assert ledger(product, store) == [(5, 0, 5, "receipt"), (-pieces, 5, 5 - pieces, "sale")]


def test_a_delivery_of_something_new_arrives_once() -> None:
    store, new, held, operation_id = make_store(), make_product(), make_product(), new_id()
    put_in_stock(held, store, 1)

    twins(lambda: receive(store, (new, 5), (held, 5), operation_id=operation_id))

    assert (ledger(new, store), on_hand(held, store)) == ([(5, 0, 5, "receipt")], 6)
    assert books_agree()


@pytest.mark.parametrize("pieces", [8, 3])
def test_a_transfer_moves_once(pieces: int) -> None:
    warehouse, store, product, operation_id = make_warehouse(), make_store(), make_product(), new_id()
    put_in_stock(product, warehouse, 8)

    twins(lambda: transfer(warehouse, store, (product, pieces), operation_id=operation_id))

    assert (on_hand(product, warehouse), on_hand(product, store)) == (8 - pieces, pieces)
    assert books_agree()


@pytest.mark.parametrize("delta", [-5, -2, 3])
def test_an_adjustment_is_made_once(delta: int) -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)

    twins(lambda: adjust(store, (product, delta), operation_id=operation_id))

    assert on_hand(product, store) == 5 + delta


def test_a_count_is_made_once() -> None:
    store, product, operation_id = make_store(), make_product(), new_id()

    row = twins(lambda: count(store, product, 7, operation_id=operation_id, thresholds=Thresholds(target=9)))

    assert (row.on_hand, row.target) == (7, 9)
    assert ledger(product, store) == [(7, 0, 7, "count")]


@pytest.mark.parametrize("pieces", [5, 4, 2])
def test_an_order_is_kept_once_however_much_it_leaves(pieces: int) -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)

    [kept] = twins(lambda: reserve(store, (product, pieces), order_id=order_id))

    assert kept.quantity == pieces
    assert stored(product, store) == (5, pieces)
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
def test_an_order_is_confirmed_once(others: int) -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 10)
    reserve(store, (product, 5), order_id=order_id)
    if others:
        reserve(store, (product, others))

    [moved] = twins(lambda: inventory.confirm(order_id=order_id, actor_id=None, now=NOW))

    assert (moved.before, moved.after) == (10, 5)
    assert stored(product, store) == (5, others)
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
def test_an_order_is_released_once(others: int) -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 10)
    reserve(store, (product, 5), order_id=order_id)
    if others:
        reserve(store, (product, others))

    twins(lambda: inventory.release(order_id=order_id, now=NOW))

    assert stored(product, store) == (10, others)
    assert books_agree()


def test_an_order_is_extended_by_both() -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)
    reserve(store, (product, 5), order_id=order_id)

    [kept] = twins(lambda: inventory.extend(order_id=order_id, until=NOW + 2 * HOUR, now=NOW))

    assert kept.until == NOW + 2 * HOUR
    assert books_agree()


def test_what_has_run_out_is_tidied_up_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    reserved_and_run_out(store, (product, 2))
    reserve(store, (product, 1))
    reserved_and_run_out(store, (product, 2))

    overtaken(lambda: inventory.clear_expired(now=NOW), lambda: inventory.clear_expired(now=NOW))

    assert stored(product, store) == (5, 1)
    assert books_agree()


# --- Two writes that want the same ----------------------------------------------------------------------------------


def test_the_last_piece_is_sold_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 1)

    _, refused = overtaken(lambda: issue(store, (product, 1)), lambda: issue(store, (product, 1)))

    assert isinstance(refused, InsufficientStock)
    assert [(line.requested, line.available) for line in refused.lines] == [(1, 0)]
    assert books_agree()


def test_what_another_sale_has_freed_is_not_freed_twice() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    reserved_and_run_out(store, (product, 5))

    _, refused = overtaken(lambda: issue(store, (product, 3)), lambda: issue(store, (product, 3)))

    assert isinstance(refused, InsufficientStock)
    assert [(line.requested, line.available) for line in refused.lines] == [(3, 2)]
    assert stored(product, store) == (2, 0)
    assert books_agree()


def test_a_reservation_that_is_extended_in_time_is_not_sold() -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 5)
    reserve(store, (product, 5), order_id=order_id)

    _, refused = overtaken(
        lambda: inventory.extend(order_id=order_id, until=LATER + HOUR, now=NOW),
        lambda: issue(store, (product, 1), now=LATER),
    )

    assert isinstance(refused, InsufficientStock)
    assert stored(product, store) == (5, 5)
    assert books_agree()


def test_a_reservation_that_was_sold_meanwhile_is_not_confirmed_not_even_the_rest_of_it() -> None:
    store, product, untouched, order_id = make_store(), make_product(), make_product(), new_id()
    put_in_stock(product, store, 5)
    put_in_stock(untouched, store, 5)
    reserve(store, (product, 5), (untouched, 5), order_id=order_id)

    _, refused = overtaken(
        lambda: issue(store, (product, 1), now=LATER),
        lambda: inventory.confirm(order_id=order_id, actor_id=None, now=NOW),
    )

    assert isinstance(refused, ReservationExpired)
    assert (on_hand(product, store), on_hand(untouched, store)) == (4, 5)
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
def test_an_order_that_was_released_meanwhile_is_neither_confirmed_nor_extended(others: int) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    if others:
        reserve(store, (product, others))

    for late in (
        lambda order_id: inventory.confirm(order_id=order_id, actor_id=None, now=NOW),
        lambda order_id: inventory.extend(order_id=order_id, until=LATER, now=NOW),
    ):
        order_id = new_id()
        reserve(store, (product, 5), order_id=order_id)
        _, refused = overtaken(
            lambda order_id=order_id: inventory.release(order_id=order_id, now=NOW),
            lambda order_id=order_id, late=late: late(order_id),
        )
        assert isinstance(refused, ReservationNotFound)
        assert stored(product, store) == (10, others)
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
def test_an_order_that_was_confirmed_meanwhile_is_not_released(others: int) -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 10)
    reserve(store, (product, 5), order_id=order_id)
    if others:
        reserve(store, (product, others))

    _, nothing = overtaken(
        lambda: inventory.confirm(order_id=order_id, actor_id=None, now=NOW),
        lambda: inventory.release(order_id=order_id, now=NOW),
    )

    assert nothing is None
    assert stored(product, store) == (5, others)
    assert books_agree()


def test_a_count_sets_what_it_finds_after_waiting() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)

    overtaken(lambda: issue(store, (product, 4)), lambda: count(store, product, 9))

    assert ledger(product, store) == [(10, 0, 10, "receipt"), (-4, 10, 6, "sale"), (3, 6, 9, "count")]
    assert level(product, store).on_hand == 9


def test_two_deliveries_of_something_new_both_arrive() -> None:
    store, product = make_store(), make_product()

    overtaken(lambda: receive(store, (product, 2)), lambda: receive(store, (product, 3)))

    assert ledger(product, store) == [(2, 0, 2, "receipt"), (3, 2, 5, "receipt")]
    assert books_agree()


def test_transfers_both_ways_at_once_wait_for_each_other() -> None:
    warehouse, store, one, other = make_warehouse(), make_store(), make_product(), make_product()
    for product in (one, other):
        put_in_stock(product, warehouse, 5)
        put_in_stock(product, store, 5)

    overtaken(
        lambda: transfer(warehouse, store, (one, 5), (other, 2)),
        lambda: transfer(store, warehouse, (other, 7), (one, 10)),
    )

    assert (on_hand(one, warehouse), on_hand(one, store)) == (10, 0)
    assert (on_hand(other, warehouse), on_hand(other, store)) == (10, 0)
    assert books_agree()
