"""Sales, orders, transfers, deliveries, corrections and counts at once, many of them sent twice at one moment.

Half come over HTTP to real server processes, half from threads of this one. Whatever they do to each other, nothing is
lost, sold twice or deadlocked, and the books agree at every moment.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from accounts.interface import Role, accounts
from inventory.interface import (
    InsufficientStock,
    Movement,
    PlacedLine,
    ReservationExpired,
    ReservationNotFound,
    StockLine,
    inventory,
)
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, books_agree, make_person, make_product, make_store, make_warehouse, put_in_stock
from tests.gunicorn_server import Server
from tests.threads import Call, at_once

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("real_commits")]

THREADS = 8
WRITES_OF_EACH = 30
AT_FIRST = 12  # pieces of each product at each place: few, so that there is something to refuse

Level = tuple[UUID, UUID]
Pieces = dict[UUID, int]


class Storm:
    """A small chain, what its writes should have done to it, and one method for each kind of write."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.token = accounts.log_in(email=make_person(Role.HEAD_OFFICE), password=PASSWORD, address="").access
        self.stores = [make_store(), make_store()]
        self.places = [make_warehouse(), *self.stores]
        self.counted = [make_product(), make_product()]
        stocked = [make_product(), make_product(), *self.counted]
        for place in self.places:
            for product in stocked:
                put_in_stock(product, place, AT_FIRST)
        self.products = [*stocked, make_product(), make_product()]
        self.moved: list[tuple[Level, int]] = []
        self.outcomes: Counter[tuple[str, bool]] = Counter()

    def blow(self, seed: int) -> None:
        """One thread's share of the storm."""
        dice = random.Random(seed)  # noqa: S311 a storm has no secrets
        writes: list[Callable[[random.Random], None]] = [
            self.sell,
            self.sell,
            self.issue,
            self.transfer,
            self.transfer_in_process,
            self.receive,
            self.adjust,
            self.count,
            self.order,
            self.order,
            self.tidy_up,
        ]
        for _ in range(WRITES_OF_EACH):
            dice.choice(writes)(dice)

    # --- What comes of a write --------------------------------------------------------------------------------------

    def send(self, name: str, dice: random.Random, call: Call, *refusals: type[Refusal]) -> Any:
        """The answer of a call that is perhaps sent twice at one moment; None when it was refused."""
        answers = at_once([call] * dice.choice([1, 1, 2]))
        accepted = [answer for answer in answers if not isinstance(answer, Refusal)]
        assert all(isinstance(answer, refusals) for answer in answers if isinstance(answer, Refusal)), answers
        assert all(answer == accepted[0] for answer in accepted), answers
        self.outcomes[name, bool(accepted)] += 1
        return accepted[0] if accepted else None

    def call(self, name: str, dice: random.Random, method: str, path: str, body: Any) -> Any:
        """The same over HTTP, under one Idempotency-Key."""
        key = {"Idempotency-Key": str(new_id())}

        def answer() -> Any:
            got = self.server.call(method, path, body, token=self.token, **key)
            if got.status == 409:
                assert got.body["code"] == InsufficientStock.code, got
                return InsufficientStock(lines=got.body["lines"])
            assert got.status == 201, got
            return got.body

        return self.send(name, dice, answer, InsufficientStock)

    def note(self, deltas: Iterable[tuple[Level, int]]) -> None:
        self.moved.extend(deltas)

    def note_movements(self, movements: Iterable[Movement] | None) -> None:
        self.note(((row.location_id, row.product_id), row.delta) for row in movements or ())

    def note_answer(self, answer: Any) -> None:
        if answer is not None:
            self.note(
                ((UUID(row["location_id"]), UUID(row["product_id"])), row["delta"]) for row in answer["movements"]
            )

    # --- What is to be written --------------------------------------------------------------------------------------

    def pieces(self, dice: random.Random, most: int = 3) -> Pieces:
        """Some products in any order, and how many of each."""
        return {product.id: dice.randint(1, most) for product in dice.sample(self.products, dice.randint(1, 4))}

    def sell(self, dice: random.Random) -> None:
        store, pieces = dice.choice(self.stores), self.pieces(dice)
        body = {"store_id": str(store.id), "lines": as_lines(pieces)}
        if self.call("sale", dice, "POST", "/sales/", body):
            self.note(((store.id, product_id), -quantity) for product_id, quantity in pieces.items())

    def issue(self, dice: random.Random) -> None:
        arguments = {
            "operation_id": new_id(),
            "location_id": dice.choice(self.places).id,
            "lines": [StockLine(*line) for line in self.pieces(dice).items()],
            "document": "",
            "actor_id": None,
            "now": datetime.now(UTC),
        }
        self.note_movements(self.send("issue", dice, partial(inventory.issue, **arguments), InsufficientStock))

    def transfer(self, dice: random.Random) -> None:
        origin, destination = dice.sample(self.places, 2)
        body = {
            "from_location_id": str(origin.id),
            "to_location_id": str(destination.id),
            "lines": as_lines(self.pieces(dice)),
        }
        self.note_answer(self.call("transfer", dice, "POST", "/stock/transfers/", body))

    def transfer_in_process(self, dice: random.Random) -> None:
        origin, destination = dice.sample(self.places, 2)
        arguments = {
            "operation_id": new_id(),
            "from_location_id": origin.id,
            "to_location_id": destination.id,
            "lines": [StockLine(*line) for line in self.pieces(dice).items()],
            "document": "",
            "actor_id": None,
            "now": datetime.now(UTC),
        }
        self.note_movements(self.send("transfer", dice, partial(inventory.transfer, **arguments), InsufficientStock))

    def receive(self, dice: random.Random) -> None:
        body = {"location_id": str(dice.choice(self.places).id), "lines": as_lines(self.pieces(dice, most=4))}
        self.note_answer(self.call("receipt", dice, "POST", "/stock/receipts/", body))

    def adjust(self, dice: random.Random) -> None:
        lines = [
            {"product_id": str(product_id), "delta": dice.choice([-1, 1]) * quantity}
            for product_id, quantity in self.pieces(dice).items()
        ]
        body = {"location_id": str(dice.choice(self.places).id), "lines": lines, "reason": "damaged or found"}
        self.note_answer(self.call("adjustment", dice, "POST", "/stock/adjustments/", body))

    def count(self, dice: random.Random) -> None:
        store, product = dice.choice(self.stores), dice.choice(self.counted)
        path = f"/stores/{store.id}/products/{product.id}/stock/"
        # Every count is one of its own, over HTTP: so it is sent once.
        got = self.server.call("PUT", path, {"quantity": dice.randint(0, 2 * AT_FIRST)}, token=self.token)
        assert got.status in {200, 409}, got
        self.outcomes["count", got.status == 200] += 1

    def order(self, dice: random.Random) -> None:
        """An order from its reservation, for long or for a moment, to whatever becomes of it."""
        order_id, lasts = new_id(), dice.choice([True, True, False])
        now = datetime.now(UTC)
        lines = [PlacedLine(dice.choice(self.places).id, *line) for line in self.pieces(dice).items()]
        until = now + (timedelta(hours=1) if lasts else timedelta(milliseconds=dice.randint(5, 60)))
        reserve = partial(inventory.reserve, order_id=order_id, lines=lines, until=until, now=now)
        if not self.send("reservation", dice, reserve, InsufficientStock):
            return
        over = () if lasts else (ReservationExpired,)
        if dice.random() < 0.5:
            extend = partial(inventory.extend, order_id=order_id, until=until, now=datetime.now(UTC))
            self.send("extension", dice, extend, *over)
        match dice.choice(["confirmed", "confirmed", "released", "forgotten"]):
            case "confirmed":
                confirm = partial(inventory.confirm, order_id=order_id, actor_id=None, now=datetime.now(UTC))
                self.note_movements(self.send("order", dice, confirm, *over))
            case "released":
                release = partial(inventory.release, order_id=order_id, now=datetime.now(UTC))
                assert at_once([release] * 2) == [None, None]
                confirm = partial(inventory.confirm, order_id=order_id, actor_id=None, now=datetime.now(UTC))
                assert self.send("order released", dice, confirm, *over, ReservationNotFound) is None

    def tidy_up(self, dice: random.Random) -> None:
        assert at_once([books_agree]) == [True]
        at_once([partial(inventory.clear_expired, now=datetime.now(UTC))] * 2)
        self.outcomes["tidying up", True] += 1


def as_lines(pieces: Pieces) -> list[dict[str, Any]]:
    return [{"product_id": str(product_id), "quantity": quantity} for product_id, quantity in pieces.items()]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_nothing_is_lost_in_a_storm(server: Server, seed: int) -> None:
    storm = Storm(server)

    assert at_once([partial(storm.blow, seed * 100 + number) for number in range(THREADS)]) == [None] * THREADS

    assert books_agree()
    assert {name for name, accepted in storm.outcomes if accepted} == {
        *("sale", "issue", "transfer", "receipt", "adjustment", "count"),
        *("reservation", "extension", "order", "tidying up"),
    }
    # Counts set what they find, so only the other products can be reckoned up beforehand.
    reckoned = [product for product in storm.products if product not in storm.counted]
    expected = Counter({(place.id, product.id): AT_FIRST for place in storm.places for product in reckoned[:2]})
    for level, delta in storm.moved:
        expected[level] += delta
    while inventory.clear_expired(now=datetime.now(UTC) + timedelta(days=1)):
        pass
    assert books_agree()
    rows = inventory.stock_levels(
        product_ids=[product.id for product in reckoned], location_ids=[place.id for place in storm.places]
    )
    assert {row.reserved for row in rows} == {0}
    assert {(row.location_id, row.product_id): row.on_hand for row in rows} == {
        (row.location_id, row.product_id): expected[row.location_id, row.product_id] for row in rows
    }
