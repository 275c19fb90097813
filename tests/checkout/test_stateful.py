"""Any sequence of what buyers, the bank, the clock, the office and the tills do: no order and no cent is lost."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.transaction import atomic, set_rollback
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from checkout.interface import OrderedItem, OrderStatus, PaymentState, checkout
from checkout.service.providers import Answer, Result, Unknown
from checkout.service.proving import SOLD
from inventory.interface import StockLine, inventory
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import put_in_stock, sell
from tests.checkout.actions import A_WHILE, AT_HOME, Shop
from tests.checkout.bank import CARD, Bank

# For how many minutes an order keeps its goods.
KEPT = A_WHILE // timedelta(minutes=1)

ORDERS = st.integers(0, 3)
PIECES = st.integers(1, 4)
TIMES = st.integers(1, 2)
ANSWERS = st.sampled_from(["done", "refused", "under way", "unknown", "unknown, but happened"])


class Market(RuleBasedStateMachine):
    """Four orders at most of one product, of which the warehouse and a store have a few pieces."""

    bank: Bank

    def __init__(self) -> None:
        super().__init__()
        self.transaction = atomic()
        self.transaction.__enter__()
        for name, value in vars(Bank()).items():
            setattr(self.bank, name, value)
        self.shop, self.now = Shop(6), datetime.now(UTC)
        put_in_stock(self.shop.product, self.shop.lyon, 3)
        self.ids = [new_id() for _ in range(4)]
        self.payments: list[UUID] = []
        self.refunds: list[UUID] = []

    def teardown(self) -> None:
        try:
            self.everything_comes_to_its_end()
        finally:
            set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def everything_comes_to_its_end(self) -> None:
        self.bank.says = []
        # A charge that the bank called under way ends like this, too.
        for _ in range(3):
            self.now += timedelta(minutes=2)
            while checkout.take_up(now=self.now):
                pass
        for row in checkout.orders(statuses=list(SOLD)):
            checkout.report_sale(order_id=row.id)
        assert checkout.verify(now=self.now) == []

    def attempt(self, write: Callable[..., Any], times: int = 1, **arguments: Any) -> Any:
        """Make the call, perhaps twice; the answer, or None where it is refused."""
        answer = None
        for _ in range(times):
            with suppress(Refusal), atomic():
                answer = write(now=self.now, **arguments)
        return answer

    # --- What happens -----------------------------------------------------------------------------------------------

    @initialize()
    def some_orders_are_there(self) -> None:
        for number in range(3):
            self.place(number, pieces=2, times=1)

    @rule(number=ORDERS, pieces=PIECES, times=TIMES)
    def place(self, number: int, pieces: int, times: int) -> None:
        self.attempt(
            checkout.place_order,
            times,
            order_id=self.ids[number],
            items=[OrderedItem(self.shop.product.id, pieces)],
            destination=AT_HOME,
            customer_id=None,
            actor_id=None,
        )

    @rule(number=ORDERS, times=TIMES)
    def begin_to_pay(self, number: int, times: int) -> None:
        payment_id = new_id()
        order = {"order_id": self.ids[number], "card": CARD, "actor_id": None}
        if self.attempt(checkout.pay, times, payment_id=payment_id, **order):
            self.payments.append(payment_id)

    @rule(answer=ANSWERS, times=TIMES, last=st.integers(0, 5))
    def charge(self, answer: str, times: int, last: int) -> None:
        self.bank_will(answer)
        for payment_id in self.payments[last : last + 1]:
            self.attempt(checkout.charge, times, payment_id=payment_id)

    def bank_will(self, answer: str) -> None:
        says: dict[str, Answer | Unknown] = {
            "refused": Answer(Result.REFUSED, "", "insufficient_funds"),
            "under way": Answer(Result.UNDER_WAY, "under way"),
        }
        self.bank.says = [] if answer == "done" else [says.get(answer, Unknown())]
        self.bank.happened = answer == "unknown, but happened"

    @rule(which=st.integers(0, 5))
    def hear_late(self, which: int) -> None:
        for payment_id in self.payments[which : which + 1]:
            if payment_id in self.bank.book:
                checkout.hear(body=str(payment_id).encode(), signature="", now=self.now)

    @rule(number=ORDERS, pieces=st.integers(0, 4), restock=st.booleans(), times=TIMES)
    def refund(self, number: int, pieces: int, restock: bool, times: int) -> None:
        items = [OrderedItem(self.shop.product.id, pieces)] if pieces else None
        refund_id = new_id()
        why = {"restock": restock, "reason": "", "actor_id": None}
        if self.attempt(checkout.refund, times, refund_id=refund_id, order_id=self.ids[number], items=items, **why):
            self.refunds.append(refund_id)

    @rule(answer=st.sampled_from(["done", "refused", "unknown", "unknown, but happened"]), which=st.integers(0, 5))
    def carry_out_refund(self, answer: str, which: int) -> None:
        self.bank_will(answer)
        for refund_id in self.refunds[which : which + 1]:
            self.attempt(checkout.carry_out_refund, refund_id=refund_id)

    @rule(number=ORDERS, times=TIMES)
    def cancel(self, number: int, times: int) -> None:
        self.attempt(checkout.cancel, times, order_id=self.ids[number], reason="", actor_id=None)

    @rule(number=ORDERS, status=st.sampled_from([OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED]))
    def advance(self, number: int, status: OrderStatus) -> None:
        self.attempt(checkout.advance, order_id=self.ids[number], status=status, actor_id=None)

    @rule(minutes=st.sampled_from([1, KEPT // 3, KEPT + 1]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        # The reads of the stock go by the real clock, so what has run out has to be tidied up.
        inventory.clear_expired(now=self.now)

    @rule()
    def expire(self) -> None:
        checkout.expire(now=self.now)

    @rule()
    def take_up(self) -> None:
        checkout.take_up(now=self.now)

    @rule(pieces=PIECES)
    def sell_at_the_till(self, pieces: int) -> None:
        with suppress(Refusal), atomic():
            sell(self.shop.product, self.shop.lyon, pieces)

    @rule()
    def all_that_is_free_is_sold(self) -> None:
        for place in (self.shop.lyon, self.shop.warehouse):
            on_hand, reserved = self.shop.shelf(place)
            if on_hand > reserved:
                inventory.adjust(
                    operation_id=new_id(),
                    location_id=place.id,
                    lines=[StockLine(self.shop.product.id, reserved - on_hand)],
                    note="sold",
                    actor_id=None,
                    now=self.now,
                )

    @rule(number=ORDERS, sold=st.booleans())
    def the_money_comes_too_late(self, number: int, sold: bool) -> None:
        begun = len(self.payments)
        self.begin_to_pay(number, times=1)
        self.time_passes(minutes=KEPT + 1)
        if sold:
            self.all_that_is_free_is_sold()
        if len(self.payments) > begun:
            self.bank.says = []
            checkout.charge(payment_id=self.payments[-1], now=self.now)

    @rule(pieces=PIECES)
    def goods_arrive(self, pieces: int) -> None:
        put_in_stock(self.shop.product, self.shop.warehouse, pieces)

    # --- What always holds ------------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_charged_twice_nor_given_more_than_they_paid(self) -> None:
        for charge in self.bank.book.values():
            assert charge.refunded <= charge.amount
        for summary in checkout.orders():
            order = checkout.order(order_id=summary.id)
            assert order.refunded <= order.total
            assert sum(payment.state is not PaymentState.FAILED for payment in order.payments) <= 1
            charged = [payment.id for payment in order.payments if payment.id in self.bank.book]
            assert len(charged) <= 1
            assert (order.reserved_until is not None) == (order.status is OrderStatus.PENDING)

    @invariant()
    def the_stocks_own_books_agree(self) -> None:
        assert inventory.verify(now=self.now).differences == []


@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_no_order_and_no_cent_is_lost(bank: Bank) -> None:
    Market.bank = bank

    run_state_machine_as_test(
        Market, settings=settings(max_examples=25, stateful_step_count=20, deadline=None, derandomize=True)
    )
