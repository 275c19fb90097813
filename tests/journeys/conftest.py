from collections.abc import Iterator

import pytest
from django.db import connection

from shared_kernel.published import bind
from tests.conftest import HANDLES
from tests.gunicorn_server import Server, serving
from tests.journeys.placements import SentTwice, Serialised
from tests.threads import empty_queue


@pytest.fixture(params=[None, Serialised, SentTwice], ids=["in process", "through JSON", "sent twice"])
def placement(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param is None:
        yield
        return
    before = [(handle, handle.implementation) for handle, _ in HANDLES]
    for handle, implementation in before:
        bind(handle, request.param(implementation, handle.protocol))
    yield
    for handle, implementation in before:
        bind(handle, implementation)


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gunicorn as in production, with two processes of eight threads."""
    with serving(tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture
def real_commits(transactional_db: None) -> Iterator[None]:
    """Fails when Postgres has ended a deadlock in the test's database, even one that somebody made up for."""
    before = deadlocks()
    yield
    empty_queue()
    assert deadlocks() == before


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
