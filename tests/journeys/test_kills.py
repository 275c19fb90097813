"""Processes killed at any moment, while buyers order and pay: no order is lost, and no cent.

`make kills KILLS=50` is the long run. What it draws by lot follows from COMPTOIR_SEED, which it prints; at which moment
of the others' work a kill comes is up to the machine.
"""

import contextlib
import http.client
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db import connection, connections

from accounts.interface import Action, ApiKeyDraft, accounts, new_secret_key
from catalog.interface import Product
from checkout.interface import checkout
from checkout.service.providers import provider
from config import embedded_postgres
from inventory.interface import Location, inventory
from shared_kernel import jobs
from shared_kernel.ids import new_id
from shared_kernel.postgres.roles import apply_roles
from tests.chain import make_product, make_store, make_warehouse, put_in_stock
from tests.checkout.actions import A_WHILE, EMAIL, HOME, all_is_well
from tests.config.conftest import folder
from tests.gunicorn_server import Answer
from tests.journeys.installation import Installation, children_of, installed
from tests.payment_sandbox.running import APPROVED, DECLINED, LATE, SECRET, STUMBLING, TOLD_TWICE
from tests.payment_sandbox.test_kills import all_charges

__all__ = ["folder"]

pytestmark = pytest.mark.plain_calls

KILLS = int(os.environ.get("COMPTOIR_KILLS", "5"))
SEED = int(os.environ.get("COMPTOIR_SEED") or secrets.randbelow(1_000_000))
BUYERS = 8
PIECES = 400
PATIENCE = 180

CARDS = [APPROVED, APPROVED, APPROVED, TOLD_TWICE, LATE, STUMBLING, DECLINED]
AT_HOME = {**vars(HOME), "email": EMAIL}


# --- A database that may be killed ----------------------------------------------------------------------------------


class Database:
    """A PostgreSQL server of this test alone. What it has committed is on the disk."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.url = embedded_postgres.use(data)

    def start(self) -> None:
        embedded_postgres.use(self._data)

    def kill(self) -> None:
        """End all of its processes at one moment, as a power cut does."""
        pid = int((self._data / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])
        for process in [pid, *children_of(pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    database = Database(folder / "var")
    yield database
    database.kill()


@pytest.fixture
def elsewhere(database: Database, django_db_blocker: Any) -> Iterator[None]:
    """Published calls of this thread go to that database, where all tables are."""
    ours = connections["default"]
    theirs = ours.copy()
    address = urlsplit(database.url)
    theirs.settings_dict = ours.settings_dict | {
        "NAME": address.path.strip("/"),
        "USER": address.username,
        "PASSWORD": address.password,
        "PORT": str(address.port),
        "HOST": parse_qs(address.query)["host"][0],
    }
    connections["default"] = theirs
    with django_db_blocker.unblock():
        try:
            call_command("migrate", verbosity=0)
            apply_roles()
            yield
        finally:
            theirs.close()
            connections["default"] = ours


@pytest.fixture
def installation(elsewhere: None, database: Database, folder: Path, settings: Any) -> Iterator[Installation]:
    with installed(folder, DATABASE_URL=database.url) as installation:
        settings.COMPTOIR_SANDBOX_URL = installation.provider.address
        settings.COMPTOIR_SANDBOX_SECRET = SECRET
        provider.cache_clear()
        yield installation
    provider.cache_clear()


# --- Those who buy --------------------------------------------------------------------------------------------------


class WalkedAway(Exception):
    """A buyer got no answer, and has no patience."""


@dataclass
class Shoppers:
    """Buyers at home and at the till, and what they were told."""

    installation: Installation
    warehouse: Location
    store: Location
    products: list[Product]
    machine: dict[str, str]
    enough: Event = field(default_factory=Event)
    outcomes: Counter[str] = field(default_factory=Counter)
    orders: set[str] = field(default_factory=set)
    payments: set[str] = field(default_factory=set)
    paid: list[str] = field(default_factory=list)
    sold: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def shop(self, seed: int) -> None:
        """One of them, until it is enough."""
        dice = Random(seed)  # noqa: S311 buyers have no secrets
        while not self.enough.is_set():
            # Nobody buys all the time: the worker is to have its share of the machine.
            time.sleep(dice.uniform(0, 0.3))
            with contextlib.suppress(WalkedAway):
                dice.choice([self.order, self.order, self.order, self.sell, self.refund])(dice)

    def order(self, dice: Random) -> None:
        patience = dice.random() < 0.8
        opened = self.call("cart", "/cart/", {}, patience=patience)
        visitor = {"X-Cart-Token": opened.body["token"]}
        for product in dice.sample(self.products, dice.randint(1, 2)):
            body = {"product_id": str(product.id), "quantity": dice.randint(1, 2)}
            self.call("item", f"/cart/{opened.body['id']}/items/", body, patience=patience, **visitor)
        destination = dice.choice(
            [{"shipping_address": AT_HOME}, {"pickup_store_id": str(self.store.id), "email": EMAIL}]
        )
        body = {"cart_id": opened.body["id"], **destination}
        placed = self.call("order", "/checkout/process/", body, patience=patience, **visitor)
        if placed.status != 201:
            return
        with self.lock:
            self.orders.add(placed.body["id"])
        path = f"/orders/{placed.body['id']}"
        match dice.choice(["pay", "pay", "pay", "pay and cancel", "cancel", "forget"]):
            case "pay":
                self.pay(dice, placed.body["id"], visitor, patience=patience)
            case "pay and cancel":
                self.pay(dice, placed.body["id"], visitor, patience=patience)
                self.call("cancellation", f"{path}/cancel/", {}, patience=patience, **visitor)
            case "cancel":
                self.call("cancellation", f"{path}/cancel/", {}, patience=patience, **visitor)

    def pay(self, dice: Random, order_id: str, visitor: dict[str, str], *, patience: bool) -> None:
        card = {"number": dice.choice(CARDS), "expiry_month": 12, "expiry_year": 2040, "security_code": "123"}
        path = f"/orders/{order_id}/payment/"
        begun = self.call("payment", path, {"card": card}, patience=patience, **visitor)
        if begun.status != 202:
            return
        with self.lock:
            self.payments.add(begun.body["job_id"])
        if patience and self.succeeds(begun.body["job_id"], visitor):
            with self.lock:
                self.paid.append(order_id)

    def succeeds(self, payment_id: str, visitor: dict[str, str]) -> bool:
        """Look after a payment again and again, for a while."""
        for _ in range(30):
            looked = self.answer("GET", f"/jobs/{payment_id}/", None, visitor)
            if looked and looked.body.get("status") in {"succeeded", "failed"}:
                return bool(looked.body["status"] == "succeeded")
            if self.enough.is_set():
                break
            time.sleep(0.3)
        return False

    def refund(self, dice: Random) -> None:
        """Of an order that somebody has paid; once."""
        with self.lock:
            order_id = self.paid.pop(dice.randrange(len(self.paid))) if self.paid else None
        if order_id:
            body = {"restock": dice.random() < 0.8}
            self.call("refund", f"/orders/{order_id}/refund/", body, patience=dice.random() < 0.8, **self.machine)

    def sell(self, dice: Random) -> None:
        product = dice.choice(self.products)
        body = {"store_id": str(self.store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
        # Only those who wait for the answer know what they have sold.
        sold = self.call("sale", "/sales/", body, patience=True, **self.machine)
        if sold.status == 201:
            with self.lock:
                self.sold[str(product.id)] += 1

    def call(self, name: str, path: str, body: Any, *, patience: bool, **headers: str) -> Answer:
        """The answer to a write; the patient repeat it under its key until there is one."""
        key = {"Idempotency-Key": str(new_id())} | headers
        answer, end = self.answer("POST", path, body, key), time.monotonic() + PATIENCE
        while answer is None or answer.status >= 500:
            with self.lock:
                self.outcomes[f"{answer.status if answer else 'no answer'}"] += 1
            # A defect of our own is none of the weather's.
            assert answer is None or answer.status == 503, answer
            assert time.monotonic() < end, f"nothing comes of the {name}: {answer}"
            if not patience:
                raise WalkedAway
            time.sleep(0.05)
            answer = self.answer("POST", path, body, key)
        with self.lock:
            self.outcomes[f"{name} {answer.body.get('code', answer.status)}"] += 1
        assert answer.status in {200, 201, 202, 409}, answer
        return answer

    def answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer | None:
        try:
            return self.installation.server.send(method, path, body, **headers)
        except (OSError, http.client.HTTPException):
            return None


# --- What is killed -------------------------------------------------------------------------------------------------


class Killer:
    """Kills one process after the other, each kind as often as the others, and starts them again."""

    def __init__(self, installation: Installation, database: Database, dice: Random) -> None:
        self.installation = installation
        self.database = database
        self.dice = dice
        self.killed: Counter[str] = Counter()
        self._victims = [self.web_worker, self.background_worker, self.provider, self.postgres]

    def strike(self) -> None:
        self.wait_for_a_charge()
        time.sleep(self.dice.uniform(0, 1))
        fewest = min(self.killed[victim.__name__] for victim in self._victims)
        victim = self.dice.choice([each for each in self._victims if self.killed[each.__name__] == fewest])
        victim()
        self.killed[victim.__name__] += 1

    def wait_for_a_charge(self) -> None:
        """Return once everything works again: it takes all of it to charge a card."""
        before, end = self.charges(), time.monotonic() + PATIENCE
        while self.charges() == before:
            assert time.monotonic() < end, "nobody pays any more"
            time.sleep(0.05)

    def charges(self) -> int:
        with contextlib.closing(sqlite3.connect(self.installation.provider.data)) as books:
            return int(books.execute("SELECT count(*) FROM charge").fetchone()[0])

    def web_worker(self) -> None:
        os.kill(self.dice.choice(children_of(self.installation.server.pid)), signal.SIGKILL)

    def background_worker(self) -> None:
        self.installation.worker.kill()
        self.installation.worker.start()

    def provider(self) -> None:
        self.installation.provider.kill()
        time.sleep(self.dice.uniform(0, 0.5))
        self.installation.provider.start()

    def postgres(self) -> None:
        self.database.kill()
        time.sleep(self.dice.uniform(0, 0.5))
        self.database.start()
        # Without a database it ends by itself, sooner or later, and whoever runs it starts it again.
        self.background_worker()


# --- Afterwards -----------------------------------------------------------------------------------------------------


def rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def change(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)


def bring_to_an_end(installation: Installation) -> None:
    """What the worker would do within the next hours, with time that passes faster."""
    installation.worker.kill()
    now, end = datetime.now(UTC), time.monotonic() + PATIENCE
    while taken_up := checkout.take_up(now=(now := now + timedelta(minutes=2))) or is_work_left():
        assert time.monotonic() < end, f"this does not come to its end: {taken_up}"
        change("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")
        jobs.give_back_lost_jobs()
        change("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
        installation.worker.work_off()
    later = now + A_WHILE
    while checkout.expire(now=later) or inventory.clear_expired(now=later):
        pass


def is_work_left() -> bool:
    return bool(rows("SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1"))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def command(name: str, url: str, installation: Installation) -> str:
    """What a command says that ends well."""
    environment = {
        "DATABASE_URL": url,
        "COMPTOIR_SANDBOX_URL": installation.provider.address,
        "COMPTOIR_SANDBOX_SECRET": SECRET,
    }
    said = subprocess.run(
        [sys.executable, "manage.py", name],
        cwd=configured.BASE_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout.strip()


# What must not be, in the words of the database.
IMPOSSIBLE = {
    "an order without lines": """
        SELECT id FROM customer_order o WHERE NOT EXISTS (SELECT FROM order_line WHERE order_id = o.id)
    """,
    "an order that waits": "SELECT id FROM customer_order WHERE status = 'pending'",
    "a payment that waits": "SELECT id FROM payment WHERE state = 'running'",
    "a refund that did not happen": "SELECT id FROM refund WHERE state <> 'succeeded'",
    "goods that are kept": "SELECT order_id FROM reservation WHERE state = 'held'",
    "goods gone but not paid, or the other way round": """
        SELECT id FROM customer_order o
        WHERE (status = 'cancelled') = EXISTS (SELECT FROM stock_movement WHERE operation_id = o.id)
    """,
    "an event that somebody was not told": """
        SELECT id FROM procrastinate_jobs WHERE status = 'failed' AND task_name = 'deliver_event'
    """,
}
TAKEN = """
SELECT product_id, sum(quantity - returned) FROM order_piece JOIN customer_order o ON o.id = order_id
WHERE status <> 'cancelled' GROUP BY product_id
"""


def prove(shoppers: Shoppers) -> None:
    """Compare what buyers were told, what the database holds and what the provider has charged."""
    assert {name: found for name, query in IMPOSSIBLE.items() if (found := rows(query))} == {}
    assert shoppers.orders <= {str(order_id) for (order_id,) in rows("SELECT id FROM customer_order")}
    assert shoppers.payments <= {str(payment_id) for (payment_id,) in rows("SELECT id FROM payment")}

    charges = [charge for charge in all_charges(shoppers.installation.provider) if charge["status"] == "succeeded"]
    paid = rows("SELECT id::text, (amount * 100)::integer FROM payment WHERE state = 'succeeded' ORDER BY id")
    assert sorted((charge["idempotency_key"], charge["amount"]) for charge in charges) == paid
    back = sum(charge["amount_refunded"] for charge in charges)
    assert rows("SELECT coalesce(sum(amount * 100), 0)::integer FROM refund") == [(back,)]

    left = Counter({product.id: PIECES - shoppers.sold[str(product.id)] for product in shoppers.products})
    left.subtract(dict(rows(TAKEN)))
    places = [shoppers.warehouse.id, shoppers.store.id]
    found: Counter[UUID] = Counter()
    for level in inventory.stock_levels(product_ids=list(left), location_ids=places):
        found[level.product_id] += level.on_hand
    assert found == left
    assert all_is_well()


def test_no_kill_loses_an_order_or_a_cent(installation: Installation, database: Database) -> None:
    say(f"seed {SEED}")
    warehouse, store = make_warehouse(), make_store()
    products = [make_product() for _ in range(4)]
    for product in products:
        put_in_stock(product, warehouse, PIECES // 2)
        put_in_stock(product, store, PIECES // 2)
    key = new_secret_key()
    scopes = frozenset({Action.SELL, Action.READ_ORDERS, Action.MANAGE_ORDERS})
    accounts.create_api_key(key_id=new_id(), key=key, draft=ApiKeyDraft("Office", scopes))
    shoppers = Shoppers(installation, warehouse, store, products, {"X-API-Key": key})
    killer = Killer(installation, database, Random(SEED))  # noqa: S311 chance, not a secret
    installation.worker.start()

    with ThreadPoolExecutor(BUYERS) as pool:
        running = [pool.submit(shoppers.shop, SEED + number) for number in range(BUYERS)]
        try:
            for _ in range(KILLS):
                killer.strike()
                assert [shopper.exception() for shopper in running if shopper.done()] == []
        finally:
            shoppers.enough.set()
    for shopper in running:
        shopper.result()
    connection.close()
    bring_to_an_end(installation)

    statuses = dict(rows("SELECT status, count(*) FROM customer_order GROUP BY status"))
    say(f"killed {dict(killer.killed)}")
    say(f"answers {dict(sorted(shoppers.outcomes.items()))}")
    say(f"orders {statuses}")
    prove(shoppers)
    for name in ("verify_orders", "verify_stock"):
        say(command(name, database.url, installation))
