"""What a page may cost: ten interface calls and thirty statements, whatever the number of stores and products."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.interface import Role
from checkout.interface import OrderStatus, checkout
from replenishment.interface import replenishment
from sales.interface import sales
from shared_kernel.ids import new_id
from shared_kernel.published import bind
from tests.chain import make_product, make_store, put_in_stock, sell
from tests.checkout.actions import NOW, order, refund
from tests.conftest import HANDLES
from tests.dashboards.conftest import Chain, visitor

pytestmark = pytest.mark.plain_calls

CALLS = 10
STATEMENTS = 30


class Counting:
    """Carries out calls, and counts those that the page itself makes, not what modules ask of each other meanwhile."""

    calls: list[str] = []
    depth = 0

    def __init__(self, implementation: Any) -> None:
        self.implementation = implementation

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.implementation, name)

        def call(**arguments: Any) -> Any:
            if Counting.depth == 0:
                Counting.calls.append(name)
            Counting.depth += 1
            try:
                return method(**arguments)
            finally:
                Counting.depth -= 1

        return call


@pytest.fixture
def counted() -> Iterator[list[str]]:
    before = [(handle, bind(handle, Counting(handle.implementation))) for handle, _ in HANDLES]
    yield Counting.calls
    for handle, implementation in before:
        bind(handle, implementation)


@pytest.fixture(params=[1, 6], ids=["one store", "six stores"])
def busy_chain(request: pytest.FixtureRequest, chain: Chain) -> Chain:
    """Sales, requests, suggestions and more products, in so many stores; two stores are there without any."""
    now = datetime.now(UTC)
    stores = [chain.lyon, *(make_store(f"Store {number}") for number in range(request.param - 1))]
    for number in range(5 * request.param):
        product = make_product(name=f"Thing {number}")
        put_in_stock(product, chain.central, 50)
        for store in stores:
            put_in_stock(product, store, 9)
            sell(product, store, quantity=9)
            replenishment.request(
                request_id=new_id(), product_id=product.id, store_id=store.id, quantity=2, actor_id=None, now=now
            )
    # As the worker does.
    replenishment.suggest(now=now)
    sales.keep_stock_health(now=datetime.now(UTC))
    return chain


PAGES = [
    "/dashboard/",
    "/dashboard/?period=28",
    "/dashboard/stores/{lyon}/",
    "/dashboard/stores/{lyon}/stock/",
    "/dashboard/stores/{lyon}/stock/?search=thing&show=low&open={keyboard}",
    "/dashboard/replenishment/",
    "/dashboard/replenishment/?tab=suggestions",
    "/dashboard/replenishment/?tab=decided",
    "/dashboard/sales/",
    "/dashboard/sales/sales.xlsx",
    "/dashboard/products/?search=thing&open={keyboard}",
    "/dashboard/products/{keyboard}/",
]


def test_each_page_keeps_its_budget(busy_chain: Chain, counted: list[str]) -> None:
    client = visitor(Role.HEAD_OFFICE)

    for path in PAGES:
        address = path.format(lyon=busy_chain.lyon.id, keyboard=busy_chain.keyboard.id)
        client.get(address)  # what is read once in the life of a process
        counted.clear()
        with CaptureQueriesContext(connection) as statements:
            answer = client.get(address)

        assert answer.status_code == 200, path
        assert 0 < len(counted) <= CALLS, (path, counted)
        assert len(statements) <= STATEMENTS, (path, [query["sql"][:120] for query in statements.captured_queries])


def place_order(chain: Chain, steps: list[OrderStatus]) -> None:
    """An order of two products from two places, taken through these steps, and refunded in part where it is paid."""
    mouse = make_product(name="Mouse")
    for place in (chain.central, chain.lyon):
        put_in_stock(mouse, place, 1)
    placed = order((chain.keyboard, 2), (mouse, 2))
    for status in steps:
        checkout.advance(order_id=placed.id, status=status, actor_id=None, now=NOW)
    if steps:
        refund(placed, (chain.keyboard, 1))


@pytest.mark.parametrize(
    ("tab", "steps"),
    [
        ("unpaid", []),
        ("pack", [OrderStatus.PAID]),
        ("packing", [OrderStatus.PAID, OrderStatus.PROCESSING]),
        ("done", [OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED]),
    ],
)
def test_twenty_orders_cost_no_more_than_one(
    chain: Chain, counted: list[str], tab: str, steps: list[OrderStatus]
) -> None:
    client, costs = visitor(Role.HEAD_OFFICE), []
    client.get("/dashboard/orders/")  # what is read once in the life of a process

    for number in (1, 19):
        for _ in range(number):
            place_order(chain, steps)
        counted.clear()
        with CaptureQueriesContext(connection) as statements:
            page = client.get(f"/dashboard/orders/?tab={tab}")
        costs.append((len(page.context["cards"]), len(counted), len(statements)))

    (one, *cost_of_one), (twenty, *cost_of_twenty) = costs
    assert (one, twenty) == (1, 20)
    assert cost_of_one == cost_of_twenty
    assert cost_of_one[0] <= CALLS
    assert cost_of_one[1] <= STATEMENTS
