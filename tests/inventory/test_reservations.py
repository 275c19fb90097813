"""Pieces kept for orders: reserved, extended, confirmed, released, and run out."""

from uuid import UUID

import pytest
from django.db import connection

from catalog.interface import Product
from inventory.interface import (
    HeldStock,
    InsufficientStock,
    Location,
    MovementReason,
    PlacedLine,
    Promise,
    Reservation,
    ReservationExpired,
    ReservationNotFound,
    inventory,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, level, make_product, make_store, make_warehouse, put_in_stock
from tests.inventory.actions import (
    HOUR,
    NOW,
    adjust,
    everything,
    issue,
    ledger,
    lines,
    refused,
    reserve,
    reserved_and_run_out,
    stored,
    transfer,
)

pytestmark = pytest.mark.django_db


def shelf(*quantities: int) -> tuple[Location, *tuple[Product, ...]]:
    """A store and a product for each quantity, of which it has so many."""
    store = make_store()
    products = [make_product() for _ in quantities]
    for product, quantity in zip(products, quantities, strict=True):
        put_in_stock(product, store, quantity)
    return (store, *products)


def states(order_id: UUID) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM reservation WHERE order_id = %s ORDER BY id", [order_id])
        return [state for (state,) in cursor.fetchall()]


# --- Reserve --------------------------------------------------------------------------------------------------------


def test_reserved_pieces_stay_on_the_shelf_and_are_not_available() -> None:
    store, product = shelf(10)
    order_id = new_id()

    kept = reserve(store, (product, 4), order_id=order_id)

    assert kept == [Reservation(order_id, product.id, store.id, 4, NOW + HOUR)]
    row = level(product, store)
    assert (row.on_hand, row.reserved, row.available) == (10, 4, 6)
    assert ledger(product, store) == [(10, 0, 10, "receipt")]
    assert books_agree()


def test_an_order_is_kept_from_several_places() -> None:
    store, product = shelf(3)
    warehouse, order_id = make_warehouse(), new_id()
    put_in_stock(product, warehouse, 10)
    lines = [PlacedLine(store.id, product.id, 3), PlacedLine(warehouse.id, product.id, 2)]

    kept = inventory.reserve(order_id=order_id, lines=lines, until=NOW + HOUR, now=NOW)

    assert {(row.location_id, row.quantity) for row in kept} == {(store.id, 3), (warehouse.id, 2)}
    assert (stored(product, store), stored(product, warehouse)) == ((3, 3), (10, 2))
    assert books_agree()


def test_two_lines_of_one_product_are_one_reservation() -> None:
    store, product = shelf(10)

    [kept] = reserve(store, (product, 2), (product, 3))

    assert kept.quantity == 5
    assert stored(product, store) == (10, 5)


def test_a_reservation_sent_twice_keeps_once_even_the_last_piece() -> None:
    store, product = shelf(4)
    order_id = new_id()

    first = reserve(store, (product, 4), order_id=order_id)
    second = reserve(store, (product, 4), order_id=order_id, until=NOW + 2 * HOUR)

    assert second == first
    assert stored(product, store) == (4, 4)


def test_one_line_too_many_keeps_nothing() -> None:
    store, plenty, scarce = shelf(10, 2)
    elsewhere = make_store()
    put_in_stock(scarce, elsewhere, 9)
    reserve(elsewhere, (scarce, 2))

    with refused(InsufficientStock) as refusal:
        reserve(store, (plenty, 1), (scarce, 3))

    [line] = refusal.value.lines
    assert (line.product_id, line.requested, line.available) == (scarce.id, 3, 2)
    assert [(place.location_id, place.available) for place in line.elsewhere] == [(elsewhere.id, 7)]


def test_what_another_place_of_the_refused_order_has_is_named_with_what_had_run_out_there() -> None:
    store, product = shelf(1)
    elsewhere = make_store()
    put_in_stock(product, elsewhere, 9)
    reserved_and_run_out(elsewhere, (product, 5))

    with refused(InsufficientStock) as refusal:
        inventory.reserve(
            order_id=new_id(),
            lines=[PlacedLine(store.id, product.id, 2), PlacedLine(elsewhere.id, product.id, 1)],
            until=NOW + HOUR,
            now=NOW,
        )

    assert [(place.location_id, place.available) for place in refusal.value.lines[0].elsewhere] == [(elsewhere.id, 9)]


def test_reserved_pieces_cannot_be_reserved_moved_or_written_off() -> None:
    store, product = shelf(5)
    elsewhere = make_store()
    reserve(store, (product, 4))

    with refused(InsufficientStock):
        reserve(store, (product, 2))
    with refused(InsufficientStock):
        transfer(store, elsewhere, (product, 2))
    with refused(InsufficientStock):
        adjust(store, (product, -2))


# --- Extend ---------------------------------------------------------------------------------------------------------


def test_an_extended_reservation_outlives_its_first_end() -> None:
    store, product = shelf(5)
    order_id = new_id()
    reserve(store, (product, 5), order_id=order_id)

    extended = inventory.extend(order_id=order_id, until=NOW + 3 * HOUR, now=NOW)

    assert extended == [Reservation(order_id, product.id, store.id, 5, NOW + 3 * HOUR)]
    assert inventory.extend(order_id=order_id, until=NOW + 3 * HOUR, now=NOW) == extended
    with refused(InsufficientStock):
        issue(store, (product, 1), now=NOW + 2 * HOUR)
    issue(store, (product, 1), now=NOW + 3 * HOUR)
    assert books_agree()


def test_what_is_over_is_not_extended() -> None:
    store, product = shelf(5)
    run_out, released, confirmed = reserved_and_run_out(store, (product, 1)), new_id(), new_id()
    for order_id in (released, confirmed):
        reserve(store, (product, 1), order_id=order_id)
    inventory.release(order_id=released, now=NOW)
    inventory.confirm(order_id=confirmed, actor_id=None, now=NOW)

    with refused(ReservationExpired) as refusal:
        inventory.extend(order_id=run_out, until=NOW + HOUR, now=NOW)
    assert refusal.value.order_id == run_out
    for order_id in (released, confirmed, new_id()):
        with refused(ReservationNotFound) as refusal:
            inventory.extend(order_id=order_id, until=NOW + HOUR, now=NOW)
        assert refusal.value.order_id == order_id


# --- Confirm --------------------------------------------------------------------------------------------------------


def test_a_confirmed_order_leaves_the_shelf() -> None:
    store, one, other = shelf(10, 2)
    order_id, clerk = new_id(), new_id()
    reserve(store, (one, 4), (other, 2), order_id=order_id)

    moved = inventory.confirm(order_id=order_id, actor_id=clerk, now=NOW)

    assert {(row.product_id, row.delta, row.before, row.after) for row in moved} == {
        (one.id, -4, 10, 6),
        (other.id, -2, 2, 0),
    }
    assert {(row.operation_id, row.reason, row.document, row.actor_id) for row in moved} == {
        (order_id, MovementReason.ORDER, f"order {order_id}", clerk)
    }
    assert (stored(one, store), stored(other, store)) == ((6, 0), (0, 0))
    assert books_agree()


def test_an_order_confirmed_twice_leaves_once() -> None:
    store, product = shelf(4)
    order_id = new_id()
    reserve(store, (product, 4), order_id=order_id)

    first = inventory.confirm(order_id=order_id, actor_id=None, now=NOW)
    second = inventory.confirm(order_id=order_id, actor_id=None, now=NOW + 2 * HOUR)

    assert second == first
    assert ledger(product, store) == [(4, 0, 4, "receipt"), (-4, 4, 0, "order")]


def test_a_confirmed_order_is_not_kept_again_and_releasing_it_brings_nothing_back() -> None:
    store, product = shelf(4)
    order_id = new_id()
    kept = reserve(store, (product, 3), order_id=order_id)
    inventory.confirm(order_id=order_id, actor_id=None, now=NOW)
    before = everything()

    assert reserve(store, (product, 1), order_id=order_id) == kept
    inventory.release(order_id=order_id, now=NOW)

    assert everything() == before


def test_what_has_run_out_or_was_never_reserved_is_not_confirmed() -> None:
    store, product = shelf(5)
    order_id = reserved_and_run_out(store, (product, 5))

    with refused(ReservationExpired) as refusal:
        inventory.confirm(order_id=order_id, actor_id=None, now=NOW)
    assert refusal.value.order_id == order_id
    assert str(refusal.value) == f"The reservation for order {order_id} has run out: reserve again."
    issue(store, (product, 1))
    with refused(ReservationExpired):
        inventory.confirm(order_id=order_id, actor_id=None, now=NOW)
    unknown = new_id()
    with refused(ReservationNotFound) as refusal:
        inventory.confirm(order_id=unknown, actor_id=None, now=NOW)
    assert str(refusal.value) == f"Nothing is reserved for order {unknown}: reserve again."


def test_a_reservation_ends_at_the_very_moment() -> None:
    store, product = shelf(5)
    order_id = new_id()
    reserve(store, (product, 5), order_id=order_id, until=NOW + HOUR)

    with refused(ReservationExpired):
        inventory.confirm(order_id=order_id, actor_id=None, now=NOW + HOUR)


@pytest.mark.parametrize("first", [0, 1])
def test_an_order_that_has_run_out_for_one_line_has_run_out_as_a_whole(first: int) -> None:
    """A clock that is a little ahead has freed one line: the other is not confirmed, extended or kept alone."""
    store, *products = shelf(5, 5)
    order_id = new_id()
    reserve(store, (products[0], 2), (products[1], 2), order_id=order_id)
    issue(store, (products[first], 1), now=NOW + HOUR)

    with refused(ReservationExpired):
        inventory.confirm(order_id=order_id, actor_id=None, now=NOW)
    with refused(ReservationExpired):
        inventory.extend(order_id=order_id, until=NOW + 2 * HOUR, now=NOW)
    inventory.release(order_id=order_id, now=NOW)
    assert books_agree()

    kept = reserve(store, (products[0], 2), (products[1], 2), order_id=order_id, until=NOW + 3 * HOUR)

    assert {(row.product_id, row.until) for row in kept} == {(product.id, NOW + 3 * HOUR) for product in products}
    assert len(inventory.confirm(order_id=order_id, actor_id=None, now=NOW)) == 2
    assert books_agree()


# --- Release --------------------------------------------------------------------------------------------------------


def test_released_pieces_are_free_again_and_releasing_again_does_nothing() -> None:
    store, product = shelf(5)
    order_id, another = new_id(), new_id()
    reserve(store, (product, 5), order_id=order_id)

    inventory.release(order_id=order_id, now=NOW)
    reserve(store, (product, 3), order_id=another)
    inventory.release(order_id=order_id, now=NOW)
    inventory.release(order_id=new_id(), now=NOW)

    assert stored(product, store) == (5, 3)
    assert (states(order_id), states(another)) == (["released"], ["held"])
    assert books_agree()


def test_a_released_order_is_not_confirmed_and_may_reserve_again() -> None:
    store, product = shelf(5)
    order_id = new_id()
    reserve(store, (product, 5), order_id=order_id)
    inventory.release(order_id=order_id, now=NOW)

    with refused(ReservationNotFound):
        inventory.confirm(order_id=order_id, actor_id=None, now=NOW)

    reserve(store, (product, 2), order_id=order_id)
    assert stored(product, store) == (5, 2)
    assert books_agree()


# --- Running out ----------------------------------------------------------------------------------------------------


def test_what_has_run_out_counts_as_free_wherever_stock_is_read() -> None:
    store, product = shelf(5)
    reserve(store, (product, 1), now=NOW - 3 * HOUR)
    reserved_and_run_out(store, (product, 4))
    assert stored(product, store) == (5, 5)

    [row] = inventory.location_stock(location_id=store.id).rows
    [asked] = inventory.availability(lines=lines((product, 4)))

    assert (row.on_hand, row.reserved, row.available) == (5, 1, 4)
    assert inventory.product_stock(product_id=product.id) == [row]
    assert inventory.stock_levels(product_ids=[product.id], location_ids=[store.id]) == [row]
    assert inventory.location_stock(location_id=store.id, low=True).rows == [row]
    assert inventory.location_stock(location_id=store.id, out=True).rows == []
    assert (asked.available, asked.sufficient, asked.places[0].available) == (4, True, 4)
    assert inventory.held_stock(location_ids=[store.id]) == [HeldStock(store.id, product.id, 4)]
    assert inventory.products_in_stock() == [product.id]
    assert stored(product, store) == (5, 5)


def test_an_order_reserves_what_another_let_run_out() -> None:
    store, product = shelf(5)
    run_out, order_id = reserved_and_run_out(store, (product, 5)), new_id()

    reserve(store, (product, 4), order_id=order_id)

    assert stored(product, store) == (5, 4)
    assert (states(run_out), states(order_id)) == (["expired"], ["held"])
    assert books_agree()


def test_tidying_up_frees_what_has_run_out_and_nothing_else() -> None:
    store, one, other = shelf(5, 5)
    reserve(store, (one, 1), now=NOW - 3 * HOUR)
    reserved_and_run_out(store, (one, 2), (other, 3))
    reserved_and_run_out(store, (other, 1))
    assert (stored(one, store), stored(other, store)) == ((5, 3), (5, 4))

    assert inventory.clear_expired(now=NOW) == 3

    assert (stored(one, store), stored(other, store)) == ((5, 1), (5, 0))
    assert inventory.clear_expired(now=NOW) == 0
    assert [len(ledger(product, store)) for product in (one, other)] == [1, 1]
    assert books_agree()


def test_tidying_up_goes_in_portions_that_come_to_an_end() -> None:
    store, *products = shelf(5, 5, 5)
    for product in products:
        reserved_and_run_out(store, (product, 2))

    assert [inventory.clear_expired(now=NOW, limit=2) for _ in range(3)] == [2, 1, 0]

    assert books_agree()


def test_releasing_what_has_run_out_leaves_it_to_be_tidied_up() -> None:
    store, product = shelf(5)
    order_id = reserved_and_run_out(store, (product, 2))

    inventory.release(order_id=order_id, now=NOW)

    assert states(order_id) == ["held"]
    assert inventory.clear_expired(now=NOW) == 1
    assert (states(order_id), stored(product, store)) == (["expired"], (5, 0))
    assert books_agree()


def test_the_same_order_reserves_the_same_pieces_again_after_running_out() -> None:
    store, product = shelf(5)
    order_id = reserved_and_run_out(store, (product, 5))

    kept = reserve(store, (product, 5), order_id=order_id)

    assert [row.until for row in kept] == [NOW + HOUR]
    assert (states(order_id), stored(product, store)) == (["expired", "held"], (5, 5))
    assert books_agree()


def test_an_order_reserves_again_after_running_out_also_elsewhere_and_before_anybody_tidied_up() -> None:
    store, product = shelf(5)
    other = make_store()
    put_in_stock(product, other, 5)
    order_id = reserved_and_run_out(store, (product, 4))

    reserve(other, (product, 5), order_id=order_id)
    extended = inventory.extend(order_id=order_id, until=NOW + 2 * HOUR, now=NOW)
    moved = inventory.confirm(order_id=order_id, actor_id=None, now=NOW)

    assert [row.location_id for row in extended] == [other.id]
    assert [(row.location_id, row.delta) for row in moved] == [(other.id, -5)]
    assert states(order_id) == ["held", "confirmed"]
    assert inventory.clear_expired(now=NOW) == 1
    assert states(order_id) == ["expired", "confirmed"]
    assert books_agree()


def test_a_promise_tells_what_is_kept_and_what_has_left() -> None:
    store, product = shelf(10)
    kept, sold, run_out = new_id(), new_id(), new_id()
    for order_id, quantity, until in [(kept, 1, NOW + HOUR), (sold, 2, NOW + HOUR), (run_out, 3, NOW + HOUR / 2)]:
        inventory.reserve(order_id=order_id, lines=[PlacedLine(store.id, product.id, quantity)], until=until, now=NOW)
    inventory.confirm(order_id=sold, actor_id=None, now=NOW)

    promises = inventory.promises(order_ids=[kept, sold, run_out, new_id()], now=NOW + HOUR / 2)

    assert promises == {kept: Promise(reserved=1, sold=0), sold: Promise(reserved=0, sold=2)}
