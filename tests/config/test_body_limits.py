"""Bodies that say nothing of their length, as a real web server hears them."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.gunicorn_server import PATIENCE, Server, serving

# Without a test that says so there would be no database.
pytestmark = pytest.mark.django_db

HEAD = (
    "POST /api/v1/auth/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Connection: close\r\n{}\r\n\r\n"
)
MEGABYTE = b"x" * 1_000_000


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "log", COMPTOIR_WORKERS="1") as server:
        yield server


def answer_to(server: Server, *parts: bytes) -> str:
    """What the server answers, however little of this it reads; nothing where it only hangs up."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        with suppress(ConnectionError):
            while heard := connection.recv(65_536):
                answer += heard
    return answer.decode()


def in_chunks(*chunks: bytes) -> list[bytes]:
    return [HEAD.format("Transfer-Encoding: chunked").encode()] + [
        f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in [*chunks, b""]
    ]


def test_a_body_without_its_length_is_refused_whatever_its_size(server: Server) -> None:
    login = b'{"email": "camille@example.com", "password": "wrong"}'

    small = answer_to(server, *in_chunks(login))
    large = answer_to(server, *in_chunks(*[MEGABYTE] * 10))

    assert small.startswith("HTTP/1.1 411 Length Required\r\n")
    assert '"code": "length_required"' in small
    assert large.startswith("HTTP/1.1 411 ") or not large
    assert server.is_live()


def test_a_body_that_is_longer_than_it_says_is_cut_off(server: Server) -> None:
    answer = answer_to(server, HEAD.format("Content-Length: 2").encode(), b"{}", *[MEGABYTE] * 5)

    assert answer.startswith("HTTP/1.1 422 ") or not answer
    assert server.is_live()


def test_a_length_and_chunks_together_are_refused(server: Server) -> None:
    answer = answer_to(server, HEAD.format("Content-Length: 2\r\nTransfer-Encoding: chunked").encode(), b"{}")

    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.1 411 "))
