"""`make outage`: people buy while the broker is there, is away, and is back: how fast, and what arrives in the end."""

import http.client
import json
import os
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import django
from django.core.management import call_command
from django.db import connection, connections
from kombu.connection import Connection
from kombu.entity import Queue, binding

from tests.bench.installation import configure, fresh_database
from tests.broker import Broker

TILLS, RESELLERS = 3, 1
# Between two calls of a client, so that the worker keeps up beside them.
PAUSE = 0.2
PATIENCE = 900
QUEUE = "outage"


@dataclass(frozen=True)
class Buyer:
    """A program that sends one call over and over, and the event that each call brings about."""

    path: str
    body: Any
    key: str
    event: str


@dataclass(frozen=True)
class Answer:
    """What came of a call: the sale or the order that it made, if any, and how long it took."""

    event: str
    made: str | None
    seconds: float


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 the report


def buyers() -> list[Buyer]:
    """Tills that sell the same product, so that its events have an order, and programs that order another."""
    from accounts.interface import Action
    from tests.chain import make_product, make_store, make_warehouse, put_in_stock
    from tests.checkout.web import ADDRESS, key

    store, warehouse, sold, ordered = make_store(), make_warehouse(), make_product(), make_product()
    put_in_stock(sold, store, 1_000_000)
    put_in_stock(ordered, warehouse, 1_000_000)
    sale = {"store_id": str(store.id), "lines": [{"product_id": str(sold.id), "quantity": 1}]}
    order = {"products": [{"id": str(ordered.id), "quantity": 1}], "shipping_address": ADDRESS}
    tills = [Buyer("/sales/", sale, key(Action.SELL, at=store.id), "sale.recorded") for _ in range(TILLS)]
    return tills + [Buyer("/orders/", order, key(Action.PLACE_ORDERS), "order.created") for _ in range(RESELLERS)]


def buy(address: str, buyer: Buyer, seconds: float) -> list[Answer]:
    """Call for a while, over one connection as long as that holds."""
    answers = []
    headers = {"Content-Type": "application/json", "X-API-Key": buyer.key}
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as client:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            made, began = None, time.perf_counter()
            try:
                client.request("POST", f"/api/v1{buyer.path}", json.dumps(buyer.body), headers)
                answer = client.getresponse()
                told = json.loads(answer.read())
                made = told["id"] if answer.status == 201 else None
            except (OSError, http.client.HTTPException):
                client.close()
            answers.append(Answer(buyer.event, made, time.perf_counter() - began))
            time.sleep(PAUSE)
    return answers


def phase(name: str, address: str, everybody: list[Buyer], seconds: float) -> list[Answer]:
    """Let everybody buy for a while, and say how that went."""
    with ThreadPoolExecutor(len(everybody)) as pool:
        answers = [answer for part in pool.map(lambda one: buy(address, one, seconds), everybody) for answer in part]
    for event in dict.fromkeys(answer.event for answer in answers):
        took = sorted(1000 * answer.seconds for answer in answers if answer.event == event)
        failed = sum(answer.made is None for answer in answers if answer.event == event)
        say(
            f"{name:<14} {event:<14} {len(took):>6} calls, {failed} failed,"
            f" median {median(took):6.1f} ms, p95 {took[len(took) * 19 // 20]:6.1f} ms"
        )
    return answers


def waiting() -> int:
    """How many events have not gone out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'relay' AND status IN ('todo', 'doing')"
        )
        return int(cursor.fetchone()[0])


def measure(broker: Broker, seconds: float) -> None:
    from shared_kernel.relay import EXCHANGE
    from tests.bench.serving import gunicorn

    everybody = buyers()
    broker.start()
    with Connection(broker.url) as there:
        Queue(QUEUE, bindings=[binding(EXCHANGE, "#")], durable=True)(there.channel()).declare()
    with gunicorn() as site:
        phase("warming up", site.address, everybody, 5)
        answers = phase("broker there", site.address, everybody, seconds)
        broker.kill()
        answers += phase("broker away", site.address, everybody, seconds)
        say(f"{waiting()} events wait")
        broker.start()
        answers += phase("broker back", site.address, everybody, seconds)
        began = time.monotonic()
        while waiting():
            if time.monotonic() - began > PATIENCE:
                raise SystemExit(f"{waiting()} events have not gone out.")
            time.sleep(0.5)
        say(f"the last event went out {time.monotonic() - began:.1f} s after the load had ended")
    report(broker, answers)


def report(broker: Broker, answers: list[Answer]) -> None:
    """Say what of all that was bought has arrived, how often, and in which order."""
    arrived: Counter[tuple[str, str]] = Counter()
    pieces: dict[str, list[int]] = defaultdict(list)
    known = set()
    with Connection(broker.url) as there:
        queue = Queue(QUEUE)(there.channel())
        while (message := queue.get(no_ack=True)) is not None:
            event = message.decode()
            data = event["data"]
            if event["type"] in {"sale.recorded", "order.created"}:
                arrived[event["type"], data.get("sale_id") or data["order_id"]] += 1
            if event["type"] == "stock.changed" and event["id"] not in known and data["on_hand"] < 1_000_000:
                known.add(event["id"])
                pieces[f"{data['product_id']} {data['location_id']}"].append(data["on_hand"])
    made = {(answer.event, answer.made) for answer in answers if answer.made}
    missing, twice = made - arrived.keys(), sum(number > 1 for number in arrived.values())
    in_order = all(left == sorted(left, reverse=True) for left in pieces.values())
    say(
        f"{len(made)} bought: {len(missing)} events missing, {twice} arrived more than once; stock in order: {in_order}"
    )
    if missing or not in_order:
        raise SystemExit(1)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each phase (60)")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="comptoir-outage-") as folder:
        broker = Broker(Path(folder))
        configure()
        os.environ["AMQP_URL"] = broker.url
        with fresh_database():
            django.setup()
            call_command("migrate", verbosity=0)
            try:
                measure(broker, seconds)
            finally:
                broker.stop()
                connections.close_all()


if __name__ == "__main__":
    main()
