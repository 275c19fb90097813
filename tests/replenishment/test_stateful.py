"""Any sequence of requests, decisions, journeys and suggestions, each perhaps sent twice: stock and requests stay what
a few lines of plain Python say they are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory.interface import StockLine, inventory
from replenishment.interface import Request, RequestStatus, SuggestedLine, Verdict, replenishment
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import level, make_product, make_store, put_in_stock
from tests.replenishment.actions import NOW, set_warehouse, suggested

STORES = st.integers(0, 1)
PIECES = st.integers(1, 12)
PICKS = st.integers(0, 30)
TIMES = st.integers(1, 2)

PENDING, APPROVED, SHIPPED = RequestStatus.PENDING, RequestStatus.APPROVED, RequestStatus.SHIPPED
AT_FIRST = 40
REORDER_POINT = 10  # where nobody has set another one


@dataclass
class Asked:
    """A request as the model sees it."""

    store: int
    quantity: int
    status: RequestStatus = PENDING
    granted: int = 0
    travels: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in {PENDING, SHIPPED} or (self.status is APPROVED and self.travels)


class Chain(RuleBasedStateMachine):
    """A warehouse that uses transit now and then, two stores and one product."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = atomic()
        self.transaction.__enter__()
        self.transit = False
        self.warehouse = set_warehouse(transit=False)
        self.stores = [make_store(), make_store()]
        self.product = make_product()
        put_in_stock(self.product, self.warehouse, AT_FIRST)
        for store in self.stores:
            put_in_stock(self.product, store, 1)
        self.central, self.shelves, self.in_transit = AT_FIRST, [1, 1], [0, 0]
        self.asked: dict[Any, Asked] = {}
        self.suggested: list[int] = [0, 0]
        self.now = NOW

    def teardown(self) -> None:
        set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # --- The model --------------------------------------------------------------------------------------------------

    def send(self, times: int, write: Callable[..., Any], *, refusal: str | None, **arguments: Any) -> Any:
        """Make the call, perhaps twice; it has to be accepted or refused as the model says, both times alike."""
        outcomes = []
        for _ in range(times):
            try:
                with atomic():
                    outcomes.append((None, write(actor_id=None, now=self.now, **arguments)))
            except Refusal as refused:
                outcomes.append((refused.code, None))
        assert outcomes[0][0] == refusal, outcomes
        assert outcomes[0] == outcomes[-1]
        return outcomes[0][1]

    def pick(self, number: int) -> Any:
        """One of the requests, if there is any."""
        return list(self.asked)[number % len(self.asked)] if self.asked else None

    def grant(self, request: Asked, pieces: int) -> None:
        request.status, request.granted, request.travels = APPROVED, pieces, self.transit
        self.central -= pieces
        if not self.transit:
            self.shelves[request.store] += pieces

    # --- The rules --------------------------------------------------------------------------------------------------

    @rule(store=STORES, quantity=PIECES, times=TIMES)
    def ask(self, store: int, quantity: int, times: int) -> None:
        refusal = "central_stock_too_low" if quantity > self.central else None
        place = {"product_id": self.product.id, "store_id": self.stores[store].id}
        request_id = new_id()
        self.send(times, replenishment.request, refusal=refusal, request_id=request_id, quantity=quantity, **place)
        if refusal is None:
            self.asked[request_id] = Asked(store, quantity)
            self.suggested[store] = 0

    @rule(number=PICKS, pieces=st.none() | PIECES, times=TIMES)
    def approve(self, number: int, pieces: int | None, times: int) -> None:
        if request_id := self.pick(number):
            request = self.asked[request_id]
            wanted = request.quantity if pieces is None else pieces
            refusal = None
            if request.status is not PENDING:
                refusal = "already_decided"
            elif wanted > request.quantity:
                refusal = "invalid_quantity"
            elif wanted > self.central:
                refusal = "central_stock_too_low"
            keys = {"decision_id": new_id(), "request_id": request_id}
            self.send(times, replenishment.approve, refusal=refusal, quantity=pieces, **keys)
            if refusal is None:
                self.grant(request, wanted)

    @rule(number=PICKS, times=TIMES, takes_back=st.booleans())
    def turn_down(self, number: int, times: int, takes_back: bool) -> None:
        if request_id := self.pick(number):
            request = self.asked[request_id]
            refusal = None if request.status is PENDING else "already_decided"
            decide = replenishment.cancel if takes_back else replenishment.reject
            self.send(times, decide, refusal=refusal, decision_id=new_id(), request_id=request_id)
            if refusal is None:
                request.status = RequestStatus.CANCELLED if takes_back else RequestStatus.REJECTED

    @rule(times=TIMES)
    def approve_all(self, times: int) -> None:
        ids = list(self.asked)
        keys = {"decision_id": new_id(), "request_ids": ids, "verdict": Verdict.APPROVE}
        # Not compared: an earlier one's answer says what the warehouse had left before a later one.
        for _ in range(times):
            outcomes = self.send(1, replenishment.decide_all, refusal=None, **keys)
        expected = []
        for request in self.asked.values():
            if request.status is not PENDING:
                expected.append("already_decided")
            elif request.quantity > self.central:
                expected.append("central_stock_too_low")
            else:
                expected.append("")
                self.grant(request, request.quantity)
        assert [outcome.code for outcome in outcomes] == expected

    @rule(number=PICKS, times=TIMES)
    def ship(self, number: int, times: int) -> None:
        if request_id := self.pick(number):
            request = self.asked[request_id]
            refusal = None if request.status is APPROVED and request.travels else "not_on_its_way"
            self.send(times, replenishment.ship, refusal=refusal, shipment_id=new_id(), request_id=request_id)
            if refusal is None:
                request.status = SHIPPED
                self.in_transit[request.store] += request.granted

    @rule(number=PICKS, missing=st.integers(0, 2), times=TIMES)
    def receive(self, number: int, missing: int, times: int) -> None:
        if request_id := self.pick(number):
            request = self.asked[request_id]
            refusal = None if request.status is SHIPPED else "not_on_its_way"
            arrived = max(0, request.granted - missing)
            keys = {"receipt_id": new_id(), "request_id": request_id}
            self.send(times, replenishment.receive, refusal=refusal, quantity=arrived, **keys)
            if refusal is None:
                request.status = RequestStatus.RECEIVED
                self.in_transit[request.store] -= request.granted
                self.shelves[request.store] += arrived

    @rule(transit=st.booleans())
    def change_the_way(self, transit: bool) -> None:
        self.transit = transit
        set_warehouse(transit=transit)

    @rule(store=STORES, pieces=PIECES)
    def sell(self, store: int, pieces: int) -> None:
        pieces = min(pieces, self.shelves[store])
        lines = [StockLine(self.product.id, pieces)] if pieces else []
        operation = {"operation_id": new_id(), "document": "sale", "actor_id": None, "now": self.now}
        inventory.issue(location_id=self.stores[store].id, lines=lines, **operation)
        self.shelves[store] -= pieces

    @rule()
    def suggest(self) -> None:
        self.now += timedelta(milliseconds=1)
        for store in (0, 1):
            has_asked = any(
                request.store == store and request.is_open and request.status is not SHIPPED
                for request in self.asked.values()
            )
            position = self.shelves[store] + self.in_transit[store]
            self.suggested[store] = 0 if has_asked else max(0, min(REORDER_POINT - position, self.central))
        assert replenishment.suggest(now=self.now) == sum(quantity > 0 for quantity in self.suggested)

    @rule(store=STORES, times=TIMES)
    def accept(self, store: int, times: int) -> None:
        quantity = self.suggested[store]
        expected = ""
        if not quantity:
            expected = "suggestion_gone"
        elif any(request.store == store and request.is_open for request in self.asked.values()):
            expected = "already_requested"
        elif quantity > self.central:
            expected = "central_stock_too_low"
        lines = [SuggestedLine(self.stores[store].id, self.product.id)]
        [acceptance] = self.send(times, replenishment.accept, refusal=None, acceptance_id=new_id(), lines=lines)
        assert acceptance.code == expected
        if acceptance.request:
            self.asked[acceptance.request.id] = Asked(store, quantity)
            self.suggested[store] = 0

    # --- What always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_stock_is_the_models(self) -> None:
        assert level(self.product, self.warehouse).available == self.central >= 0
        rows = [level(self.product, store) for store in self.stores]
        assert [row.available for row in rows] == self.shelves
        assert [row.in_transit for row in rows] == self.in_transit

    @invariant()
    def the_requests_are_the_models(self) -> None:
        page = replenishment.requests(store_ids=[store.id for store in self.stores], limit=1000)
        assert {row.id: self.as_asked(row) for row in page.requests} == self.asked

    def as_asked(self, row: Request) -> Asked:
        store = [store.id for store in self.stores].index(row.store_id)
        travels = self.asked[row.id].travels
        return Asked(store, row.quantity, row.status, row.approved_quantity or 0, travels)

    @invariant()
    def the_suggestions_are_the_models(self) -> None:
        found = {row.store_id: row.quantity for row in suggested(*self.stores)}
        assert found == {
            store.id: quantity for store, quantity in zip(self.stores, self.suggested, strict=True) if quantity
        }

    @invariant()
    def the_books_agree(self) -> None:
        assert inventory.verify(now=self.now).differences == []


@pytest.mark.django_db
def test_any_sequence_of_writes_keeps_requests_and_stock_together() -> None:
    run_state_machine_as_test(Chain, settings=settings(max_examples=10, stateful_step_count=25, deadline=None))
