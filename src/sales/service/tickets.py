"""How a ticket is written down, whatever is on it: every sale, return and exchange of a till comes through here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from catalog.interface import Product, full_barcode
from inventory.interface import Location, StockLine
from sales import models, rules
from sales.interface import (
    Channel,
    ClientReferenceReused,
    Payment,
    ReturnedItem,
    Sale,
    SaleFlag,
    SaleLine,
    SaleRecorded,
    SaleReturned,
    SoldItem,
)
from sales.service import returning, tills
from shared_kernel.events import Event
from shared_kernel.money import ZERO
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone

CLAIM_REFERENCE = """
INSERT INTO till_reference (store_id, reference, sale_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""

# One statement for the whole ticket. No number is drawn for a sale that is there; a twin with the same id that commits
# while this one waits for the counter leaves a number without a sale, and the caller rolls it back.
INSERT_SALE = """
WITH counter AS (
    INSERT INTO receipt_counter (store_id, year, last)
    SELECT %s::uuid, %s::smallint, 1 WHERE NOT EXISTS (SELECT FROM sale WHERE id = %s)
    ON CONFLICT (store_id, year) DO UPDATE SET last = receipt_counter.last + 1
    RETURNING store_id, year, last
), head AS (
    INSERT INTO sale (store_id, receipt_year, receipt_number, id, channel, sold_at, sold_on, recorded_at, cashier_id,
        customer_id, till_session_id, client_reference, note, flags, currency, gross, returned, tax, pieces,
        pieces_returned)
    SELECT counter.*, %s::uuid, %s::text, %s::timestamptz, %s::date, %s::timestamptz, %s::uuid,
        %s::uuid, %s::uuid, %s::text, %s::text, %s::text[], %s::text, %s::numeric, %s::numeric, %s::numeric, %s::int,
        %s::int
    FROM counter
    ON CONFLICT (id) DO NOTHING
    RETURNING id, receipt_number
), lines AS (
    INSERT INTO sale_line (sale_id, position, product_id, name, quantity, unit_price, tax_rate, tax, total,
        origin_sale_id, origin_position, restocked)
    SELECT head.id, line.* FROM head, unnest(
        %s::smallint[], %s::uuid[], %s::text[], %s::int[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
        %s::uuid[], %s::smallint[], %s::bool[]
    ) AS line
), payments AS (
    INSERT INTO sale_payment (sale_id, position, method, amount, tendered, refundable)
    SELECT head.id, payment.ordinality, payment.method, payment.amount, payment.tendered, payment.refundable
    FROM head, unnest(%s::text[], %s::numeric[], %s::numeric[], %s::numeric[]) WITH ORDINALITY
        AS payment(method, amount, tendered, refundable, ordinality)
)
SELECT head.receipt_number FROM counter LEFT JOIN head ON true
"""


@dataclass(frozen=True)
class Ticket:
    """What a till, or the web shop, says of a ticket, beside what is on it."""

    sale_id: UUID
    store: Location
    channel: Channel
    payments: Sequence[Payment]
    client_reference: str
    cashier_id: UUID | None
    customer_id: UUID | None
    till_session_id: UUID | None
    note: str
    sold_at: datetime

    @property
    def document(self) -> str:
        """What the ledger calls it; as much as the ledger takes."""
        return f"sale {self.client_reference or self.sale_id}"[:100]


def record(
    ticket: Ticket,
    lines: Sequence[SaleLine],
    *,
    returns: Sequence[ReturnedItem] = (),
    issue: Callable[[Sequence[StockLine]], list[SaleFlag]],
) -> tuple[Sale, bool]:
    """The ticket as a sale, and whether it is a new one; otherwise it is the one made first.

    Publishes SaleRecorded for what is sold on it, SaleReturned for what is brought back.
    `issue` takes what is sold out of the stock, puts what it is given back into it, and says what there is to look at.
    """
    if ticket.client_reference and not _claim(ticket):
        return _sale_of_reference(ticket, lines, returns), False
    session = tills.hold(ticket.till_session_id) if ticket.till_session_id else None
    if returns:
        returning.lock(ticket.store.id, ticket.channel, returns)
    # Only now: a twin may have been under way.
    if (session or returns) and (known := found(ticket.sale_id)):
        return known, False
    if session:
        tills.check_open(session, store_id=ticket.store.id)
    back = returning.take(returns, first_position=len(lines) + 1) if returns else returning.NOTHING_BACK
    total = _sum(lines) + _sum(back.lines)
    settlement = rules.settlement(ticket.payments, total=total, credit=back.credit)
    flags = issue(returning.goods_of(back.lines))
    sale = _sale(ticket, [*lines, *back.lines], settlement.payments, flags)
    # Last, because a store's sales wait for each other at the number of the receipt.
    written, is_new = _write(sale, credit=settlement.credit)
    if is_new:
        publish(_events(sale))
    return written, is_new


def products_of(items: Sequence[SoldItem], products: Sequence[Product]) -> list[Product]:
    """The product of each item, in their order; all are there."""
    by_id = {product.id: product for product in products}
    by_barcode = {product.barcode: product for product in products}
    return [
        by_id[item.product_id] if item.product_id else by_barcode[full_barcode(item.barcode or "")] for item in items
    ]


def lines_of(sold: Sequence[tuple[Product, SoldItem, Decimal]]) -> list[SaleLine]:
    """A line for each of these items, at the price beside it."""
    return [
        rules.priced_line(
            position=position,
            product_id=product.id,
            name=product.name,
            quantity=item.quantity,
            unit_price=price,
            tax_rate=product.tax_rate,
        )
        for position, (product, item, price) in enumerate(sold, start=1)
    ]


def goods_of(sold: Sequence[tuple[Product, SoldItem, Decimal]]) -> list[StockLine]:
    """What these items take from the shelf: services take nothing."""
    return [StockLine(product.id, item.quantity) for product, item, _ in sold if product.stocked]


def found(sale_id: UUID) -> Sale | None:
    """The sale with this id, if there is one."""
    row = models.Sale.objects.filter(id=sale_id).prefetch_related("lines", "payments").first()
    return row.value() if row else None


def _claim(ticket: Ticket) -> bool:
    """Whether the till's reference was free and is this sale's now. Waits for a twin that is under way."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_REFERENCE, [ticket.store.id, ticket.client_reference, ticket.sale_id])
        return bool(cursor.rowcount == 1)


def _sale_of_reference(ticket: Ticket, lines: Sequence[SaleLine], returns: Sequence[ReturnedItem]) -> Sale:
    claimed = models.TillReference.objects.get(store_id=ticket.store.id, reference=ticket.client_reference)
    sale = models.Sale.objects.prefetch_related("lines", "payments").get(id=claimed.sale_id).value()
    if not rules.is_repeated(sale, lines, returns):
        raise ClientReferenceReused(client_reference=ticket.client_reference, sale_id=sale.id)
    return sale


def _sum(lines: Sequence[SaleLine]) -> Decimal:
    return sum((line.total for line in lines), ZERO)


def _sale(ticket: Ticket, lines: list[SaleLine], payments: list[Payment], flags: list[SaleFlag]) -> Sale:
    sold, back = [line for line in lines if line.quantity > 0], [line for line in lines if line.quantity < 0]
    return Sale(
        id=ticket.sale_id,
        store_id=ticket.store.id,
        channel=ticket.channel,
        receipt_number=None,
        sold_at=ticket.sold_at,
        sold_on=ticket.sold_at.astimezone(ZoneInfo(ticket.store.time_zone)).date(),
        cashier_id=ticket.cashier_id,
        customer_id=ticket.customer_id,
        till_session_id=ticket.till_session_id,
        client_reference=ticket.client_reference,
        note=ticket.note,
        flags=flags,
        currency=settings.COMPTOIR_CURRENCY,
        gross=_sum(sold),
        returned=-_sum(back),
        total=_sum(lines),
        tax=sum((line.tax for line in lines), ZERO),
        change=rules.change(payments),
        pieces=sum(line.quantity for line in sold),
        pieces_returned=-sum(line.quantity for line in back),
        lines=lines,
        payments=payments,
    )


def _events(sale: Sale) -> list[Event]:
    events: list[Event] = []
    if sale.pieces:
        events.append(
            SaleRecorded(
                sale_id=sale.id,
                store_id=sale.store_id,
                channel=sale.channel,
                sold_at=sale.sold_at,
                currency=sale.currency,
                gross=sale.gross,
                total=sale.total,
                pieces=sale.pieces,
            )
        )
    if sale.pieces_returned:
        events.append(
            SaleReturned(
                sale_id=sale.id,
                store_id=sale.store_id,
                channel=sale.channel,
                sold_at=sale.sold_at,
                currency=sale.currency,
                returned=sale.returned,
                pieces=sale.pieces_returned,
                origin_sale_ids=sorted({line.origin_sale_id for line in sale.lines if line.origin_sale_id}),
            )
        )
    return events


def _write(sale: Sale, *, credit: Sequence[Payment]) -> tuple[Sale, bool]:
    """Write the sale down under the next receipt number; the one that is there already, if it is.

    Raises AlreadyDone when a twin was faster.
    """
    parameters: list[Any] = [
        sale.store_id,
        sale.sold_on.year,
        sale.id,
        sale.id,
        sale.channel,
        sale.sold_at,
        sale.sold_on,
        datetime.now(UTC),
        sale.cashier_id,
        sale.customer_id,
        sale.till_session_id,
        sale.client_reference,
        sale.note,
        sale.flags,
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
        [line.origin_sale_id for line in sale.lines],
        [line.origin_position for line in sale.lines],
        [line.restocked for line in sale.lines],
        [payment.method for payment in [*sale.payments, *credit]],
        [payment.amount for payment in sale.payments] + [ZERO for _ in credit],
        [payment.tendered for payment in sale.payments] + [None for _ in credit],
        [max(payment.amount, ZERO) for payment in sale.payments] + [payment.amount for payment in credit],
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SALE, parameters)
        drawn = cursor.fetchone()
    if drawn is None and (known := found(sale.id)):
        return known, False
    if drawn is None or drawn[0] is None:
        raise AlreadyDone
    return replace(sale, receipt_number=rules.receipt_number(sale.sold_on.year, drawn[0])), True
