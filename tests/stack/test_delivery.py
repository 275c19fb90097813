"""What nginx does with a request when a replica dies over it: with our configuration, and replicas that die at will."""

import http.client
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from config import stack
from config.ports import free_port
from tests.processes import PATIENCE, wait_until

WRITES = ["POST", "PUT", "PATCH", "DELETE"]
SAFE = ["GET", "HEAD"]

_numbers = count(1)


class Mortal(BaseHTTPRequestHandler):
    """A replica that dies over what it hears for the first time: nobody knows how far it came."""

    protocol_version = "HTTP/1.1"
    heard: Counter[str] = Counter()

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.heard[self.path] += 1
        if self.path != "/health/live" and self.heard[self.path] == 1:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 its name there
        pass


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of nginx, before three replicas of which one is not there."""
    with ExitStack() as things:
        servers = [things.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Mortal)) for _ in range(2)]
        for server in servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            things.callback(server.shutdown)
        things.enter_context(override_settings(COMPTOIR_DATA=tmp_path_factory.mktemp("nginx")))
        folder = things.enter_context(stack._files_of_nginx())
        patch = things.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(stack, "port", free_port())
        replicas = {"one": servers[0].server_port, "two": servers[1].server_port, "none": free_port()}
        part = stack._nginx(folder, replicas, cache=False)
        # Here they die so often that none of them would be asked any more.
        names = Path(settings.COMPTOIR_DATA / "nginx" / "replicas.conf")
        names.write_text(names.read_text().replace("max_fails=3", "max_fails=0"))
        subprocess.run([*part.command, "-t", "-q"], check=True)
        with (settings.COMPTOIR_DATA / "log").open("w") as log:
            nginx = subprocess.Popen(part.command, stdout=log, stderr=log)
        things.callback(nginx.wait, PATIENCE)
        things.callback(nginx.terminate)
        wait_until(lambda: send(stack.port, "GET", "/health/live") == 200)
        yield stack.port


def send(port: int, method: str, path: str, **headers: str) -> int:
    """The status of the answer; 0 where there is none."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        client.request(method, path, b"{}" if method in WRITES else None, headers)
        return client.getresponse().status
    except OSError:
        return 0
    finally:
        client.close()


def outcome(port: int, method: str, **headers: str) -> tuple[int, int]:
    """The status of the answer to a new request, and to how many replicas it came."""
    path = f"/api/v1/{next(_numbers)}/"
    return send(port, method, path, **headers), Mortal.heard[path]


@pytest.mark.parametrize("method", SAFE)
def test_what_only_reads_is_delivered_again(port: int, method: str) -> None:
    assert [outcome(port, method) for _ in range(5)] == [(200, 2)] * 5


@pytest.mark.parametrize("method", WRITES)
def test_a_write_with_a_key_is_delivered_again(port: int, method: str) -> None:
    assert [outcome(port, method, **{"Idempotency-Key": "k"}) for _ in range(5)] == [(200, 2)] * 5


@pytest.mark.parametrize("method", WRITES)
def test_a_write_without_a_key_is_delivered_once_at_most(port: int, method: str) -> None:
    outcomes = [outcome(port, method) for _ in range(10)]

    assert {status for status, _ in outcomes} == {502}
    assert {deliveries for _, deliveries in outcomes} <= {0, 1}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_replica_that_is_not_there_loses_no_write(port: int, method: str) -> None:
    # nginx knows of these that they were not sent.
    assert {deliveries for _, deliveries in (outcome(port, method) for _ in range(10))} == {1}


def test_nobody_chooses_how_to_be_delivered(port: int) -> None:
    for place in ("/.plain", "/.once", "/.keyed"):
        assert send(port, "POST", place) == 404
        assert Mortal.heard[place] == 0
