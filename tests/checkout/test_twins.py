"""Writes at one time: two of which the second starts before each statement of the first, and many at once."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic

from cart.interface import Cart, CartNotFound, Holder, carts
from catalog.interface import Product
from checkout import models, rules
from checkout.interface import (
    CartEmpty,
    CartOrdered,
    ImpossibleStep,
    NotEnoughStock,
    Order,
    OrderNotPending,
    OrderPayment,
    OrderRefund,
    OrderStatus,
    PaymentRunning,
    PaymentState,
    RefundExceedsOrder,
    Step,
    checkout,
)
from checkout.service import settling
from checkout.service.proving import SOLD
from inventory.interface import inventory
from sales.interface import sales
from shared_kernel.ids import new_id
from shared_kernel.published import bind
from tests.cart.actions import Owner, customer
from tests.chain import make_product, put_in_stock
from tests.checkout.actions import (
    A_WHILE,
    NOW,
    TOO_LATE,
    Shop,
    all_is_well,
    begin_payment,
    everything,
    fill,
    order,
    pay,
    process,
    refund,
    report,
    status_of,
)
from tests.checkout.bank import Bank
from tests.threads import Call, Cut, at_once, cuts

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]

LATER = NOW + A_WHILE / 5


@pytest.fixture
def shop(committed: None) -> Iterator[Shop]:
    """A shop whose orders agree with all other books after the test."""
    yield Shop()
    while checkout.take_up(now=TOO_LATE + A_WHILE):
        pass
    for row in checkout.orders(statuses=list(SOLD), limit=1000):
        checkout.report_sale(order_id=row.id)
    inventory.clear_expired(now=TOO_LATE)
    assert checkout.verify(now=TOO_LATE) == []
    assert inventory.verify(now=TOO_LATE).differences == []


def goods(shop: Shop, pieces: int = 10) -> Product:
    """A product of which the warehouse has so many."""
    product = make_product()
    put_in_stock(product, shop.warehouse, pieces)
    return product


def twins(cut: Cut, call: Call) -> Any:
    """The one answer of a call that is sent twice."""
    first, second = cut(call, call)
    assert second == first
    return first


def steps(placed: Order) -> list[Step]:
    return [step.step for step in checkout.order(order_id=placed.id).steps]


# --- The same write twice -------------------------------------------------------------------------------------------


def test_a_cart_is_ordered_once(shop: Shop) -> None:
    for cut in cuts():
        product, order_id = goods(shop), new_id()
        cart, holder = fill((product, 3))

        placed = twins(cut, partial(process, cart, holder, order_id=order_id))

        assert [line.quantity for line in placed.lines] == [3]
        assert shop.shelf(product=product) == (10, 3)
        assert carts.cart(cart_id=cart.id, holder=holder).lines == []
        assert steps(placed) == [Step.PLACED]


def test_a_direct_order_is_placed_once(shop: Shop) -> None:
    for cut in cuts():
        product, order_id = goods(shop), new_id()

        twins(cut, partial(order, (product, 3), order_id=order_id))

        assert shop.shelf(product=product) == (10, 3)


def test_one_order_sent_ten_times_at_once_is_placed_once(shop: Shop) -> None:
    product, order_id = goods(shop), new_id()
    cart, holder = fill((product, 3))

    answers = at_once([partial(process, cart, holder, order_id=order_id)] * 10)

    assert {answer.id for answer in answers} == {order_id}
    assert shop.shelf(product=product) == (10, 3)


def test_a_payment_is_begun_once(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        placed, payment_id = order((goods(shop), 1)), new_id()

        twins(cut, partial(begin_payment, placed, payment_id=payment_id))

        assert steps(placed) == [Step.PLACED, Step.PAYMENT_STARTED]


def test_a_payment_is_charged_once(shop: Shop, bank: Bank) -> None:
    for number, cut in enumerate(cuts(), start=1):
        product = goods(shop)
        placed = order((product, 3))
        payment = begin_payment(placed)

        twins(cut, partial(checkout.charge, payment_id=payment.id, now=NOW))

        assert steps(placed) == [Step.PLACED, Step.PAYMENT_STARTED, Step.PAID]
        assert shop.shelf(product=product) == (7, 0)
        assert len(bank.book) == number


def test_a_refund_is_decided_once_and_carried_out_once(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        paid, refund_id = pay(order((goods(shop), 3))), new_id()
        product_id = paid.lines[0].product_id

        twins(cut, partial(refund, paid, refund_id=refund_id))
        checkout.carry_out_refund(refund_id=refund_id, now=NOW)

        assert checkout.order(order_id=paid.id).refunded == paid.total
        assert shop_level(shop, product_id) == 10


def shop_level(shop: Shop, product_id: Any) -> int:
    return inventory.stock_levels(product_ids=[product_id], location_ids=[shop.warehouse.id])[0].on_hand


def test_what_goes_back_goes_back_once(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        paid = pay(order((goods(shop), 3)))
        given = refund(paid)

        twins(cut, partial(checkout.carry_out_refund, refund_id=given.id, now=NOW))

        assert checkout.order(order_id=paid.id).status is OrderStatus.REFUNDED
        assert shop_level(shop, paid.lines[0].product_id) == 10
        assert steps(paid).count(Step.REFUNDED) == 1
    assert {charge.refunded for charge in bank.book.values()} == {paid.total}


def test_what_is_left_is_taken_up_once(shop: Shop, bank: Bank) -> None:
    for number, cut in enumerate(cuts(), start=1):
        placed = order((goods(shop), 1))
        begin_payment(placed)

        taken = cut(*[partial(checkout.take_up, now=LATER)] * 2)

        assert sorted(taken) == [0, 1]
        assert status_of(placed) is OrderStatus.PAID
        assert len(bank.book) == number


# --- Two who want the same ------------------------------------------------------------------------------------------


def test_the_last_piece_is_one_buyers(shop: Shop) -> None:
    for cut in cuts():
        product = goods(shop, 1)
        buyers = [fill((product, 1)), fill((product, 1))]

        answers = cut(*(partial(process, cart, holder) for cart, holder in buyers))

        assert Counter(map(type, answers)) == {Order: 1, NotEnoughStock: 1}
        left = [len(carts.cart(cart_id=cart.id, holder=holder).lines) for cart, holder in buyers]
        assert left == [0 if isinstance(answer, Order) else 1 for answer in answers]
        assert shop.shelf(product=product) == (1, 1)


def test_five_pieces_are_five_buyers(shop: Shop) -> None:
    product = goods(shop, 5)
    buyers = [fill((product, 1)) for _ in range(16)]

    answers = at_once([partial(process, cart, holder) for cart, holder in buyers])

    assert Counter(map(type, answers)) == {Order: 5, NotEnoughStock: 11}
    assert shop.shelf(product=product) == (5, 5)
    assert len(everything()["customer_order"]) == 5


def test_of_two_payments_one_waits(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        placed = order((goods(shop), 1))

        answers = cut(partial(begin_payment, placed), partial(begin_payment, placed))

        assert Counter(map(type, answers)) == {OrderPayment: 1, PaymentRunning: 1}
        assert len(checkout.order(order_id=placed.id).payments) == 1


def test_two_refunds_never_give_back_more_than_was_paid(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        product = goods(shop)
        paid = pay(order((product, 3)))

        answers = cut(partial(refund, paid, (product, 2)), partial(refund, paid, (product, 2)))
        for answer in answers:
            if isinstance(answer, OrderRefund):
                checkout.carry_out_refund(refund_id=answer.id, now=NOW)

        assert Counter(map(type, answers)) == {OrderRefund: 1, RefundExceedsOrder: 1}
        assert checkout.order(order_id=paid.id).refunded * 3 == paid.total * 2
        assert shop.shelf(product=product) == (9, 0)


# --- Two different writes -------------------------------------------------------------------------------------------


def test_an_order_is_given_up_or_paid_and_never_both(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        product = goods(shop)
        placed = order((product, 1))
        cancel = partial(checkout.cancel, order_id=placed.id, reason="", actor_id=None, now=NOW)

        begun, cancelled = cut(partial(begin_payment, placed), cancel)

        assert_paid_or_free(shop, placed, product, begun)
        assert isinstance(cancelled, PaymentRunning) == isinstance(begun, OrderPayment)


def test_an_order_that_is_given_up_while_it_is_paid_is_neither_half(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        product = goods(shop)
        placed = order((product, 1))
        cancel = partial(checkout.cancel, order_id=placed.id, reason="", actor_id=None, now=NOW)

        cancelled, begun = cut(cancel, partial(begin_payment, placed))

        assert_paid_or_free(shop, placed, product, begun)
        assert isinstance(cancelled, PaymentRunning) == isinstance(begun, OrderPayment)


@pytest.mark.parametrize("first", ["expire", "pay"])
def test_an_order_runs_out_or_is_paid_and_never_both(shop: Shop, bank: Bank, first: str) -> None:
    for cut in cuts():
        product = goods(shop)
        placed = order((product, 1))
        expire = partial(checkout.expire, now=TOO_LATE)
        begin = partial(begin_payment, placed, now=LATER)

        begun = cut(expire, begin)[1] if first == "expire" else cut(begin, expire)[0]
        checkout.expire(now=TOO_LATE)
        inventory.clear_expired(now=TOO_LATE)

        assert_paid_or_free(shop, placed, product, begun)


def assert_paid_or_free(shop: Shop, placed: Order, product: Product, begun: Any) -> None:
    if isinstance(begun, OrderPayment):
        checkout.charge(payment_id=begun.id, now=LATER)
        assert status_of(placed) is OrderStatus.PAID
        assert shop.shelf(product=product) == (9, 0)
    else:
        assert isinstance(begun, OrderNotPending)
        assert status_of(placed) is OrderStatus.CANCELLED
        assert shop.shelf(product=product) == (10, 0)


@pytest.mark.parametrize("first", ["charge", "hear"])
def test_our_answer_and_the_providers_own_word_settle_a_payment_once(shop: Shop, bank: Bank, first: str) -> None:
    for number, cut in enumerate(cuts(), start=1):
        product = goods(shop)
        placed = order((product, 3))
        payment = begin_payment(placed)
        # The word may be ahead of our answer: the charge is made.
        bank.charge(payment_id=payment.id, amount=payment.amount, currency="EUR", token="")
        charge = partial(checkout.charge, payment_id=payment.id, now=NOW)
        hear = partial(checkout.hear, body=str(payment.id).encode(), signature="", now=NOW)

        answers = cut(charge, hear) if first == "charge" else cut(hear, charge)

        assert answers == (None, None)
        assert steps(placed) == [Step.PLACED, Step.PAYMENT_STARTED, Step.PAID]
        assert shop.shelf(product=product) == (7, 0)
        assert len(bank.book) == number


def test_an_order_is_paid_by_one_way(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        placed = order((goods(shop), 1))
        advance = partial(checkout.advance, order_id=placed.id, status=OrderStatus.PAID, actor_id=None, now=NOW)

        begun, advanced = cut(partial(begin_payment, placed), advance)
        if isinstance(begun, OrderPayment):
            checkout.charge(payment_id=begun.id, now=NOW)

        assert isinstance(begun, OrderPayment | OrderNotPending | PaymentRunning)
        assert isinstance(advanced, Order | PaymentRunning)
        assert isinstance(begun, OrderPayment) != isinstance(advanced, Order)
        assert status_of(placed) is OrderStatus.PAID


def test_an_order_is_packed_or_refunded_in_one_order(shop: Shop, bank: Bank) -> None:
    for cut in cuts():
        paid = pay(order((goods(shop), 1)))
        given = refund(paid)
        pack = partial(checkout.advance, order_id=paid.id, status=OrderStatus.PROCESSING, actor_id=None, now=NOW)

        _, packed = cut(partial(checkout.carry_out_refund, refund_id=given.id, now=NOW), pack)

        assert isinstance(packed, Order | ImpossibleStep)
        assert status_of(paid) is OrderStatus.REFUNDED


@pytest.mark.parametrize("pieces", [10, 3])
def test_of_two_calls_on_one_cart_one_makes_the_order(shop: Shop, pieces: int) -> None:
    for cut in cuts():
        product = goods(shop, pieces)
        cart, holder = fill((product, 3))

        answers = cut(partial(process, cart, holder), partial(process, cart, holder))

        [placed] = [answer for answer in answers if isinstance(answer, Order)]
        [refused] = [answer for answer in answers if answer is not placed]
        if isinstance(refused, CartOrdered):
            assert (refused.cart_id, refused.order_id) == (cart.id, placed.id)
        else:
            # It read the cart when it was empty already, or wanted the last pieces before the order was written.
            assert isinstance(refused, CartEmpty | NotEnoughStock)
        assert shop.shelf(product=product) == (pieces, 3)
        assert carts.cart(cart_id=cart.id, holder=holder).lines == []


def test_ten_calls_on_one_cart_at_once_make_one_order(shop: Shop) -> None:
    product = goods(shop)
    cart, holder = fill((product, 1))

    answers = at_once([partial(process, cart, holder)] * 10)

    [placed] = [answer for answer in answers if isinstance(answer, Order)]
    refused = Counter(map(type, answers)) - Counter({Order: 1})
    assert refused.keys() <= {CartOrdered, CartEmpty}
    assert {answer.order_id for answer in answers if isinstance(answer, CartOrdered)} <= {placed.id}
    assert shop.shelf(product=product) == (10, 1)
    assert len(everything()["customer_order"]) == 1


def test_what_is_added_while_a_cart_is_ordered_is_ordered_without_what_was(shop: Shop) -> None:
    """Two orders would hold the same pieces, if the second call could take what the first is about to take out."""
    for cut in cuts():
        product, other = goods(shop), goods(shop)
        cart, holder = fill((product, 3))

        def add_and_order(cart: Cart = cart, holder: Holder = holder, other: Product = other) -> Any:
            keys = {"operation_id": new_id(), "cart_id": cart.id, "holder": holder}
            carts.add_item(**keys, product_id=other.id, quantity=1, now=NOW)
            return process(cart, holder)

        answers = cut(partial(process, cart, holder), add_and_order)

        placed = [line for answer in answers if isinstance(answer, Order) for line in answer.lines]
        left = carts.cart(cart_id=cart.id, holder=holder).lines
        pieces = [(line.product_id, line.quantity) for line in [*placed, *left]]
        assert sorted(pieces) == sorted([(product.id, 3), (other.id, 1)])
        assert shop.shelf(product=product) == (10, 3)


@pytest.mark.parametrize("first", ["process", "merge"])
def test_what_is_ordered_while_its_cart_is_merged_is_ordered_or_brought(shop: Shop, first: str) -> None:
    for cut in cuts():
        product, own = goods(shop), customer()
        cart, holder = fill((product, 2))
        merge = partial(
            carts.merge,
            operation_id=new_id(),
            cart_id=cart.id,
            token=holder.token or "",
            customer_id=own.customer_id,
            now=NOW,
        )

        order_it = partial(process, cart, holder)
        placed, merged = cut(order_it, merge) if first == "process" else reversed(cut(merge, order_it))

        assert isinstance(placed, Order | CartNotFound | CartEmpty)
        ordered = 2 if isinstance(placed, Order) else 0
        assert ordered + own.pieces.get(product.id, 0) == 2
        assert shop.shelf(product=product) == (10, ordered)
        assert not isinstance(merged, CartNotFound)


def test_what_is_ordered_of_both_carts_while_they_are_merged_is_ordered_once(shop: Shop) -> None:
    for cut in cuts():
        product, own = goods(shop), customer()
        cart, holder = fill((product, 2))

        def bring_and_order(cart: Cart = cart, holder: Holder = holder, own: Owner = own) -> Any:
            token, customer_id = holder.token or "", own.customer_id
            keys = {"operation_id": new_id(), "cart_id": cart.id, "now": NOW}
            carts.merge(token=token, customer_id=customer_id, **keys)
            return process(own.cart, own.holder)

        answers = cut(partial(process, cart, holder), bring_and_order)

        assert len([answer for answer in answers if isinstance(answer, Order)]) == 1, answers
        assert own.pieces == {}
        assert shop.shelf(product=product) == (10, 2)


def test_what_is_added_while_one_call_is_sent_again_is_ordered_with_all_its_goods_or_not_at_all(shop: Shop) -> None:
    for cut in cuts():
        product, order_id = goods(shop), new_id()
        cart, holder = fill((product, 2))
        order_it = partial(process, cart, holder, order_id=order_id)

        def add_and_order(cart: Cart = cart, holder: Holder = holder, order_it: Call = order_it) -> Any:
            keys = {"operation_id": new_id(), "cart_id": cart.id, "holder": holder}
            carts.add_item(**keys, product_id=cart.lines[0].product_id, quantity=5, now=NOW)
            return order_it()

        cut(order_it, add_and_order)

        placed = checkout.order(order_id=order_id)
        [line] = placed.lines
        assert [item.quantity for parcel in placed.parcels for item in parcel.items] == [line.quantity]
        assert shop.shelf(product=product) == (10, line.quantity)
        assert line.quantity + sum(each.quantity for each in carts.cart(cart_id=cart.id, holder=holder).lines) == 7


def test_goods_of_an_order_that_a_twin_gives_up_while_it_is_settled_come_back(shop: Shop, bank: Bank) -> None:
    """The twin has found no goods; they came, and another settler takes them, while the twin cancels the order."""
    ends = set()
    for cut in cuts():
        product = goods(shop, 1)
        placed = order((product, 1))
        payment = begin_payment(placed)
        inventory.clear_expired(now=TOO_LATE)

        def give_up(placed: Order = placed, payment: OrderPayment = payment) -> None:
            # The twin has noted the answer before it looked for goods.
            if models.Payment.objects.filter(id=payment.id, state=PaymentState.SUCCEEDED).exists():
                settling.give_up(placed.id, now=TOO_LATE)
            carry_out_refunds(placed)

        cut(partial(checkout.charge, payment_id=payment.id, now=TOO_LATE), give_up)
        carry_out_refunds(placed)

        ends.add((status_of(placed), shop.shelf(product=product)))
    assert ends == {(OrderStatus.PAID, (0, 0)), (OrderStatus.CANCELLED, (1, 0))}


def carry_out_refunds(placed: Order) -> None:
    for given in checkout.order(order_id=placed.id).refunds:
        checkout.carry_out_refund(refund_id=given.id, now=TOO_LATE)


def test_a_bank_transfer_noted_twice_while_goods_arrive_is_paid_once(shop: Shop) -> None:
    for cut in cuts():
        product = goods(shop, 1)
        placed = order((product, 1))
        inventory.clear_expired(now=TOO_LATE)
        order((product, 1), now=TOO_LATE)
        noted = partial(checkout.advance, order_id=placed.id, status=OrderStatus.PAID, actor_id=None, now=TOO_LATE)

        def arrive_and_note(product: Product = product, noted: Call = noted) -> Any:
            put_in_stock(product, shop.warehouse, 1)
            return noted()

        first, second = cut(noted, arrive_and_note)

        assert isinstance(first, Order | NotEnoughStock)
        assert (second.status, len(checkout.order(order_id=placed.id).payments)) == (OrderStatus.PAID, 1)
        assert shop.shelf(product=product) == (1, 1)


def test_a_reference_that_another_order_has_is_followed_by_a_second(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, order_id, real = goods(shop), new_id(), rules.reference
    taken = order((product, 1)).reference
    monkeypatch.setattr(rules, "reference", lambda key: taken if key == order_id else real(key))

    placed = order((product, 1), order_id=order_id)

    assert placed.reference != taken
    assert len(placed.reference) == 8
    assert order((product, 1), order_id=order_id) == placed


# --- No transaction is held open over another module's write ---------------------------------------------------------

WRITES = {"reserve", "extend", "confirm", "release", "issue", "check_out", "record_order", "record_order_refund"}


class Watched:
    """Carries calls out, and notes those that write; fails on one within the caller's transaction."""

    def __init__(self, implementation: Any, seen: set[str]) -> None:
        self.implementation, self.seen = implementation, seen

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            assert not connection.in_atomic_block, name
            self.seen.add(name)
        return getattr(self.implementation, name)


def test_no_transaction_is_open_while_another_module_writes(shop: Shop, bank: Bank) -> None:
    seen: set[str] = set()
    handles: list[Any] = [inventory, carts, sales]
    before = [bind(handle, Watched(handle.implementation, seen)) for handle in handles]
    try:
        product = goods(shop)
        paid = pay(process(*fill((product, 3))))
        report(paid)
        checkout.carry_out_refund(refund_id=refund(paid, (product, 1)).id, now=NOW)
        checkout.cancel(order_id=order((product, 1)).id, reason="", actor_id=None, now=NOW)
        late = order((product, 1))
        inventory.clear_expired(now=TOO_LATE)
        checkout.charge(payment_id=begin_payment(late, now=TOO_LATE).id, now=TOO_LATE)
        checkout.advance(order_id=order((product, 1)).id, status=OrderStatus.PAID, actor_id=None, now=NOW)
    finally:
        for handle, implementation in zip(handles, before, strict=True):
            bind(handle, implementation)

    assert seen == WRITES


def test_a_write_within_a_transaction_would_be_noticed(shop: Shop) -> None:
    watched = Watched(inventory.implementation, set())
    with pytest.raises(AssertionError), atomic():
        watched.release(order_id=new_id(), now=NOW)
    assert all_is_well()
