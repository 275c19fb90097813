"""How stores and chain are doing: a period against the one before, beside how the stock stands."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.interface import Role
from catalog.interface import Product, catalog
from inventory.interface import Location, LocationNotFound, StockLine, Thresholds, inventory
from replenishment.interface import replenishment
from sales import rules
from sales.interface import DayFigures, HourFigures, PeriodFigures, ProductSales, Trend, sales
from sales.rules import Period, Takings
from shared_kernel.ids import new_id
from tests.chain import client_of, make_product, make_store, make_warehouse, put_in_stock, sell

# --- Rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "before", "percent", "trend"),
    [
        ("105.00", "100.00", "5.0", Trend.FLAT),
        ("105.01", "100.00", "5.0", Trend.UP),
        ("95.00", "100.00", "-5.0", Trend.FLAT),
        ("94.99", "100.00", "-5.0", Trend.DOWN),
        ("250.00", "100.00", "150.0", Trend.UP),
        ("0.00", "0.00", None, Trend.FLAT),
        ("0.01", "0.00", None, Trend.UP),
        ("-1.00", "0.00", None, Trend.DOWN),
        ("10.00", "-10.00", "200.0", Trend.UP),
    ],
)
def test_a_trend_is_flat_within_five_per_cent(now: str, before: str, percent: str | None, trend: Trend) -> None:
    revenues = {"now": Decimal(now), "before": Decimal(before)}

    assert rules.trend(**revenues) is trend
    assert rules.trend_percent(**revenues) == (Decimal(percent) if percent else None)


def test_the_refund_rate_is_what_came_back_of_what_was_sold() -> None:
    assert rules.refund_rate(gross=Decimal("300.00"), returned=Decimal("20.00")) == Decimal("0.0667")
    assert rules.refund_rate(gross=Decimal("0.00"), returned=Decimal("20.00")) == Decimal("0.0000")


@pytest.mark.parametrize(
    ("sold", "days", "lost"), [(14, 14, "140.00"), (5, 7, "16.67"), (5, 0, "0.00"), (3, 28, "840.00")]
)
def test_an_empty_shelf_loses_what_sold_while_it_was_not(sold: int, days: int, lost: str) -> None:
    assert rules.lost_sales(sold=sold, days_empty=days, price=Decimal("10.00")) == Decimal(lost)


@pytest.mark.parametrize(
    ("available", "sold", "days"), [(10, 0, None), (28, 28, 28), (10, 28, 10), (27, 56, 13), (0, 5, 0), (3, -1, None)]
)
def test_days_of_cover_are_how_long_stock_lasts_at_the_rate_of_28_days(
    available: int, sold: int, days: int | None
) -> None:
    assert rules.days_of_cover(available=available, sold=sold) == days


@given(first=st.dates(date(2000, 1, 1), date(2099, 1, 1)), length=st.integers(1, 400))
def test_the_period_before_is_as_long_and_ends_where_this_one_begins(first: date, length: int) -> None:
    period = Period(first, first + timedelta(days=length - 1))

    assert (len(period.days), len(period.before.days)) == (length, length)
    assert period.before.last_day + timedelta(days=1) == period.days[0] == first


def test_takings_add_up_to_a_periods_figures() -> None:
    takings = [Takings(Decimal("30.00"), Decimal("0.00"), 2, 5), Takings(Decimal("10.00"), Decimal("8.00"), 1, 1)]

    assert rules.period_figures(takings) == PeriodFigures(
        revenue=Decimal("32.00"), tickets=3, pieces=6, average_basket=Decimal("10.67"), refund_rate=Decimal("0.2000")
    )
    assert rules.period_figures([]).average_basket == Decimal("0.00")


# --- Performance ----------------------------------------------------------------------------------------------------

MONDAY = date(2026, 11, 16)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def take(store: Location, product: Product, quantity: int, day: date, hour: int = 12) -> None:
    sell(product, store, quantity, sold_at=at(day, hour), sale_id=new_id(at=at(day, hour)))


@pytest.mark.django_db
def test_a_store_is_measured_against_as_many_days_before() -> None:
    lyon, tea = make_store("Lyon"), make_product(name="Tea", price=Decimal("10.00"))
    put_in_stock(tea, lyon, 100)
    take(lyon, tea, 4, MONDAY - timedelta(days=8))  # before both periods
    take(lyon, tea, 2, MONDAY - timedelta(days=1))
    take(lyon, tea, 3, MONDAY)
    take(lyon, tea, 1, MONDAY + timedelta(days=6))

    answer = sales.performance(first_day=MONDAY, last_day=MONDAY + timedelta(days=6))

    [store] = answer.stores
    assert (store.store_id, store.name) == (lyon.id, "Lyon")
    assert store.now == PeriodFigures(Decimal("40.00"), 2, 4, Decimal("20.00"), Decimal("0.0000"))
    assert store.before.revenue == Decimal("20.00")
    assert (store.trend_percent, store.trend) == (Decimal("100.0"), Trend.UP)
    assert [day.revenue for day in store.days] == [Decimal(f"{euros}.00") for euros in (30, 0, 0, 0, 0, 0, 10)]
    assert store.days[0] == DayFigures(MONDAY, Decimal("30.00"), 1)
    assert [day.tickets for day in store.days_before] == [0, 0, 0, 0, 0, 0, 1]
    assert (answer.chain.now, answer.chain.days) == (store.now, store.days)


@pytest.mark.django_db
def test_the_chain_adds_its_stores_up() -> None:
    lyon, lille, tea = make_store("Lyon"), make_store("Lille"), make_product(price=Decimal("10.00"))
    for store, pieces in ((lyon, 1), (lille, 3)):
        put_in_stock(tea, store, 50)
        take(store, tea, pieces, MONDAY)

    answer = sales.performance(first_day=MONDAY, last_day=MONDAY)

    assert [(store.name, store.now.revenue) for store in answer.stores] == [
        ("Lille", Decimal("30.00")),
        ("Lyon", Decimal("10.00")),
    ]
    assert (answer.chain.now.revenue, answer.chain.now.tickets) == (Decimal("40.00"), 2)
    assert answer.chain.top_products == [ProductSales(tea.id, tea.sku, tea.name, 4, Decimal("40.00"))]


@pytest.mark.django_db
def test_the_best_and_the_worst_products_are_named() -> None:
    store = make_store()
    products = [make_product(name=f"Tea {number}") for number in range(7)]
    for number, product in enumerate(products, start=1):
        put_in_stock(product, store, 10)
        take(store, product, number, MONDAY)

    [figures] = sales.performance(first_day=MONDAY, last_day=MONDAY).stores

    assert [row.name for row in figures.top_products] == ["Tea 6", "Tea 5", "Tea 4", "Tea 3", "Tea 2"]
    assert [(row.name, row.pieces) for row in figures.bottom_products][:2] == [("Tea 0", 1), ("Tea 1", 2)]
    assert len(figures.bottom_products) == 5


@pytest.mark.django_db
def test_the_stock_stands_beside_the_sales() -> None:
    make_warehouse()
    store = make_store()
    names = ("gone", "archived", "low", "over")
    gone, archived, low, over = (make_product(name=name, price=Decimal("10.00")) for name in names)
    now = datetime.now(UTC)
    for product in (gone, archived):
        receive(store, product, 7, now - timedelta(days=40))
        sell(product, store, 7, sold_at=now - timedelta(days=14, minutes=1))
    catalog.archive_product(product_id=archived.id)
    put_in_stock(low, store, 3)
    put_in_stock(over, store, 50)
    set_thresholds(store, over, 50, Thresholds(target=20))
    set_thresholds(store, gone, 0, Thresholds(reorder_point=0))
    set_thresholds(store, archived, 0, Thresholds(reorder_point=0))

    [figures] = sales.performance(first_day=MONDAY, last_day=MONDAY).stores

    assert (figures.stock_outs, figures.lost_sales) == (1, Decimal("70.00"))
    assert (figures.low_stock, figures.overstock, figures.dead_stock, figures.days_of_cover) == (1, 1, 0, 212)
    assert figures.pending_requests == 0


@pytest.mark.django_db
def test_how_stock_stands_is_looked_at_for_the_reader_and_kept_for_minutes() -> None:
    warehouse, lyon, lille, tea = make_warehouse(), make_store("Lyon"), make_store("Lille"), make_product()
    put_in_stock(tea, warehouse, 40)
    for store in (lyon, lille):
        put_in_stock(tea, store, 3)
    now = datetime.now(UTC)
    sales.keep_stock_health(now=now - timedelta(minutes=4))
    sell(tea, lyon, 3)

    def stands() -> tuple[list[tuple[str, int, datetime]], datetime]:
        answer = sales.performance(first_day=MONDAY, last_day=MONDAY)
        return [(one.name, one.stock_outs, one.stock_as_of) for one in answer.stores], answer.chain.stock_as_of

    kept = now - timedelta(minutes=4)
    assert stands() == ([("Lille", 0, kept), ("Lyon", 0, kept)], kept)

    kept = datetime.now(UTC)
    sales.keep_stock_health(now=kept)
    assert stands() == ([("Lille", 0, kept), ("Lyon", 1, kept)], kept)
    assert sales.performance(first_day=MONDAY, last_day=MONDAY).chain.stock_outs == 1


@pytest.mark.django_db
def test_where_nobody_has_looked_for_long_whoever_asks_does() -> None:
    make_warehouse()
    lyon, lille, tea = make_store("Lyon"), make_store("Lille"), make_product()
    put_in_stock(tea, lyon, 3)
    now = datetime.now(UTC)
    sales.keep_stock_health(now=now - timedelta(minutes=5, seconds=1))
    opened_since = make_store("Metz")
    sell(tea, lyon, 3)

    answer = sales.performance(first_day=MONDAY, last_day=MONDAY)

    assert [(one.store_id, one.stock_outs) for one in answer.stores] == [
        (lille.id, 0),
        (lyon.id, 1),
        (opened_since.id, 0),
    ]
    assert all(now <= one.stock_as_of <= datetime.now(UTC) for one in answer.stores)


@pytest.mark.django_db
def test_pending_requests_are_counted_by_store() -> None:
    warehouse, lyon, lille, tea = make_warehouse(), make_store("Lyon"), make_store("Lille"), make_product()
    put_in_stock(tea, warehouse, 50)
    for store in (lyon, lyon, lille):
        replenishment.request(
            request_id=new_id(),
            product_id=tea.id,
            store_id=store.id,
            quantity=1,
            actor_id=None,
            now=datetime.now(UTC),
        )

    answer = sales.performance(first_day=MONDAY, last_day=MONDAY)

    assert [store.pending_requests for store in answer.stores] == [1, 2]
    assert answer.chain.pending_requests == 3
    [only] = sales.performance(first_day=MONDAY, last_day=MONDAY, store_ids=[lille.id]).stores
    assert only.pending_requests == 1


def receive(store: Location, product: Product, quantity: int, now: datetime) -> None:
    inventory.receive(
        operation_id=new_id(),
        location_id=store.id,
        lines=[StockLine(product.id, quantity)],
        document="",
        actor_id=None,
        now=now,
    )


def set_thresholds(store: Location, product: Product, quantity: int, thresholds: Thresholds) -> None:
    inventory.count(
        operation_id=new_id(),
        location_id=store.id,
        product_id=product.id,
        quantity=quantity,
        thresholds=thresholds,
        note="",
        actor_id=None,
        now=datetime.now(UTC),
    )


@pytest.mark.django_db
def test_an_unknown_store_is_refused() -> None:
    with pytest.raises(LocationNotFound):
        sales.performance(first_day=MONDAY, last_day=MONDAY, store_ids=[new_id()])


@pytest.mark.django_db
@pytest.mark.plain_calls
def test_six_stores_cost_as_many_statements_as_one() -> None:
    def statements() -> int:
        sales.keep_stock_health(now=datetime.now(UTC))
        with CaptureQueriesContext(connection) as captured:
            sales.performance(first_day=MONDAY, last_day=MONDAY)
        return len(captured)

    def open_store() -> None:
        store = make_store()
        for product in (make_product(), make_product()):
            put_in_stock(product, store, 3)
            take(store, product, 3, MONDAY)

    open_store()
    with_one = statements()
    for _ in range(5):
        open_store()

    assert statements() == with_one == 6


# --- Hours and products ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_day_by_the_hour_goes_by_the_stores_clock() -> None:
    store, tea = make_store(time_zone="America/Toronto"), make_product(price=Decimal("10.00"))
    put_in_stock(tea, store, 9)
    for hour in (14, 14, 20):
        take(store, tea, 1, MONDAY, hour)
    take(store, tea, 1, MONDAY, 3)  # still Sunday over there

    assert sales.hours(store_id=store.id, day=MONDAY) == [
        HourFigures(9, Decimal("20.00"), 2),
        HourFigures(15, Decimal("10.00"), 1),
    ]
    with pytest.raises(LocationNotFound):
        sales.hours(store_id=new_id(), day=MONDAY)


@pytest.mark.django_db
def test_a_products_days_are_all_there() -> None:
    lyon, lille, tea = make_store(), make_store(), make_product(price=Decimal("10.00"))
    for store in (lyon, lille):
        put_in_stock(tea, store, 9)
        take(store, tea, 2, MONDAY)
    last = MONDAY + timedelta(days=2)

    days = sales.product_days(product_id=tea.id, first_day=MONDAY, last_day=last)
    of_lyon = sales.product_days(product_id=tea.id, first_day=MONDAY, last_day=last, store_ids=[lyon.id])

    assert [(day.day.day, day.revenue, day.tickets) for day in days] == [
        (16, Decimal("40.00"), 2),
        (17, Decimal("0.00"), 0),
        (18, Decimal("0.00"), 0),
    ]
    assert of_lyon[0] == DayFigures(MONDAY, Decimal("20.00"), 1)


# --- REST -----------------------------------------------------------------------------------------------------------


def get(client: Any, path: str) -> Any:
    return client.get(f"/api/v1{path}")


@pytest.mark.django_db
def test_the_dashboard_answers_for_the_stores_that_one_may_see() -> None:
    lyon, lille, tea = make_store("Lyon"), make_store("Lille"), make_product(price=Decimal("10.00"))
    for store in (lyon, lille):
        put_in_stock(tea, store, 9)
        take(store, tea, 2, MONDAY)
    path = f"/dashboard/?from={MONDAY}&to={MONDAY}"

    whole = get(client_of(Role.HEAD_OFFICE), path).json()
    own = get(client_of(Role.STORE_MANAGER, lyon), path).json()

    assert (whole["from"], whole["to"], whole["currency"]) == ("2026-11-16", "2026-11-16", "EUR")
    assert [(store["name"], store["now"]["revenue"]) for store in whole["stores"]] == [
        ("Lille", "20.00"),
        ("Lyon", "20.00"),
    ]
    assert (whole["chain"]["now"]["revenue"], whole["chain"]["trend"]) == ("40.00", "up")
    assert ([store["name"] for store in own["stores"]], own["chain"]["now"]["revenue"]) == (["Lyon"], "20.00")


@pytest.mark.django_db
def test_the_dashboard_without_a_period_shows_the_last_seven_days() -> None:
    make_store()

    answer = get(client_of(Role.HEAD_OFFICE), "/dashboard/").json()

    first, last = date.fromisoformat(answer["from"]), date.fromisoformat(answer["to"])
    assert (last - first).days == 6
    assert len(answer["chain"]["days"]) == 7


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-17&to=2026-11-16", "to"),
        ("from=2024-01-01&to=2026-11-16", "to"),
        ("to=tomorrow", "to"),
        ("from=0001-01-01", "from"),
        ("to=0001-01-03", "to"),
    ],
)
def test_a_period_that_is_none_is_refused(query: str, field: str) -> None:
    answer = get(client_of(Role.HEAD_OFFICE), f"/dashboard/?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.django_db
def test_the_dashboard_is_not_for_everybody() -> None:
    lyon, lille = make_store(), make_store()

    assert get(client_of(Role.CASHIER, lyon), "/dashboard/").status_code == 403
    assert get(client_of(Role.STORE_MANAGER, lyon), f"/dashboard/?store_id={lille.id}").status_code == 403
