"""Sales of tills that were offline: recorded as they happened, once, and flagged."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from catalog.interface import catalog
from inventory.interface import inventory
from sales.interface import OfflineItem, OfflineResult, OfflineStatus, PaymentMethod, SaleFlag, sales
from shared_kernel.ids import new_id
from tests.chain import books_agree, make_product, make_store, make_warehouse, on_hand, put_in_stock
from tests.sales.actions import card, close_till, euros, everything, offline, open_till, send

pytestmark = pytest.mark.django_db

RECORDED, KNOWN, REFUSED = OfflineStatus


def problems(results: list[OfflineResult]) -> list[str | None]:
    return [result.problem.code if result.problem else None for result in results]


def test_a_sale_made_offline_is_recorded_as_it_was() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), barcode="2000000000015")
    put_in_stock(product, store, 5)
    moment = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)

    [result] = send(
        offline(store, OfflineItem(2, barcode="2000000000015"), reference="T1/9", sold_at=moment, payments=[card("20")])
    )

    assert (result.client_reference, result.status, result.flags, result.problem) == ("T1/9", RECORDED, [], None)
    assert result.receipt_number == "2026-000001"
    assert result.sale_id
    sale = sales.sale(sale_id=result.sale_id)
    assert (sale.total, sale.sold_at, sale.receipt_number) == (euros("20.00"), moment, "2026-000001")
    assert [payment.method for payment in sale.payments] == [PaymentMethod.CARD]
    assert on_hand(product, store) == 3
    assert inventory.movements(product_id=product.id)[0].document == "sale T1/9"


def test_sent_twice_nothing_doubles() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    batch = [offline(store, OfflineItem(1, product.id)), offline(store, OfflineItem(7, product.id))]
    first = send(*batch)
    before = everything()

    second = send(*batch)

    assert [result.status for result in first] == [RECORDED, RECORDED]
    assert [result.status for result in second] == [KNOWN, KNOWN]
    assert [(result.sale_id, result.receipt_number, result.flags) for result in second] == [
        (result.sale_id, result.receipt_number, result.flags) for result in first
    ]
    assert everything() == before


def test_one_reference_twice_in_a_batch_is_one_sale() -> None:
    store, product = make_store(), make_product(stocked=False)

    results = send(
        offline(store, OfflineItem(1, product.id), reference="T1/9"),
        offline(store, OfflineItem(1, product.id), reference="T1/9"),
        offline(store, OfflineItem(2, product.id), reference="T1/9"),
    )

    assert [result.status for result in results] == [RECORDED, KNOWN, REFUSED]
    assert problems(results) == [None, None, "client_reference_reused"]
    assert results[0].sale_id == results[1].sale_id


def test_what_the_stock_does_not_cover_is_recorded_and_flagged() -> None:
    store, short, never_held = make_store(), make_product(), make_product()
    put_in_stock(short, store, 2)

    [result] = send(offline(store, OfflineItem(5, short.id), OfflineItem(1, never_held.id)))

    assert (result.status, result.flags) == (RECORDED, [SaleFlag.STOCK_SHORT])
    assert sales.store_sales(store_id=store.id)[0].flags == [SaleFlag.STOCK_SHORT]
    assert (on_hand(short, store), on_hand(never_held, store)) == (0, 0)
    open_ones = {row.product_id: row.missing for row in inventory.discrepancies(location_ids=[store.id])}
    assert open_ones == {short.id: 3, never_held.id: 1}
    assert books_agree()


def test_a_price_as_charged_is_recorded_and_flagged_where_it_differs() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)

    results = send(
        offline(store, OfflineItem(2, product.id, unit_price=euros("9.00"))),
        offline(store, OfflineItem(2, product.id, unit_price=euros("10.00"))),
        offline(store, OfflineItem(1, product.id, unit_price=euros("0.00"))),
    )

    assert [result.flags for result in results] == [[SaleFlag.PRICE_DIFFERS], [], [SaleFlag.PRICE_DIFFERS]]
    totals = {row.id: row.total for row in sales.store_sales(store_id=store.id)}
    assert [totals[result.sale_id] for result in results if result.sale_id] == [18, 20, 0]


def test_an_archived_product_is_sold_and_flagged() -> None:
    store, product = make_store(), make_product(barcode="2000000000015")
    put_in_stock(product, store, 5)
    catalog.archive_product(product_id=product.id)

    results = send(
        offline(store, OfflineItem(1, product.id)),
        offline(store, OfflineItem(9, barcode="2000000000015", unit_price=euros("1.00"))),
    )

    assert [result.flags for result in results] == [
        [SaleFlag.ARCHIVED],
        [SaleFlag.STOCK_SHORT, SaleFlag.PRICE_DIFFERS, SaleFlag.ARCHIVED],
    ]


def test_a_refusal_takes_back_its_own_sale_alone() -> None:
    store, warehouse, product = make_store(), make_warehouse(), make_product(price=Decimal("10.00"))
    put_in_stock(product, store, 5)
    good = OfflineItem(1, product.id)

    results = send(
        offline(store, good),
        offline(store, good, OfflineItem(1, new_id())),
        offline(store, OfflineItem(1, barcode="4006381333931")),
        offline(store, good, payments=[card("9.99")]),
        offline(warehouse, good),
        offline(store, good, sold_at=datetime.now(UTC) + timedelta(hours=1)),
        offline(store, good, till_session_id=new_id()),
        offline(store, *[OfflineItem(100_000, product.id, unit_price=euros("99999999.99"))] * 2),
        offline(store, good),
    )

    assert problems(results) == [
        None,
        "product_not_found",
        "barcode_not_found",
        "payment_mismatch",
        "location_not_found",
        "sold_in_future",
        "till_session_not_found",
        "invalid",
        None,
    ]
    assert {(result.sale_id, result.receipt_number) for result in results if result.status is REFUSED} == {(None, None)}
    assert all(result.problem.detail for result in results if result.problem)
    numbers = [result.receipt_number for result in results if result.receipt_number]
    assert [number[-6:] for number in numbers] == ["000001", "000002"]
    assert len(sales.store_sales(store_id=store.id)) == 2
    assert on_hand(product, store) == 3
    assert books_agree()


def test_what_was_sold_in_a_till_that_has_been_closed_is_recorded_beside_its_count() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    session = open_till(store)
    closed = close_till(session, "100.00")

    [result] = send(offline(store, OfflineItem(1, product.id), till_session_id=session.id))

    assert (result.status, result.flags) == (RECORDED, [SaleFlag.TILL_CLOSED])
    assert sales.sale(sale_id=result.sale_id).till_session_id is None
    assert sales.till_session(session_id=session.id) == closed
    assert on_hand(product, store) == 4


def test_a_refused_sale_may_be_sent_again_corrected() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"), stocked=False)

    results = [
        *send(offline(store, OfflineItem(1, product.id), reference="T1/9", payments=[card("9.99")])),
        *send(offline(store, OfflineItem(1, product.id), reference="T1/9", payments=[card("10.00")])),
    ]

    assert [result.status for result in results] == [REFUSED, RECORDED]
