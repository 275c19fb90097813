"""Health: whether a replica lives, and whether it can serve."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.config.outage import without_database

pytestmark = pytest.mark.django_db

LIVE, READY = "/health/live", "/health/ready"


def ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get(READY)
    return answer.status_code, answer.json()


def test_a_replica_that_answers_lives() -> None:
    answer = Client().get(LIVE)

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_a_replica_is_ready_when_all_it_needs_is_there() -> None:
    assert ready() == (
        200,
        {
            "status": "ready",
            "database": "ok",
            "migrations": "ok",
            "queue": "ok",
            "cache": "none",
            "modules": dict.fromkeys(settings.COMPTOIR_MODULES, "in process"),
        },
    )


def test_it_is_not_while_migrations_are_missing() -> None:
    [latest] = MigrationLoader(connection).graph.leaf_nodes("sales")
    MigrationRecorder(connection).record_unapplied(*latest)

    status, body = ready()

    assert (status, body["status"], body["database"]) == (503, "not ready", "ok")
    assert body["migrations"] == "1 missing: run manage.py migrate"


def test_it_is_not_without_the_queues_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs RENAME TO procrastinate_jobs_elsewhere")

    status, body = ready()

    assert (status, body["status"], body["migrations"]) == (503, "not ready", "ok")
    assert body["queue"] == "missing: run manage.py migrate"


def test_without_a_database_it_lives_and_is_not_ready() -> None:
    live, (status, body) = without_database(lambda: (Client().get(LIVE).status_code, ready()))

    assert (live, status) == (200, 503)
    assert (body["status"], body["database"], body["migrations"], body["queue"]) == (
        "not ready",
        "away",
        "unknown",
        "unknown",
    )
