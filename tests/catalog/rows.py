"""What the catalogue holds, to see that a refusal changed none of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from shared_kernel.errors import Refusal

TABLES = ["category", "product", "procrastinate_jobs"]


def everything() -> dict[str, list[Any]]:
    """All rows that the catalogue owns, and the events that wait to be delivered."""
    rows = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
    return rows


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refused(kind: type[Refusal]) -> Iterator[Any]:
    """Expects this refusal, and that nothing has changed."""
    with nothing_changes(), pytest.raises(kind) as refusal:
        yield refusal
