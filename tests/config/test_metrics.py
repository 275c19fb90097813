"""`/metrics`: what Prometheus scrapes."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from inventory.interface import inventory
from tests.chain import make_product, make_store, put_in_stock
from tests.config.outage import without_database

pytestmark = pytest.mark.django_db


def samples() -> dict[str, float]:
    """The samples without labels."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.content.decode())
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_requests_are_counted() -> None:
    before = samples()["django_http_requests_before_middlewares_total"]

    Client().get("/health/live")

    # This one, and the one that asked.
    assert samples()["django_http_requests_before_middlewares_total"] == before + 2


def test_before_the_first_proof_nothing_is_said_of_the_books() -> None:
    assert [name for name in samples() if name.startswith("comptoir_stock")] == []


def test_the_latest_proof_of_the_books_is_told() -> None:
    store, now = make_store(), datetime.now(UTC)
    put_in_stock(make_product(), store, 5)
    put_in_stock(make_product(), store, 5)
    inventory.verify(now=now)
    sound = samples()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE stock_level SET on_hand = on_hand + 1")
    inventory.verify(now=now)
    wrong = samples()

    assert (sound["comptoir_stock_levels"], sound["comptoir_stock_differences"]) == (2, 0)
    assert sound["comptoir_stock_verified_timestamp_seconds"] == pytest.approx(now.timestamp())
    assert (wrong["comptoir_stock_levels"], wrong["comptoir_stock_differences"]) == (2, 2)


def test_without_a_database_a_replica_still_tells_of_itself() -> None:
    told = without_database(samples)

    assert "django_http_requests_before_middlewares_total" in told
    assert [name for name in told if name.startswith("comptoir_stock")] == []
