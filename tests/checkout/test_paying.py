"""Paying by card: once, whatever happens between us and the provider, and never for goods that are gone."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from checkout import models
from checkout.interface import (
    CardInvalid,
    NotEnoughStock,
    OrderNotPending,
    OrderStatus,
    PaymentNotFound,
    PaymentRunning,
    PaymentState,
    ProviderAway,
    Step,
    checkout,
)
from checkout.service import proving, settling
from checkout.service.providers import Answer, Result, Unknown
from inventory.interface import StockLine, inventory
from sales.interface import Channel, sales
from shared_kernel.ids import new_id
from tests.catalog.conftest import Published
from tests.chain import make_product, make_store, put_in_stock
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
    pick_up,
    refund,
    report,
    status_of,
    too_late,
)
from tests.checkout.bank import CARD, Bank

pytestmark = pytest.mark.django_db

REFUSED = Answer(Result.REFUSED, "ch_1", "insufficient_funds")
LATER = NOW + timedelta(minutes=2)


def test_a_paid_order_has_its_goods_and_one_charge(bank: Bank, published: Published) -> None:
    shop = Shop()

    paid = pay(order((shop.product, 3)))

    assert paid.status is OrderStatus.PAID
    assert paid.reserved_until is None
    assert shop.shelf() == (7, 0)
    [payment] = paid.payments
    assert (payment.state, payment.amount, payment.brand, payment.last4, payment.expiry) == (
        PaymentState.SUCCEEDED,
        Decimal("30.00"),
        "Visa",
        "4242",
        "12/2030",
    )
    assert [charge.amount for charge in bank.book.values()] == [Decimal("30.00")]
    assert [step.step for step in paid.steps] == [Step.PLACED, Step.PAYMENT_STARTED, Step.PAID]
    assert [kind for kind, _ in published() if kind.startswith("order.")] == ["order.created", "order.paid"]


def test_a_paid_order_is_a_sale_online_once() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))

    report(paid)
    report(paid)

    sale = sales.sale(sale_id=paid.id)
    assert (sale.channel, sale.store_id, sale.total) == (Channel.ONLINE, shop.warehouse.id, Decimal("30.00"))
    assert shop.shelf() == (7, 0)
    assert all_is_well()


def test_a_chain_without_a_warehouse_sells_where_the_goods_come_from() -> None:
    store, product, service = make_store(), make_product(), make_product(stocked=False)
    put_in_stock(product, store, 3)
    goods, hours = pay(order((product, 1))), pay(order((service, 1)))

    report(goods)
    report(hours)
    checkout.carry_out_refund(refund_id=refund(goods).id, now=NOW)

    assert [sales.sale(sale_id=sold.id).store_id for sold in (goods, hours)] == [store.id, store.id]
    assert status_of(goods) is OrderStatus.REFUNDED
    assert all_is_well()


def test_a_payment_that_ends_while_the_books_are_read_is_no_difference(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    read = proving._orders

    def after_a_payment() -> Any:
        if status_of(placed) is OrderStatus.PENDING:
            report(pay(placed))
        return read()

    monkeypatch.setattr(proving, "_orders", after_a_payment)

    assert checkout.verify(now=NOW) == []
    bank.book.clear()
    assert [each.order_id for each in checkout.verify(now=NOW)] == [placed.id]


def test_what_was_picked_up_is_the_stores_sale() -> None:
    shop = Shop(0)
    put_in_stock(shop.product, shop.lyon, 3)
    paid = pay(order((shop.product, 1), destination=pick_up(shop.lyon)))
    report(paid)

    assert sales.sale(sale_id=paid.id).store_id == shop.lyon.id


def test_charging_again_charges_nothing(bank: Bank) -> None:
    shop = Shop()
    payment = begin_payment(order((shop.product, 1)))
    checkout.charge(payment_id=payment.id, now=NOW)
    before = everything()

    checkout.charge(payment_id=payment.id, now=NOW)

    assert everything() == before
    assert bank.calls == 1


def test_a_payment_runs_until_its_order_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    product = make_product()
    put_in_stock(product, make_store(), 1)
    placed = order((product, 1))
    payment = begin_payment(placed)

    def dies(order: models.Order, *, now: datetime) -> None:
        raise SystemExit

    # The worker's last breath, with the money there.
    with monkeypatch.context() as patched:
        patched.setattr(settling, "hold", dies)
        with pytest.raises(SystemExit):
            settling.charge(payment.id, now=NOW)

    assert checkout.payment(payment_id=payment.id).state is PaymentState.RUNNING

    checkout.charge(payment_id=payment.id, now=NOW)

    assert checkout.payment(payment_id=payment.id).state is PaymentState.SUCCEEDED
    assert status_of(placed) is OrderStatus.PAID


def test_beginning_again_under_the_same_id_begins_nothing() -> None:
    shop = Shop()
    placed, payment_id = order((shop.product, 1)), new_id()

    assert begin_payment(placed, payment_id=payment_id) == begin_payment(placed, payment_id=payment_id)


def test_a_second_payment_waits_for_the_first() -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    first = begin_payment(placed)
    before = everything()

    with pytest.raises(PaymentRunning) as refusal:
        begin_payment(placed)
    assert refusal.value.job_id == first.id
    assert everything() == before


def test_a_paid_order_is_not_paid_again() -> None:
    shop = Shop()
    placed = pay(order((shop.product, 1)))
    before = everything()

    with pytest.raises(OrderNotPending):
        begin_payment(placed)
    assert everything() == before


def test_a_declined_card_leaves_the_order_to_be_paid_by_another(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    bank.says = [REFUSED]

    declined = pay(placed)

    assert declined.status is OrderStatus.PENDING
    assert [(payment.state, payment.code) for payment in declined.payments] == [
        (PaymentState.FAILED, "insufficient_funds")
    ]
    assert shop.shelf() == (10, 1)
    assert pay(placed).status is OrderStatus.PAID
    assert len(bank.book) == 1


def test_a_card_that_cannot_be_begins_no_payment() -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    before = everything()

    with pytest.raises(CardInvalid):
        begin_payment(placed, card=type(CARD)("4242424242424241", 12, 2030, "123"))
    assert everything() == before


def test_a_payment_nobody_began_is_not_found() -> None:
    with pytest.raises(PaymentNotFound):
        checkout.payment(payment_id=new_id())
    with pytest.raises(PaymentNotFound):
        checkout.charge(payment_id=new_id(), now=NOW)


# --- Nobody knows ---------------------------------------------------------------------------------------------------


# Under a role, a call that fails takes back that it was begun.
@pytest.mark.plain_calls
@pytest.mark.parametrize("happened", [True, False])
def test_a_charge_of_which_nobody_knows_is_asked_for_again(bank: Bank, happened: bool) -> None:
    shop = Shop()
    payment = begin_payment(order((shop.product, 1)))
    assert payment.state is PaymentState.QUEUED
    bank.says, bank.happened = [Unknown()], happened

    with pytest.raises(ProviderAway):
        checkout.charge(payment_id=payment.id, now=NOW)
    assert checkout.payment(payment_id=payment.id).state is PaymentState.RUNNING
    checkout.charge(payment_id=payment.id, now=NOW)

    assert checkout.payment(payment_id=payment.id).state is PaymentState.SUCCEEDED
    assert len(bank.book) == 1
    assert shop.shelf() == (9, 0)


def test_what_nobody_goes_on_with_is_taken_up_after_a_minute(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    begin_payment(placed)

    assert checkout.take_up(now=NOW + timedelta(seconds=59)) == 0
    assert checkout.take_up(now=LATER) == 1

    assert status_of(placed) is OrderStatus.PAID
    assert checkout.take_up(now=LATER + timedelta(minutes=2)) == 0


def test_an_unknown_charge_is_taken_up_again_and_again(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    begin_payment(placed)
    bank.says = [Unknown(), Unknown()]

    for minutes in (2, 4):
        assert checkout.take_up(now=NOW + timedelta(minutes=minutes)) == 1
        assert status_of(placed) is OrderStatus.PENDING
    checkout.take_up(now=NOW + timedelta(minutes=6))

    assert status_of(placed) is OrderStatus.PAID


def test_one_payment_that_cannot_be_taken_up_holds_no_other_up(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    paid = pay(order((shop.product, 1)))
    given = refund(paid)
    first, second = (order((shop.product, 1)) for _ in range(2))
    begin_payment(first)
    begin_payment(second)
    bank.says = [RuntimeError("a mistake of ours")]

    assert checkout.take_up(now=LATER) == 3

    assert {status_of(first), status_of(second)} == {OrderStatus.PENDING, OrderStatus.PAID}
    assert checkout.order(order_id=paid.id).refunds[0].state is PaymentState.SUCCEEDED
    assert "payment or refund not taken up" in caplog.text
    assert given.state is PaymentState.RUNNING


def test_a_charge_under_way_ends_with_the_providers_own_word(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    payment = begin_payment(placed)
    bank.says = [Answer(Result.UNDER_WAY, "ch_1")]
    checkout.charge(payment_id=payment.id, now=NOW)
    assert status_of(placed) is OrderStatus.PENDING

    for _ in range(2):
        checkout.hear(body=str(payment.id).encode(), signature="", now=NOW)

    assert status_of(placed) is OrderStatus.PAID
    assert shop.shelf() == (9, 0)


def test_a_word_of_the_provider_may_come_before_our_own_answer(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    payment = begin_payment(placed)

    checkout.hear(body=str(payment.id).encode(), signature="", now=NOW)
    checkout.charge(payment_id=payment.id, now=NOW)

    assert status_of(placed) is OrderStatus.PAID
    assert shop.shelf() == (9, 0)


def test_a_word_about_somebody_elses_charge_is_of_no_interest() -> None:
    Shop()
    before = everything()

    checkout.hear(body=str(new_id()).encode(), signature="", now=NOW)

    assert everything() == before


# --- Too late -------------------------------------------------------------------------------------------------------


def test_paying_keeps_the_goods_anew() -> None:
    shop = Shop()
    placed = order((shop.product, 1))

    begin_payment(placed, now=NOW + A_WHILE / 2)

    assert checkout.order(order_id=placed.id).reserved_until == NOW + A_WHILE * 1.5
    inventory.clear_expired(now=TOO_LATE)
    assert shop.shelf() == (10, 1)


def test_goods_that_were_free_again_are_kept_again_when_they_are_there() -> None:
    shop = Shop()
    placed = order((shop.product, 1))

    payment = begin_payment(placed, now=TOO_LATE)
    checkout.charge(payment_id=payment.id, now=TOO_LATE)

    assert status_of(placed) is OrderStatus.PAID
    assert shop.shelf() == (9, 0)


def test_goods_that_are_gone_are_not_paid_for(bank: Bank) -> None:
    shop = Shop(1)
    placed = order((shop.product, 1))
    too_late()
    rival = order((shop.product, 1), now=TOO_LATE)

    with pytest.raises(NotEnoughStock):
        begin_payment(placed, now=TOO_LATE)

    assert bank.book == {}
    assert pay(rival).status is OrderStatus.PAID


def test_money_that_comes_when_the_goods_are_free_again_buys_them_from_another_place(bank: Bank) -> None:
    shop = Shop(1)
    placed = order((shop.product, 1))
    payment = begin_payment(placed)
    too_late()
    rival = order((shop.product, 1), now=TOO_LATE)
    put_in_stock(shop.product, shop.lyon, 1)

    checkout.charge(payment_id=payment.id, now=TOO_LATE)

    late = checkout.order(order_id=placed.id)
    assert late.status is OrderStatus.PAID
    assert [parcel.location_id for parcel in late.parcels] == [shop.lyon.id]
    assert shop.shelf(shop.lyon) == (0, 0)
    assert pay(rival).status is OrderStatus.PAID


def test_money_that_comes_when_the_goods_are_gone_goes_back(bank: Bank, published: Published) -> None:
    shop = Shop(1)
    placed = order((shop.product, 1))
    payment = begin_payment(placed)
    too_late()
    rival = order((shop.product, 1), now=TOO_LATE)

    checkout.charge(payment_id=payment.id, now=TOO_LATE)
    late = checkout.order(order_id=placed.id)
    [refund] = late.refunds
    checkout.carry_out_refund(refund_id=refund.id, now=TOO_LATE)

    late = checkout.order(order_id=placed.id)
    assert (late.status, late.total, late.refunded) == (OrderStatus.CANCELLED, Decimal("10.00"), Decimal("10.00"))
    assert "too late" in next(step.note for step in late.steps if step.step is Step.CANCELLED)
    assert [charge.refunded for charge in bank.book.values()] == [Decimal("10.00")]
    pay(rival)
    report(rival)
    assert all_is_well()


def test_an_order_that_is_being_paid_does_not_run_out() -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    begin_payment(placed)

    assert checkout.expire(now=TOO_LATE + A_WHILE) == 0
    assert status_of(placed) is OrderStatus.PENDING


def test_stock_that_a_count_found_missing_sends_the_money_back() -> None:
    shop = Shop(1)
    placed = order((shop.product, 1))
    payment = begin_payment(placed)
    inventory.release(order_id=placed.id, now=NOW)
    inventory.adjust(
        operation_id=new_id(),
        location_id=shop.warehouse.id,
        lines=[StockLine(shop.product.id, -1)],
        note="stolen",
        actor_id=None,
        now=NOW,
    )

    checkout.charge(payment_id=payment.id, now=NOW)

    assert status_of(placed) is OrderStatus.CANCELLED
