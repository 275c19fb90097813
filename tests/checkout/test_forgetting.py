"""What is removed of buyers once their orders have ended, and what stays until then."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection

from checkout.interface import Order, OrderStatus, checkout
from checkout.service.providers import Answer, Result
from shared_kernel.ids import new_id
from tests.checkout.actions import EMAIL, HOME, NOW, Shop, begin_payment, everything, order, pay, refund
from tests.checkout.bank import Bank

pytestmark = pytest.mark.django_db


def names_its_buyer(placed: Order) -> bool:
    shown = checkout.order(order_id=placed.id)
    assert (shown.email, shown.address) in [(EMAIL, HOME), ("", None)]
    return bool(shown.email)


def complete(placed: Order) -> None:
    for status in (OrderStatus.PROCESSING, OrderStatus.COMPLETED):
        checkout.advance(order_id=placed.id, status=status, actor_id=None, now=NOW)


def test_an_order_under_way_keeps_where_it_goes_until_it_has_ended() -> None:
    shop, customer_id = Shop(), new_id()
    pending, paid = (order((shop.product, 1), customer_id=customer_id) for _ in range(2))
    pay(paid)

    checkout.forget_customer(customer_id=customer_id)
    assert checkout.forget_buyers(now=NOW) == 0
    assert (names_its_buyer(pending), names_its_buyer(paid)) == (True, True)
    complete(paid)
    checkout.cancel(order_id=pending.id, reason="", actor_id=None, now=NOW)

    assert checkout.forget_buyers(now=NOW) == 2
    assert checkout.forget_buyers(now=NOW) == 0
    assert (names_its_buyer(pending), names_its_buyer(paid)) == (False, False)


def test_of_an_erased_buyer_nothing_is_left_but_the_id(bank: Bank) -> None:
    shop, customer_id = Shop(), new_id()
    paid, cancelled = (order((shop.product, 1), customer_id=customer_id) for _ in range(2))
    bank.says = [Answer(Result.REFUSED, "ch_0", "insufficient_funds")]
    checkout.charge(payment_id=begin_payment(paid).id, now=NOW)
    complete(pay(paid))
    checkout.carry_out_refund(refund_id=refund(paid, reason="Camille is ill").id, now=NOW)
    checkout.cancel(order_id=cancelled.id, reason="Camille has moved", actor_id=None, now=NOW)
    held = str(everything())
    assert [word in held for word in ("Camille", EMAIL, "Mercière", "4242", "Visa")] == [True] * 5

    for _ in range(2):
        checkout.forget_customer(customer_id=customer_id)

    left = str(everything())
    assert [word in left for word in ("Camille", EMAIL, "Mercière", "4242", "Visa")] == [False] * 5
    assert checkout.order(order_id=paid.id).customer_id == customer_id


def test_an_order_that_was_placed_while_its_customer_was_erased_is_forgotten() -> None:
    shop, customer_id = Shop(), new_id()
    checkout.forget_customer(customer_id=customer_id)
    late, other = order((shop.product, 1), customer_id=customer_id), order((shop.product, 1), customer_id=new_id())
    for each in (late, other):
        checkout.cancel(order_id=each.id, reason="", actor_id=None, now=NOW)

    assert checkout.forget_buyers(now=NOW) == 1
    assert (names_its_buyer(late), names_its_buyer(other)) == (False, True)


def test_a_buyer_without_an_account_is_forgotten_after_some_time(settings: Any) -> None:
    settings.COMPTOIR_GUEST_DAYS = 100
    shop = Shop()
    days = [order((shop.product, 1), now=NOW - timedelta(days=number)) for number in (101, 99)]
    open_one, customers = (
        order((shop.product, 1), now=NOW - timedelta(days=101), **values) for values in ({}, {"customer_id": new_id()})
    )
    for each in (*days, customers):
        checkout.cancel(order_id=each.id, reason="", actor_id=None, now=NOW)

    assert checkout.forget_buyers(now=NOW) == 1
    assert [names_its_buyer(each) for each in (*days, open_one, customers)] == [False, True, True, True]


def test_card_digits_are_not_among_the_steps() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 1)))

    assert [step.note for step in paid.steps] == ["", "", ""]


@pytest.mark.parametrize(
    "change", ["SET note = 'another'", "SET note = '', actor_id = order_id", "SET at = now(), note = ''"]
)
def test_of_a_step_nothing_changes_but_that_its_words_go(change: str) -> None:
    placed = order((Shop().product, 1))
    checkout.cancel(order_id=placed.id, reason="Ordered twice", actor_id=None, now=NOW)

    with pytest.raises(DatabaseError, match="stays as it was"):
        change_steps(change, placed.id)


def change_steps(change: str, order_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE order_step {change} WHERE order_id = %s AND step = 'cancelled'", [order_id])
