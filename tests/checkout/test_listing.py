"""Orders in full, several at a time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.interface import Order, OrderStatus, checkout
from tests.chain import put_in_stock
from tests.checkout.actions import Shop, order, pay, pick_up, refund

pytestmark = pytest.mark.django_db


def eventful(shop: Shop) -> Order:
    """An order of two products from two places, paid, and refunded in part, twice."""
    first, second = shop.products
    put_in_stock(second, shop.lyon, 2)
    paid = pay(order((first, 2), (second, 2)))
    for product in shop.products:
        refund(paid, (product, 1))
    return checkout.order(order_id=paid.id)


def test_an_order_in_a_list_is_all_that_it_is_alone() -> None:
    shop = Shop(100, 0)
    put_in_stock(shop.products[1], shop.lille, 2)
    orders = [eventful(shop), order((shop.product, 1))]

    listed = checkout.orders_in_full()

    assert listed == [checkout.order(order_id=each.id) for each in reversed(orders)]
    assert [len(listed[1].lines), len(listed[1].parcels), len(listed[1].refunds)] == [2, 2, 2]
    assert [line.refunded for line in listed[1].lines] == [1, 1]


def test_the_list_goes_on_after_an_order_in_either_direction() -> None:
    shop = Shop()
    ids = [order((shop.product, 1)).id for _ in range(4)]

    def found(**conditions: object) -> list[int]:
        return [ids.index(each.id) for each in checkout.orders_in_full(**conditions)]  # type: ignore[arg-type]

    assert found(limit=2) == [3, 2]
    assert found(limit=2, beyond=ids[2]) == [1, 0]
    assert found(limit=2, oldest_first=True) == [0, 1]
    assert found(limit=2, oldest_first=True, beyond=ids[1]) == [2, 3]
    assert found(beyond=ids[0]) == []


def test_orders_in_full_are_found_by_status_place_and_reference() -> None:
    shop = Shop()
    put_in_stock(shop.product, shop.lyon, 5)
    sent = pay(order((shop.product, 1)))
    picked_up = order((shop.product, 1), destination=pick_up(shop.lyon))

    def found(**conditions: object) -> list[object]:
        return [each.id for each in checkout.orders_in_full(**conditions)]  # type: ignore[arg-type]

    assert found(statuses=[OrderStatus.PAID]) == [sent.id]
    assert found(location_ids=[shop.lyon.id]) == [picked_up.id]
    assert found(location_ids=[]) == []
    assert found(reference=sent.reference.lower()) == [sent.id]
    assert found(reference="NONE") == []


@pytest.mark.plain_calls
def test_twenty_orders_take_as_many_statements_as_one() -> None:
    shop = Shop(100, 100)

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            checkout.orders_in_full()
        return len(captured)

    eventful(shop)
    one = statements()
    for _ in range(19):
        eventful(shop)

    assert [len(each.refunds) for each in checkout.orders_in_full()] == [2] * 20
    assert statements() == one == 7
