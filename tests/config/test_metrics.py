"""`/metrics`: what Prometheus scrapes."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from inventory.interface import inventory
from shared_kernel.ids import new_id
from shared_kernel.jobs import queues
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


def test_what_waits_for_the_worker_is_told_of_every_queue() -> None:
    def told() -> dict[tuple[str, str], float]:
        families = text_string_to_metric_families(Client().get("/metrics").content.decode())
        jobs = [sample for family in families for sample in family.samples if sample.name == "comptoir_jobs"]
        return {(sample.labels["queue"], sample.labels["state"]): sample.value for sample in jobs}

    assert {queue for queue, _ in told()} == {task.queue for task in app.tasks.values()}
    assert set(told().values()) == {0}
    with connection.cursor() as cursor:
        for scheduled_at, status in [("NULL", "todo"), ("now() + interval '1 hour'", "todo"), ("NULL", "doing")]:
            cursor.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at, status)"
                f" VALUES ('mail', 'a task', {scheduled_at}, '{status}')"
            )
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '10 minutes' WHERE type = 'deferred'")

    assert {state: number for (queue, state), number in told().items() if queue == "mail"} == {
        "due": 1,
        "later": 1,
        "doing": 1,
    }
    [mail] = [queue for queue in queues() if queue.name == "mail"]
    assert mail.seconds == pytest.approx(600)


def test_refusals_are_counted_by_their_code() -> None:
    def refused() -> float:
        return REGISTRY.get_sample_value("comptoir_refusals_total", {"code": "product_not_found"}) or 0

    before = refused()
    assert Client().get(f"/api/v1/products/{new_id()}/").status_code == 404

    assert refused() == before + 1


def test_the_database_tells_of_itself() -> None:
    told = samples()

    assert told["comptoir_database_bytes"] > 1_000_000
    assert told["comptoir_database_connections_most"] >= 100
    assert told["comptoir_database_deadlocks_total"] >= 0
