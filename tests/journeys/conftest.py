import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.threads import empty_queue

PATIENCE = 60  # seconds, on a machine that is busy with other tests


@dataclass(frozen=True)
class Answer:
    """What the server says to a call."""

    status: int
    body: Any
    headers: dict[str, str]


class Server:
    """A real web server, several processes of several threads, over the test's own database."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Answer:
        """One call on a connection of its own, so that any of the processes may take it. Fails on a 5xx."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} | headers
        try:
            client.request(method, f"/api/v1{path}", json.dumps(body), sent)
            response = client.getresponse()
            text = response.read()
        finally:
            client.close()
        assert response.status < 500, f"{response.status} to {method} {path}\n{text!r}\n{self.log.read_text()}"
        return Answer(response.status, json.loads(text), dict(response.headers))

    def is_live(self) -> bool:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.request("GET", "/health/live")
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gunicorn as in production, with two processes of eight threads."""
    server = Server(free_port(), tmp_path_factory.mktemp("server") / "log")
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = {
        "DATABASE_URL": database.geturl(),
        "COMPTOIR_HOST": "127.0.0.1",
        "COMPTOIR_PORT": str(server.port),
        "COMPTOIR_WORKERS": "2",
        "COMPTOIR_THREADS": "8",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "src/config/gunicorn.py", "config.wsgi"]
    with server.log.open("w") as log:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.is_live():
            assert process.poll() is None, server.log.read_text()
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


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
