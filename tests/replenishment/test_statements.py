"""What calls cost the database: as many statements for twenty rows as for one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from replenishment.interface import RequestStatus, replenishment
from shared_kernel.ids import new_id
from tests.chain import put_in_stock
from tests.replenishment.actions import (
    NOW,
    Chain,
    approve,
    receive,
    reject,
    request,
    ship,
    suggest_product,
)

pytestmark = [pytest.mark.django_db, pytest.mark.plain_calls]


class Shop:
    """Stores that each have a pending request and a suggestion."""

    def __init__(self, size: int, *, transit: bool = False) -> None:
        self.chains = [Chain(store=1, transit=transit) for _ in range(size)]
        self.stores = [chain.store.id for chain in self.chains]
        self.pending = [request(chain, 2, actor_id=new_id()) for chain in self.chains]
        for _ in range(size):
            Chain(store=1, transit=transit)
        assert replenishment.suggest(now=NOW) == size


LISTS: list[tuple[str, int, Callable[[Shop], Any]]] = [
    ("requests", 7, lambda shop: replenishment.requests(limit=100)),
    (
        "requests of stores",
        7,
        lambda shop: replenishment.requests(store_ids=shop.stores, statuses=[RequestStatus.PENDING]),
    ),
    ("suggestions", 4, lambda shop: replenishment.suggestions(limit=100)),
    ("pending by store", 1, lambda shop: replenishment.pending_by_store(store_ids=shop.stores)),
]


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize(("expected", "call"), [pytest.param(*rest, id=name) for name, *rest in LISTS])
def test_a_list_takes_as_many_statements_for_twenty_rows_as_for_one(
    expected: int, call: Callable[[Shop], Any], size: int
) -> None:
    shop = Shop(size)

    with CaptureQueriesContext(connection) as captured:
        call(shop)

    assert len(captured) == expected, [query["sql"] for query in captured]


WRITES: list[tuple[str, int, Callable[[Shop], Any]]] = [
    ("request", 15, lambda shop: request(shop.chains[0], 1)),
    ("approve", 13, lambda shop: approve(shop.pending[0])),
    ("reject", 7, lambda shop: reject(shop.pending[0])),
    ("suggest one", 12, lambda shop: suggest_product(shop.chains[0])),
]


@pytest.mark.parametrize(("most", "call"), [pytest.param(*rest, id=name) for name, *rest in WRITES])
def test_a_write_takes_few_statements(most: int, call: Callable[[Shop], Any]) -> None:
    shop = Shop(1)

    with CaptureQueriesContext(connection) as captured:
        call(shop)

    assert len(captured) <= most, [query["sql"] for query in captured]


def test_each_step_of_goods_that_travel_takes_few_statements() -> None:
    shop = Shop(1, transit=True)

    for step in (approve, ship, receive):
        with CaptureQueriesContext(connection) as captured:
            step(shop.pending[0])
        assert len(captured) <= 13, [query["sql"] for query in captured]


def test_a_stores_suggestions_take_as_many_statements_for_twenty_products_as_for_one() -> None:
    def statements(products: int) -> int:
        chain = Chain(store=1)
        for other in [Chain() for _ in range(products - 1)]:
            put_in_stock(other.product, chain.store, 1)
        with CaptureQueriesContext(connection) as captured:
            assert replenishment.suggest(store_ids=[chain.store.id], now=NOW) == products
        return len(captured)

    assert statements(20) == statements(1)
