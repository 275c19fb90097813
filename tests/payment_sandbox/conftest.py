"""A sandbox, as a process of its own, and somebody who hears its webhooks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.ports import free_port
from tests.payment_sandbox.running import Hearer, Running, running


@pytest.fixture
def hearer() -> Iterator[Hearer]:
    hearer = Hearer()
    yield hearer
    hearer.stop()


@pytest.fixture
def sandbox(tmp_path: Path, hearer: Hearer) -> Iterator[Running]:
    with running(tmp_path, free_port(), hearer.address) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests of a file, for those that leave nothing behind which another would see."""
    with running(tmp_path_factory.mktemp("standing"), free_port(), "http://127.0.0.1:9/nobody") as sandbox:
        yield sandbox
