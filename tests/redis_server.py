"""A Redis that the tests start, and may kill: on a free port, with nothing on disk."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from config.ports import free_port

PATIENCE = 30  # seconds, on a machine that is busy with other tests


def executable() -> str | None:
    """Redis' server, where there is one."""
    return shutil.which("redis-server")


class RedisServer:
    """A Redis as the operations' page wants it: it forgets everything when it ends."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers; nothing happens where it runs."""
        if self.process:
            return
        server = executable()
        assert server
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [server, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Let it hang: connections stay, and nobody answers."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def answers(self) -> bool:
        with Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


@pytest.fixture(scope="session")
def redis_of_this_run() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.kill()


@pytest.fixture
def redis_server(redis_of_this_run: RedisServer, settings: Any) -> Iterator[RedisServer]:
    """The cache, empty, in a Redis that runs."""
    # This plugin is there before Django is.
    from django.core.cache import cache

    from shared_kernel import cache as caching

    redis_of_this_run.start()
    settings.REDIS_URL = redis_of_this_run.url
    # A machine busy with other tests may take its time over one answer.
    patient = settings.REDIS_CACHE["OPTIONS"] | {"SOCKET_TIMEOUT": PATIENCE, "SOCKET_CONNECT_TIMEOUT": PATIENCE}
    settings.CACHES = {"default": settings.REDIS_CACHE | {"LOCATION": settings.REDIS_URL, "OPTIONS": patient}}
    caching.redis = caching.Reach()
    cache.clear()
    yield redis_of_this_run
    caching.redis = caching.Reach()
