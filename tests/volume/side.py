"""One of the chains, in a process of its own: it sends the requests it is asked for, and says how long they took."""

import logging
import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, cycle, islice
from multiprocessing.connection import Connection
from random import Random
from typing import TYPE_CHECKING

from config import gunicorn

if TYPE_CHECKING:
    from django.test import Client

    from tests.bench.cases import Case
    from tests.bench.chain import Chain

# So many of the most popular products, and stores, are in the requests.
PRODUCTS = 1000
STORES = 5
# Of each of them in each of those stores: no run sells them all.
PIECES = 100_000
BASKETS = 20
# So often at least it does what the worker does every minute.
KEPT_SECONDS = 120


def serve(pipe: Connection, url: str) -> None:
    """Answer `(case, requests)` with their milliseconds, until the pipe is closed; first, with the cases' names."""
    os.environ["DATABASE_URL"] = url
    import django

    django.setup()
    logging.disable(logging.WARNING)  # of the requests; and 404s are failures here

    built = _chain()
    found = {case.name: case for case in cases_of(built)}
    pipe.send(list(found))
    gunicorn.post_worker_init(None)
    askers = {name: Asker(case) for name, case in found.items()}
    kept = -float("inf")
    while True:
        try:
            name, number = pipe.recv()
        except EOFError:
            return
        if time.monotonic() - kept > KEPT_SECONDS:
            _keep()
            kept = time.monotonic()
        pipe.send(askers[name].measured(number))


def _keep() -> None:
    """What the worker does every minute for those who read figures."""
    from sales.interface import sales

    now = datetime.now(UTC)
    sales.keep_facts(today=now.date())
    sales.keep_stock_health(now=now)


class Asker:
    """Whoever sends a case's requests, without an end: all in turn, or new ones where each can be sent once."""

    def __init__(self, case: "Case") -> None:
        lots = Random(case.name)  # noqa: S311 which product is looked at is no secret
        self.case = case
        self.requests = (
            (request for _ in count() for request in case.some(10))
            if case.new
            else cycle(lots.sample(case.requests, len(case.requests)))
        )
        self.client: Client | None = None

    def measured(self, number: int) -> list[float]:
        """The milliseconds that so many requests took. Raises AssertionError for any answer but a success."""
        from django.test import Client

        from tests.bench.cases import once

        # Not before: a token holds for ten minutes.
        self.client = self.client or Client(SERVER_NAME="127.0.0.1", headers=dict(self.case.caller()))
        times = []
        for request in islice(self.requests, number):
            begun = time.perf_counter()
            once(self.case, self.client, request)
            times.append((time.perf_counter() - begun) * 1000)
        return times


def _chain() -> "Chain":
    """What the requests name of the chain that is there; and who calls."""
    from accounts.interface import Role
    from catalog.interface import catalog
    from inventory.interface import StockLine, inventory
    from shared_kernel.ids import part_of
    from tests.bench.chain import Chain, open_carts
    from tests.chain import make_person

    stores = inventory.stores()[:STORES]
    skus = [f"P{number:07}" for number in range(PRODUCTS)]
    products = [known.id for known in catalog.known_products(skus=skus)]
    for store in stores:
        inventory.receive(
            operation_id=part_of(store.id, "volume"),
            location_id=store.id,
            lines=[StockLine(one, PIECES) for one in products],
            document="delivery",
            actor_id=None,
            now=datetime.now(UTC),
        )
    people = {Role.CASHIER: make_person(Role.CASHIER, *stores)}
    people |= {role: make_person(role) for role in (Role.WAREHOUSE, Role.HEAD_OFFICE)}
    return Chain([store.id for store in stores], products, people, open_carts(BASKETS))


def cases_of(built: "Chain") -> "list[Case]":
    """The bench's, and all lists, figures and pages."""
    from accounts.interface import Role
    from tests.bench.cases import API, Case, Request, cases

    token, session = partial(built.token, Role.HEAD_OFFICE), partial(built.session, Role.HEAD_OFFICE)
    today = datetime.now(UTC).date()
    store, product = built.store_id, built.product_ids[0]

    def days(number: int) -> str:
        return f"from={today - timedelta(days=number - 1)}&to={today}"

    answers = {
        "products of a category": f"{API}/products/?category=Cuisine",
        "products in stock": f"{API}/products/?in_stock=true",
        "central stock": f"{API}/stock/central/",
        "low stock of a store": f"{API}/stores/{store}/stock/?low=true",
        "overstock of a store": f"{API}/stores/{store}/stock/?over=true",
        "a product's stock everywhere": f"{API}/products/{product}/stock/",
        "stock movements": f"{API}/stock/movements/",
        "stock movements of a product": f"{API}/stock/movements/?product_id={product}",
        "discrepancies": f"{API}/stock/discrepancies/",
        "sales of a store": f"{API}/stores/{store}/sales/",
        "till sessions": f"{API}/till-sessions/",
        "requests to the warehouse": f"{API}/replenishment-requests/",
        "suggestions": f"{API}/replenishment-suggestions/",
        "orders": f"{API}/orders/",
        "order statistics": f"{API}/orders/stats/",
        "customers": f"{API}/customers/",
        "report, 30 days": f"{API}/reports/sales/?{days(30)}",
        "report, all time": f"{API}/reports/sales/",
        "statistics": f"{API}/reports/statistics/",
        "dashboard, 7 days": f"{API}/dashboard/?{days(7)}",
        "dashboard, 28 days": f"{API}/dashboard/?{days(28)}",
        "dashboard, 90 days": f"{API}/dashboard/?{days(90)}",
        "dashboard of a store, 28 days": f"{API}/dashboard/?{days(28)}&store_id={store}",
    }
    pages = {
        "page: chain": "/dashboard/",
        "page: store": f"/dashboard/stores/{store}/",
        "page: stock of a store": f"/dashboard/stores/{store}/stock/",
        "page: replenishment": "/dashboard/replenishment/",
        "page: orders": "/dashboard/orders/",
        "page: report": "/dashboard/sales/",
        "page: products": "/dashboard/products/",
        "page: product": f"/dashboard/products/{product}/",
        "admin: sales": "/admin/sales/sale/",
        "admin: products": "/admin/catalog/product/",
        "admin: stock levels": "/admin/inventory/stocklevel/",
        "admin: stock movements": "/admin/inventory/stockmovement/",
        "admin: people": "/admin/accounts/customer/",
    }
    # What does not ask the database, or takes the worker, and what is named below with its days.
    left_out = {"hello", "whole order", "consolidated report", "chain dashboard"}
    known = [case for case in cases(built) if case.name not in left_out]
    return [
        *known,
        *(Case(name, [Request("GET", path)], caller=token) for name, path in answers.items()),
        *(Case(name, [Request("GET", path)], caller=session) for name, path in pages.items()),
    ]
