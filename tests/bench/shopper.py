"""Whole orders: a cart, something in it, the order, its payment, and the wait until the worker has it charged.

Each request takes something from the answer before, which a compiled generator cannot do. So this is a program of its
own: `python -m tests.bench.shopper ADDRESS FILE CLIENTS SECONDS`, with a line of JSON for what to buy on each line of
the file. Its last line is what wrk's would be.
"""

import contextlib
import http.client
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Method, path, body and headers: the status and the answer's JSON.
Call = Callable[[str, str, str, Mapping[str, str]], tuple[int, Any]]

PROCESSES = 2
PATIENCE = 30  # seconds

# Seconds between looks at a payment: a few while it is quick, and then seldom, since each is a request, too.
PAUSES = [0.05, 0.1, 0.2]

ADDRESS = {"name": "Camille", "line1": "12 rue Mercière", "city": "Lyon", "postal_code": "69002", "country": "FR"}
CARD = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2040, "security_code": "123"}


class Failed(Exception):
    """An answer that is none of those that lead to an order, or none in time."""


def order(call: Call, item: str) -> dict[str, Any]:
    """Order this and pay for it; returns the paid order. Raises Failed."""
    cart = _asked(call, 201, "POST /cart/")
    token = cart["token"]
    _asked(call, 200, f"POST /cart/{cart['id']}/items/", item, token)
    sent = {"cart_id": cart["id"], "email": "camille@example.com", "shipping_address": ADDRESS}
    placed = _asked(call, 201, "POST /checkout/process/", json.dumps(sent), token)
    path = f"/orders/{placed['id']}/"
    begun = _asked(call, 202, f"POST {path}payment/", json.dumps({"card": CARD}), token)
    _wait(call, f"/jobs/{begun['job_id']}/", token)
    order: dict[str, Any] = _asked(call, 200, f"GET {path}", token=token)
    if order["status"] != "paid":
        raise Failed(f"{path} is {order['status']}, though its payment has succeeded")
    return order


def _wait(call: Call, job: str, token: str) -> None:
    """Until the payment has succeeded."""
    deadline = time.monotonic() + PATIENCE
    pauses = iter(PAUSES)
    while time.monotonic() < deadline:
        time.sleep(next(pauses, PAUSES[-1]))
        if _asked(call, 200, f"GET {job}", token=token)["status"] == "succeeded":
            return
    raise Failed(f"{job} has not succeeded after {PATIENCE} seconds")


def _asked(call: Call, expected: int, request: str, body: str = "", token: str = "") -> Any:
    """The answer's JSON. Raises Failed where its status is not the one that is expected."""
    method, path = request.split()
    status, answer = call(method, f"/api/v1{path}", body, {"X-Cart-Token": token} if token else {})
    if status != expected:
        raise Failed(f"{status} to {request}: {answer}")
    return answer


# --- Many of them ---------------------------------------------------------------------------------------------------


def main(address: str, file: str, clients: int, seconds: int) -> None:
    """Order as so many clients do, each the next when the last one is paid, until the time is over."""
    items = Path(file).read_text().splitlines()
    began = time.monotonic()
    shares = [len(range(number, clients, PROCESSES)) for number in range(min(PROCESSES, clients))]
    with ProcessPoolExecutor(len(shares)) as pool:
        found = pool.map(_clients, repeat(address), repeat(items), shares, repeat(began + seconds))
        took, errors = (list(chain.from_iterable(parts)) for parts in zip(*found, strict=True))
    ended = time.monotonic()
    for error in errors[:3]:
        sys.stderr.write(f"{error}\n")
    figures = {"requests": len(took) + len(errors), "errors": len(errors), "microseconds": (ended - began) * 1e6}
    ordered = sorted(took) or [0.0]
    figures |= {f"p{percent}": ordered[(len(ordered) - 1) * percent // 100] * 1e6 for percent in (50, 95, 99)}
    sys.stdout.write(f"{json.dumps(figures)}\n")


def _clients(address: str, items: list[str], clients: int, end: float) -> tuple[list[float], list[str]]:
    """How many seconds each order took, and what went wrong, of some clients of one process."""
    took: list[float] = []
    errors: list[str] = []

    def shop() -> None:
        with contextlib.closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)) as connection:
            while (began := time.monotonic()) < end:
                try:
                    order(_over(connection), random.choice(items))  # noqa: S311 chance, not a secret
                    took.append(time.monotonic() - began)
                except (Failed, OSError, http.client.HTTPException) as error:
                    connection.close()
                    errors.append(repr(error))

    with ThreadPoolExecutor(clients) as pool:
        for client in [pool.submit(shop) for _ in range(clients)]:
            client.result()
    return took, errors


def _over(connection: http.client.HTTPConnection) -> Call:
    def call(method: str, path: str, body: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        connection.request(method, path, body or None, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    return call


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
