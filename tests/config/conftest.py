import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own: root's substitute runs the servers in it."""
    with tempfile.TemporaryDirectory(prefix="comptoir-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
