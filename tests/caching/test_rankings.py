"""What sold most and least comes from the cache until something is sold or comes back, and never later."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.interface import Product, ProductChanges, catalog
from inventory.interface import Location
from sales.interface import sales
from tests.chain import make_product, make_store, make_warehouse, sell
from tests.sales.actions import give_back

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committing", "redis_server")]


@pytest.fixture
def store(committing: None) -> Location:
    make_warehouse()
    store = make_store()
    # Or each look would tell the stock of its own moment.
    sales.keep_stock_health(now=datetime.now(UTC))
    return store


def service(name: str) -> Product:
    return make_product(name=name, stocked=False)


def look() -> list[Any]:
    """Everything that shows a ranking."""
    today = datetime.now(UTC).date()
    return [
        sales.report(),
        sales.statistics(today=today),
        sales.performance(first_day=today, last_day=today),
    ]


def without_cache(settings: Any, call: Callable[[], Any]) -> Any:
    url, settings.REDIS_URL = settings.REDIS_URL, ""
    answer = call()
    settings.REDIS_URL = url
    return answer


def rankings() -> int:
    """How many statements rank something."""
    with CaptureQueriesContext(connection) as captured:
        look()
    return sum("kept_period" in query["sql"] for query in captured.captured_queries)


def test_a_ranking_is_kept_whole(store: Location, settings: Any) -> None:
    sell(service("Lamp"), store, 3)

    first = look()

    assert look() == first == without_cache(settings, look)
    assert (without_cache(settings, rankings), rankings()) == (3, 0)


def test_each_sale_and_each_return_is_seen_at_once(store: Location, settings: Any) -> None:
    lamp, vase = service("Lamp"), service("Vase")
    first = sell(lamp, store, 3)
    seen = []
    for change in (lambda: sell(vase, store, 4), lambda: give_back(first, 2), lambda: sell(lamp, store, 5)):
        look()
        change()
        told = look()
        assert told == without_cache(settings, look)
        seen.append([(product.name, product.quantity) for product in told[1].top_products])

    assert seen == [[("Vase", 4), ("Lamp", 3)], [("Vase", 4), ("Lamp", 3)], [("Lamp", 8), ("Vase", 4)]]


def test_a_new_name_is_seen_at_once(store: Location) -> None:
    lamp = service("Lamp")
    sell(lamp, store)
    look()

    catalog.update_product(product_id=lamp.id, changes=ProductChanges(name="Lantern"))

    assert [product.name for product in sales.statistics(today=datetime.now(UTC).date()).top_products] == ["Lantern"]
