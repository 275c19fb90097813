from collections.abc import Iterator

import pytest

from tests.journeys.conftest import deadlocks
from tests.threads import empty_queue


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Fails when Postgres has ended a deadlock in the test's database, even one that somebody made up for."""
    before = deadlocks()
    yield
    empty_queue()
    assert deadlocks() == before
