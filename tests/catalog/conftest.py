import json
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.db import connection

from shared_kernel import outbox
from shared_kernel.events import Event

# A machine busy with other tests may take its time over one example.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

Published = Callable[[], list[tuple[str, dict[str, Any]]]]


def listen(event: Event) -> None:
    """A subscriber to everything; the tests look at the jobs that wait for it."""
    raise NotImplementedError


@pytest.fixture(autouse=True)
def uncollected_static_files(settings: Any) -> None:
    """Pages name their files as they are, without a manifest of collected ones."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


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
