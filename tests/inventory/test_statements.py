"""What calls cost the database: as many statements for ten lines as for one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.interface import inventory
from sales.interface import SoldItem
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, make_warehouse, sell
from tests.inventory.actions import HOUR, NOW, Pieces, adjust, count, issue, lines, receive, reserve, transfer

pytestmark = [pytest.mark.django_db, pytest.mark.plain_calls]


class Shop:
    """A store and a warehouse that hold nine pieces of some products, and an order of one piece of each."""

    def __init__(self, size: int) -> None:
        self.store, self.warehouse = make_store(), make_warehouse()
        self.products = [make_product() for _ in range(size)]
        self.pieces: list[Pieces] = [(product, 1) for product in self.products]
        for place in (self.store, self.warehouse):
            receive(place, *((product, 9) for product in self.products), actor_id=new_id())
        self.order_id: UUID = new_id()
        reserve(self.store, *self.pieces, order_id=self.order_id)

    def sell(self) -> Any:
        return sell(self.products[0], self.store, items=[SoldItem(1, product.id) for product in self.products])


CALLS: list[tuple[str, int, Callable[[Shop], Any]]] = [
    ("sale", 4, Shop.sell),
    ("issue", 1, lambda shop: issue(shop.store, *shop.pieces)),
    ("receive", 4, lambda shop: receive(shop.store, *shop.pieces)),
    ("adjust", 4, lambda shop: adjust(shop.store, *shop.pieces)),
    ("transfer", 5, lambda shop: transfer(shop.warehouse, shop.store, *shop.pieces)),
    ("count", 7, lambda shop: count(shop.store, shop.products[0], 8)),
    ("reserve", 3, lambda shop: reserve(shop.store, *shop.pieces)),
    ("extend", 3, lambda shop: inventory.extend(order_id=shop.order_id, until=NOW + HOUR, now=NOW)),
    ("confirm", 3, lambda shop: inventory.confirm(order_id=shop.order_id, actor_id=None, now=NOW)),
    ("release", 3, lambda shop: inventory.release(order_id=shop.order_id, now=NOW)),
    ("availability", 2, lambda shop: inventory.availability(lines=lines(*shop.pieces))),
    ("held stock", 1, lambda shop: inventory.held_stock(location_ids=[shop.store.id])),
    ("online stock", 1, lambda shop: inventory.online_stock(product_ids=[product.id for product in shop.products])),
    ("stock of a place", 4, lambda shop: inventory.location_stock(location_id=shop.store.id)),
    ("what is low there", 5, lambda shop: inventory.location_stock(location_id=shop.store.id, low=True)),
    ("the ledger", 4, lambda shop: inventory.movements()),
]


@pytest.mark.parametrize("size", [1, 10])
@pytest.mark.parametrize(("expected", "call"), [pytest.param(*rest, id=name) for name, *rest in CALLS])
def test_a_call_takes_as_many_statements_for_ten_lines_as_for_one(
    expected: int, call: Callable[[Shop], Any], size: int
) -> None:
    shop = Shop(size)

    with CaptureQueriesContext(connection) as captured:
        call(shop)

    assert len(captured) == expected, [query["sql"] for query in captured]
