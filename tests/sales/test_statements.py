"""What tickets and tills cost the database: as many statements for ten lines as for one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sales.interface import OfflineItem, ReturnedItem, SoldItem, sales
from tests.chain import make_product, make_store, put_in_stock
from tests.sales.actions import close_till, offline, open_till, send, ticket

pytestmark = [pytest.mark.django_db, pytest.mark.plain_calls]


class Shop:
    """A store that holds nine pieces of some products and has sold one of each, with as many open tills."""

    def __init__(self, size: int) -> None:
        self.store = make_store()
        self.products = [make_product() for _ in range(size)]
        for product in self.products:
            put_in_stock(product, self.store, 9)
        self.tills = [open_till(self.store, till=f"Till {number}") for number in range(size)]
        self.items = [SoldItem(1, product.id) for product in self.products]
        self.sold = ticket(self.store, items=self.items, till_session_id=self.tills[0].id)
        self.returns = [ReturnedItem(self.sold.id, line.position, 1) for line in self.sold.lines]

    def offline(self) -> Any:
        return offline(self.store, *[OfflineItem(1, product.id) for product in self.products])


CALLS: list[tuple[str, int, Callable[[Shop], Any]]] = [
    ("sale", 4, lambda shop: ticket(shop.store, items=shop.items)),
    ("sale with a reference", 5, lambda shop: ticket(shop.store, items=shop.items, client_reference="T1/9")),
    ("sale in a till", 6, lambda shop: ticket(shop.store, items=shop.items, till_session_id=shop.tills[0].id)),
    ("return", 11, lambda shop: ticket(shop.store, returns=shop.returns)),
    ("exchange", 12, lambda shop: ticket(shop.store, items=shop.items, returns=shop.returns)),
    ("sale made offline", 11, lambda shop: send(shop.offline())),
    ("one sale", 3, lambda shop: sales.sale(sale_id=shop.sold.id)),
    ("a receipt", 4, lambda shop: sales.receipt(sale_id=shop.sold.id)),
    ("what is open", 4, lambda shop: sales.open_till_sessions()),
    ("a till", 7, lambda shop: sales.till_session(session_id=shop.tills[0].id)),
    ("a closing", 16, lambda shop: close_till(shop.tills[0], "100.00")),
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
