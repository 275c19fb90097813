"""`make outage`: sells while the broker is there, is away for a minute, and is back: how fast, and what arrives."""

import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import Popen
from typing import Any

import django
from django.core.management import call_command
from django.db import connections
from kombu.connection import Connection
from kombu.entity import Queue, binding

from tests.bench.installation import configure, fresh_database
from tests.broker import Broker

PAUSE = 0.05  # seconds between two sales, so that the worker beside it keeps up


def sales_for(seconds: float, sell: Any) -> list[float]:
    """Sell for a while; how long each sale took."""
    took = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.perf_counter()
        sell()
        took.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    return took


@contextmanager
def worker() -> Iterator[None]:
    """The worker that `make run` starts for what goes out."""
    command = [sys.executable, "manage.py", "procrastinate", "worker", "--queues", "relay"]
    with Popen(command) as process:
        yield
        process.terminate()


def measure(broker: Broker, seconds: float) -> None:
    from django.db import connection

    from shared_kernel.relay import EXCHANGE
    from tests.chain import make_product, make_store, put_in_stock, sell

    product, store = make_product(sku=f"OUTAGE-{time.time_ns()}"), make_store(f"Outage {time.time_ns()}")
    put_in_stock(product, store, 100_000)

    def waiting() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'relay' AND status = 'todo'")
            return int(cursor.fetchone()[0])

    broker.start()
    with Connection(broker.url) as there:
        Queue("outage", bindings=[binding(EXCHANGE, "#")], durable=True)(there.channel()).declare()
    with worker():
        before = sales_for(seconds, lambda: sell(product, store))
        broker.kill()
        away = sales_for(seconds, lambda: sell(product, store))
        held = waiting()
        broker.start()
        back, began = sales_for(seconds, lambda: sell(product, store)), time.monotonic()
        while waiting():
            time.sleep(0.5)
        late = time.monotonic() - began
    ids, pieces = arrived(broker)
    sold = len(before) + len(away) + len(back)
    for name, took in (("there", before), ("away", away), ("back", back)):
        print(f"{name}: {len(took)} sales, median {1000 * median(took):.2f} ms")  # noqa: T201 the report
    print(f"{held} jobs waited; the last arrived {late:.1f} s after the load had ended")  # noqa: T201 the report
    print(f"{len(ids)} of {sold} sales arrived; stock in order: {pieces == sorted(pieces, reverse=True)}")  # noqa: T201 the report


def arrived(broker: Broker) -> tuple[set[str], list[int]]:
    """The sales that came, and how many pieces were there after each, without repetitions."""
    sales, pieces, known = set(), [], set()
    with Connection(broker.url) as there:
        queue = Queue("outage")(there.channel())
        while (message := queue.get(no_ack=True)) is not None:
            event = message.decode()
            if event["type"] == "sale.recorded":
                sales.add(event["data"]["sale_id"])
            if event["type"] == "stock.changed" and event["id"] not in known:
                known.add(event["id"])
                pieces.append(event["data"]["on_hand"])
    return sales, pieces


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="comptoir-outage-") as folder:
        broker = Broker(Path(folder))
        os.environ["AMQP_URL"] = broker.url
        configure()
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
