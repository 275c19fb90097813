"""What the worker does about payments while the provider is away."""

import pytest

from checkout import rules
from checkout.interface import OrderStatus, checkout
from checkout.service.providers import Unknown
from shared_kernel.jobs import parked_jobs
from tests.checkout.actions import NOW, Shop, begin_payment, order, pay, refund, status_of
from tests.checkout.bank import Bank
from tests.events.queue import make_all_due, states, work
from tests.threads import empty_queue

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]

TRIES = 6


def test_a_provider_that_is_away_for_long_leaves_payments_and_refunds_to_be_taken_up_and_parks_none(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    paid, placed = pay(order((shop.product, 1))), order((shop.product, 1))
    empty_queue()
    begin_payment(placed)
    refund(paid)
    bank.says = [Unknown()] * 2 * TRIES

    for _ in range(TRIES):
        work(monkeypatch, "payments")
        make_all_due()

    assert bank.says == []
    assert states("charge_payment") == states("carry_out_refund") == [("succeeded", TRIES)]
    assert parked_jobs() == 0
    checkout.take_up(now=NOW + rules.LEFT_ALONE)
    assert (status_of(placed), status_of(paid)) == (OrderStatus.PAID, OrderStatus.REFUNDED)
