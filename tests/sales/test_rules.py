"""What a ticket comes to, how it is paid, and how the money goes back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import rules
from sales.interface import (
    CashDirection,
    CashMovement,
    Payment,
    PaymentMethod,
    PaymentMismatch,
    ReturnedItem,
    SaleLine,
    SoldInFuture,
)
from shared_kernel.ids import new_id
from shared_kernel.money import ZERO
from tests.sales.actions import card, cash, euros, voucher

amounts = st.decimals(Decimal("0.01"), Decimal("1000.00"), places=2)
payments = st.lists(st.builds(Payment, st.sampled_from(PaymentMethod), amounts), max_size=6)
rates = st.decimals(Decimal(0), Decimal("0.9999"), places=4)


def total(paid: list[Payment]) -> Decimal:
    return sum((payment.amount for payment in paid), ZERO)


def sold_line(quantity: int, unit_price: Decimal, tax_rate: Decimal) -> SaleLine:
    return rules.priced_line(
        position=1, product_id=new_id(), name="Tasse", quantity=quantity, unit_price=unit_price, tax_rate=tax_rate
    )


# --- Paying ---------------------------------------------------------------------------------------------------------


def test_no_payments_mean_cash_exactly() -> None:
    assert rules.settled([], total=euros("25.50")) == [cash("25.50")]
    assert rules.settled([], total=ZERO) == []


def test_cash_beyond_the_total_is_change() -> None:
    settled = rules.settled([card("20.00"), cash("10.00")], total=euros("25.50"))

    assert settled == [card("20.00"), Payment(PaymentMethod.CASH, euros("5.50"), tendered=euros("10.00"))]
    assert rules.change(settled) == euros("4.50")


def test_change_comes_out_of_the_cash_given_last() -> None:
    settled = rules.settled([cash("20.00"), cash("20.00")], total=euros("25.50"))

    assert [(payment.amount, payment.tendered) for payment in settled] == [(20, 20), (euros("5.50"), 20)]


@pytest.mark.parametrize(
    ("paid", "due"),
    [
        ([card("25.51")], "25.50"),
        ([card("30.00"), cash("1.00")], "25.50"),
        ([cash("25.49")], "25.50"),
        ([card("20.00"), cash("5.49")], "25.50"),
        ([cash("1.00")], "0.00"),
    ],
)
def test_payments_that_do_not_add_up_are_refused(paid: list[Payment], due: str) -> None:
    with pytest.raises(PaymentMismatch) as refusal:
        rules.settled(paid, total=euros(due))

    assert (refusal.value.total, refusal.value.paid) == (euros(due), total(paid))


@given(payments, amounts)
def test_what_is_settled_is_the_total_and_the_rest_is_change(paid: list[Payment], due: Decimal) -> None:
    of_cash = sum((payment.amount for payment in paid if payment.method is PaymentMethod.CASH), ZERO)
    fits = not paid or due <= total(paid) <= due + of_cash
    try:
        settled = rules.settled(paid, total=due)
    except PaymentMismatch:
        assert not fits
        return

    assert fits
    assert total(settled) == due
    assert rules.change(settled) == (total(paid) - due if paid else 0)
    assert all(payment.amount >= 0 for payment in settled)


# --- Giving back ----------------------------------------------------------------------------------------------------


def test_money_goes_back_by_the_methods_it_came_by_in_their_order() -> None:
    assert rules.given_back([voucher("10.00"), card("20.00")], amount=euros("15.00")) == [
        voucher("10.00"),
        card("5.00"),
    ]


def test_what_no_payment_is_known_of_goes_back_in_cash() -> None:
    assert rules.given_back([], amount=euros("15.00")) == [cash("15.00")]
    assert rules.given_back([card("10.00")], amount=euros("15.00")) == [card("10.00"), cash("5.00")]


@given(payments, st.lists(amounts, max_size=4))
def test_no_method_gives_back_more_than_it_took_over_any_number_of_returns(
    paid: list[Payment], returns: list[Decimal]
) -> None:
    left = list(paid)
    for amount in returns:
        shares = rules.given_back(left, amount=amount)

        assert total(shares) == amount
        assert all(0 <= share.amount <= had.amount for share, had in zip(shares, left, strict=False))
        assert len(shares) == len(left) or (total(left) < amount and shares[-1].method is PaymentMethod.CASH)
        left = [Payment(had.method, had.amount - share.amount) for had, share in zip(left, shares, strict=False)]


@given(st.lists(amounts, min_size=1, max_size=4), st.decimals(Decimal(0), Decimal("4000.00"), places=2), st.data())
def test_a_ticket_settles_what_it_sells_and_may_give_all_of_it_back(
    brought_back: list[Decimal], sold: Decimal, data: st.DataObject
) -> None:
    methods = data.draw(st.permutations(list(PaymentMethod)))
    credit = [Payment(method, amount) for method, amount in zip(methods, brought_back, strict=False)]
    due = sold - total(credit)

    settlement = rules.settlement([], total=due, credit=credit)

    assert total(settlement.payments) == due
    refundable = total([payment for payment in settlement.payments if payment.amount > 0]) + total(settlement.credit)
    assert refundable == sold
    refunds = {payment.method: -payment.amount for payment in settlement.payments if due < 0}
    assert all(refunds.get(had.method, ZERO) <= had.amount for had in credit)


def test_a_refund_takes_no_payments() -> None:
    with pytest.raises(PaymentMismatch):
        rules.settlement([cash("5.00")], total=euros("-5.00"), credit=[card("5.00")])


@given(st.integers(1, 50), amounts, rates, st.data())
def test_several_returns_give_back_price_and_tax_to_the_cent(
    quantity: int, unit_price: Decimal, tax_rate: Decimal, data: st.DataObject
) -> None:
    sold = sold_line(quantity, unit_price, tax_rate)
    cuts = sorted(data.draw(st.sets(st.integers(1, quantity - 1), max_size=5))) if quantity > 1 else []
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, quantity], strict=True)]

    lines = [
        rules.returned_line(sold, ReturnedItem(new_id(), 1, part), position=1, returned_before=before)
        for part, before in zip(parts, accumulate([0, *parts]), strict=False)
    ]

    assert sum(line.quantity for line in lines) == -sold.quantity
    assert sum((line.total for line in lines), ZERO) == -sold.total
    assert sum((line.tax for line in lines), ZERO) == -sold.tax


def test_tax_is_summed_by_rate() -> None:
    lines = [
        sold_line(1, euros("12.00"), Decimal("0.2")),
        sold_line(2, euros("10.55"), Decimal("0.055")),
        sold_line(-1, euros("6.00"), Decimal("0.2")),
    ]

    assert [(tax.rate, tax.net, tax.tax, tax.total) for tax in rules.tax_totals(lines)] == [
        (Decimal("0.055"), euros("20.00"), euros("1.10"), euros("21.10")),
        (Decimal("0.2"), euros("5.00"), euros("1.00"), euros("6.00")),
    ]


# --- Receipts, tills, clocks ----------------------------------------------------------------------------------------


@given(st.integers(2000, 2099), st.integers(1, 2_000_000_000))
def test_a_receipts_number_is_read_as_it_is_written(year: int, number: int) -> None:
    assert rules.receipt_key(str(rules.receipt_number(year, number))) == (year, number)


def test_a_receipts_number_has_six_digits_at_least() -> None:
    assert rules.receipt_number(2026, 123) == "2026-000123"
    assert rules.receipt_number(None, None) is None


def test_the_till_should_hold_its_float_the_cash_of_its_tickets_and_what_was_moved() -> None:
    moment = datetime.now(UTC)
    movements = [
        CashMovement(new_id(), direction, euros(amount), "", new_id(), moment)
        for direction, amount in ((CashDirection.IN, "50.00"), (CashDirection.OUT, "20.00"))
    ]

    expected = rules.expected_cash(euros("100.00"), [cash("30.00"), card("500.00"), cash("-5.00")], movements)

    assert expected == euros("155.00")


def test_a_clock_may_be_five_minutes_ahead() -> None:
    now = datetime.now(UTC)

    rules.check_time(now + timedelta(minutes=5), now=now)
    with pytest.raises(SoldInFuture):
        rules.check_time(now + timedelta(minutes=5, seconds=1), now=now)
