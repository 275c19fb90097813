"""What the web shop sold, in the sales' books: once, with its money, and without a move of stock."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from catalog.interface import Product
from inventory.interface import Location, LocationNotFound
from sales.interface import (
    Channel,
    OrderedLine,
    Payment,
    PaymentMethod,
    ReturnedItem,
    ReturnExceedsSale,
    Sale,
    SaleNotFound,
    sales,
)
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, make_warehouse, on_hand, put_in_stock, sell

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def record(place: Location, product: Product, quantity: int = 3, *, sale_id: UUID | None = None, **values: Any) -> Sale:
    line = OrderedLine(product.id, product.name, quantity, Decimal("10.00"), Decimal("0.2000"))
    arguments = {
        "sale_id": sale_id or new_id(),
        "store_id": place.id,
        "lines": [line],
        "method": PaymentMethod.CARD,
        "reference": "ABCD2345",
        "customer_id": None,
        "sold_at": NOW,
    }
    return sales.record_order(**(arguments | values))


def refund(sale: Sale, quantity: int, *, refund_id: UUID | None = None) -> Sale:
    return sales.record_order_refund(
        sale_id=refund_id or new_id(),
        items=[ReturnedItem(sale.id, 1, quantity, restock=False)],
        reference="ABCD2345",
        sold_at=NOW,
    )


def test_an_order_is_a_sale_online_with_its_money_and_number() -> None:
    warehouse, product = make_warehouse(), make_product()
    put_in_stock(product, warehouse, 10)

    sale = record(warehouse, product)

    assert sale.channel is Channel.ONLINE
    assert (sale.total, sale.tax, sale.pieces) == (Decimal("30.00"), Decimal("5.00"), 3)
    assert sale.payments == [Payment(PaymentMethod.CARD, Decimal("30.00"))]
    assert (sale.receipt_number, sale.note) == ("2026-000001", "order ABCD2345")
    assert on_hand(product, warehouse) == 10


def test_written_down_twice_an_order_is_one_sale() -> None:
    warehouse, product, sale_id = make_warehouse(), make_product(), new_id()

    assert record(warehouse, product, sale_id=sale_id) == record(warehouse, product, sale_id=sale_id)
    assert sales.totals(sale_ids=[sale_id, new_id()]) == {sale_id: Decimal("30.00")}


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(LocationNotFound):
        record(make_store(), make_product(), store_id=new_id())


def test_money_that_went_back_is_a_return_once() -> None:
    warehouse, product, refund_id = make_warehouse(), make_product(), new_id()
    put_in_stock(product, warehouse, 10)
    sale = record(warehouse, product)

    back = refund(sale, 2, refund_id=refund_id)

    assert refund(sale, 2, refund_id=refund_id) == back
    assert (back.total, back.channel) == (Decimal("-20.00"), Channel.ONLINE)
    assert back.payments == [Payment(PaymentMethod.CARD, Decimal("-20.00"))]
    assert sales.sale(sale_id=sale.id).lines[0].quantity_returned == 2
    assert on_hand(product, warehouse) == 10


def test_more_than_was_sold_never_goes_back() -> None:
    sale = record(make_warehouse(), make_product())
    refund(sale, 2)

    with pytest.raises(ReturnExceedsSale):
        refund(sale, 2)
    assert sales.sale(sale_id=sale.id).lines[0].quantity_returned == 2


def test_a_refund_of_a_till_sale_is_none_of_the_web_shops() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    sale = sell(product, store)

    with pytest.raises(SaleNotFound):
        refund(sale, 1)
    assert sales.sale(sale_id=sale.id).lines[0].quantity_returned == 0


def test_a_till_takes_nothing_back_that_the_web_shop_sold() -> None:
    store, product = make_store(), make_product()
    sale = record(store, product)

    with pytest.raises(SaleNotFound):
        sell(product, store, items=[], returns=[ReturnedItem(sale.id, 1, 1)])
    assert sales.sale(sale_id=sale.id).lines[0].quantity_returned == 0


def test_the_report_has_a_row_for_what_was_sent_and_one_for_what_is_picked_up() -> None:
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    put_in_stock(product, store, 5)
    sell(product, store)
    record(warehouse, product)
    record(store, product, 2)

    report = sales.report()

    assert [(row.name, row.channel, row.total) for row in report.stores] == [
        (store.name, Channel.TILL, Decimal("10.00")),
        (store.name, Channel.ONLINE, Decimal("20.00")),
        (warehouse.name, Channel.ONLINE, Decimal("30.00")),
    ]
    assert report.total.total == Decimal("60.00")
    assert sales.statistics(today=NOW.date()).revenue == Decimal("60.00")


def test_a_warehouse_that_sold_nothing_is_not_in_the_report() -> None:
    make_warehouse()
    store = make_store()

    assert [row.name for row in sales.report().stores] == [store.name]
    assert [row.name for row in sales.statistics(today=NOW.date()).per_store] == [store.name]
