"""Any sequence of writes, each perhaps sent twice: the levels stay what a few lines of plain Python say they are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic, set_rollback
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory.interface import PlacedLine, StockLine, Thresholds, inventory
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, make_warehouse

Place = tuple[int, int]

# Levels that say something else of their last moves than the ledger does.
FORGETFUL = """
SELECT l.id, l.moved_at, l.emptied_at, m.moved_at, m.emptied_at FROM stock_level l, LATERAL (
    SELECT max(recorded_at) FILTER (WHERE reason NOT IN ('adjustment', 'count')) AS moved_at,
        max(recorded_at) FILTER (WHERE delta < 0 AND after = 0) AS emptied_at
    FROM stock_movement WHERE level_id = l.id
) AS m
WHERE (l.moved_at, l.emptied_at) IS DISTINCT FROM (m.moved_at, m.emptied_at)
"""

PLACES = st.integers(0, 2)
PRODUCTS = st.integers(0, 1)
PIECES = st.integers(1, 6)
ORDERS = st.integers(0, 3)
MINUTES = st.integers(1, 30)
LINES = st.dictionaries(PRODUCTS, PIECES, min_size=1)
PLACED_LINES = st.dictionaries(st.tuples(PLACES, PRODUCTS), PIECES, min_size=1, max_size=3)
TIMES = st.integers(1, 2)

# Far off, so that what is read with the real clock sees nothing run out by itself.
START = datetime(2126, 1, 1, tzinfo=UTC)


@dataclass
class Order:
    """A reservation as the model sees it. Its pieces stay in `reserved` until their level is touched."""

    lines: dict[Place, int]
    until: datetime
    confirmed: bool = False
    untidied: set[Place] = field(default_factory=set)


def outcome(write: Callable[..., Any], arguments: dict[str, Any]) -> tuple[bool, Any]:
    """Whether the call was accepted, and its answer or the code of its refusal."""
    try:
        return True, write(**arguments)
    except Refusal as refusal:
        return False, refusal.code


class Chain(RuleBasedStateMachine):
    """Three places, two products, four orders, and a clock that the rules move on."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = atomic()
        self.transaction.__enter__()
        self.places = [make_warehouse().id, make_store().id, make_store().id]
        self.products = [make_product().id, make_product().id]
        self.orders = [new_id() for _ in range(4)]
        self.now = START
        self.on_hand: dict[Place, int] = {}
        self.held: dict[int, Order] = {}
        self.over: list[Order] = []

    def teardown(self) -> None:
        set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # --- The model --------------------------------------------------------------------------------------------------

    def promised(self, place: Place) -> int:
        return sum(order.lines.get(place, 0) for order in self.held.values() if not order.confirmed)

    def reserved(self, place: Place) -> int:
        """What the level's row says: what is promised, and what has run out since the level was last touched."""
        return self.promised(place) + sum(order.lines[place] for order in self.over if place in order.untidied)

    def available(self, place: Place) -> int:
        return self.on_hand.get(place, 0) - self.promised(place)

    def touch(self, places: Iterable[Place]) -> None:
        for order in self.over:
            order.untidied -= set(places)

    def run_out(self) -> None:
        for number, order in list(self.held.items()):
            if not order.confirmed and order.until <= self.now:
                order.untidied = set(order.lines)
                self.over.append(self.held.pop(number))

    def live(self, number: int) -> Order | None:
        order = self.held.get(number)
        return order if order and not order.confirmed else None

    def move(self, deltas: dict[Place, int]) -> None:
        for place, delta in deltas.items():
            self.on_hand[place] = self.on_hand.get(place, 0) + delta
        self.touch(deltas)

    def send(self, times: int, write: Callable[..., Any], *, accepted: bool, **arguments: Any) -> None:
        """Make the call, perhaps twice; it has to be accepted or refused as the model says, both times alike."""
        outcomes = [outcome(write, arguments) for _ in range(times)]
        assert outcomes[0][0] is accepted, outcomes
        assert outcomes[0] == outcomes[-1]

    def placed(self, lines: dict[Place, int]) -> list[PlacedLine]:
        return [
            PlacedLine(self.places[place], self.products[product], pieces) for (place, product), pieces in lines.items()
        ]

    def stock_lines(self, lines: dict[int, int]) -> list[StockLine]:
        return [StockLine(self.products[product], pieces) for product, pieces in lines.items()]

    def operation(self) -> dict[str, Any]:
        return {"operation_id": new_id(), "actor_id": None, "now": self.now}

    # --- The rules --------------------------------------------------------------------------------------------------

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.run_out()

    @rule(place=PLACES, lines=LINES, times=TIMES)
    def receive(self, place: int, lines: dict[int, int], times: int) -> None:
        arguments = {"location_id": self.places[place], "lines": self.stock_lines(lines), "document": ""}
        self.send(times, inventory.receive, accepted=True, **arguments, **self.operation())
        self.move({(place, product): pieces for product, pieces in lines.items()})

    @rule(place=PLACES, lines=LINES, times=TIMES)
    def issue(self, place: int, lines: dict[int, int], times: int) -> None:
        fits = all(self.available((place, product)) >= pieces for product, pieces in lines.items())
        arguments = {"location_id": self.places[place], "lines": self.stock_lines(lines), "document": ""}
        self.send(times, inventory.issue, accepted=fits, **arguments, **self.operation())
        if fits:
            self.move({(place, product): -pieces for product, pieces in lines.items()})

    @rule(place=PLACES, lines=st.dictionaries(PRODUCTS, st.integers(-4, 4), min_size=1), times=TIMES)
    def adjust(self, place: int, lines: dict[int, int], times: int) -> None:
        fits = all(self.available((place, product)) + delta >= 0 for product, delta in lines.items())
        arguments = {"location_id": self.places[place], "lines": self.stock_lines(lines), "note": ""}
        self.send(times, inventory.adjust, accepted=fits, **arguments, **self.operation())
        if fits:
            self.move({(place, product): delta for product, delta in lines.items()})

    @rule(place=PLACES, product=PRODUCTS, quantity=st.integers(0, 12), times=TIMES)
    def count(self, place: int, product: int, quantity: int, times: int) -> None:
        before = self.on_hand.get((place, product), 0)
        fits = quantity >= self.promised((place, product))
        self.send(
            times,
            inventory.count,
            accepted=fits,
            location_id=self.places[place],
            product_id=self.products[product],
            quantity=quantity,
            thresholds=Thresholds(),
            note="",
            **self.operation(),
        )
        if fits:
            self.move({(place, product): quantity - before})

    @rule(origin=PLACES, step=st.integers(1, 2), lines=LINES, times=TIMES)
    def transfer(self, origin: int, step: int, lines: dict[int, int], times: int) -> None:
        destination = (origin + step) % 3
        fits = all(self.available((origin, product)) >= pieces for product, pieces in lines.items())
        self.send(
            times,
            inventory.transfer,
            accepted=fits,
            from_location_id=self.places[origin],
            to_location_id=self.places[destination],
            lines=self.stock_lines(lines),
            document="",
            **self.operation(),
        )
        if fits:
            self.move({(origin, product): -pieces for product, pieces in lines.items()})
            self.move({(destination, product): pieces for product, pieces in lines.items()})

    @rule(number=ORDERS, lines=PLACED_LINES, minutes=MINUTES, times=TIMES)
    def reserve(self, number: int, lines: dict[Place, int], minutes: int, times: int) -> None:
        known = number in self.held
        fits = all(self.available(place) >= pieces for place, pieces in lines.items())
        until = self.now + timedelta(minutes=minutes)
        self.send(
            times,
            inventory.reserve,
            accepted=known or fits,
            order_id=self.orders[number],
            lines=self.placed(lines),
            until=until,
            now=self.now,
        )
        if fits and not known:
            self.touch(lines)
            self.held[number] = Order(lines, until)

    @rule(number=ORDERS, minutes=MINUTES, times=TIMES)
    def extend(self, number: int, minutes: int, times: int) -> None:
        order = self.live(number)
        until = self.now + timedelta(minutes=minutes)
        self.send(
            times,
            inventory.extend,
            accepted=order is not None,
            order_id=self.orders[number],
            until=until,
            now=self.now,
        )
        if order:
            order.until = until
            self.touch(order.lines)

    @rule(number=ORDERS, times=TIMES)
    def confirm(self, number: int, times: int) -> None:
        order = self.live(number)
        self.send(
            times,
            inventory.confirm,
            accepted=number in self.held,
            order_id=self.orders[number],
            actor_id=None,
            now=self.now,
        )
        if order:
            order.confirmed = True
            self.move({place: -pieces for place, pieces in order.lines.items()})

    @rule(number=ORDERS, times=TIMES)
    def release(self, number: int, times: int) -> None:
        self.send(times, inventory.release, accepted=True, order_id=self.orders[number], now=self.now)
        if order := self.live(number):
            del self.held[number]
            self.touch(order.lines)

    @rule(times=TIMES)
    def clear_expired(self, times: int) -> None:
        untidied = sum(len(order.untidied) for order in self.over)
        assert inventory.clear_expired(now=self.now) == untidied
        self.touch({place for order in self.over for place in order.untidied})
        assert inventory.clear_expired(now=self.now) == 0

    # --- What always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_levels_are_the_models(self) -> None:
        rows = inventory.stock_levels(product_ids=self.products, location_ids=self.places)
        stored = {(row.location_id, row.product_id): (row.on_hand, row.reserved) for row in rows}
        assert stored == {
            (location_id, product_id): (self.on_hand.get((place, product), 0), self.reserved((place, product)))
            for place, location_id in enumerate(self.places)
            for product, product_id in enumerate(self.products)
        }

    @invariant()
    def the_levels_tell_when_the_ledger_saw_them_move_and_run_empty(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(FORGETFUL)
            assert cursor.fetchall() == []

    @invariant()
    def the_books_agree(self) -> None:
        assert inventory.verify(now=self.now).differences == []


@pytest.mark.django_db
def test_any_sequence_of_writes_keeps_the_levels_and_the_books() -> None:
    run_state_machine_as_test(Chain, settings=settings(max_examples=20, stateful_step_count=30, deadline=None))
