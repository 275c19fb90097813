"""Sales over the counter: one transaction over prices, stock, the sale and its payments."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from catalog.interface import Product, catalog
from inventory.interface import StockLine, inventory
from sales import models, rules
from sales.interface import (
    Channel,
    ClientReferenceReused,
    Payment,
    Sale,
    SaleLine,
    SaleNotFound,
    SaleSummary,
    SoldItem,
)
from shared_kernel.money import ZERO
from shared_kernel.postgres.transactions import atomic_write

# One statement for the whole sale. A twin with the same id waits at the first INSERT, and then inserts nothing.
INSERT_SALE = """
WITH head AS (
    INSERT INTO sale (id, store_id, channel, sold_at, sold_on, recorded_at, cashier_id, client_reference, currency,
        gross, returned, tax, pieces, pieces_returned)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), lines AS (
    INSERT INTO sale_line (sale_id, position, product_id, name, quantity, unit_price, tax_rate, tax, total)
    SELECT head.id, line.* FROM head, unnest(
        %s::smallint[], %s::uuid[], %s::text[], %s::int[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]
    ) AS line
), payments AS (
    INSERT INTO sale_payment (sale_id, position, method, amount)
    SELECT head.id, payment.ordinality, payment.method, payment.amount
    FROM head, unnest(%s::text[], %s::numeric[]) WITH ORDINALITY AS payment(method, amount, ordinality)
)
SELECT id FROM head
"""

CLAIM_REFERENCE = """
INSERT INTO till_reference (store_id, reference, sale_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""


class Recording:
    """The part of the sales that writes them down and finds them again."""

    @atomic_write
    def record_sale(
        self,
        *,
        sale_id: UUID,
        store_id: UUID,
        items: Sequence[SoldItem],
        payments: Sequence[Payment],
        client_reference: str,
        cashier_id: UUID | None,
        sold_at: datetime,
    ) -> Sale:
        store = inventory.store(store_id=store_id)
        products = _products(items)
        lines = [
            rules.priced_line(
                position=position,
                product_id=product.id,
                name=product.name,
                quantity=item.quantity,
                unit_price=product.price,
                tax_rate=product.tax_rate,
            )
            for position, (item, product) in enumerate(zip(items, products, strict=True), start=1)
        ]
        if client_reference and not _claim(store_id, client_reference, sale_id):
            return _sale_of_reference(store_id, client_reference, lines)
        total = sum((line.total for line in lines), ZERO)
        sale = Sale(
            id=sale_id,
            store_id=store_id,
            channel=Channel.TILL,
            sold_at=sold_at,
            sold_on=sold_at.astimezone(ZoneInfo(store.time_zone)).date(),
            cashier_id=cashier_id,
            client_reference=client_reference,
            currency=settings.COMPTOIR_CURRENCY,
            gross=total,
            returned=ZERO,
            total=total,
            tax=sum((line.tax for line in lines), ZERO),
            pieces=sum(line.quantity for line in lines),
            pieces_returned=0,
            lines=lines,
            payments=rules.settled(payments, total=total),
        )
        if not _insert(sale):
            return self.sale(sale_id=sale_id)
        # Last, so that the shelf is locked for as short as can be.
        inventory.issue(
            operation_id=sale_id,
            location_id=store_id,
            lines=[
                StockLine(product.id, item.quantity)
                for item, product in zip(items, products, strict=True)
                if product.stocked
            ],
            document=f"sale {client_reference or sale_id}"[:100],  # as much as the ledger takes
            actor_id=cashier_id,
            now=sold_at,
        )
        return sale

    def sale(self, *, sale_id: UUID) -> Sale:
        row = models.Sale.objects.filter(id=sale_id).prefetch_related("lines", "payments").first()
        if row is None:
            raise SaleNotFound(sale_id=sale_id)
        return row.value()

    def store_sales(self, *, store_id: UUID, before: UUID | None = None, limit: int = 20) -> list[SaleSummary]:
        inventory.store(store_id=store_id)
        rows = models.Sale.objects.filter(store_id=store_id).order_by("-id")
        if before is not None:
            rows = rows.filter(id__lt=before)
        return [row.summary() for row in rows[:limit]]


def _products(items: Sequence[SoldItem]) -> list[Product]:
    """The product of each item, in their order. Raises what the catalogue raises for those not on sale."""
    ids = [item.product_id for item in items if item.product_id]
    barcodes = [item.barcode for item in items if item.barcode]
    found = catalog.products_on_sale(ids=ids, barcodes=barcodes)
    by_id = {product.id: product for product in found}
    by_barcode = {product.barcode: product for product in found}
    return [by_id[item.product_id] if item.product_id else by_barcode[item.barcode] for item in items]


def _claim(store_id: UUID, reference: str, sale_id: UUID) -> bool:
    """Whether the till's reference was free and is this sale's now. Waits for a twin that is under way."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_REFERENCE, [store_id, reference, sale_id])
        return bool(cursor.rowcount == 1)


def _sale_of_reference(store_id: UUID, reference: str, lines: Sequence[SaleLine]) -> Sale:
    claimed = models.TillReference.objects.get(store_id=store_id, reference=reference)
    sale = models.Sale.objects.prefetch_related("lines", "payments").get(id=claimed.sale_id).value()
    if [(line.product_id, line.quantity) for line in sale.lines] != [
        (line.product_id, line.quantity) for line in lines
    ]:
        raise ClientReferenceReused(client_reference=reference, sale_id=sale.id)
    return sale


def _insert(sale: Sale) -> bool:
    """Write the sale down; False when it was there already."""
    parameters: list[Any] = [
        sale.id,
        sale.store_id,
        sale.channel,
        sale.sold_at,
        sale.sold_on,
        datetime.now(UTC),
        sale.cashier_id,
        sale.client_reference,
        sale.currency,
        sale.gross,
        sale.returned,
        sale.tax,
        sale.pieces,
        sale.pieces_returned,
        [line.position for line in sale.lines],
        [line.product_id for line in sale.lines],
        [line.name for line in sale.lines],
        [line.quantity for line in sale.lines],
        [line.unit_price for line in sale.lines],
        [line.tax_rate for line in sale.lines],
        [line.tax for line in sale.lines],
        [line.total for line in sale.lines],
        [payment.method for payment in sale.payments],
        [payment.amount for payment in sale.payments],
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SALE, parameters)
        return bool(cursor.rowcount == 1)
