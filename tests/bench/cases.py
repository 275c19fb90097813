"""What is measured: each case's requests, what they write, and the script that sends the same SQL."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.test import Client

from accounts.interface import Role
from cart import models as carts
from checkout import models as checkout
from checkout.interface import OrderStatus
from replenishment import models as replenishment
from replenishment.interface import RequestStatus
from sales import models as sales
from tests.bench import shopper
from tests.bench.chain import WHATS, Basket, Chain
from tests.bench.statements import PRODUCT, SALE, STORE, Script, captured, script
from tests.checkout.actions import EMAIL, HOME

LINES = 10  # of the longer sale, and of the question what is available
PAGES = 50
PAGE_SIZE = 20
KINDS = 3  # so many products come into a cart
API = "/api/v1"

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """An HTTP request; its own headers come beside its case's."""

    method: str
    path: str
    body: str = ""
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """Requests that are sent at random, again and again; or, with `new`, so many that can be sent once.

    `caller` gives the headers that say who calls. `written` counts the rows of which every answered request makes one.
    `varies` says of how many products the first one that the SQL names is one, `stores` of how many the store;
    `not_replayed`, why pgbench does not send the SQL. A `whole` order is `shopper`'s business: its requests are what
    goes into the carts.
    """

    name: str
    requests: Sequence[Request] = ()
    new: Callable[[int], list[Request]] | None = None
    caller: Callable[[], Headers] = dict
    written: Callable[[], int] | None = None
    varies: int = 1
    stores: int = 1
    not_replayed: str = ""
    whole: bool = False

    def some(self, count: int) -> Sequence[Request]:
        """Requests to send; of those that can be sent once, so many."""
        return self.new(count) if self.new else self.requests


def cases(chain: Chain) -> list[Case]:
    """All cases, in the order of the table."""
    products, store = chain.product_ids, f"{API}/stores/{chain.store_id}"
    cashier, head = partial(chain.token, Role.CASHIER), partial(chain.token, Role.HEAD_OFFICE)
    pages = range(1, max(1, min(PAGES, len(products) // PAGE_SIZE)) + 1)
    starts = range(len(products) - LINES + 1)
    days = f"from={date.today() - timedelta(days=30)}&to={date.today()}"  # noqa: DTZ011 any days will do
    return [
        Case("hello", _reads("/health/live"), not_replayed="it asks the database nothing"),
        Case("product by id", _reads(*(f"{API}/products/{one}/" for one in products)), varies=len(products)),
        Case("product list", _reads(*(f"{API}/products/?page={number}" for number in pages))),
        Case("search", _reads(*(f"{API}/products/?search={what}" for what in WHATS))),
        Case("store stock", _reads(*(f"{store}/stock/?page={number}" for number in pages)), caller=cashier),
        Case(
            "stock read",
            _reads(*(f"{store}/products/{one}/stock/" for one in products)),
            caller=cashier,
            varies=len(products),
        ),
        Case(
            f"availability of {LINES} lines",
            [_availability(products[start : start + LINES]) for start in starts],
            varies=len(starts),
        ),
        *(
            Case(
                f"till sale of {name}",
                [_sale(chain.store_ids[start % stores], products[start : start + lines]) for start in some],
                caller=cashier,
                written=sales.Sale.objects.count,
                varies=len(some),
                stores=stores,
            )
            for name, lines, some, stores in [
                ("1 line (spread)", 1, range(len(products)), len(chain.store_ids)),
                ("1 line (hot item)", 1, range(1), 1),
                (f"{LINES} lines (spread)", LINES, starts, len(chain.store_ids)),
                (f"{LINES} lines (hot items)", LINES, range(1), 1),
            ]
        ),
        Case(
            "add to cart",
            [
                _item(products[(number + kind) % len(products)], basket)
                for number, basket in enumerate(chain.baskets)
                for kind in range(KINDS)
            ],
            written=carts.Change.objects.count,
            not_replayed="it writes to a cart's line by an id that it has just read",
        ),
        Case(
            "checkout/process",
            new=partial(_checkouts, chain),
            written=checkout.Order.objects.count,
            not_replayed="each cart is ordered once, and its order written by ids that were just read",
        ),
        Case(
            "whole order",
            # The cart is made on the way.
            [Request("POST", "", json.dumps({"product_id": str(one), "quantity": 1})) for one in products],
            written=checkout.Order.objects.filter(status=OrderStatus.PAID).count,
            not_replayed="its five requests and the worker's part each start from the answer before",
            whole=True,
        ),
        Case(
            "approve a request",
            new=partial(_approvals, chain),
            caller=partial(chain.token, Role.WAREHOUSE),
            written=replenishment.Request.objects.filter(status=RequestStatus.APPROVED).count,
            not_replayed="each request is approved once",
        ),
        Case("consolidated report", _reads(f"{API}/reports/sales/?{days}"), caller=head),
        Case("chain dashboard", _reads("/dashboard/"), caller=partial(chain.session, Role.HEAD_OFFICE)),
    ]


def replay(case: Case, chain: Chain) -> Script:
    """What one of the case's requests sends to the database, and how many statements that is."""
    client = Client(SERVER_NAME="127.0.0.1", headers=dict(case.caller()))
    # Whatever only the first request asks is not part of it.
    first, second = case.some(2) if case.new else [case.requests[0]] * 2
    once(case, client, first)
    answer, statements = captured(partial(once, case, client, second))
    ids = {one: PRODUCT.format(further=number) for number, one in enumerate(chain.product_ids[:LINES])}
    ids[chain.store_id] = STORE
    if case.written and not case.not_replayed:
        ids[UUID(answer["id"])] = SALE
    return script(statements, ids=ids, products=case.varies, stores=case.stores)


def once(case: Case, client: Client, request: Request) -> Any:
    """What comes of a request of the case in this process: JSON, or the bytes of a page."""
    call = partial(_call, client)
    if case.whole:
        return shopper.order(call, request.body)
    status, answer = call(request.method, request.path, request.body, request.headers)
    assert 200 <= status < 300, answer
    return answer


def _call(client: Client, method: str, path: str, body: str, headers: Headers) -> tuple[int, Any]:
    answer = client.generic(method, path, body, "application/json", headers=dict(headers))
    is_json = "json" in answer.headers["Content-Type"]
    return answer.status_code, answer.json() if is_json else answer.content


def _reads(*paths: str) -> list[Request]:
    return [Request("GET", path) for path in paths]


def _lines(product_ids: Sequence[UUID]) -> list[dict[str, object]]:
    """A piece of each."""
    return [{"product_id": str(one), "quantity": 1} for one in product_ids]


def _availability(product_ids: Sequence[UUID]) -> Request:
    return _post("/stock/check-availability/", {"items": _lines(product_ids)})


def _sale(store_id: UUID, product_ids: Sequence[UUID]) -> Request:
    """Paid in cash."""
    return _post("/sales/", {"store_id": str(store_id), "lines": _lines(product_ids)})


def _item(product_id: UUID, basket: Basket) -> Request:
    return _post(f"/cart/{basket.id}/items/", {"product_id": str(product_id), "quantity": 1}, basket)


def _checkouts(chain: Chain, count: int) -> list[Request]:
    """Of carts with a line each; every other order is picked up in the store, the others are sent."""
    places = [{"pickup_store_id": str(chain.store_id)}, {"shipping_address": asdict(HOME)}]
    return [
        _post("/checkout/process/", {"cart_id": str(basket.id), "email": EMAIL} | places[number % len(places)], basket)
        for number, basket in enumerate(chain.carts(count))
    ]


def _approvals(chain: Chain, count: int) -> list[Request]:
    return [Request("POST", f"{API}/replenishment-requests/{one}/approve/") for one in chain.requests(count)]


def _post(path: str, body: Any, basket: Basket | None = None) -> Request:
    headers = {"X-Cart-Token": basket.token} if basket else {}
    return Request("POST", f"{API}{path}", json.dumps(body), headers)
