"""What the web shop sold: orders, whose goods and money are the checkout's business, and are only counted here."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from inventory.interface import Location, LocationNotFound, StockLine, inventory
from sales import models, rules
from sales.interface import (
    Channel,
    OrderedLine,
    Payment,
    PaymentMethod,
    ReturnedItem,
    Sale,
    SaleFlag,
    SaleNotFound,
)
from sales.service.tickets import Ticket, found, record
from shared_kernel.money import ZERO
from shared_kernel.postgres.transactions import atomic_write


class Online:
    """The part of the sales that writes down what was sold without a till."""

    @atomic_write
    def record_order(
        self,
        *,
        sale_id: UUID,
        store_id: UUID,
        lines: Sequence[OrderedLine],
        method: PaymentMethod,
        reference: str,
        customer_id: UUID | None,
        sold_at: datetime,
    ) -> Sale:
        sold = [
            rules.priced_line(
                position=position,
                product_id=line.product_id,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price,
                tax_rate=line.tax_rate,
            )
            for position, line in enumerate(lines, start=1)
        ]
        payment = Payment(method, sum((line.total for line in sold), ZERO))
        ticket = _ticket(sale_id, _place(store_id), [payment], note=f"order {reference}", sold_at=sold_at)
        sale, _ = record(replace(ticket, customer_id=customer_id), sold, issue=_no_goods)
        return sale

    @atomic_write
    def record_order_refund(
        self, *, sale_id: UUID, items: Sequence[ReturnedItem], reference: str, sold_at: datetime
    ) -> Sale:
        if known := found(sale_id):
            return known
        origin = models.Sale.objects.filter(id=items[0].sale_id, channel=Channel.ONLINE).first()
        if origin is None:
            raise SaleNotFound(sale_id=items[0].sale_id)
        ticket = _ticket(sale_id, _place(origin.store_id), [], note=f"refund of order {reference}", sold_at=sold_at)
        sale, _ = record(replace(ticket, customer_id=origin.customer_id), [], returns=items, issue=_no_goods)
        return sale

    def totals(self, *, sale_ids: Sequence[UUID]) -> dict[UUID, Decimal]:
        return {row.id: row.gross - row.returned for row in models.Sale.objects.filter(id__in=sale_ids)}


def _ticket(sale_id: UUID, place: Location, payments: Sequence[Payment], *, note: str, sold_at: datetime) -> Ticket:
    return Ticket(
        sale_id=sale_id,
        store=place,
        channel=Channel.ONLINE,
        payments=payments,
        client_reference="",
        cashier_id=None,
        customer_id=None,
        till_session_id=None,
        note=note,
        sold_at=sold_at,
    )


def _place(location_id: UUID) -> Location:
    """A store, or the warehouse for what the web shop sends. Raises LocationNotFound."""
    for place in inventory.locations(ids=[location_id]):
        return place
    raise LocationNotFound(location_ids=[location_id])


def _no_goods(returned: Sequence[StockLine]) -> list[SaleFlag]:
    """The goods of an order leave and come back by the checkout's own calls."""
    return []
