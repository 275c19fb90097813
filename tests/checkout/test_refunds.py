"""Money that goes back: never more than was paid, to the card that paid, and the goods onto their shelves or not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from checkout.interface import (
    ImpossibleStep,
    InvalidOrder,
    OrderedItem,
    OrderRefund,
    OrderStatus,
    PaymentState,
    ProviderAway,
    RefundExceedsOrder,
    Step,
    checkout,
)
from checkout.service.providers import Answer, Result, Unknown
from inventory.interface import inventory
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.catalog.conftest import Published
from tests.chain import make_product, put_in_stock
from tests.checkout.actions import (
    NOW,
    TOO_LATE,
    Shop,
    all_is_well,
    begin_payment,
    everything,
    order,
    pay,
    refund,
    report,
    status_of,
)
from tests.checkout.bank import Bank

pytestmark = pytest.mark.django_db


def carry_out(given: OrderRefund) -> None:
    checkout.carry_out_refund(refund_id=given.id, now=NOW)


def test_a_whole_order_goes_back_money_and_goods(bank: Bank, published: Published) -> None:
    shop = Shop(10, 5)
    first, second = shop.products
    paid = pay(order((first, 3), (second, 1)))
    report(paid)

    carry_out(refund(paid))

    back = checkout.order(order_id=paid.id)
    assert (back.status, back.refunded) == (OrderStatus.REFUNDED, Decimal("40.00"))
    assert [refund.state for refund in back.refunds] == [PaymentState.SUCCEEDED]
    assert (shop.shelf(), shop.shelf(product=second)) == ((10, 0), (5, 0))
    assert [charge.refunded for charge in bank.book.values()] == [Decimal("40.00")]
    assert sales.report().total.total == Decimal("0.00")
    assert [kind for kind, _ in published() if kind == "order.refunded"] == ["order.refunded"]
    assert all_is_well()


def test_a_part_goes_back_and_then_the_rest() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))

    carry_out(refund(paid, (shop.product, 1)))
    assert (status_of(paid), shop.shelf()) == (OrderStatus.PAID, (8, 0))
    carry_out(refund(paid))

    assert (status_of(paid), shop.shelf()) == (OrderStatus.REFUNDED, (10, 0))
    assert all_is_well()


def test_what_is_written_off_stays_off_the_shelf() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))

    carry_out(refund(paid, restock=False))

    assert (status_of(paid), shop.shelf()) == (OrderStatus.REFUNDED, (7, 0))
    assert all_is_well()


def test_goods_go_back_to_the_places_that_they_came_from() -> None:
    shop = Shop(3)
    put_in_stock(shop.product, shop.lyon, 4)
    paid = pay(order((shop.product, 6)))

    carry_out(refund(paid, (shop.product, 4)))
    carry_out(refund(paid, (shop.product, 2)))

    assert (shop.shelf(), shop.shelf(shop.lyon)) == ((3, 0), (4, 0))
    assert all_is_well()


def test_a_refund_twice_is_one(bank: Bank) -> None:
    shop = Shop()
    paid, refund_id = pay(order((shop.product, 3))), new_id()

    first = refund(paid, (shop.product, 1), refund_id=refund_id)
    assert refund(paid, (shop.product, 1), refund_id=refund_id) == first
    carry_out(first)
    before = everything()
    carry_out(first)

    assert everything() == before
    assert list(bank.refunds.values()) == [Decimal("10.00")]


def test_more_than_was_sold_does_not_go_back() -> None:
    shop = Shop()
    paid, other = pay(order((shop.product, 3))), make_product()
    refund(paid, (shop.product, 2))
    before = everything()

    with pytest.raises(RefundExceedsOrder) as refusal:
        refund(paid, (shop.product, 2))
    assert (refusal.value.requested, refusal.value.refundable) == (2, 1)
    with pytest.raises(InvalidOrder):
        refund(paid, (other, 1))
    with pytest.raises(InvalidOrder):
        refund(paid, (shop.product, -1))
    assert everything() == before


def test_nothing_is_left_to_refund_while_all_of_it_is_under_way() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))
    refund(paid)

    with pytest.raises(InvalidOrder):
        refund(paid)


def test_what_was_not_paid_does_not_go_back() -> None:
    shop = Shop()
    placed = order((shop.product, 3))

    with pytest.raises(ImpossibleStep) as refusal:
        refund(placed)
    assert refusal.value.possible == [OrderStatus.PAID, OrderStatus.CANCELLED]


def test_a_refund_of_which_nobody_knows_is_taken_up_again(bank: Bank) -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))
    given = refund(paid)
    bank.says, bank.happened = [Unknown()], True

    with pytest.raises(ProviderAway):
        carry_out(given)
    assert shop.shelf() == (7, 0)
    assert checkout.take_up(now=NOW + timedelta(minutes=2)) == 1

    assert (status_of(paid), shop.shelf()) == (OrderStatus.REFUNDED, (10, 0))
    assert list(bank.refunds.values()) == [Decimal("30.00")]


def test_a_refund_that_the_provider_refuses_is_undone_and_can_be_tried_again(bank: Bank) -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))
    bank.says = [Answer(Result.REFUSED, "re_1", "expired_card")]

    carry_out(refund(paid))

    left = checkout.order(order_id=paid.id)
    assert (left.status, left.refunded, shop.shelf()) == (OrderStatus.PAID, Decimal("0.00"), (7, 0))
    assert [(step.step, step.note) for step in left.steps][-1] == (Step.REFUND_FAILED, "expired_card")
    carry_out(refund(paid))
    assert (status_of(paid), shop.shelf()) == (OrderStatus.REFUNDED, (10, 0))
    assert all_is_well()


def test_money_that_came_too_late_and_could_not_go_back_is_given_back_later(bank: Bank) -> None:
    shop = Shop(1)
    placed = order((shop.product, 1))
    payment = begin_payment(placed)
    inventory.clear_expired(now=TOO_LATE)
    order((shop.product, 1), now=TOO_LATE)
    checkout.charge(payment_id=payment.id, now=TOO_LATE)
    bank.says = [Answer(Result.REFUSED, "re_1", "expired_card")]
    carry_out(checkout.order(order_id=placed.id).refunds[0])
    stuck = checkout.order(order_id=placed.id)

    with pytest.raises(InvalidOrder):
        refund(placed, (shop.product, 1))
    given = refund(placed)
    with pytest.raises(InvalidOrder):
        refund(placed)
    carry_out(given)

    back = checkout.order(order_id=placed.id)
    assert (stuck.status, stuck.refunded) == (OrderStatus.CANCELLED, Decimal("0.00"))
    assert (given.amount, given.items) == (Decimal("10.00"), [])
    assert (back.status, back.refunded) == (OrderStatus.CANCELLED, Decimal("10.00"))
    assert [charge.refunded for charge in bank.book.values()] == [Decimal("10.00")]
    assert shop.shelf() == (1, 1)
    assert all_is_well()


def test_an_order_that_was_given_up_unpaid_is_not_refunded() -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    checkout.cancel(order_id=placed.id, reason="", actor_id=None, now=NOW)
    before = everything()

    with pytest.raises(ImpossibleStep) as refusal:
        refund(placed)
    assert refusal.value.possible == []
    assert everything() == before


def test_what_was_paid_by_another_way_goes_back_by_another_way(bank: Bank) -> None:
    shop = Shop()
    placed = order((shop.product, 3))
    checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=None, now=NOW)

    carry_out(refund(placed))

    assert (status_of(placed), bank.calls) == (OrderStatus.REFUNDED, 0)
    assert all_is_well()


def test_the_items_of_a_refund_are_told() -> None:
    shop = Shop()
    paid = pay(order((shop.product, 3)))

    given = refund(paid, (shop.product, 1), (shop.product, 1), reason="broken", restock=False)

    assert given.items == [OrderedItem(shop.product.id, 2)]
    assert (given.amount, given.reason, given.restock) == (Decimal("20.00"), "broken", False)
