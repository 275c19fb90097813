import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from shared_kernel import outbox
from shared_kernel.events import Event

Published = Callable[[], list[tuple[str, dict[str, Any]]]]


def listen(event: Event) -> None:
    """A subscriber to everything, which no worker ever serves: the tests look at the jobs that wait for it."""


@pytest.fixture
def published(db: None) -> Iterator[Published]:
    """Tells the events that wait for a subscriber, in order: type and data of each."""
    name = f"{listen.__module__}.listen"

    def told() -> list[tuple[str, dict[str, Any]]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT args #>> '{event,type}', args #> '{event,data}' FROM procrastinate_jobs"
                " WHERE args ->> 'subscriber' = %s ORDER BY id",
                [name],
            )
            return [(event_type, json.loads(data)) for event_type, data in cursor.fetchall()]

    outbox.subscribe(Event, listen)
    yield told
    del outbox._subscriptions[name]
    # Where a test commits, its jobs would outlive it: Django's flush knows no unmanaged tables.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
