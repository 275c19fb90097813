"""The queue as a test sees it: what lies in it, and a worker that does what is due."""

import json
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django import app


def jobs(task: str) -> list[dict[str, Any]]:
    """The arguments of a task's jobs that are not done, in their order."""
    return [json.loads(arguments) for (arguments,) in _rows("SELECT args", task, "AND status = 'todo'")]


def states(task: str) -> list[tuple[str, int]]:
    """The state of each job of a task, and how often it was tried."""
    return _rows("SELECT status::text, attempts", task)


def make_all_due() -> None:
    """Let the time come that every waiting job waits for."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")


def work(monkeypatch: pytest.MonkeyPatch, *queues: str) -> None:
    """Let a real worker do what is due."""
    # Its threads close their connections after each job, so that none outlives the test.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    with app.replace_connector(app.connector.get_worker_connector()):
        app.run_worker(queues=list(queues), wait=False, listen_notify=False, install_signal_handlers=False)


def _rows(select: str, task: str, condition: str = "") -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"{select} FROM procrastinate_jobs WHERE task_name = %s {condition} ORDER BY id", [task])
        return cursor.fetchall()
