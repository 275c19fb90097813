"""What is where: rows for every product at every place, filters, pages, and availability."""

import pytest

from catalog.interface import ProductNotFound, catalog
from inventory.interface import (
    HeldStock,
    LocationKind,
    LocationNotFound,
    OnlineStock,
    Place,
    StockLine,
    StockRow,
    Thresholds,
    inventory,
)
from shared_kernel.ids import new_id
from tests.chain import level, make_product, make_store, make_warehouse, put_in_stock
from tests.inventory.actions import count, issue, lines, reserve, reserved_and_run_out

pytestmark = pytest.mark.django_db


def test_a_row_tells_all_figures() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 9)
    count(store, product, 9, thresholds=Thresholds(reorder_point=6, target=20, safety_stock=2))
    reserve(store, (product, 3))

    assert level(product, store) == StockRow(
        product_id=product.id,
        sku=product.sku,
        product_name=product.name,
        location_id=store.id,
        location_name=store.name,
        location_kind=LocationKind.STORE,
        on_hand=9,
        reserved=3,
        available=6,
        in_transit=0,
        reorder_point=6,
        target=20,
        safety_stock=2,
        low=True,
    )


def test_a_product_that_a_store_never_held_is_there_at_zero_and_not_low() -> None:
    store, product = make_store(), make_product()

    row = level(product, store)

    assert (row.on_hand, row.reserved, row.available, row.in_transit) == (0, 0, 0, 0)
    assert (row.reorder_point, row.target, row.safety_stock, row.low) == (0, None, 0, False)


# --- One place ------------------------------------------------------------------------------------------------------


def test_a_stores_stock_lists_all_stocked_products_on_sale_by_name() -> None:
    store = make_store()
    tea, coffee, juice = (make_product(name=name) for name in ("Tea", "Coffee", "Juice"))
    make_product(name="Delivery", stocked=False)
    catalog.archive_product(product_id=juice.id)
    put_in_stock(tea, store, 3)
    put_in_stock(juice, store, 3)

    page = inventory.location_stock(location_id=store.id)

    assert page.count == 2
    assert [(row.product_id, row.on_hand) for row in page.rows] == [(coffee.id, 0), (tea.id, 3)]


def test_a_stores_stock_comes_in_pages() -> None:
    store = make_store()
    for number in range(5):
        make_product(name=f"Tea {number}")

    pages = [inventory.location_stock(location_id=store.id, offset=offset, limit=2) for offset in (0, 2, 4, 6)]

    assert [page.count for page in pages] == [5, 5, 5, 5]
    assert [[row.product_name for row in page.rows] for page in pages] == [
        ["Tea 0", "Tea 1"],
        ["Tea 2", "Tea 3"],
        ["Tea 4"],
        [],
    ]


def test_a_stores_stock_is_searched_like_the_catalogue() -> None:
    store = make_store()
    coffee = make_product(name="Café moulu")
    make_product(name="Thé vert")

    page = inventory.location_stock(location_id=store.id, search="cafe")

    assert (page.count, [row.product_id for row in page.rows]) == (1, [coffee.id])


def test_low_keeps_what_is_at_or_below_its_reorder_point_emptiest_first() -> None:
    store, other = make_store(), make_store()
    empty, low, plenty, never_low, never_held = (make_product() for _ in range(5))
    for product, quantity in [(empty, 1), (low, 10), (plenty, 11), (never_low, 1)]:
        put_in_stock(product, store, quantity)
    issue(store, (empty, 1))
    count(store, never_low, 1, thresholds=Thresholds(reorder_point=0))
    put_in_stock(never_held, other, 1)

    page = inventory.location_stock(location_id=store.id, low=True)

    assert page.count == 2
    assert [(row.product_id, row.available, row.low) for row in page.rows] == [(empty.id, 0, True), (low.id, 10, True)]


def test_low_goes_by_what_is_available() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 12)
    reserve(store, (product, 2))

    assert [row.available for row in inventory.location_stock(location_id=store.id, low=True).rows] == [10]


def test_out_keeps_what_was_held_once_and_is_not_available() -> None:
    store = make_store()
    sold_out, all_reserved, left, never_held = (make_product() for _ in range(4))
    for product in (sold_out, all_reserved, left):
        put_in_stock(product, store, 1)
    issue(store, (sold_out, 1))
    reserve(store, (all_reserved, 1))

    page = inventory.location_stock(location_id=store.id, out=True)

    assert page.count == 2
    assert {row.product_id for row in page.rows} == {sold_out.id, all_reserved.id}
    assert never_held.id in {row.product_id for row in inventory.location_stock(location_id=store.id).rows}


def test_low_and_out_and_search_combine_and_come_in_pages() -> None:
    store = make_store()
    teas = [make_product(name=f"Tea {number}") for number in range(3)]
    coffee = make_product(name="Coffee")
    for product in [*teas, coffee]:
        put_in_stock(product, store, 1)
    for product in [*teas[:2], coffee]:
        issue(store, (product, 1))
    count(store, teas[0], 0, thresholds=Thresholds(reorder_point=0))

    page = inventory.location_stock(location_id=store.id, search="tea", low=True, out=True)
    assert (page.count, [row.product_id for row in page.rows]) == (1, [teas[1].id])

    pages = [inventory.location_stock(location_id=store.id, out=True, offset=offset, limit=2) for offset in (0, 2)]
    assert [page.count for page in pages] == [3, 3]
    assert [row.product_id for page in pages for row in page.rows] == sorted([teas[0].id, teas[1].id, coffee.id])


def test_an_archived_product_is_neither_low_nor_out() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 1)
    issue(store, (product, 1))
    catalog.archive_product(product_id=product.id)

    assert inventory.location_stock(location_id=store.id, low=True).count == 0
    assert inventory.location_stock(location_id=store.id, out=True).count == 0


def test_the_stock_of_an_unknown_place_is_refused() -> None:
    nowhere = new_id()

    for out in (False, True):
        with pytest.raises(LocationNotFound) as refusal:
            inventory.location_stock(location_id=nowhere, out=out)
        assert refusal.value.location_ids == [nowhere]


# --- Several places -------------------------------------------------------------------------------------------------


def test_a_product_is_shown_at_every_place_warehouses_first_then_by_name() -> None:
    make_store("Aubervilliers")
    make_warehouse("Central")
    store, product = make_store("Bellecour"), make_product()
    put_in_stock(product, store, 7)

    rows = inventory.product_stock(product_id=product.id)

    assert [(row.location_name, row.on_hand) for row in rows] == [
        ("Central", 0),
        ("Aubervilliers", 0),
        ("Bellecour", 7),
    ]


def test_the_stock_of_an_unknown_product_is_refused() -> None:
    unknown = new_id()

    with pytest.raises(ProductNotFound) as refusal:
        inventory.product_stock(product_id=unknown)

    assert refusal.value.product_ids == [unknown]


def test_levels_leave_out_what_is_unknown() -> None:
    one, other, product = make_store(), make_store(), make_product()
    put_in_stock(product, one, 2)

    rows = inventory.stock_levels(product_ids=[product.id, new_id()], location_ids=[one.id, other.id, new_id()])

    assert {(row.location_id, row.on_hand) for row in rows} == {(one.id, 2), (other.id, 0)}
    assert inventory.stock_levels(product_ids=[], location_ids=[one.id]) == []


def test_held_stock_is_what_places_hold_most_first() -> None:
    one, other, ignored = make_store(), make_store(), make_store()
    few, many = make_product(), make_product()
    for place in (one, other, ignored):
        put_in_stock(few, place, 2)
        put_in_stock(many, place, 8)
    reserve(one, (many, 7))

    held = inventory.held_stock(location_ids=[one.id, other.id])
    first = inventory.held_stock(location_ids=[one.id, other.id], top=1)

    assert held == [
        HeldStock(one.id, few.id, 2),
        HeldStock(one.id, many.id, 1),
        HeldStock(other.id, many.id, 8),
        HeldStock(other.id, few.id, 2),
    ]
    assert first == [held[0], held[2]]


def test_the_web_shop_promises_what_warehouses_have_and_stores_can_spare() -> None:
    older, newer, warehouse = make_store(), make_store(), make_warehouse()
    product, other = make_product(), make_product()
    for place, pieces in ((newer, 7), (older, 5), (warehouse, 9)):
        put_in_stock(product, place, pieces)
        count(place, product, pieces, thresholds=Thresholds(safety_stock=3))
    put_in_stock(other, older, 1)

    assert inventory.online_stock(product_ids=[product.id]) == [
        OnlineStock(warehouse.id, product.id, 9, in_warehouse=True),
        OnlineStock(older.id, product.id, 2, in_warehouse=False),
        OnlineStock(newer.id, product.id, 4, in_warehouse=False),
    ]
    assert inventory.online_stock(product_ids=[]) == []


def test_the_web_shop_promises_nothing_where_no_more_is_left_than_a_store_keeps() -> None:
    at_the_limit, below, empty = make_store(), make_store(), make_warehouse()
    product = make_product()
    for place, pieces in ((at_the_limit, 3), (below, 2), (empty, 1)):
        put_in_stock(product, place, pieces)
        count(place, product, pieces, thresholds=Thresholds(safety_stock=3))
    issue(empty, (product, 1))

    assert inventory.online_stock(product_ids=[product.id, new_id()]) == []


def test_the_web_shop_does_not_promise_what_is_reserved_until_the_reservation_has_run_out() -> None:
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    for place in (warehouse, store):
        put_in_stock(product, place, 5)
        reserve(place, (product, 2))
        reserved_and_run_out(place, (product, 1))

    assert inventory.online_stock(product_ids=[product.id]) == [
        OnlineStock(warehouse.id, product.id, 3, in_warehouse=True),
        OnlineStock(store.id, product.id, 3, in_warehouse=False),
    ]


def test_products_in_stock_are_those_available_anywhere() -> None:
    one, other = make_store(), make_store()
    here, all_reserved, sold_out = make_product(), make_product(), make_product()
    put_in_stock(here, one, 1)
    put_in_stock(here, other, 1)
    put_in_stock(all_reserved, one, 1)
    put_in_stock(sold_out, one, 1)
    reserve(one, (all_reserved, 1))
    issue(one, (sold_out, 1))

    assert inventory.products_in_stock() == [here.id]


# --- Availability ---------------------------------------------------------------------------------------------------


def test_availability_answers_each_line_in_the_order_asked_and_says_where() -> None:
    near, far = make_store(), make_warehouse()
    one, other, nowhere = make_product(), make_product(), make_product()
    put_in_stock(one, near, 2)
    put_in_stock(one, far, 5)
    put_in_stock(other, near, 1)

    answers = inventory.availability(lines=lines((other, 2), (one, 7), (nowhere, 1)))

    assert [(row.product_id, row.requested, row.available, row.sufficient) for row in answers] == [
        (other.id, 2, 1, False),
        (one.id, 7, 7, True),
        (nowhere.id, 1, 0, False),
    ]
    assert answers[1].places == [Place(far.id, far.name, 5), Place(near.id, near.name, 2)]
    assert answers[2].places == []


def test_two_lines_of_one_product_are_available_together_or_not_at_all() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    together = inventory.availability(lines=lines((product, 2), (product, 3)))
    too_many = inventory.availability(lines=lines((product, 3), (product, 3)))

    assert [(row.requested, row.sufficient) for row in together] == [(2, True), (3, True)]
    assert [(row.requested, row.available, row.sufficient) for row in too_many] == [(3, 5, False), (3, 5, False)]


def test_availability_at_a_place_counts_that_place_and_names_the_others() -> None:
    near, far, product = make_store(), make_warehouse(), make_product()
    put_in_stock(product, near, 2)
    put_in_stock(product, far, 5)
    reserve(near, (product, 1))

    [enough] = inventory.availability(lines=lines((product, 1)), location_id=near.id)
    [too_many] = inventory.availability(lines=lines((product, 2)), location_id=near.id)

    assert (enough.available, enough.sufficient) == (1, True)
    assert (too_many.available, too_many.sufficient) == (1, False)
    assert too_many.places == [Place(far.id, far.name, 5), Place(near.id, near.name, 1)]


def test_availability_of_what_is_unknown_or_archived_or_nowhere_is_refused() -> None:
    product, archived, unknown = make_product(), make_product(), new_id()
    catalog.archive_product(product_id=archived.id)

    with pytest.raises(ProductNotFound) as refusal:
        inventory.availability(lines=[*lines((product, 1), (archived, 1)), StockLine(unknown, 1)])
    assert refusal.value.product_ids == sorted([archived.id, unknown])
    with pytest.raises(LocationNotFound) as refusal:
        inventory.availability(lines=lines((product, 1)), location_id=unknown)
    assert refusal.value.location_ids == [unknown]
