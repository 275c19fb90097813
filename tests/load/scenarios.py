"""Who does what in each scenario: a class for each, run by Locust.

A refusal is a right answer where the scenario leads to it: somebody gets the last piece, and the others do not.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from locust import FastHttpUser, events, task
from locust.env import Environment

from tests.load import facts
from tests.load.facts import Notes

FACTS = facts.read(Path(os.environ[facts.FACTS]))
CHAIN = FACTS.chain
STAFF = {"X-API-Key": CHAIN.key}
AT_A_PAGE = {"Cookie": CHAIN.cookie}
HOME = {
    "name": "Camille Martin",
    "line1": "12 rue de la République",
    "city": "Lyon",
    "postal_code": "69002",
    "country": "FR",
    "email": "camille@example.com",
}
CARD = {"number": "4242 4242 4242 4242", "expiry_month": 12, "expiry_year": 2040, "security_code": "123"}
API = "/api/v1"
SOLD_OUT = {"insufficient_stock", "not_enough_stock"}

_numbers = count()
_noted: Counter[str] = Counter()
_served_by: Counter[str] = Counter()


@events.init.add_listener
def refuse_another_host(environment: Environment, **_: Any) -> None:
    """Whatever the command line of Locust says."""
    facts.refuse_strangers([environment.host] if environment.host else [])


@events.request.add_listener
def note(response: Any, exception: Any, **_: Any) -> None:
    """Count who has answered, and what has failed."""
    _noted["failures"] += exception is not None
    if response is not None and response.headers:
        _served_by[response.headers.get("X-Served-By", "nobody")] += 1


@events.quitting.add_listener
def write_notes(**_: Any) -> None:
    """For whoever has started Locust."""
    notes = Notes(_noted["failures"], dict(_served_by), _noted["accepted"])
    Path(os.environ[facts.NOTES]).write_text(json.dumps(vars(notes)))


class Somebody(FastHttpUser):
    """A person or a till, with a connection of its own."""

    abstract = True
    concurrency = 1
    network_timeout = 30.0
    connection_timeout = 10.0

    def __init__(self, environment: Environment) -> None:
        number = next(_numbers)
        self.host = FACTS.sites[number % len(FACTS.sites)]
        super().__init__(environment)
        self.dice = Random(number)  # noqa: S311 shoppers have no secrets
        self._begun = time.monotonic()
        self._sent = 0

    def wait_time(self) -> float:
        """Until the next request is due, however long the last ones took."""
        return max(0.0, self._begun + self._sent * FACTS.pace - time.monotonic())

    def ask(
        self, name: str, method: str, path: str, body: Any = None, *, right: Collection[str] = (), **headers: str
    ) -> Any:
        """The answer to a call, None for a refusal. It fails unless it is a success, or a refusal that is `right`."""
        self._sent += 1
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.client.request(
            method, path, name=name, json=body, headers=sent, catch_response=True, allow_redirects=False
        ) as answer:
            if answer.status_code in {200, 201, 202}:
                return answer
            if answer.status_code == 409 and answer.json()["code"] in right:
                answer.success()
            else:
                answer.failure(f"{answer.status_code} {(answer.content or b'')[:300]!r} {answer.error or ''}")
        return None

    def look(self, name: str, path: str, **headers: str) -> Any:
        """Read something of the API."""
        return self.ask(name, "GET", f"{API}{path}", **headers)

    def send(self, name: str, path: str, body: Any, *, right: Collection[str] = (), **headers: str) -> Any:
        """Write something, under a key."""
        return self.ask(name, "POST", f"{API}{path}", body, right=right, **{"Idempotency-Key": str(uuid4()), **headers})

    def open_page(self, name: str, path: str) -> None:
        """Read a page of the staff's, as one of the head office."""
        self.ask(name, "GET", path, **AT_A_PAGE)

    def product(self) -> str:
        return self.dice.choice(CHAIN.products)

    def store(self) -> str:
        return self.dice.choice(CHAIN.stores)

    def fill_cart(self, product: str) -> tuple[str, dict[str, str]] | None:
        """A cart with a piece of a product, and what proves that it is one's own; None where there is none left."""
        opened = self.send("open a cart", "/cart/", {})
        if opened is None:
            return None
        cart = opened.json()
        mine = {"X-Cart-Token": cart["token"]}
        body = {"product_id": product, "quantity": 1}
        added = self.send("put into the cart", f"/cart/{cart['id']}/items/", body, right=SOLD_OUT, **mine)
        return (cart["id"], mine) if added is not None else None

    def order(self, product: str) -> bool:
        """Order a piece, and pay. Whether it was there."""
        if not (filled := self.fill_cart(product)):
            return False
        cart_id, mine = filled
        body = {"cart_id": cart_id, "shipping_address": HOME}
        placed = self.send("order", "/checkout/process/", body, right=SOLD_OUT, **mine)
        if placed is None:
            return False
        paid = self.send("pay", f"/orders/{placed.json()['id']}/payment/", {"card": CARD}, **mine)
        if paid is not None:
            self.look("is it paid", f"/jobs/{paid.json()['job_id']}/", **mine)
        return True

    def sell(self, store: str, product: str) -> bool:
        """Sell a piece at a till. Whether it was there."""
        body = {"store_id": store, "lines": [{"product_id": product, "quantity": 1}]}
        return self.send("till sale", "/sales/", body, right=SOLD_OUT, **STAFF) is not None

    def read_report(self) -> None:
        """One of those that managers read."""
        today = datetime.now(UTC).date()
        period = f"from={today - timedelta(days=self.dice.choice([0, 6, 29]))}&to={today}"
        match self.dice.randrange(6):
            case 0:
                self.look("report", f"/reports/sales/?{period}", **STAFF)
            case 1:
                self.look("report of a store", f"/reports/sales/?{period}&store_id={self.store()}", **STAFF)
            case 2:
                self.look("statistics", "/reports/statistics/", **STAFF)
            case 3:
                self.look("indicators", f"/dashboard/?{period}", **STAFF)
            case 4:
                self.open_page("page of the chain", "/dashboard/")
            case 5:
                self.open_page("page of a store", f"/dashboard/stores/{self.store()}/")


class ShopDay(Somebody):
    """An ordinary day: most look, some buy."""

    @task(70)
    def browse(self) -> None:
        drawn = self.dice.random()
        if drawn < 0.5:
            self.look("product", f"/products/{self.product()}/")
        elif drawn < 0.75:
            self.look("products", f"/products/?page={self.dice.randint(1, 10)}")
        elif drawn < 0.85:
            self.look("search", f"/products/?search={self.dice.choice(CHAIN.words)}")
        elif drawn < 0.95:
            self.look("where it is", f"/products/{self.product()}/stock/")
        else:
            self.look("stores", "/stores/")

    @task(10)
    def look_at_stock(self) -> None:
        drawn = self.dice.random()
        if drawn < 0.5:
            self.look("stock of a product", f"/stores/{self.store()}/products/{self.product()}/stock/", **STAFF)
        elif drawn < 0.8:
            items = [{"product_id": self.product(), "quantity": 1} for _ in range(3)]
            self.ask("availability", "POST", f"{API}/stock/check-availability/", {"items": items})
        else:
            self.look("stock of a store", f"/stores/{self.store()}/stock/", **STAFF)

    @task(10)
    def put_aside(self) -> None:
        if filled := self.fill_cart(self.product()):
            cart_id, mine = filled
            self.look("cart", f"/cart/{cart_id}/", **mine)

    @task(4)
    def buy(self) -> None:
        self.order(self.product())

    @task(4)
    def buy_in_a_store(self) -> None:
        self.sell(self.store(), self.product())

    @task(2)
    def manage(self) -> None:
        self.read_report()


class FlashSale(Somebody):
    """One product that everybody wants, at home and at the till of the first store."""

    @task(3)
    def buy(self) -> None:
        if self.order(CHAIN.wanted):
            _noted["accepted"] += 1

    @task(1)
    def buy_in_a_store(self) -> None:
        if self.sell(CHAIN.stores[0], CHAIN.wanted):
            _noted["accepted"] += 1

    @task(1)
    def hope(self) -> None:
        self.look("where it is", f"/products/{CHAIN.wanted}/stock/")


class StoreMorning(Somebody):
    """Stores look at their shelves and ask for goods, and the warehouse decides."""

    @task(5)
    def look_at_shelves(self) -> None:
        self.open_page("page of the stock", f"/dashboard/stores/{self.store()}/stock/")

    @task(3)
    def look_at_stock(self) -> None:
        which = self.dice.choice(["", "?low=true", "?out=true", f"?search={self.dice.choice(CHAIN.words)}"])
        self.look("stock of a store", f"/stores/{self.store()}/stock/{which}", **STAFF)

    @task(2)
    def ask_for_goods(self) -> None:
        body = {"product_id": self.product(), "store_id": self.store(), "quantity": self.dice.randint(1, 20)}
        # The same store may have asked for the same already.
        self.send("request", "/replenishment-requests/", body, right={"already_requested"}, **STAFF)

    @task(2)
    def decide(self) -> None:
        listed = self.look("open requests", "/replenishment-requests/?status=pending", **STAFF)
        if listed is not None and (waiting := listed.json()["results"]):
            step = self.dice.choice(["approve", "approve", "approve", "reject"])
            path = f"/replenishment-requests/{self.dice.choice(waiting)['id']}/{step}/"
            # A colleague may have been faster.
            self.send(step, path, {}, right={"already_decided"}, **STAFF)

    @task(1)
    def look_at_requests(self) -> None:
        self.open_page("page of the requests", "/dashboard/replenishment/")


class ReportStorm(Somebody):
    """Everybody reads reports at once, while the shops sell on."""

    @task(9)
    def read(self) -> None:
        self.read_report()

    @task(1)
    def sell_on(self) -> None:
        self.sell(self.store(), self.product())
