from collections.abc import Iterator

import pytest

from shared_kernel import outbox
from tests.threads import empty_queue


@pytest.fixture
def own_subscribers() -> Iterator[None]:
    """Nobody listens but those whom the test names; the queue is empty afterwards."""
    before = dict(outbox._subscriptions), list(outbox._forwarders)
    outbox._subscriptions.clear()
    outbox._forwarders.clear()
    yield
    outbox._subscriptions.clear()
    outbox._subscriptions.update(before[0])
    outbox._forwarders[:] = before[1]
    empty_queue()
