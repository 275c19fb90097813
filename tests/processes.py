"""Other processes as a test needs them: patience."""

import time
from collections.abc import Callable

PATIENCE = 300  # seconds, on a machine that is busy with other tests


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.02)
