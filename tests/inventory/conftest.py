from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from inventory.interface import StockRanLow
from shared_kernel import outbox

Told = Callable[[], list[tuple[int, int]]]


@pytest.fixture
def told_low() -> Iterator[Told]:
    """Tells which StockRanLow events wait for a subscriber, in order: available and reorder point of each."""

    def subscriber(event: StockRanLow) -> None:
        raise NotImplementedError

    def told() -> list[tuple[int, int]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (args #>> '{event,data,available}')::int, (args #>> '{event,data,reorder_point}')::int"
                " FROM procrastinate_jobs WHERE args ->> 'subscriber' = %s ORDER BY id",
                [name],
            )
            return cursor.fetchall()

    before = set(outbox._subscriptions)
    outbox.subscribe(StockRanLow, subscriber)
    [name] = set(outbox._subscriptions) - before
    yield told
    del outbox._subscriptions[name]
