"""Gunicorn as in production, over the test's own database."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from config.ports import free_port

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
        # Of the process that starts the others.
        self.pid = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Answer:
        """One call on a connection of its own, so that any of the processes may take it. Fails on a 5xx."""
        answer = self.send(method, path, body, token=token, **headers)
        assert answer.status < 500, f"{answer.status} to {method} {path}\n{answer.body!r}\n{self.log.read_text()}"
        return answer

    def send(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Answer:
        """The same, whatever comes of it. Raises OSError or HTTPException when no answer comes."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        identity = {"Authorization": f"Bearer {token}"} if token else {}
        sent = {"Content-Type": "application/json"} | identity | headers
        try:
            client.request(method, f"/api/v1{path}", json.dumps(body), sent)
            response = client.getresponse()
            text = response.read()
        finally:
            client.close()
        return Answer(response.status, json.loads(text) if text else None, dict(response.headers))

    def is_live(self) -> bool:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.request("GET", "/health/live")
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()


@contextlib.contextmanager
def serving(log: Path, **variables: str) -> Iterator[Server]:
    """Two processes of eight threads, with these variables in their environment."""
    server = Server(free_port(), log)
    environment = {
        "DATABASE_URL": database_url(),
        "COMPTOIR_HOST": "127.0.0.1",
        "COMPTOIR_PORT": str(server.port),
        "COMPTOIR_WORKERS": "2",
        "COMPTOIR_THREADS": "8",
        "LOG_LEVEL": "WARNING",
        # All calls of a test come from one address.
        "COMPTOIR_RATE_OPERATIONS": "false",
        **variables,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "src/config/gunicorn.py", "config.wsgi"]
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=os.environ | environment, stdout=file, stderr=subprocess.STDOUT
        )
    server.pid = process.pid
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.is_live():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def database_url() -> str:
    """Where other processes find the test's own database."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
