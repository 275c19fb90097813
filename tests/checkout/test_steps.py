"""What may become of an order, and what may not."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from checkout.interface import (
    ImpossibleStep,
    NotEnoughStock,
    OrderNotFound,
    OrderStatus,
    PaymentRunning,
    PaymentState,
    Step,
    checkout,
)
from checkout.service import steps
from checkout.service.providers import Answer, Result
from sales.interface import PaymentMethod, sales
from shared_kernel.ids import new_id
from tests.catalog.conftest import Published
from tests.checkout.actions import (
    A_WHILE,
    NOW,
    TOO_LATE,
    Shop,
    all_is_well,
    begin_payment,
    everything,
    order,
    pay,
    report,
    status_of,
    too_late,
)
from tests.checkout.bank import Bank

pytestmark = pytest.mark.django_db

PERSON = new_id()


def test_a_paid_order_is_processed_and_completed_by_somebody() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 1)))

    for status in (OrderStatus.PROCESSING, OrderStatus.PROCESSING, OrderStatus.COMPLETED):
        done = checkout.advance(order_id=paid.id, status=status, actor_id=PERSON, now=NOW)

    assert done.status is OrderStatus.COMPLETED
    assert [(step.step, step.actor_id, step.location_id) for step in done.steps][-3:] == [
        (Step.PROCESSING, PERSON, None),
        (Step.SENT, PERSON, shop.warehouse.id),
        (Step.COMPLETED, PERSON, None),
    ]


@pytest.mark.parametrize("asked", [OrderStatus.PROCESSING, OrderStatus.COMPLETED, OrderStatus.REFUNDED])
def test_a_step_that_cannot_follow_is_refused_with_those_that_can(asked: OrderStatus) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    before = everything()

    with pytest.raises(ImpossibleStep) as refusal:
        checkout.advance(order_id=placed.id, status=asked, actor_id=PERSON, now=NOW)
    assert (refusal.value.order_status, refusal.value.possible) == (
        OrderStatus.PENDING,
        [OrderStatus.PAID, OrderStatus.CANCELLED],
    )
    assert everything() == before


def test_a_cancelled_order_frees_its_goods_once(published: Published) -> None:
    shop = Shop()
    placed = order((shop.product, 3))

    for _ in range(2):
        done = checkout.cancel(order_id=placed.id, reason="twice", actor_id=PERSON, now=NOW)

    assert (done.status, done.reserved_until, shop.shelf()) == (OrderStatus.CANCELLED, None, (10, 0))
    assert [(step.step, step.note) for step in done.steps] == [(Step.PLACED, ""), (Step.CANCELLED, "twice")]
    assert [kind for kind, _ in published() if kind == "order.cancelled"] == ["order.cancelled"]
    assert all_is_well()


def test_a_paid_order_is_not_cancelled() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))
    before = everything()

    with pytest.raises(ImpossibleStep):
        checkout.cancel(order_id=paid.id, reason="", actor_id=PERSON, now=NOW)
    assert everything() == before


def test_an_order_that_is_being_paid_is_not_cancelled() -> None:
    shop = Shop()
    placed = order((shop.product, 3))
    begin_payment(placed)
    before = everything()

    with pytest.raises(PaymentRunning):
        checkout.cancel(order_id=placed.id, reason="", actor_id=PERSON, now=NOW)
    assert everything() == before


def test_an_order_that_nobody_pays_runs_out_and_its_goods_are_free() -> None:
    shop = Shop(3)
    placed = order((shop.product, 3))

    assert checkout.expire(now=NOW + A_WHILE - timedelta(seconds=1)) == 0
    assert checkout.expire(now=TOO_LATE) == 1
    assert checkout.expire(now=TOO_LATE) == 0

    done = checkout.order(order_id=placed.id)
    assert (done.status, done.steps[-1].step) == (OrderStatus.CANCELLED, Step.EXPIRED)
    too_late()
    order((shop.product, 3), now=TOO_LATE)


def test_an_order_that_is_prolonged_while_late_ones_are_listed_does_not_run_out(
    monkeypatch: pytest.MonkeyPatch, bank: Bank
) -> None:
    shop = Shop()
    placed = order((shop.product, 3))
    bank.says = [Answer(Result.REFUSED, "ch_1", "card_declined")]
    expire = steps._expire

    def after_a_declined_card(order_id: UUID, *, now: datetime) -> bool:
        checkout.charge(payment_id=begin_payment(placed, now=TOO_LATE).id, now=TOO_LATE)
        return expire(order_id, now=now)

    monkeypatch.setattr(steps, "_expire", after_a_declined_card)

    assert checkout.expire(now=TOO_LATE) == 0
    left = checkout.order(order_id=placed.id)
    assert (left.status, left.reserved_until) == (OrderStatus.PENDING, TOO_LATE + A_WHILE)
    assert shop.shelf() == (10, 3)


def test_a_declined_card_before_it_leaves_a_bank_transfer_what_it_is(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 3))
    bank.says = [Answer(Result.REFUSED, "ch_1", "card_declined")]
    pay(placed)

    report(checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=PERSON, now=NOW))

    assert sales.sale(sale_id=placed.id).payments[0].method is PaymentMethod.OTHER
    assert all_is_well()


def test_a_bank_transfer_is_noted_by_the_head_office() -> None:
    shop = Shop()
    placed = order((shop.product, 3))

    for _ in range(2):
        paid = checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=PERSON, now=NOW)
    report(paid)

    assert (paid.status, shop.shelf()) == (OrderStatus.PAID, (7, 0))
    assert [(payment.state, payment.amount, payment.brand) for payment in paid.payments] == [
        (PaymentState.SUCCEEDED, Decimal("30.00"), "")
    ]
    assert sales.sale(sale_id=paid.id).payments[0].method is PaymentMethod.OTHER
    assert all_is_well()


def test_a_bank_transfer_for_goods_that_are_gone_is_refused() -> None:
    shop = Shop(3)
    placed = order((shop.product, 3))
    too_late()
    order((shop.product, 1), now=TOO_LATE)
    before = everything()

    with pytest.raises(NotEnoughStock):
        checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=PERSON, now=TOO_LATE)
    assert everything() == before


def test_an_order_that_is_being_paid_by_card_is_not_paid_otherwise() -> None:
    shop = Shop()
    placed = order((shop.product, 3))
    begin_payment(placed)

    with pytest.raises(PaymentRunning):
        checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=PERSON, now=NOW)
    assert status_of(placed) is OrderStatus.PENDING


def test_an_order_that_is_none_is_not_found() -> None:
    with pytest.raises(OrderNotFound):
        checkout.cancel(order_id=new_id(), reason="", actor_id=None, now=NOW)
    with pytest.raises(OrderNotFound):
        checkout.advance(order_id=new_id(), status=OrderStatus.PAID, actor_id=None, now=NOW)
