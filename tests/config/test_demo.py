"""The demonstration chain: the exact facts that examples rely on, loaded once, even when the load was interrupted."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.transaction import atomic, set_rollback
from django.test import Client

from accounts.interface import Action, Role, accounts
from catalog.interface import Product, catalog
from catalog.rules import barcode_error
from checkout.interface import OrderStatus, checkout
from config import demo
from config.management.commands import load_demo
from inventory.interface import LocationKind, inventory
from replenishment.interface import replenishment
from sales.interface import sales
from shared_kernel.published import bind
from tests.chain import post

pytestmark = pytest.mark.django_db

WAREHOUSE = UUID("11111111-1111-1111-1111-111111111111")
STORES = [UUID(f"33333333-3333-3333-3333-33333333333{number}") for number in range(1, 6)]
KEYBOARD, MOUSE, COFFEE, EARPHONES, CHOCOLATE = [
    UUID(f"550e8400-e29b-41d4-a716-44665544000{number}") for number in range(1, 6)
]


class Yesterday(datetime):
    """The clock of the day before."""

    @classmethod
    def now(cls, tz: Any = None) -> Self:
        return super().now(tz) - timedelta(days=1)


class Interrupted:
    """Sales during which somebody presses Ctrl-C."""

    implementation: Any = None

    def __init__(self) -> None:
        self.left = 200

    def record_sale(self, **arguments: Any) -> Any:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.implementation.record_sale(**arguments)


def load() -> str:
    """Run the command; returns what it says."""
    said = io.StringIO()
    call_command("load_demo", stdout=said)
    return said.getvalue()


def interrupt_a_load() -> None:
    interrupted = Interrupted()
    interrupted.implementation = bind(sales, interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            load()
    finally:
        bind(sales, interrupted.implementation)


@pytest.fixture(scope="module", autouse=True)
def said(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The chain, for all tests here: its load was interrupted yesterday, and completed today."""
    with django_db_blocker.unblock(), atomic():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(load_demo, "datetime", Yesterday)
            interrupt_a_load()
        yield load()
        set_rollback(True)


def fetched(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def everything() -> dict[str, tuple[int, str]]:
    """Every table that is not empty: its rows, counted and digested."""
    tables = fetched("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tableowner = current_user")
    rows = {
        table: fetched(f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} AS t")[0]
        for (table,) in tables
    }
    return {table: digest for table, digest in rows.items() if digest[0]}


def products() -> list[Product]:
    page = catalog.product_page(limit=1000)
    assert page.count == len(page.products)
    return page.products


# --- What is there ---------------------------------------------------------------------------------------------------


def test_the_known_products_have_their_ids_names_and_prices() -> None:
    known = {product.id: (product.name, product.price, product.category) for product in products()}

    assert {product_id: known[product_id] for product_id in (KEYBOARD, MOUSE, COFFEE, EARPHONES, CHOCOLATE)} == {
        KEYBOARD: ("Clavier mécanique", Decimal("89.99"), "Informatique"),
        MOUSE: ("Souris optique", Decimal("25.50"), "Informatique"),
        COFFEE: ("Café Premium Bio", Decimal("15.99"), "Boissons"),
        EARPHONES: ("Écouteurs Bluetooth", Decimal("45.99"), "Accessoires"),
        CHOCOLATE: ("Chocolat Noir 70%", Decimal("8.99"), "Confiserie"),
    }


def test_there_are_forty_products_and_more_in_four_categories_each_with_a_barcode() -> None:
    found = products()
    barcodes = [str(product.barcode) for product in found]

    assert len(found) == 43
    assert {product.category for product in found} == {"Informatique", "Boissons", "Accessoires", "Confiserie"}
    assert [barcode for barcode in barcodes if len(barcode) != 13 or barcode_error(barcode)] == []
    assert len(set(barcodes)) == 43


def test_there_are_a_warehouse_and_five_stores() -> None:
    [central] = inventory.locations(ids=[WAREHOUSE])
    places = inventory.locations(ids=STORES)

    assert central.kind is LocationKind.WAREHOUSE
    assert inventory.central() == central
    assert {place.id for place in places} == set(STORES)
    assert all(place.kind is LocationKind.STORE and place.address for place in places)


@pytest.mark.parametrize(
    ("location_id", "keyboards", "mice"), [(STORES[0], 20, 30), (STORES[1], 20, 30), (WAREHOUSE, 100, 200)]
)
def test_the_known_stock_is_exact(location_id: UUID, keyboards: int, mice: int) -> None:
    rows = inventory.stock_levels(product_ids=[KEYBOARD, MOUSE], location_ids=[location_id])

    assert {row.product_id: (row.on_hand, row.available) for row in rows} == {
        KEYBOARD: (keyboards, keyboards),
        MOUSE: (mice, mice),
    }


def test_every_product_is_in_the_warehouse() -> None:
    rows = inventory.stock_levels(product_ids=[product.id for product in products()], location_ids=[WAREHOUSE])

    assert len(rows) == 43
    assert all(row.available > 0 for row in rows)


@pytest.mark.parametrize("store_id", STORES)
def test_every_store_has_an_empty_shelf_and_a_low_one(store_id: UUID) -> None:
    empty = inventory.location_stock(location_id=store_id, out=True).rows
    low = inventory.location_stock(location_id=store_id, low=True).rows

    assert [row.available for row in empty] == [0]
    assert {row.product_id for row in low} > {row.product_id for row in empty}


@pytest.mark.parametrize("store_id", STORES)
def test_every_store_has_sold_for_ninety_days(store_id: UUID) -> None:
    sales_of = f"SELECT DISTINCT sold_on FROM sale WHERE store_id = '{store_id}' AND pieces > 0 ORDER BY 1"
    days = [day for (day,) in fetched(sales_of)]

    # All but the Sundays, of which there are twelve or thirteen; and the day of the load, when the stores were open.
    assert len(days) in {77, 78, 79}
    assert (days[-1] - days[0]).days in {88, 89, 90}
    assert {day.weekday() for day in days} == {0, 1, 2, 3, 4, 5}
    assert timedelta(days=0) <= datetime.now(UTC).date() - days[-1] <= timedelta(days=5)


def test_the_books_agree() -> None:
    proof = inventory.verify(now=datetime.now(UTC))

    assert (proof.levels, proof.differences) == (6 * 43, [])


@pytest.mark.parametrize(
    ("login", "role", "stores"),
    [
        ("cashier", Role.CASHIER, {STORES[0]}),
        ("manager", Role.STORE_MANAGER, {STORES[0]}),
        ("warehouse", Role.WAREHOUSE, frozenset()),
        ("catalog", Role.CATALOG_MANAGER, frozenset()),
        ("head", Role.HEAD_OFFICE, None),
    ],
)
def test_staff_of_each_role_log_in(login: str, role: Role, stores: set[UUID] | None) -> None:
    answer = post(Client(), "/auth/login/", {"email": f"{login}@demo.example", "password": "demo-comptoir"})

    assert answer.status_code == 200
    actor = accounts.actor_of_token(access_token=answer.json()["access"])
    assert actor.roles == {role}
    assert actor.stores_for(Action.SELL) == stores


# --- Loading ---------------------------------------------------------------------------------------------------------


def test_an_interrupted_load_goes_on_where_it_stopped(said: str) -> None:
    [(recorded, references, returns)] = fetched(
        "SELECT count(*), count(DISTINCT client_reference), count(*) FILTER (WHERE pieces_returned > 0)"
        " FROM sale WHERE channel = 'till'"
    )

    assert said == f"Loaded 5 stores, 43 products, {recorded - returns} sales, {returns} returns and 13 orders.\n"
    assert recorded == references > 2000
    assert returns > 40


def test_the_web_shop_has_orders_at_every_step() -> None:
    orders = checkout.orders_in_full(limit=100)

    assert {figures.status: figures.orders for figures in checkout.figures()} == {
        OrderStatus.PENDING: 2,
        OrderStatus.PAID: 5,
        OrderStatus.PROCESSING: 2,
        OrderStatus.COMPLETED: 2,
        OrderStatus.CANCELLED: 1,
        OrderStatus.REFUNDED: 1,
    }
    assert [order.status for order in reversed(orders)] == [ordered.status for ordered in demo.ORDERS]
    assert {order.pickup_store_id for order in orders} == {None, STORES[0], STORES[1], STORES[2]}
    assert {parcel.location_id for order in orders for parcel in order.parcels} == {WAREHOUSE, *STORES[:3]}


def test_what_the_web_shop_sold_is_in_the_books_once() -> None:
    online = dict(fetched("SELECT id, pieces_returned FROM sale WHERE channel = 'online'"))
    paid = [order for order in checkout.orders_in_full(limit=100) if order.payments]
    refunds = {refund.id: -refund.amount for order in paid for refund in order.refunds}

    assert sales.totals(sale_ids=list(online)) == {order.id: order.total for order in paid} | refunds
    assert len(paid) == 10
    assert sorted(refunds.values()) == [Decimal("-59.90"), Decimal("-12.90")]
    assert [online[refund_id] for refund_id in refunds] == [1, 1]


def test_an_order_that_was_cut_off_is_taken_up_and_none_is_taken_twice() -> None:
    product_ids = load_demo.ensure_products(now=datetime.now(UTC))
    before = everything()

    for number, ordered in enumerate(demo.ORDERS):
        load_demo.take_order(number, ordered, product_ids, now=load_demo.begun_at(product_ids))

    assert everything() == before


def test_stores_have_asked_the_warehouse_for_goods() -> None:
    page = replenishment.requests()

    assert sorted(request.status for request in page.requests) == ["approved", *["pending"] * 5, "rejected"]
    assert all(request.central_available is not None for request in page.requests)
    assert replenishment.suggestions().count > 5


def test_a_till_is_open() -> None:
    [session] = sales.open_till_sessions()

    assert (session.store_id, session.till, session.opening_float) == (STORES[0], "1", Decimal("150.00"))


def test_a_second_load_changes_nothing() -> None:
    before = everything()

    assert load() == "The demonstration chain is there already.\n"

    assert everything() == before
    assert len(before) > 10


def test_production_takes_no_demonstration(settings: Any) -> None:
    settings.COMPTOIR_PRODUCTION = True
    before = everything()

    with pytest.raises(CommandError, match=r"^This is a production installation: demo accounts must not exist here\.$"):
        load()

    assert everything() == before
