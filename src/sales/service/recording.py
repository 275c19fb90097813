"""Sales and returns over the counter: one transaction over prices, stock, the sale and its payments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.interface import accounts
from catalog.interface import Product, catalog
from inventory.interface import StockLine, inventory
from sales import models, rules
from sales.interface import (
    Channel,
    CustomerNotFound,
    Payment,
    Receipt,
    ReturnedItem,
    Sale,
    SaleFlag,
    SaleNotFound,
    SaleSummary,
    SoldItem,
)
from sales.service.tickets import Ticket, found, goods_of, lines_of, products_of, record
from shared_kernel.money import ZERO
from shared_kernel.postgres.transactions import atomic_write


class Recording:
    """The part of the sales that writes them down and finds them again."""

    @atomic_write
    def record_sale(
        self,
        *,
        sale_id: UUID,
        store_id: UUID,
        items: Sequence[SoldItem],
        returns: Sequence[ReturnedItem] = (),
        payments: Sequence[Payment],
        client_reference: str,
        cashier_id: UUID | None,
        customer_id: UUID | None = None,
        till_session_id: UUID | None = None,
        note: str = "",
        sold_at: datetime,
    ) -> Sale:
        store = inventory.store(store_id=store_id)
        sold = [(product, item, product.price) for product, item in zip(_products(items), items, strict=True)]
        if customer_id and not accounts.names(person_ids=[customer_id]):
            raise CustomerNotFound(customer_id=customer_id)
        ticket = Ticket(
            sale_id=sale_id,
            store=store,
            channel=Channel.TILL,
            payments=payments,
            client_reference=client_reference,
            cashier_id=cashier_id,
            customer_id=customer_id,
            till_session_id=till_session_id,
            note=note,
            sold_at=sold_at,
        )

        def issue(returned: Sequence[StockLine]) -> list[SaleFlag]:
            inventory.issue(
                operation_id=sale_id,
                location_id=store_id,
                lines=goods_of(sold),
                returned=returned,
                document=ticket.document,
                actor_id=cashier_id,
                now=sold_at,
            )
            return []

        sale, _ = record(ticket, lines_of(sold), returns=returns, issue=issue)
        return sale

    def sale(self, *, sale_id: UUID) -> Sale:
        sale = found(sale_id)
        if sale is None:
            raise SaleNotFound(sale_id=sale_id)
        return sale

    def store_sales(
        self, *, store_id: UUID, receipt_number: str | None = None, before: UUID | None = None, limit: int = 20
    ) -> list[SaleSummary]:
        inventory.store(store_id=store_id)
        rows = models.Sale.objects.filter(store_id=store_id).order_by("-id")
        if receipt_number is not None:
            year, number = rules.receipt_key(receipt_number)
            rows = rows.filter(receipt_year=year, receipt_number=number)
        if before is not None:
            rows = rows.filter(id__lt=before)
        return [row.summary() for row in rows[:limit]]

    def customer_sales(self, *, customer_id: UUID, before: UUID | None = None, limit: int = 100) -> list[SaleSummary]:
        rows = models.Sale.objects.filter(customer_id=customer_id).order_by("-id")
        if before is not None:
            rows = rows.filter(id__lt=before)
        return [row.summary() for row in rows[:limit]]

    def receipt(self, *, sale_id: UUID) -> Receipt:
        sale = self.sale(sale_id=sale_id)
        store = inventory.store(store_id=sale.store_id)
        origins = models.Sale.objects.filter(id__in={line.origin_sale_id for line in sale.lines if line.origin_sale_id})
        numbers = [row.summary().receipt_number for row in origins.order_by("receipt_year", "receipt_number")]
        return Receipt(
            sale=sale,
            store_name=store.name,
            store_address=store.address,
            issued_at=sale.sold_at.astimezone(ZoneInfo(store.time_zone)),
            tendered=sum((payment.tendered or ZERO for payment in sale.payments), ZERO),
            taxes=rules.tax_totals(sale.lines),
            returns_of=[number for number in numbers if number],
        )


def _products(items: Sequence[SoldItem]) -> list[Product]:
    """The product of each item, in their order. Raises what the catalogue raises for those not on sale."""
    ids = [item.product_id for item in items if item.product_id]
    barcodes = [item.barcode for item in items if item.barcode]
    return products_of(items, catalog.products_on_sale(ids=ids, barcodes=barcodes))
