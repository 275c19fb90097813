"""Till sales: what they come to, what they take from the shelf, and what refuses them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from catalog.interface import BarcodeNotFound, ProductNotFound, catalog
from inventory.interface import InsufficientStock, LocationNotFound, inventory
from sales.interface import (
    ClientReferenceReused,
    Payment,
    PaymentMethod,
    PaymentMismatch,
    SaleNotFound,
    SoldItem,
    sales,
)
from shared_kernel.ids import new_id
from tests.chain import books_agree, make_product, make_store, make_warehouse, on_hand, put_in_stock, sell

pytestmark = pytest.mark.django_db


def test_a_sale_takes_its_price_from_the_catalogue_and_its_goods_from_the_shelf() -> None:
    store, product = make_store(), make_product(price=Decimal("89.99"))
    put_in_stock(product, store, 20)

    sale = sell(product, store, 3)

    assert (sale.gross, sale.returned, sale.total, sale.tax) == (
        Decimal("269.97"),
        Decimal("0.00"),
        Decimal("269.97"),
        Decimal("45.00"),
    )
    assert sale.payments == [Payment(PaymentMethod.CASH, Decimal("269.97"))]
    assert sales.sale(sale_id=sale.id) == sale
    assert on_hand(product, store) == 17
    assert books_agree()


def test_a_line_that_cannot_be_served_refuses_the_whole_sale_and_changes_nothing() -> None:
    store, elsewhere = make_store(), make_store()
    plenty, scarce = make_product(), make_product()
    put_in_stock(plenty, store, 10)
    put_in_stock(scarce, store, 2)
    put_in_stock(scarce, elsewhere, 7)
    sale_id = new_id()

    with pytest.raises(InsufficientStock) as refusal:
        sell(plenty, store, sale_id=sale_id, items=[SoldItem(1, plenty.id), SoldItem(3, scarce.id)])

    [line] = refusal.value.lines
    assert (line.product_id, line.requested, line.available) == (scarce.id, 3, 2)
    assert [(place.location_id, place.available) for place in line.elsewhere] == [(elsewhere.id, 7)]
    assert (on_hand(plenty, store), on_hand(scarce, store)) == (10, 2)
    with pytest.raises(SaleNotFound):
        sales.sale(sale_id=sale_id)
    assert books_agree()


def test_two_lines_of_one_product_together_may_not_exceed_the_shelf() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    with pytest.raises(InsufficientStock) as refusal:
        sell(product, store, items=[SoldItem(3, product.id), SoldItem(3, product.id)])

    assert [(line.requested, line.available) for line in refusal.value.lines] == [(6, 5)]
    assert on_hand(product, store) == 5


def test_the_same_sale_sent_twice_is_sold_once() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    arguments = {"sale_id": new_id(), "sold_at": datetime.now(UTC)}

    first = sell(product, store, 2, **arguments)
    second = sell(product, store, 2, **arguments)

    assert second == first
    assert on_hand(product, store) == 3


def test_a_tills_reference_sent_twice_is_one_sale() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)

    first = sell(product, store, 2, client_reference="till-1/42")
    second = sell(product, store, 2, client_reference="till-1/42")

    assert second == first
    assert on_hand(product, store) == 3


def test_a_tills_reference_for_another_sale_is_refused() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    first = sell(product, store, 2, client_reference="till-1/42")

    with pytest.raises(ClientReferenceReused) as refusal:
        sell(product, store, 1, client_reference="till-1/42")

    assert refusal.value.sale_id == first.id
    assert on_hand(product, store) == 3


def test_two_stores_may_use_the_same_reference() -> None:
    one, other, product = make_store(), make_store(), make_product()
    put_in_stock(product, one, 5)
    put_in_stock(product, other, 5)

    first = sell(product, one, client_reference="42")
    second = sell(product, other, client_reference="42")

    assert first.id != second.id


def test_a_product_is_sold_by_its_barcode() -> None:
    store, product = make_store(), make_product(barcode="2000000000015")
    put_in_stock(product, store, 5)

    sale = sell(product, store, items=[SoldItem(1, barcode="2000000000015")])

    assert [line.product_id for line in sale.lines] == [product.id]
    assert on_hand(product, store) == 4


def test_a_service_is_sold_without_stock() -> None:
    store, service = make_store(), make_product(stocked=False, price=Decimal("15.00"))

    sale = sell(service, store)

    assert sale.total == Decimal("15.00")
    assert inventory.movements(product_id=service.id) == []


def test_an_archived_product_is_not_sold() -> None:
    store, product = make_store(), make_product(barcode="2000000000015")
    put_in_stock(product, store, 5)
    catalog.archive_product(product_id=product.id)

    with pytest.raises(ProductNotFound) as refusal:
        sell(product, store)
    with pytest.raises(BarcodeNotFound):
        sell(product, store, items=[SoldItem(1, barcode="2000000000015")])

    assert refusal.value.product_ids == [product.id]
    assert on_hand(product, store) == 5


def test_a_warehouse_is_not_a_store() -> None:
    warehouse, product = make_warehouse(), make_product()
    put_in_stock(product, warehouse, 5)

    with pytest.raises(LocationNotFound):
        sell(product, warehouse)

    assert on_hand(product, warehouse) == 5


def test_payments_that_do_not_add_up_are_refused() -> None:
    store, product = make_store(), make_product(price=Decimal("25.50"))
    put_in_stock(product, store, 5)
    payments = [Payment(PaymentMethod.CARD, Decimal("20.00")), Payment(PaymentMethod.CASH, Decimal("5.00"))]

    with pytest.raises(PaymentMismatch) as refusal:
        sell(product, store, payments=payments)

    assert (refusal.value.total, refusal.value.paid) == (Decimal("25.50"), Decimal("25.00"))
    assert on_hand(product, store) == 5


def test_a_sale_belongs_to_the_day_of_its_store() -> None:
    paris, montreal = make_store(), make_store(time_zone="America/Toronto")
    service = make_product(stocked=False)
    shortly_after_midnight_in_paris = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)

    days = [sell(service, store, sold_at=shortly_after_midnight_in_paris).sold_on for store in (paris, montreal)]

    assert [day.isoformat() for day in days] == ["2026-03-02", "2026-03-01"]


def test_a_stores_sales_are_listed_latest_first_page_by_page() -> None:
    store, service = make_store(), make_product(stocked=False)
    moments = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (1, 2, 3)]
    made = [sell(service, store, sale_id=new_id(at=moment), sold_at=moment).id for moment in moments]

    first = sales.store_sales(store_id=store.id, limit=2)
    rest = sales.store_sales(store_id=store.id, before=first[-1].id, limit=2)

    assert [sale.id for sale in first + rest] == made[::-1]
