"""Two writes at one time, the second of which starts before each single statement of the first, in turn.

Whoever waits goes by what it finds afterwards; the same write twice is made once, and both are answered alike.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from catalog.interface import Product
from inventory.interface import (
    ArrivedLine,
    InsufficientStock,
    Location,
    LocationDraft,
    LocationKind,
    LocationNameTaken,
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
    issue_departed,
    ledger,
    receive,
    receive_shipment,
    reserve,
    reserved_and_run_out,
    ship,
    stored,
    transfer,
)
from tests.threads import Call, Cut, cuts, empty_queue

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]

LATER = NOW + HOUR  # when a reservation made now has just run out


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield
    empty_queue()


def twins(cut: Cut, call: Call) -> Any:
    """The one answer of a call that is sent twice."""
    first, second = cut(call, call)
    assert second == first
    return first


# --- The same write twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [5, 2])
def test_an_issue_is_carried_out_once_however_much_it_leaves(pieces: int) -> None:
    for cut in cuts():
        store, product, operation_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)

        [moved] = twins(cut, partial(issue, store, (product, pieces), operation_id=operation_id))

        assert (moved.before, moved.after) == (5, 5 - pieces)
        assert ledger(product, store) == [(5, 0, 5, "receipt"), (-pieces, 5, 5 - pieces, "sale")]


def test_a_delivery_of_something_new_arrives_once() -> None:
    for cut in cuts():
        store, new, held, operation_id = make_store(), make_product(), make_product(), new_id()
        put_in_stock(held, store, 1)

        twins(cut, partial(receive, store, (new, 5), (held, 5), operation_id=operation_id))

        assert (ledger(new, store), on_hand(held, store)) == ([(5, 0, 5, "receipt")], 6)
    assert books_agree()


@pytest.mark.parametrize("pieces", [8, 3])
def test_a_transfer_moves_once(pieces: int) -> None:
    for cut in cuts():
        warehouse, store, product, operation_id = make_warehouse(), make_store(), make_product(), new_id()
        put_in_stock(product, warehouse, 8)

        twins(cut, partial(transfer, warehouse, store, (product, pieces), operation_id=operation_id))

        assert (on_hand(product, warehouse), on_hand(product, store)) == (8 - pieces, pieces)
    assert books_agree()


@pytest.mark.parametrize("delta", [-5, -2, 3])
def test_an_adjustment_is_made_once(delta: int) -> None:
    for cut in cuts():
        store, product, operation_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)

        twins(cut, partial(adjust, store, (product, delta), operation_id=operation_id))

        assert on_hand(product, store) == 5 + delta


@pytest.mark.parametrize("pieces", [5, 2])
def test_a_shipment_is_sent_once_and_arrives_once(pieces: int) -> None:
    for cut in cuts():
        warehouse, store, product, order_id = make_warehouse(), make_store(), make_product(), new_id()
        put_in_stock(product, warehouse, 5)
        reserve(warehouse, (product, pieces), order_id=order_id, until=None)

        twins(cut, partial(ship, order_id, store, operation_id=new_id()))

        row = level(product, store)
        assert (on_hand(product, warehouse), row.on_hand, row.in_transit) == (5 - pieces, 0, pieces)
    for cut in cuts():
        arrived, receipt = ArrivedLine(product.id, sent=pieces, arrived=pieces), new_id()
        put_in_transit(product, warehouse, store, pieces)
        before = on_hand(product, store)

        twins(cut, partial(receive_shipment, store, arrived, operation_id=receipt))

        assert on_hand(product, store) == before + pieces
    assert books_agree()


def put_in_transit(product: Product, warehouse: Location, store: Location, pieces: int) -> None:
    order_id = new_id()
    put_in_stock(product, warehouse, pieces)
    reserve(warehouse, (product, pieces), order_id=order_id, until=None)
    ship(order_id, store)


@pytest.mark.parametrize("pieces", [5, 7])
def test_goods_that_have_left_leave_once(pieces: int) -> None:
    for cut in cuts():
        store, product, operation_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)

        missing = twins(cut, partial(issue_departed, store, (product, pieces), operation_id=operation_id))

        assert [row.missing for row in missing] == ([2] if pieces == 7 else [])
        assert on_hand(product, store) == 0
    assert books_agree()


def test_a_count_is_made_once() -> None:
    for cut in cuts():
        store, product, operation_id = make_store(), make_product(), new_id()

        row = twins(cut, partial(count, store, product, 7, operation_id=operation_id, thresholds=Thresholds(target=9)))

        assert (row.on_hand, row.target) == (7, 9)
        assert ledger(product, store) == [(7, 0, 7, "count")]


@pytest.mark.parametrize("pieces", [5, 2])
def test_an_order_is_kept_once_however_much_it_leaves(pieces: int) -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)

        [kept] = twins(cut, partial(reserve, store, (product, pieces), order_id=order_id))

        assert kept.quantity == pieces
        assert stored(product, store) == (5, pieces)
    assert books_agree()


def test_an_order_that_has_run_out_is_kept_again_once() -> None:
    for cut in cuts():
        store, one, other = make_store(), make_product(), make_product()
        for product in (one, other):
            put_in_stock(product, store, 5)
        order_id = reserved_and_run_out(store, (one, 5), (other, 5))

        assert len(twins(cut, partial(reserve, store, (other, 4), (one, 4), order_id=order_id))) == 2

        assert (stored(one, store), stored(other, store)) == ((5, 4), (5, 4))
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
def test_an_order_is_confirmed_once(others: int) -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 10)
        reserve(store, (product, 5), order_id=order_id)
        if others:
            reserve(store, (product, others))

        [moved] = twins(cut, partial(inventory.confirm, order_id=order_id, actor_id=None, now=NOW))

        assert (moved.before, moved.after) == (10, 5)
        assert stored(product, store) == (5, others)
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
def test_an_order_is_released_once(others: int) -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 10)
        reserve(store, (product, 5), order_id=order_id)
        if others:
            reserve(store, (product, others))

        assert twins(cut, partial(inventory.release, order_id=order_id, now=NOW)) is None

        assert stored(product, store) == (10, others)
    assert books_agree()


def test_an_order_is_extended_by_both() -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)
        reserve(store, (product, 5), order_id=order_id)

        [kept] = twins(cut, partial(inventory.extend, order_id=order_id, until=NOW + 2 * HOUR, now=NOW))

        assert kept.until == NOW + 2 * HOUR
    assert books_agree()


def test_what_has_run_out_is_tidied_up_once() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 5)
        reserve(store, (product, 1), now=NOW - 3 * HOUR)
        reserved_and_run_out(store, (product, 2))
        reserved_and_run_out(store, (product, 2))

        cut(partial(inventory.clear_expired, now=NOW), partial(inventory.clear_expired, now=NOW))

        assert stored(product, store) == (5, 1)
    assert books_agree()


# --- Two writes that want the same ----------------------------------------------------------------------------------


def test_the_last_piece_is_sold_once() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 1)

        answers = cut(partial(issue, store, (product, 1)), partial(issue, store, (product, 1)))

        [refusal] = [answer for answer in answers if isinstance(answer, InsufficientStock)]
        assert [(line.requested, line.available) for line in refusal.lines] == [(1, 0)]
        assert on_hand(product, store) == 0
    assert books_agree()


def test_what_one_sale_has_freed_is_not_freed_again_by_another() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 5)
        reserved_and_run_out(store, (product, 5))

        answers = cut(partial(issue, store, (product, 3)), partial(issue, store, (product, 3)))

        [refusal] = [answer for answer in answers if isinstance(answer, InsufficientStock)]
        assert [(line.requested, line.available) for line in refusal.lines] == [(3, 2)]
        assert stored(product, store) == (2, 0)
    assert books_agree()


def test_a_reservation_is_either_extended_or_sold() -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)
        reserve(store, (product, 5), order_id=order_id)

        extended, sold = cut(
            partial(inventory.extend, order_id=order_id, until=LATER + HOUR, now=NOW),
            partial(issue, store, (product, 1), now=LATER),
        )

        if isinstance(sold, InsufficientStock):
            assert extended[0].until == LATER + HOUR
            assert stored(product, store) == (5, 5)
        else:
            assert isinstance(extended, ReservationExpired)
            assert stored(product, store) == (4, 0)
    assert books_agree()


def test_a_reservation_is_either_confirmed_as_a_whole_or_sold() -> None:
    for cut in cuts():
        store, wanted, other, order_id = make_store(), make_product(), make_product(), new_id()
        for product in (wanted, other):
            put_in_stock(product, store, 5)
        reserve(store, (wanted, 5), (other, 5), order_id=order_id)

        confirmed, sold = cut(
            partial(inventory.confirm, order_id=order_id, actor_id=None, now=NOW),
            partial(issue, store, (wanted, 1), now=LATER),
        )

        if isinstance(sold, InsufficientStock):
            assert len(confirmed) == 2
            assert (on_hand(wanted, store), on_hand(other, store)) == (0, 0)
        else:
            assert isinstance(confirmed, ReservationExpired)
            assert (on_hand(wanted, store), on_hand(other, store)) == (4, 5)
    assert books_agree()


@pytest.mark.parametrize("others", [0, 5])
@pytest.mark.parametrize("release_first", [True, False])
def test_an_order_is_either_released_or_confirmed(others: int, release_first: bool) -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 10)
        reserve(store, (product, 5), order_id=order_id)
        if others:
            reserve(store, (product, others))

        release = partial(inventory.release, order_id=order_id, now=NOW)
        confirm = partial(inventory.confirm, order_id=order_id, actor_id=None, now=NOW)
        confirmed = cut(release, confirm)[1] if release_first else cut(confirm, release)[0]

        if isinstance(confirmed, ReservationNotFound):
            assert stored(product, store) == (10, others)
        else:
            assert [row.delta for row in confirmed] == [-5]
            assert stored(product, store) == (5, others)
    assert books_agree()


def test_an_order_that_was_released_is_not_extended() -> None:
    for cut in cuts():
        store, product, order_id = make_store(), make_product(), new_id()
        put_in_stock(product, store, 5)
        reserve(store, (product, 5), order_id=order_id)

        extended, _ = cut(
            partial(inventory.extend, order_id=order_id, until=LATER, now=NOW),
            partial(inventory.release, order_id=order_id, now=NOW),
        )

        assert isinstance(extended, ReservationNotFound) or extended[0].until == LATER
        assert stored(product, store) == (5, 0)
    assert books_agree()


def test_a_count_sets_what_it_finds() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 10)

        cut(
            partial(count, store, product, 9),
            partial(issue, store, (product, 4)),
        )

        assert ledger(product, store)[1:] in (
            [(-4, 10, 6, "sale"), (3, 6, 9, "count")],
            [(-1, 10, 9, "count"), (-4, 9, 5, "sale")],
        )
        assert level(product, store).on_hand in {9, 5}


def test_two_deliveries_of_something_new_both_arrive() -> None:
    for cut in cuts():
        store, one, other = make_store(), make_product(), make_product()

        cut(
            partial(receive, store, (one, 2), (other, 2)),
            partial(receive, store, (other, 3), (one, 3)),
        )

        assert (on_hand(one, store), on_hand(other, store)) == (5, 5)
        assert (len(ledger(one, store)), len(ledger(other, store))) == (2, 2)
    assert books_agree()


def test_transfers_both_ways_do_not_stand_in_each_others_way() -> None:
    for cut in cuts():
        warehouse, store, one, other, new = make_warehouse(), make_store(), *(make_product() for _ in range(3))
        for product in (one, other):
            put_in_stock(product, warehouse, 5)
            put_in_stock(product, store, 5)
        put_in_stock(new, store, 1)

        there, back = cut(
            partial(transfer, warehouse, store, (one, 5), (other, 5)),
            partial(transfer, store, warehouse, (new, 1), (other, 5), (one, 5)),
        )

        assert (len(there), len(back)) == (4, 6)
        assert (on_hand(one, warehouse), on_hand(one, store)) == (5, 5)
        assert (on_hand(other, warehouse), on_hand(other, store)) == (5, 5)
        assert (on_hand(new, warehouse), on_hand(new, store)) == (1, 0)
    assert books_agree()


# --- Places and rows made at one time -------------------------------------------------------------------------------


def test_a_place_is_made_once() -> None:
    for cut in cuts():
        place_id = new_id()
        draft = LocationDraft(LocationKind.STORE, f"Store {place_id}", "Lyon", "Europe/Paris")

        made = twins(cut, partial(inventory.save_location, location_id=place_id, draft=draft))

        assert inventory.store(store_id=place_id) == made


def test_a_name_is_given_to_one_place() -> None:
    for cut in cuts():
        draft = LocationDraft(LocationKind.STORE, f"Store {new_id()}", "Lyon", "Europe/Paris")
        save = partial(inventory.save_location, draft=draft)

        answers = cut(partial(save, location_id=new_id()), partial(save, location_id=new_id()))

        assert sorted(isinstance(answer, LocationNameTaken) for answer in answers) == [False, True]
        assert sum(place.name == draft.name for place in inventory.stores()) == 1


def test_a_new_product_is_carried_and_delivered_at_one_time() -> None:
    for cut in cuts():
        warehouse, product = make_warehouse(), make_product()

        cut(partial(receive, warehouse, (product, 5)), partial(inventory.carry, product_ids=[product.id]))

        assert on_hand(product, warehouse) == 5
    assert books_agree()


def test_a_product_is_archived_while_its_last_pieces_are_sold() -> None:
    for cut in cuts():
        store, warehouse, product = make_store(), make_warehouse(), make_product()
        put_in_stock(product, store, 5)
        put_in_stock(product, warehouse, 5)

        cut(
            partial(inventory.stop_reordering, product_ids=[product.id]),
            partial(transfer, warehouse, store, (product, 5)),
        )

        assert [level(product, place).reorder_point for place in (store, warehouse)] == [0, 0]
        assert (on_hand(product, store), on_hand(product, warehouse)) == (10, 0)
    assert books_agree()
