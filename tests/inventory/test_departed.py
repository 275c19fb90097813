"""Goods that have left although the books did not hold them, and the count that settles it."""

import pytest

from inventory.interface import inventory
from shared_kernel.ids import new_id
from tests.chain import books_agree, level, make_product, make_store, on_hand, put_in_stock
from tests.inventory.actions import HOUR, NOW, count, issue_departed, ledger, lines, reserve

pytestmark = pytest.mark.django_db


def test_what_the_books_hold_is_taken_and_nothing_is_unclear() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    assert issue_departed(store, (product, 3)) == []
    assert ledger(product, store) == [(5, 0, 5, "receipt"), (-3, 5, 2, "sale")]


def test_what_the_books_do_not_hold_is_kept_as_a_discrepancy() -> None:
    store, product = make_store("Lyon"), make_product(name="Tea")
    put_in_stock(product, store, 2)

    [missing] = issue_departed(store, (product, 5), document="sale 17")

    assert (missing.product_name, missing.location_name, missing.missing, missing.document, missing.settled_at) == (
        "Tea",
        "Lyon",
        3,
        "sale 17",
        None,
    )
    assert on_hand(product, store) == 0
    assert inventory.discrepancies(location_ids=[store.id]) == [missing]
    assert inventory.discrepancies(location_ids=[make_store().id]) == []
    assert books_agree()


def test_a_product_that_the_store_never_held_is_missing_altogether() -> None:
    store, product = make_store(), make_product()

    assert [row.missing for row in issue_departed(store, (product, 2))] == [2]
    assert ledger(product, store) == [(0, 0, 0, "sale")]


def test_what_is_kept_for_orders_is_not_taken() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    reserve(store, (product, 4))

    assert [row.missing for row in issue_departed(store, (product, 3))] == [2]
    assert (level(product, store).on_hand, level(product, store).reserved) == (4, 4)
    assert books_agree()


def test_the_same_departure_again_changes_nothing() -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 2)

    first = issue_departed(store, (product, 5), operation_id=operation_id)
    put_in_stock(product, store, 9)
    again = issue_departed(store, (product, 5), operation_id=operation_id)

    assert first == again
    assert on_hand(product, store) == 9
    assert len(inventory.discrepancies()) == 1


def test_a_count_settles_the_discrepancies_of_its_product_and_place() -> None:
    store, product, other = make_store(), make_product(), make_product()
    for _ in range(2):
        issue_departed(store, (product, 1), (other, 1))

    count(store, product, 4, now=NOW)

    assert [row.product_id for row in inventory.discrepancies()] == [other.id, other.id]
    settled = inventory.discrepancies(settled=True)
    assert [(row.product_id, row.settled_at) for row in settled] == [(product.id, NOW)] * 2
    assert on_hand(product, store) == 4


def test_the_same_count_again_settles_nothing_that_came_later() -> None:
    store, product, operation_id = make_store(), make_product(), new_id()
    count(store, product, 0, operation_id=operation_id)
    issue_departed(store, (product, 1))

    count(store, product, 0, operation_id=operation_id)

    assert len(inventory.discrepancies()) == 1


def test_what_had_run_out_by_now_is_there_however_long_ago_the_goods_left() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 1)
    reserve(store, (product, 1), now=NOW - 2 * HOUR, until=NOW - HOUR)

    assert issue_departed(store, (product, 1), departed_at=NOW - 3 * HOUR) == []
    assert on_hand(product, store) == 0
    assert books_agree()


def test_a_till_whose_clock_is_ahead_does_not_end_a_reservation() -> None:
    store, product, order_id = make_store(), make_product(), new_id()
    put_in_stock(product, store, 1)
    reserve(store, (product, 1), order_id=order_id, until=NOW + HOUR)

    assert [row.missing for row in issue_departed(store, (product, 1), departed_at=NOW + 2 * HOUR)] == [1]
    inventory.confirm(order_id=order_id, actor_id=None, now=NOW)
    assert books_agree()


def test_the_ledger_says_when_the_goods_left() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    issue_departed(store, (product, 1), departed_at=NOW - 3 * HOUR)

    assert inventory.movements(product_id=product.id)[0].recorded_at == NOW - 3 * HOUR


def test_a_shelf_that_was_counted_since_was_counted_without_the_goods() -> None:
    store, counted, other = make_store(), make_product(), make_product()
    for product in (counted, other):
        put_in_stock(product, store, 5)
    count(store, counted, 3, now=NOW - HOUR)

    assert issue_departed(store, (counted, 2), (other, 2), departed_at=NOW - 2 * HOUR) == []
    assert (on_hand(counted, store), on_hand(other, store)) == (3, 3)
    assert ledger(counted, store)[-1] == (0, 3, 3, "sale")
    assert issue_departed(store, (counted, 2), departed_at=NOW) == []
    assert on_hand(counted, store) == 1


def test_shelves_to_count_are_counted_once_each() -> None:
    lyon, lille, calm = make_store(), make_store(), make_store()
    tea, coffee = make_product(), make_product()
    for _ in range(3):
        issue_departed(lyon, (tea, 1), (coffee, 1))
    issue_departed(lille, (tea, 1))

    ids = [lyon.id, lille.id, calm.id]
    assert inventory.unsettled_shelves(location_ids=ids) == {lyon.id: 2, lille.id: 1}
    count(lyon, tea, 0)
    assert inventory.unsettled_shelves(location_ids=ids) == {lyon.id: 1, lille.id: 1}


def test_goods_sold_and_returned_in_one_ticket_move_together() -> None:
    store, sold, back, both = make_store(), make_product(), make_product(), make_product()
    for product in (sold, both):
        put_in_stock(product, store, 5)

    moved = inventory.issue(
        operation_id=new_id(),
        location_id=store.id,
        lines=lines((sold, 2), (both, 1)),
        returned=lines((back, 3), (both, 1)),
        document="",
        actor_id=None,
        now=NOW,
    )

    assert {(row.product_id, row.delta, row.reason) for row in moved} == {
        (sold.id, -2, "sale"),
        (back.id, 3, "return"),
        (both.id, 0, "sale"),
    }
    assert (on_hand(sold, store), on_hand(back, store), on_hand(both, store)) == (3, 3, 5)
    assert books_agree()
