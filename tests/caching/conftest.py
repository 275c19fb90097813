from collections.abc import Iterator

import pytest

from tests.checkout.conftest import bank
from tests.threads import empty_queue

__all__ = ["bank"]


@pytest.fixture
def committing(transactional_db: None) -> Iterator[None]:
    """A test whose transactions end."""
    yield
    empty_queue()
