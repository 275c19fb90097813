"""What a customer may take away: everything that any module holds about them, and nothing about anybody else."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.interface import OrderStatus, checkout
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.accounts.actions import customer_client, register
from tests.chain import make_store, put_in_stock, sell
from tests.checkout.actions import Shop, fill, order, process

pytestmark = pytest.mark.django_db

EXPORT = "/api/v1/customers/me/export/"
NOW = datetime.now(UTC)


def test_a_customer_takes_away_what_every_module_holds_about_them() -> None:
    shop, store = Shop(10), make_store()
    put_in_stock(shop.product, store, 5)
    customer, other = register(), register(email="other@example.com")
    cart, holder = fill((shop.product, 2), customer_id=customer.id)
    placed = process(cart, holder)
    fill((shop.product, 1), customer_id=customer.id)
    bought = sell(shop.product, store, customer_id=customer.id)
    process(*fill((shop.product, 1), customer_id=other.id))
    sell(shop.product, store, customer_id=other.id)

    held = customer_client().get(EXPORT).json()

    assert held.keys() == {"customer", "addresses", "logins", "cart", "orders", "sales"}
    assert held["customer"]["email"] == customer.email
    assert [(each["id"], each["address"]["city"]) for each in held["orders"]] == [(str(placed.id), "Lyon")]
    assert [line["quantity"] for line in held["cart"]["lines"]] == [1]
    assert [each["id"] for each in held["sales"]] == [str(bought.id)]


def test_a_long_history_is_taken_away_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.export.AT_ONCE", 2)
    shop, customer = Shop(10), register()
    placed = [order((shop.product, 1), customer_id=customer.id) for _ in range(5)]

    held = customer_client().get(EXPORT).json()

    assert [each["id"] for each in held["orders"]] == [str(each.id) for each in reversed(placed)]


def test_which_of_the_chains_people_did_what_is_not_given_out() -> None:
    shop, customer = Shop(10), register()
    placed = order((shop.product, 1), customer_id=customer.id, actor_id=customer.id)
    checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=new_id(), now=NOW)

    [held] = customer_client().get(EXPORT).json()["orders"]

    assert [(step["step"], step["actor_id"]) for step in held["steps"]] == [
        ("placed", str(customer.id)),
        ("paid", None),
    ]


@pytest.mark.plain_calls
def test_many_orders_take_as_many_statements_as_one() -> None:
    shop, customer = Shop(100), register()
    client = customer_client()

    def taken() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(EXPORT).status_code == 200
        return len(captured)

    order((shop.product, 1), customer_id=customer.id)
    few = taken()
    for _ in range(9):
        order((shop.product, 1), customer_id=customer.id)

    assert taken() == few


def test_a_paid_order_is_among_the_sales_of_its_buyer() -> None:
    shop, customer = Shop(10), register()
    placed = order((shop.product, 1), customer_id=customer.id)
    checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=new_id(), now=NOW)
    checkout.report_sale(order_id=placed.id)

    [sale] = sales.customer_sales(customer_id=customer.id)

    assert (sale.id, sale.total) == (placed.id, Decimal("10.00"))
    assert sales.customer_sales(customer_id=customer.id, before=sale.id) == []
