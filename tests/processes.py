"""Other processes as a test needs them: a port for each, and patience."""

import socket
import time
from collections.abc import Callable

PATIENCE = 300  # seconds, on a machine that is busy with other tests


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has."""
    [port] = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Several of them."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.02)
