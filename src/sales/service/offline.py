"""Sales that tills made while they were offline: they have happened, so they are written down as they were."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import DataError
from django.db.transaction import atomic

from catalog.interface import BarcodeNotFound, Product, ProductNotFound, catalog, full_barcode
from inventory.interface import StockLine, inventory
from sales import rules
from sales.interface import (
    Channel,
    OfflineItem,
    OfflineResult,
    OfflineSale,
    OfflineStatus,
    Sale,
    SaleFlag,
    SaleProblem,
)
from sales.service import tills
from sales.service.tickets import Ticket, goods_of, lines_of, products_of, record
from shared_kernel.errors import Refusal


class Offline:
    """The part of the sales that takes over what tills have kept for it."""

    def record_offline_sales(
        self, *, sales: Sequence[OfflineSale], cashier_id: UUID | None, now: datetime
    ) -> list[OfflineResult]:
        return [_result(sale, cashier_id=cashier_id, now=now) for sale in sales]


def _result(sale: OfflineSale, *, cashier_id: UUID | None, now: datetime) -> OfflineResult:
    try:
        # Within a caller's transaction this is a savepoint: a refusal takes back this sale alone.
        with atomic():
            recorded, is_new = _record(sale, cashier_id=cashier_id, now=now)
    except Refusal as refusal:
        return _refused(sale, refusal.code, str(refusal))
    except DataError:
        return _refused(sale, "invalid", "The sale comes to more than can be written down: look for a slip in it.")
    return OfflineResult(
        client_reference=sale.client_reference,
        status=OfflineStatus.RECORDED if is_new else OfflineStatus.KNOWN,
        sale_id=recorded.id,
        receipt_number=recorded.receipt_number,
        flags=recorded.flags,
        problem=None,
    )


def _refused(sale: OfflineSale, code: str, detail: str) -> OfflineResult:
    return OfflineResult(sale.client_reference, OfflineStatus.REFUSED, None, None, [], SaleProblem(code, detail))


def _record(sale: OfflineSale, *, cashier_id: UUID | None, now: datetime) -> tuple[Sale, bool]:
    rules.check_time(sale.sold_at, now=now)
    store = inventory.store(store_id=sale.store_id)
    sold = [
        (product, item, product.price if item.unit_price is None else item.unit_price)
        for product, item in zip(_products(sale.items), sale.items, strict=True)
    ]
    # The count of a till that was closed stays as it is: what was sold in it is recorded beside it.
    is_late = sale.till_session_id is not None and tills.hold(sale.till_session_id).closed_at is not None
    ticket = Ticket(
        sale_id=sale.sale_id,
        store=store,
        channel=Channel.TILL,
        payments=sale.payments,
        client_reference=sale.client_reference,
        cashier_id=cashier_id,
        customer_id=None,
        till_session_id=None if is_late else sale.till_session_id,
        note="",
        sold_at=sale.sold_at,
    )

    def issue(returned: Sequence[StockLine]) -> list[SaleFlag]:
        missing = inventory.issue_departed(
            operation_id=sale.sale_id,
            location_id=sale.store_id,
            lines=goods_of(sold),
            document=ticket.document,
            actor_id=cashier_id,
            departed_at=sale.sold_at,
            now=now,
        )
        return _flags(sold, is_short=bool(missing), is_late=is_late)

    return record(ticket, lines_of(sold), issue=issue)


def _products(items: Sequence[OfflineItem]) -> list[Product]:
    """The product of each item, archived ones included. Raises ProductNotFound, BarcodeNotFound."""
    ids = {item.product_id for item in items if item.product_id}
    barcodes = {item.barcode for item in items if item.barcode}
    known = catalog.products(ids=list(ids), barcodes=list(barcodes))
    if unknown := ids - {product.id for product in known}:
        raise ProductNotFound(product_ids=sorted(unknown))
    read = {product.barcode for product in known}
    if unread := [barcode for barcode in barcodes if full_barcode(barcode) not in read]:
        raise BarcodeNotFound(barcodes=sorted(unread))
    return products_of(items, known)


def _flags(sold: Sequence[tuple[Product, OfflineItem, Decimal]], *, is_short: bool, is_late: bool) -> list[SaleFlag]:
    """What somebody should look at."""
    found = {
        SaleFlag.STOCK_SHORT: is_short,
        SaleFlag.PRICE_DIFFERS: any(price != product.price for product, _, price in sold),
        SaleFlag.ARCHIVED: not all(product.active for product, _, _ in sold),
        SaleFlag.TILL_CLOSED: is_late,
    }
    return [flag for flag, holds in found.items() if holds]
