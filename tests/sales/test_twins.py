"""Tickets at one time: no return exceeds its sale, no refund its payments, no receipt number is lost or given twice,
and nothing slips into a till that is being counted."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection

from inventory.interface import InsufficientStock, Location
from sales.interface import (
    OfflineItem,
    OfflineStatus,
    ReturnedItem,
    ReturnExceedsSale,
    Sale,
    SoldItem,
    TillAlreadyOpen,
    TillReport,
    TillSessionClosed,
    sales,
)
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import books_agree, make_product, make_store, on_hand, put_in_stock, sell
from tests.journeys.conftest import deadlocks
from tests.sales.actions import card, cash, close_till, euros, give_back, offline, open_till, send, ticket, voucher
from tests.threads import answer_or_refusal, at_once, cuts, empty_queue

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    before = deadlocks()
    yield
    empty_queue()
    assert deadlocks() == before


def numbers(store: Location) -> list[int]:
    """The receipt numbers that a store has given, in their order."""
    return sorted(int(row.receipt_number[-6:]) for row in sales.store_sales(store_id=store.id, limit=1000))


def counter(store: Location) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last FROM receipt_counter WHERE store_id = %s", [store.id])
        return int(cursor.fetchone()[0])


def unlike_sums() -> list[object]:
    """The tickets of which something else may be given back than the price of what has not come back yet, or whose
    payments are not their total."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.id, p.refundable, l.kept, p.paid, s.gross - s.returned FROM sale s
            LEFT JOIN LATERAL (
                SELECT coalesce(sum(refundable), 0) AS refundable, coalesce(sum(amount), 0) AS paid
                FROM sale_payment WHERE sale_id = s.id
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT coalesce(sum((quantity - quantity_returned) * unit_price), 0) AS kept
                FROM sale_line WHERE sale_id = s.id AND quantity > 0
            ) l ON true
            WHERE p.refundable <> l.kept OR p.paid <> s.gross - s.returned
            """
        )
        return list(cursor.fetchall())


def refunded(*tickets: object) -> Counter[str]:
    """What these tickets gave back by each method, in cents."""
    sums: Counter[str] = Counter()
    for back in tickets:
        if isinstance(back, Sale):
            sums.update({payment.method.value: int(-payment.amount * 100) for payment in back.payments})
    return sums


# --- Returns --------------------------------------------------------------------------------------------------------


def test_one_piece_comes_back_once() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 1)
        sale = sell(product, store)

        answers = cut(partial(give_back, sale), partial(give_back, sale))

        assert sorted(type(answer).__name__ for answer in answers) == ["ReturnExceedsSale", "Sale"]
        assert on_hand(product, store) == 1
        assert numbers(store) == [1, 2]
    assert books_agree()


def test_the_same_return_sent_twice_is_taken_once() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 2)
        sale = sell(product, store, 2)
        repeat = partial(give_back, sale, sale_id=new_id(), sold_at=datetime.now(UTC))

        first, second = cut(repeat, repeat)

        assert second == first
        assert on_hand(product, store) == 1
        assert numbers(store) == [1, 2]
    assert books_agree()


@pytest.mark.parametrize("first_line", [1, 2])
def test_two_returns_share_what_each_method_had_paid(first_line: int) -> None:
    for cut in cuts():
        store, service = make_store(), make_product(stocked=False, price=Decimal("10.00"))
        sale = ticket(
            store, items=[SoldItem(1, service.id)] * 2, payments=[voucher("5.00"), card("5.00"), cash("10.00")]
        )

        answers = cut(partial(give_back, sale, position=first_line), partial(give_back, sale, position=3 - first_line))

        assert refunded(*answers) == {"voucher": 500, "card": 500, "cash": 1000}


def test_of_twelve_returns_at_once_just_as_many_pieces_come_back_as_were_sold() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"))
    put_in_stock(product, store, 7)
    sale = sell(product, store, 7, payments=[card("33.00"), voucher("37.00")])

    answers = at_once([partial(give_back, sale)] * 12)

    assert sum(isinstance(answer, ReturnExceedsSale) for answer in answers) == 5
    assert refunded(*answers) == {"card": 3300, "voucher": 3700}
    assert on_hand(product, store) == 7
    assert numbers(store) == list(range(1, 9))
    assert books_agree()


def test_exchanges_both_ways_do_not_stand_in_each_others_way() -> None:
    for cut in cuts():
        store, one, other = make_store(), make_product(), make_product()
        put_in_stock(one, store, 5)
        put_in_stock(other, store, 5)
        first, second = sell(one, store), sell(other, store)

        answers = cut(
            partial(ticket, store, items=[SoldItem(1, other.id)], returns=[ReturnedItem(first.id, 1, 1)]),
            partial(ticket, store, items=[SoldItem(1, one.id)], returns=[ReturnedItem(second.id, 1, 1)]),
        )

        assert [answer.total for answer in answers] == [0, 0]
        assert (on_hand(one, store), on_hand(other, store)) == (4, 4)
    assert books_agree()


def test_returns_of_several_sales_do_not_stand_in_each_others_way() -> None:
    for cut in cuts():
        store, service = make_store(), make_product(stocked=False)
        first, second = sell(service, store, 2), sell(service, store, 2)
        there = [ReturnedItem(first.id, 1, 1), ReturnedItem(second.id, 1, 1)]

        answers = cut(partial(ticket, store, returns=there), partial(ticket, store, returns=there[::-1]))

        assert [answer.pieces_returned for answer in answers] == [2, 2]


def test_a_storm_of_sales_returns_and_exchanges_leaves_every_sum_right() -> None:
    store, products = make_store(), [make_product(price=Decimal(price)) for price in (1, 7, 30)]
    for product in products:
        put_in_stock(product, store, 25)
    made = [
        ticket(
            store, items=[SoldItem(5, product.id) for product in products], payments=[card("100.00"), cash("100.00")]
        )
        for _ in range(4)
    ]

    def blow(seed: int) -> list[object]:
        dice = random.Random(seed)  # noqa: S311 a storm has no secrets
        answers = []
        for _ in range(12):
            items = [SoldItem(dice.randint(1, 2), product.id) for product in dice.sample(products, dice.randint(0, 3))]
            origins = dice.sample(made, dice.randint(0 if items else 1, 2))
            returns = [ReturnedItem(sale.id, dice.randint(1, 3), 1, dice.random() < 0.8) for sale in origins]
            answers.append(answer_or_refusal(partial(ticket, store, items=items, returns=returns)))
        return answers

    answers = [answer for some in at_once([partial(blow, seed) for seed in range(8)]) for answer in some]

    tickets = [answer for answer in answers if isinstance(answer, Sale)]
    assert {type(answer) for answer in answers} == {Sale, ReturnExceedsSale, InsufficientStock}
    assert numbers(store) == list(range(1, len(made) + len(tickets) + 1))
    assert unlike_sums() == []
    assert books_agree()


# --- Receipts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stocked", [True, False])
def test_twins_draw_one_number(stocked: bool) -> None:
    for cut in cuts():
        store, product = make_store(), make_product(stocked=stocked)
        if stocked:
            put_in_stock(product, store, 5)
        repeat = partial(sell, product, store, sale_id=new_id(), sold_at=datetime.now(UTC))

        first, second = cut(repeat, repeat)

        assert second == first
        assert (numbers(store), counter(store)) == ([1], 1)


def test_two_sales_draw_two_numbers() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 5)

        cut(partial(sell, product, store), partial(sell, product, store))

        assert (numbers(store), counter(store)) == ([1, 2], 2)


def test_numbers_have_no_gaps_whatever_was_refused_or_sent_twice() -> None:
    store, plenty, scarce = make_store(), make_product(), make_product()
    put_in_stock(plenty, store, 100)
    put_in_stock(scarce, store, 6)
    calls = []
    for number in range(12):
        calls += [partial(sell, plenty, store, sale_id=new_id())] * 2
        calls += [partial(sell, plenty, store, client_reference=f"T1/{number}")] * 2
        calls += [partial(sell, scarce, store)]
        calls += [partial(sell, plenty, store, payments=[card("9.99")])]

    answers = [answer for start in range(0, len(calls), 12) for answer in at_once(calls[start : start + 12])]

    made = {answer.id for answer in answers if isinstance(answer, Sale)}
    assert sum(isinstance(answer, InsufficientStock) for answer in answers) == 6
    assert sum(isinstance(answer, Refusal) for answer in answers) == 18
    assert len(made) == 12 + 12 + 6
    assert (numbers(store), counter(store)) == (list(range(1, 31)), 30)
    assert books_agree()


# --- Tills that were offline ----------------------------------------------------------------------------------------


def test_a_batch_sent_twice_at_one_time_is_recorded_once() -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 3)
        batch = [offline(store, OfflineItem(2, product.id)), offline(store, OfflineItem(2, product.id))]

        answers = cut(partial(send, *batch), partial(send, *batch))

        statuses = Counter(result.status for results in answers for result in results)
        assert statuses == {OfflineStatus.RECORDED: 2, OfflineStatus.KNOWN: 2}
        assert {result.receipt_number for result in answers[0]} == {result.receipt_number for result in answers[1]}
        assert (numbers(store), on_hand(product, store)) == ([1, 2], 0)
    assert books_agree()


# --- Tills ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sale_first", [True, False])
def test_a_sale_is_counted_or_refused(sale_first: bool) -> None:
    for cut in cuts():
        store, service = make_store(), make_product(stocked=False, price=Decimal("10.00"))
        session = open_till(store, opening_float="100.00")
        sale = partial(sell, service, store, till_session_id=session.id)
        close = partial(close_till, session, "100.00")

        first, second = cut(sale, close) if sale_first else cut(close, sale)

        report, sold = (second, first) if sale_first else (first, second)
        assert isinstance(report, TillReport)
        in_the_till = euros("100.00") if isinstance(sold, TillSessionClosed) else euros("110.00")
        assert report.expected_cash == in_the_till
        assert sales.till_session(session_id=session.id).revenue == in_the_till - 100


def test_a_till_is_counted_once() -> None:
    for cut in cuts():
        session = open_till(make_store())

        answers = cut(partial(close_till, session, "90.00"), partial(close_till, session, "95.00"))

        assert sorted(type(answer).__name__ for answer in answers) == ["TillReport", "TillSessionClosed"]


def test_a_till_is_opened_once() -> None:
    for cut in cuts():
        store = make_store()

        first, second = cut(partial(open_till, store), partial(open_till, store))

        [refusal] = [answer for answer in (first, second) if isinstance(answer, TillAlreadyOpen)]
        [session] = [answer for answer in (first, second) if isinstance(answer, TillReport)]
        assert refusal.session_id == session.id


def test_tickets_of_one_till_at_one_time_are_all_counted() -> None:
    store, service = make_store(), make_product(stocked=False, price=Decimal("10.00"))
    session = open_till(store, opening_float="0.00")

    answers = at_once([partial(sell, service, store, till_session_id=session.id)] * 8)

    assert all(isinstance(answer, Sale) for answer in answers)
    assert sales.till_session(session_id=session.id).expected_cash == euros("80.00")
