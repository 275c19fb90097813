"""The production shape, of real programs: what nginx does with requests, and what becomes of them when one dies."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from config import stack as code
from tests.gunicorn_server import Answer
from tests.processes import PATIENCE, wait_until
from tests.stack.conftest import Till
from tests.stack.running import RATE, REPLICAS, Stack

SELLERS = READERS = 4
SALES = 25  # of each seller

BOOKS = """
import json
from django.db import connection
from tests.chain import books_agree
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM sale")
    print(json.dumps([cursor.fetchone()[0], books_agree()]))
"""


def requests_of(stack: Stack) -> list[dict[str, Any]]:
    """What nginx has logged of the requests, but for what it said of itself."""
    return [json.loads(line) for line in stack.log("nginx").read_text().splitlines() if line.startswith("{")]


def raw(stack: Stack, request: bytes) -> bytes:
    """What nginx answers to exactly this, until it hangs up."""
    answer = b""
    with socket.create_connection(("127.0.0.1", stack.site.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        while heard := connection.recv(1_000_000):
            answer += heard
    return answer


def get(stack: Stack, path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw(stack, "\r\n".join([*lines, "", ""]).encode())


def assert_problem(answer: Answer, status: int, code: str) -> None:
    """The shape of the application's own refusals."""
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Served-By"] == "nginx"
    assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.body.keys()
    assert (answer.body["status"], answer.body["code"]) == (status, code)
    assert answer.headers["X-Request-ID"] == answer.body["request_id"]


def test_all_replicas_serve(till: Till) -> None:
    # Of 200 calls to replicas that have as many connections each, the chance that one gets none is nothing.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: till.look(), range(200)))

    assert {answer.headers["X-Served-By"] for answer in answers} == REPLICAS
    assert {answer.status for answer in answers} == {200}


def test_a_replica_that_dies_costs_no_request_and_makes_no_sale_twice(stack: Stack, till: Till) -> None:
    under_way, sold = Event(), Event()

    def sell(_: int) -> list[Answer]:
        answers = []
        for number in range(SALES):
            answers.append(till.sell())
            if number == SALES // 3:
                under_way.set()
        return answers

    def look(_: int) -> list[Answer]:
        answers = [till.look()]
        while not sold.is_set():
            answers.append(till.look())
        return answers

    with ThreadPoolExecutor(SELLERS + READERS) as pool:
        readers = [pool.submit(look, number) for number in range(READERS)]
        sellers = [pool.submit(sell, number) for number in range(SELLERS)]
        under_way.wait(PATIENCE)
        stack.kill_replicas("replica-2")
        try:
            sales = [answer for seller in sellers for answer in seller.result()]
        finally:
            sold.set()
        reads = [answer for reader in readers for answer in reader.result()]

    assert {answer.status for answer in sales} == {201}
    assert {answer.status for answer in reads} == {200}
    assert len({answer.body["id"] for answer in sales}) == SELLERS * SALES
    assert stack.ask(BOOKS) == [len(till.sold), True]
    wait_until(lambda: any(request["tries"] > 1 for request in requests_of(stack)))


def test_a_replica_that_died_is_started_again(stack: Stack) -> None:
    address = stack.addresses.replicas["replica-3"].removeprefix("http://")
    told = "The replica-3 has stopped by itself (signal 9)"
    before = stack.log("stack").read_text().count(told)

    stack.kill_replicas("replica-3")

    wait_until(lambda: stack.log("stack").read_text().count(told) > before)
    wait_until(lambda: code.processes.answers(address, "/health/ready"))


def configuration(stack: Stack) -> str:
    return (stack.data / "nginx" / "nginx.conf").read_text()


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/./metrics", "/%6detrics", "/api/../metrics", "/metrics?x", "/x/..%2Fmetrics"]
)
def test_metrics_are_not_for_outside(stack: Stack, path: str) -> None:
    answer = get(stack, path)

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"django_http" not in answer


def test_what_a_caller_writes_of_their_address_is_not_believed(stack: Stack) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Request-ID": "of-my-own"}

    answer = stack.site.send("POST", "/auth/login/", {"email": "a@b.example", "password": "wrong"}, **headers)

    assert (answer.status, answer.headers["X-Request-ID"]) == (401, "of-my-own")
    lines = stack.log(answer.headers["X-Served-By"]).read_text().splitlines()
    [told] = [json.loads(line) for line in lines if '"of-my-own"' in line and '"event": "request"' in line]
    assert told["address"] == "127.0.0.1"


def test_a_body_that_is_too_large_is_refused_by_nginx(till: Till) -> None:
    large = till.sale() | {"client_reference": "x" * 2_600_000}

    assert_problem(till.stack.site.send("POST", "/sales/", large), 413, "request_entity_too_large")


def test_nginx_takes_as_much_as_the_application(stack: Stack, settings: Any) -> None:
    limits = re.findall(r"client_max_body_size (\d+);", configuration(stack))

    assert limits == [str(settings.COMPTOIR_UPLOAD_BYTES), str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)]


def test_whoever_calls_too_often_is_told_when_to_come_back(stack: Stack) -> None:
    [name] = [path.name for path in (stack.data / "static" / "admin" / "css").glob("base.????????????.css")]
    head = f"HEAD /static/admin/css/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()

    answer = raw(stack, (head + b"\r\n") * 4 * RATE + head.replace(b"HEAD", b"GET") + b"Connection: close\r\n\r\n")

    first, last = answer.split(b"\r\n\r\n", 1)[0], answer.rsplit(b"HTTP/1.1 ", 1)[1]
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert b"Cache-Control: public, max-age=31536000, immutable" in first
    assert b"X-Served-By" not in first, "nginx itself serves static files"
    assert last.startswith(b"429 Too Many Requests")
    assert b"\r\nRetry-After: 1\r\n" in last
    assert json.loads(last.split(b"\r\n\r\n", 1)[1])["code"] == "too_many_requests"


def test_public_answers_are_kept_for_as_long_as_they_allow_and_nobody_elses(stack: Stack, till: Till) -> None:
    path = f"/products/{till.product}/"
    fresh = [stack.site.send("GET", path) for _ in range(2)]
    known = [stack.site.send("GET", path, token=till.token) for _ in range(2)]

    assert fresh[0].body == fresh[1].body == known[0].body
    assert fresh[0].headers["X-Served-By"] in REPLICAS
    assert fresh[1].headers["X-Served-By"] == "nginx"
    assert fresh[0].headers["X-Request-ID"] != fresh[1].headers["X-Request-ID"]
    assert "RateLimit" not in fresh[1].headers
    assert {answer.headers["X-Served-By"] for answer in known} <= REPLICAS


def test_no_replica_is_a_502_that_passes(stack: Stack, till: Till) -> None:
    stack.kill_replicas(*REPLICAS)

    refused = till.look()
    page = get(stack, "/dashboard/", Accept="text/html")

    assert_problem(refused, 502, "bad_gateway")
    assert refused.headers["Retry-After"] == "1"
    assert page.startswith(b"HTTP/1.1 502 ")
    assert b"<h1>Bad Gateway</h1>" in page
    wait_until(lambda: till.look().status == 200)


def test_a_second_one_says_that_there_is_one(stack: Stack) -> None:
    outcome = stack.make()

    assert outcome.returncode == 1
    assert outcome.stderr == "The stack runs already: `make stack-down` stops it.\n"


def test_after_a_kill_the_next_start_is_clean_and_nothing_is_left_at_the_end(stack: Stack) -> None:
    # Nobody can tell nginx' workers any more.
    stack.kill("--keeper", "nginx: master")
    outcome = stack.make("--replicas", "1", "--no-demo")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert stack.addresses.replicas.keys() == {"replica-1"}
    assert stack.make("--down").stdout == "The stack is stopped.\n"
    assert stack.processes() == []
    assert not (stack.data / "addresses.json").exists()
