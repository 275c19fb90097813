from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from replenishment.interface import ReplenishmentApproved, ReplenishmentRejected, ReplenishmentRequested
from shared_kernel import outbox
from shared_kernel.events import Event
from tests.journeys.conftest import deadlocks
from tests.threads import empty_queue

Told = Callable[[], list[str]]


@pytest.fixture
def told() -> Iterator[Told]:
    """Tells the types of the replenishment's events that wait for a subscriber, in order."""

    def subscriber(event: Event) -> None:
        raise NotImplementedError

    def waiting() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT args #>> '{event,type}' FROM procrastinate_jobs WHERE args ->> 'subscriber' = %s ORDER BY id",
                [name],
            )
            return [row[0] for row in cursor.fetchall()]

    before = set(outbox._subscriptions)
    outbox.subscribe(Event, subscriber)
    [name] = set(outbox._subscriptions) - before
    kinds = {kind.type for kind in (ReplenishmentRequested, ReplenishmentApproved, ReplenishmentRejected)}
    yield lambda: [kind for kind in waiting() if kind in kinds]
    del outbox._subscriptions[name]


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Fails when Postgres has ended a deadlock in the test's database, even one that somebody made up for."""
    before = deadlocks()
    yield
    empty_queue()
    assert deadlocks() == before
