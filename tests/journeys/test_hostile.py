"""What attackers send to every operation that writes: it is refused and changes nothing, or does no harm."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.db.transaction import atomic, set_rollback
from django.test import Client

from tests.checkout.conftest import bank
from tests.journeys.document import example_of, generated, operations, with_known_ids

# The payment provider of all calls.
__all__ = ["bank"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

Send = Callable[..., int]
Callers = Callable[[str], dict[str, str]]

DOCUMENT = generated()
WRITES = {
    name: (method, path, operation)
    for name, (method, path, operation) in operations(DOCUMENT).items()
    if method not in {"GET", "HEAD"}
}
TAKING_A_BODY = {name: write for name, write in WRITES.items() if "requestBody" in write[2]}

# In place of any value: what breaks out of SQL, HTML, a spreadsheet, a header, a path, a line of a log, or a type.
HOSTILE_VALUES: list[Any] = [
    "' OR 1=1 --",
    "'; DROP TABLE person; --",
    "\\'; SELECT pg_sleep(10); --",
    "%' UNION SELECT password FROM person --",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}${7*7}<%= 7*7 %>{% debug %}",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "%2e%2e%2f%00",
    "name\r\nSet-Cookie: admin=1",
    "line\nbreak\x1b[2J",
    "\u202egnp.exe",
    "\ufeff\u200b\u200d",
    "Z̷͎̈́a̴̢͝l̵̥̈́g̶̲̀o̸̞͐" * 50,
    "😀" * 300,
    "İıſẞ",
    "A" * 100_000,
    "",
    " ",
    "null",
    "$(touch /tmp/owned)",
    "%s%s%s%n%x",
    0,
    -1,
    -0.0,
    1e308,
    10**400,
    2**31,
    2**63,
    -(2**63),
    0.1 + 0.2,
    True,
    None,
    [],
    {},
    [[]],
    {"$ne": None},
    {"__proto__": {"admin": True}},
    ["a"] * 2000,
]

# In place of the whole body: what a parser may choke on, or read otherwise than the next one does.
HOSTILE_BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"12",
    b"{",
    b"{} {}",
    b"{'a': 1}",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1, "a": 2}',
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud800"}',
    b'{"\\u0000": 1}',
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b'{"a": "\xc3\x28"}',
    b'{"a": ' * 5000 + b"1" + b"}" * 5000,
    b"[" * 200_000,
    b'{"a": 1' + b"0" * 100_000 + b"}",
    b'{"a": 1e1000000000}',
    b'{"__proto__": {"admin": true}}',
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    b'{"a": "' + b"x" * 10_000_000 + b'"}',
]

HOSTILE_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonx",
    "*/*",
    "\r\nX: y",
]

# In place of an id within an address.
HOSTILE_IDS = ["%27%20OR%201=1--", "..%2f..%2fetc%2fpasswd", "%00", "0", "-1", "null", "%F0%9F%98%80", "x" * 5000]


def test_the_values_reach_every_field_that_a_body_has() -> None:
    """So that an operation without an example, which would be sent nothing hostile, is noticed."""
    assert [name for name, (_, _, operation) in TAKING_A_BODY.items() if not places(body_of(operation))] == []


@pytest.mark.parametrize("name", TAKING_A_BODY)
def test_no_value_in_any_field_does_harm(name: str, callers: Callers, known: dict[str, UUID]) -> None:
    method, path, operation = TAKING_A_BODY[name]
    sound = with_known_ids(body_of(operation), known)
    send = sender(method, address(path, known), callers(path))

    with unchanged():
        for place in places(sound):
            for value in HOSTILE_VALUES:
                send(json.dumps(with_value(sound, place, value)).encode())


@pytest.mark.parametrize("name", TAKING_A_BODY)
def test_no_body_does_harm(name: str, callers: Callers, known: dict[str, UUID]) -> None:
    method, path, operation = TAKING_A_BODY[name]
    sound = json.dumps(with_known_ids(body_of(operation), known)).encode()
    send = sender(method, address(path, known), callers(path))

    # A check of values answers what is wrong with them.
    refused = 200 if "/validate/" in path else 400

    with unchanged():
        # No body at all may be a sound one.
        assert [body[:50] for body in HOSTILE_BODIES if send(body) < refused and body not in {b"", b"null"}] == []
        assert [kind for kind in HOSTILE_TYPES if send(sound, content_type=kind) < 400] == []


@pytest.mark.parametrize("name", WRITES)
def test_no_address_and_no_header_does_harm(name: str, callers: Callers, known: dict[str, UUID]) -> None:
    method, path, operation = WRITES[name]
    body = json.dumps(with_known_ids(body_of(operation), known)).encode() if "requestBody" in operation else b""

    with unchanged():
        for parameter in parameters(path):
            for value in HOSTILE_IDS:
                hostile = address(path.replace(f"{{{parameter}}}", value), known)
                assert sender(method, hostile, callers(path))(body) in {404, 422}
        send = sender(method, address(path, known), callers(path))
        for value in ("' OR 1=1 --", "é", "x" * 300, "two words", ""):
            send(body, headers={"Idempotency-Key": value})
            send(body, headers={"X-Request-ID": value, "Accept-Language": value, "X-Forwarded-For": value})
            assert send(body, headers={"Authorization": value or " "}) in {401, 403, 200, 201, 202, 204, 422}


# --- Tools ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def callers(headers: dict[str, str], customers_headers: dict[str, str]) -> Callers:
    """The headers of whoever may do what a path stands for: customers what is theirs, the head office all else."""
    return lambda path: customers_headers if "/customers/" in path else headers


def sender(method: str, path: str, headers: dict[str, str]) -> Send:
    """Sends a body and gives the status, which is never a 5xx; what was not refused is undone."""
    client = Client(headers=headers, raise_request_exception=False)

    def send(body: bytes, content_type: str = "application/json", headers: dict[str, str] | None = None) -> int:
        with atomic():
            answer = client.generic(method, path, body, content_type=content_type, headers=headers)
            set_rollback(answer.status_code < 400)
        assert answer.status_code < 500, f"{body[:200]!r} is answered {answer.status_code}"
        assert answer.status_code < 400 or answer["Content-Type"] == "application/problem+json"
        return int(answer.status_code)

    return send


def body_of(operation: dict[str, Any]) -> Any:
    return example_of(operation, DOCUMENT)


def parameters(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def address(path: str, known: dict[str, UUID]) -> str:
    return path.format(**{name: known[name] for name in parameters(path)})


def places(body: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where in a body a value stands: each key, and in lists each first item, and what is within."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(body, dict):
        inner = list(body.items())
    elif isinstance(body, list):
        inner = list(enumerate(body[:1]))
    return [place for name, value in inner for place in [(*path, name), *places(value, (*path, name))]]


def with_value(body: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The body with another value in this place."""
    changed = deepcopy(body)
    within = changed
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    return changed


class unchanged:  # noqa: N801 read as a word of the sentence
    """Asserts that no row of any module's table is another one afterwards."""

    def __enter__(self) -> None:
        self.before = fingerprint()

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            assert fingerprint() == self.before


def fingerprint() -> dict[str, tuple[int, int]]:
    """The number of rows and the sum of their digests, of each table of each module."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1",
            [settings.COMPTOIR_MODULES],
        )
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', count(*), coalesce(sum(hashtext(t::text)), 0) FROM {name} t" for name in tables
            )
        )
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}
