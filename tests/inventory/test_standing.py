"""How stock stands: what SQL says of many products is what the rules say of each, and what an order needs to know."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.interface import Product, catalog
from inventory import rules
from inventory.interface import EmptyShelf, Location, LocationNotFound, StockHealth, Thresholds, inventory
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, make_warehouse
from tests.inventory.actions import adjust, count, issue, lines, receive, reserve, reserved_and_run_out

pytestmark = pytest.mark.django_db

# A Wednesday noon in Paris.
NOW = datetime(2026, 11, 18, 11, tzinfo=UTC)
DAY = timedelta(days=1)


def days_ago(days: float) -> datetime:
    return NOW - days * DAY


def of(store: Location) -> StockHealth:
    [health] = inventory.health(location_ids=[store.id], now=NOW)
    return health


def give_back(store: Location, product: Product, quantity: int, *, at: datetime) -> None:
    inventory.issue(
        operation_id=new_id(),
        location_id=store.id,
        lines=[],
        returned=lines((product, quantity)),
        document="",
        actor_id=None,
        now=at,
    )


# --- Health ---------------------------------------------------------------------------------------------------------

PRODUCTS = st.lists(
    st.tuples(
        st.integers(0, 40),  # available
        st.integers(0, 12),  # sold
        st.integers(1, 120),  # days since the delivery
        st.integers(1, 100),  # days since the sale
        st.sampled_from([0, 5, 10]),  # reorder point
        st.sampled_from([None, 0, 3, 15]),  # target
    ),
    max_size=6,
)


@given(products=PRODUCTS)
@settings(max_examples=25)
def test_a_places_health_is_what_the_rules_say_of_each_product(
    products: list[tuple[int, int, int, int, int, int | None]],
) -> None:
    store = make_store()
    low = over = dead = available_sum = sold_sum = 0
    for available, sold, delivered, days, reorder_point, target in products:
        product = make_product()
        sold_ago = min(delivered, days)
        receive(store, (product, available + sold + 1), now=days_ago(delivered))
        # The one piece more lets a thresholds' count move something, and count as no sale and no delivery.
        thresholds = Thresholds(reorder_point=reorder_point, target=target)
        count(store, product, available + sold, thresholds=thresholds, now=days_ago(delivered))
        if sold:
            issue(store, (product, sold), now=days_ago(sold_ago))
        recently = sold if sold_ago <= 28 else 0
        last_move = min(delivered, sold_ago) if sold else delivered
        low += rules.is_low(available=available, reorder_point=reorder_point)
        over += rules.is_over(available=available, sold=recently, target=target)
        dead += rules.is_dead(available=available, days_since_move=last_move)
        available_sum, sold_sum = available_sum + available, sold_sum + recently

    health = of(store)

    assert (health.low, health.over, health.dead) == (low, over, dead)
    assert (health.available, health.sold) == (available_sum, sold_sum)


def test_an_empty_shelf_tells_what_it_sold_and_for_how_long_it_has_been_empty() -> None:
    store, tea, coffee, unsold = make_store(), make_product(), make_product(), make_product()
    for product in (tea, coffee, unsold):
        receive(store, (product, 5), now=days_ago(40))
    issue(store, (tea, 5), now=days_ago(7.5))
    issue(store, (coffee, 4), now=days_ago(10))
    reserve(store, (coffee, 1), now=days_ago(1), until=NOW + DAY)
    adjust(store, (unsold, -5), now=days_ago(3))
    count(store, tea, 0, now=days_ago(1))

    assert of(store).empty_shelves == [EmptyShelf(tea.id, sold=5, days=7), EmptyShelf(coffee.id, sold=4, days=0)]


def test_what_came_back_was_not_sold() -> None:
    store, tea = make_store(), make_product()
    receive(store, (tea, 10), now=days_ago(40))
    issue(store, (tea, 6), now=days_ago(5))
    give_back(store, tea, 2, at=days_ago(4))

    assert (of(store).sold, of(store).available) == (4, 6)


def test_sales_of_more_than_28_days_ago_do_not_count() -> None:
    store, tea = make_store(), make_product()
    receive(store, (tea, 10), now=days_ago(60))
    issue(store, (tea, 3), now=days_ago(28.01))
    issue(store, (tea, 2), now=days_ago(27.99))

    assert of(store).sold == 2


def test_what_has_run_out_is_available() -> None:
    store, tea = make_store(), make_product()
    receive(store, (tea, 11))
    reserved_and_run_out(store, (tea, 5))

    [health] = inventory.health(location_ids=[store.id], now=datetime.now(UTC))

    assert (health.available, health.low) == (11, 0)


def test_places_are_judged_apart_and_answered_in_the_order_asked() -> None:
    lyon, lille, tea = make_store(), make_store(), make_product()
    for store, pieces in ((lyon, 8), (lille, 20)):
        receive(store, (tea, pieces + 4), now=days_ago(40))
        issue(store, (tea, 4), now=days_ago(2))

    stores = inventory.health(location_ids=[lille.id, lyon.id], now=NOW)

    assert [(row.location_id, row.available, row.low) for row in stores] == [(lille.id, 20, 0), (lyon.id, 8, 1)]


def test_what_was_archived_does_not_count() -> None:
    store, low, over, empty = make_store(), make_product(), make_product(), make_product()
    for product, pieces in ((low, 3), (over, 500), (empty, 4)):
        receive(store, (product, pieces), now=days_ago(40))
        issue(store, (product, 1), now=days_ago(2))
    issue(store, (empty, 3), now=days_ago(2))
    assert (of(store).low, of(store).over, len(of(store).empty_shelves)) == (2, 1, 1)

    for product in (low, over, empty):
        catalog.archive_product(product_id=product.id)

    assert of(store) == StockHealth(store.id, 0, 0, 0, 0, 0, [])


def test_a_place_without_stock_is_well() -> None:
    store = make_store()

    assert of(store) == StockHealth(store.id, 0, 0, 0, 0, 0, [])


def test_the_list_of_what_is_too_many_is_what_health_counts() -> None:
    store, lasting, above, enough = make_store(), make_product(), make_product(), make_product()
    now = datetime.now(UTC)
    for product, pieces in ((lasting, 100), (above, 41), (enough, 40)):
        receive(store, (product, pieces), now=now - 40 * DAY)
    issue(store, (lasting, 1), now=now - DAY)
    for product, pieces in ((above, 41), (enough, 40)):
        count(store, product, pieces, thresholds=Thresholds(target=20))

    page = inventory.location_stock(location_id=store.id, over=True)

    assert [row.product_id for row in page.rows] == [lasting.id, above.id]
    assert (page.count, inventory.health(location_ids=[store.id], now=now)[0].over) == (2, 2)


# --- Demand ---------------------------------------------------------------------------------------------------------


def test_demand_tells_what_it_takes_to_order() -> None:
    warehouse, store, tea = make_warehouse(), make_store(time_zone="Europe/Paris"), make_product()
    receive(warehouse, (tea, 90), now=days_ago(40))
    receive(store, (tea, 30), now=days_ago(40))
    thresholds = Thresholds(reorder_point=6, target=40, safety_stock=2)
    count(store, tea, 30, thresholds=thresholds, now=days_ago(40))
    for days, pieces in ((2, 3), (9, 1), (3, 2)):  # two Mondays and a Sunday
        issue(store, (tea, pieces), now=days_ago(days))
    give_back(store, tea, 1, at=days_ago(1))  # a Tuesday on which nothing was sold
    issue(store, (tea, 5), now=NOW)  # today is not over

    [demand] = inventory.demand(location_id=store.id, now=NOW)

    assert (demand.product_id, demand.available, demand.in_transit, demand.central) == (tea.id, 20, 0, 90)
    assert (demand.reorder_point, demand.target, demand.safety_stock) == (6, 40, 2)
    assert demand.sold == (4, 0, 0, 0, 0, 0, 2)


def test_a_sale_counts_on_the_weekday_of_the_stores_clock() -> None:
    make_warehouse()
    store, tea = make_store(time_zone="America/Toronto"), make_product()
    receive(store, (tea, 9), now=days_ago(40))
    issue(store, (tea, 1), now=datetime(2026, 11, 17, 2, tzinfo=UTC))  # still Monday over there

    [demand] = inventory.demand(location_id=store.id, now=NOW)

    assert demand.sold == (1, 0, 0, 0, 0, 0, 0)


def test_demand_leaves_out_what_is_neither_reordered_nor_sold() -> None:
    make_warehouse()
    store, plain, silent, sold = make_store(), make_product(), make_product(), make_product()
    for product in (plain, silent, sold):
        receive(store, (product, 9), now=days_ago(40))
    for product in (silent, sold):
        count(store, product, 9, thresholds=Thresholds(reorder_point=0), now=days_ago(40))
    issue(store, (sold, 1), now=days_ago(2))

    assert [row.product_id for row in inventory.demand(location_id=store.id, now=NOW)] == sorted([plain.id, sold.id])
    [row] = inventory.demand(location_id=store.id, product_ids=[silent.id], now=NOW)
    assert (row.product_id, row.available) == (silent.id, 9)


def test_demand_comes_in_pages_by_product() -> None:
    make_warehouse()
    store = make_store()
    products = sorted((make_product() for _ in range(5)), key=lambda product: product.id)
    receive(store, *((product, 1) for product in products))

    first = inventory.demand(location_id=store.id, limit=3, now=NOW)
    second = inventory.demand(location_id=store.id, after=first[-1].product_id, limit=3, now=NOW)

    assert [row.product_id for row in first + second] == [product.id for product in products]


def test_demand_needs_a_place_and_a_warehouse() -> None:
    with pytest.raises(LocationNotFound):
        inventory.demand(location_id=new_id(), now=NOW)
    store = make_store()
    with pytest.raises(LocationNotFound):
        inventory.demand(location_id=store.id, now=NOW)
