"""Returns and exchanges: never more than was sold, at its price, and paid back as it was paid."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection

from catalog.interface import ProductChanges, catalog
from inventory.interface import InsufficientStock, inventory
from sales.interface import (
    HistoryLine,
    PaymentMismatch,
    ReturnedItem,
    ReturnExceedsSale,
    Sale,
    SaleNotFound,
    SoldItem,
    sales,
)
from shared_kernel.ids import new_id, time_of
from tests.chain import books_agree, make_product, make_store, on_hand, put_in_stock, sell
from tests.sales.actions import card, cash, euros, give_back, paid, refused, ticket, voucher

pytestmark = pytest.mark.django_db


def sold_of(sale: Sale) -> list[tuple[int, int]]:
    """How much each line sold, and how much of it has come back since."""
    return [(line.quantity, line.quantity_returned) for line in sales.sale(sale_id=sale.id).lines]


# --- One return -----------------------------------------------------------------------------------------------------


def test_a_return_puts_the_goods_back_and_gives_the_money_back() -> None:
    store, product = make_store(), make_product(price=Decimal("12.00"), name="Tasse")
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)

    back = give_back(sale, 2)

    assert (back.gross, back.returned, back.total, back.tax) == (0, euros("24.00"), euros("-24.00"), euros("-4.00"))
    assert (back.pieces, back.pieces_returned, back.change) == (0, 2, 0)
    assert paid(back) == [("cash", euros("-24.00"))]
    [line] = back.lines
    assert (line.name, line.quantity, line.unit_price, line.total) == ("Tasse", -2, euros("12.00"), euros("-24.00"))
    assert (line.origin_sale_id, line.origin_position, line.restocked) == (sale.id, 1, True)
    assert sales.sale(sale_id=back.id) == back
    assert sold_of(sale) == [(3, 2)]
    assert on_hand(product, store) == 4
    assert books_agree()


def test_a_return_is_in_the_ledger_as_one() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    back = give_back(sell(product, store, 3), client_reference="T1/9")

    [latest, *_] = inventory.movements(product_id=product.id)
    assert (latest.reason, latest.delta, latest.document) == ("return", 1, "sale T1/9")
    assert time_of(latest.operation_id) == time_of(back.id)


def test_what_is_written_off_moves_no_stock() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)

    back = give_back(sale, 1, restock=False)

    assert back.lines[0].restocked is False
    assert on_hand(product, store) == 2
    assert sold_of(sale) == [(3, 1)]


def test_of_one_line_some_go_back_onto_the_shelf_and_some_do_not() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)

    give_back(sale, returns=[ReturnedItem(sale.id, 1, 2, restock=True), ReturnedItem(sale.id, 1, 1, restock=False)])

    assert on_hand(product, store) == 4
    assert sold_of(sale) == [(3, 3)]


def test_a_service_is_given_back_without_stock() -> None:
    store, service = make_store(), make_product(stocked=False, price=Decimal("15.00"))

    back = give_back(sell(service, store))

    assert back.total == euros("-15.00")
    assert inventory.movements(product_id=service.id) == []


def test_the_price_of_the_sale_counts_whatever_it_is_now() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"))
    put_in_stock(product, store, 5)
    sale = sell(product, store)
    catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal("99.00")))
    catalog.archive_product(product_id=product.id)

    assert give_back(sale).total == euros("-10.00")
    assert on_hand(product, store) == 5


# --- Never more than was sold ---------------------------------------------------------------------------------------


def test_several_returns_never_exceed_the_sale() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)
    give_back(sale, 2)

    with refused(ReturnExceedsSale) as refusal:
        give_back(sale, 2)

    facts = refusal.value
    assert (facts.sale_id, facts.position, facts.sold, facts.returned_before, facts.asked) == (sale.id, 1, 3, 2, 2)
    give_back(sale, 1)
    with refused(ReturnExceedsSale):
        give_back(sale, 1)
    assert on_hand(product, store) == 5


def test_one_line_too_many_refuses_the_whole_return() -> None:
    store, one, other = make_store(), make_product(), make_product()
    put_in_stock(one, store, 5)
    put_in_stock(other, store, 5)
    sale = ticket(store, items=[SoldItem(2, one.id), SoldItem(1, other.id)])

    with refused(ReturnExceedsSale) as refusal:
        give_back(sale, returns=[ReturnedItem(sale.id, 1, 2), ReturnedItem(sale.id, 2, 2)])

    assert (refusal.value.position, refusal.value.asked) == (2, 2)


def test_one_line_named_twice_counts_together() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 3)

    with refused(ReturnExceedsSale) as refusal:
        give_back(sale, returns=[ReturnedItem(sale.id, 1, 2), ReturnedItem(sale.id, 1, 2)])

    assert refusal.value.asked == 4


def test_a_line_that_does_not_exist_sold_nothing() -> None:
    store, product = make_store(), make_product(stocked=False)
    sale = sell(product, store)

    with refused(ReturnExceedsSale) as refusal:
        give_back(sale, position=7)

    assert (refusal.value.position, refusal.value.sold, refusal.value.returned_before) == (7, 0, 0)


def test_what_came_back_does_not_come_back_again() -> None:
    store, product = make_store(), make_product(stocked=False)
    back = give_back(sell(product, store))

    with refused(ReturnExceedsSale) as refusal:
        give_back(back)

    assert refusal.value.sold == 0


def test_another_stores_sale_is_not_taken_back() -> None:
    store, other, product = make_store(), make_store(), make_product(stocked=False)
    sale = sell(product, store)

    with refused(SaleNotFound) as refusal:
        give_back(sale, store_id=other.id)

    assert refusal.value.sale_id == sale.id


def test_the_database_holds_the_limit_too() -> None:
    store, product = make_store(), make_product(stocked=False)
    sale = sell(product, store, 3)

    with pytest.raises(IntegrityError, match="sale_line_returned_at_most_whole"), connection.cursor() as cursor:
        cursor.execute("UPDATE sale_line SET quantity_returned = 4 WHERE sale_id = %s", [sale.id])


def test_the_database_lets_no_more_be_refunded_than_was_paid() -> None:
    store, product = make_store(), make_product(stocked=False)
    sale = sell(product, store, 3)

    with pytest.raises(IntegrityError, match="sale_payment_refunded_at_most_whole"), connection.cursor() as cursor:
        cursor.execute("UPDATE sale_payment SET refundable = -0.01 WHERE sale_id = %s", [sale.id])


# --- Sent twice -----------------------------------------------------------------------------------------------------


def test_a_return_sent_twice_is_taken_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 1)
    arguments = {"sale_id": new_id(), "sold_at": datetime.now(UTC)}

    first, second = give_back(sale, **arguments), give_back(sale, **arguments)

    assert second == first
    assert on_hand(product, store) == 5
    assert sold_of(sale) == [(1, 1)]


def test_a_return_sent_twice_under_a_tills_reference_is_taken_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store, 2)

    first, second = give_back(sale, client_reference="T1/9"), give_back(sale, client_reference="T1/9")

    assert second == first
    assert sold_of(sale) == [(2, 1)]


# --- The money ------------------------------------------------------------------------------------------------------


def test_money_goes_back_the_way_it_came_and_no_method_gives_more_than_it_took() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)
    sale = sell(product, store, 5, payments=[voucher("15.00"), card("20.00"), cash("15.00")])

    assert [paid(give_back(sale, pieces)) for pieces in (1, 1, 2, 1)] == [
        [("voucher", euros("-10.00"))],
        [("voucher", euros("-5.00")), ("card", euros("-5.00"))],
        [("card", euros("-15.00")), ("cash", euros("-5.00"))],
        [("cash", euros("-10.00"))],
    ]


def test_change_is_not_given_back_again() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)
    sale = sell(product, store, payments=[cash("50.00")])

    assert paid(give_back(sale)) == [("cash", euros("-10.00"))]


def test_the_client_does_not_choose_how_money_goes_back() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)
    sale = sell(product, store, payments=[card("10.00")])

    with refused(PaymentMismatch) as refusal:
        give_back(sale, payments=[cash("10.00")])

    assert refusal.value.total == euros("-10.00")


def test_the_imported_past_is_refunded_in_cash() -> None:
    import_id = new_id()
    bowl = HistoryLine(
        1, "536365", "22041", "BOWL", True, 6, datetime(2010, 12, 1, tzinfo=UTC), euros("2.55"), "France"
    )
    sales.stage_history(import_id=import_id, lines=[bowl])
    sales.complete_history(import_id=import_id)
    [store] = inventory.stores()
    [known] = sales.store_sales(store_id=store.id)

    back = give_back(sales.sale(sale_id=known.id), 2)

    assert (back.total, paid(back)) == (euros("-5.10"), [("cash", euros("-5.10"))])
    assert (known.receipt_number, back.receipt_number) == (None, f"{back.sold_on.year}-000001")


# --- Exchanges ------------------------------------------------------------------------------------------------------


def test_for_something_dearer_the_customer_pays_the_difference() -> None:
    store, cheap, dear = make_store(), make_product(price=Decimal("10.00")), make_product(price=Decimal("25.00"))
    for product in (cheap, dear):
        put_in_stock(product, store, 5)
    sale = sell(cheap, store, 2, payments=[card("20.00")])

    exchange = ticket(
        store, items=[SoldItem(1, dear.id)], returns=[ReturnedItem(sale.id, 1, 1)], payments=[cash("20.00")]
    )

    assert (exchange.gross, exchange.returned, exchange.total) == (euros("25.00"), euros("10.00"), euros("15.00"))
    assert (exchange.pieces, exchange.pieces_returned, exchange.change) == (1, 1, euros("5.00"))
    assert [(line.position, line.quantity) for line in exchange.lines] == [(1, 1), (2, -1)]
    assert sales.sale(sale_id=exchange.id) == exchange
    assert (on_hand(cheap, store), on_hand(dear, store)) == (4, 4)
    assert books_agree()


def test_for_something_cheaper_the_difference_goes_back_the_way_it_came() -> None:
    store, dear, cheap = make_store(), make_product(price=Decimal("25.00")), make_product(price=Decimal("10.00"))
    for product in (cheap, dear):
        put_in_stock(product, store, 5)
    sale = sell(dear, store, payments=[card("20.00"), voucher("5.00")])

    exchange = ticket(store, items=[SoldItem(1, cheap.id)], returns=[ReturnedItem(sale.id, 1, 1)])

    assert (exchange.total, paid(exchange)) == (euros("-15.00"), [("card", euros("-15.00"))])


def test_like_for_like_costs_nothing() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 1)
    sale = sell(product, store)

    exchange = ticket(store, items=[SoldItem(1, product.id)], returns=[ReturnedItem(sale.id, 1, 1)])

    assert (exchange.total, exchange.payments) == (0, [])
    assert sales.sale(sale_id=exchange.id) == exchange
    assert on_hand(product, store) == 0


def test_an_exchange_does_not_turn_a_card_into_cash() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)
    first = sell(product, store, 2, payments=[card("20.00")])
    second = ticket(store, items=[SoldItem(1, product.id)], returns=[ReturnedItem(first.id, 1, 1)])
    third = ticket(
        store,
        items=[SoldItem(3, product.id)],
        returns=[ReturnedItem(second.id, 1, 1), ReturnedItem(first.id, 1, 1)],
        payments=[voucher("10.00")],
    )

    assert paid(give_back(third, 3)) == [("voucher", euros("-10.00")), ("card", euros("-20.00"))]


def test_what_is_not_on_the_shelf_refuses_the_whole_exchange() -> None:
    store, sold, wanted = make_store(), make_product(), make_product()
    put_in_stock(sold, store, 5)
    sale = sell(sold, store)

    with refused(InsufficientStock):
        ticket(store, items=[SoldItem(1, wanted.id)], returns=[ReturnedItem(sale.id, 1, 1)])


# --- What it adds up to ---------------------------------------------------------------------------------------------


def test_reports_count_returns_beside_sales() -> None:
    store, product = make_store("Lyon"), make_product(price=Decimal("10.00"), stocked=False)
    sale = sell(product, store, 5)
    give_back(sale, 2)
    ticket(store, items=[SoldItem(1, product.id)], returns=[ReturnedItem(sale.id, 1, 2)])

    figures = sales.report().total

    assert (figures.gross, figures.returned, figures.total) == (euros("60.00"), euros("40.00"), euros("20.00"))
    assert (figures.sales, figures.returns, figures.pieces) == (2, 2, 6)
    [of_store] = sales.report().stores
    assert [(row.product_id, row.quantity) for row in of_store.products] == [(product.id, 6)]
    assert sum((row.total for row in sales.store_sales(store_id=store.id)), Decimal(0)) == figures.total


def test_statistics_take_returns_off_the_revenue() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)
    give_back(sell(product, store, 3), 1)
    sell(product, store, 1)

    statistics = sales.statistics(today=datetime.now(UTC).date())

    assert (statistics.sales, statistics.revenue, statistics.average_basket) == (2, euros("30.00"), euros("15.00"))
