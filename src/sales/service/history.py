"""Another system's sales history, put aside line by line and then turned into sales in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection

from catalog.interface import KnownProduct, ProductDraft, catalog
from inventory.interface import (
    KnownLocation,
    Location,
    LocationDraft,
    LocationKind,
    LocationNameTaken,
    inventory,
)
from sales import models
from sales.interface import Channel, HistoryLine, HistoryResult, InvoiceTooLarge
from shared_kernel.ids import new_id
from shared_kernel.money import CENT, to_cents
from shared_kernel.postgres.transactions import atomic_write

CATEGORY = "Imported"
# A history says nothing of a store but its name; its times are UTC.
TIME_ZONE = "UTC"
KEPT_FOR = timedelta(days=1)
BATCH = 1000

Item = TypeVar("Item")

# What the columns of a sale hold: a smallint of lines, an int of pieces, fourteen digits of money.
TOO_LARGE = """
SELECT invoice, count(*) FROM staged_history_line WHERE import_id = %s GROUP BY invoice
HAVING count(*) > 32767 OR sum(abs(quantity)) > 2147483647 OR sum(abs(quantity) * unit_price) >= 1000000000000
ORDER BY invoice LIMIT 1
"""

# A product goes by the name it was given most often, and by the latest price that was not zero.
PRODUCTS = """
SELECT product_code, bool_or(stocked),
    mode() WITHIN GROUP (ORDER BY product_name) FILTER (WHERE product_name <> ''),
    (array_agg(unit_price ORDER BY sold_at DESC, line_number DESC) FILTER (WHERE unit_price > 0))[1]
FROM staged_history_line WHERE import_id = %s
GROUP BY product_code ORDER BY product_code
"""

STORES = "SELECT DISTINCT store_name FROM staged_history_line WHERE import_id = %s ORDER BY store_name"

# The id of an imported sale is made of its time and invoice, in the shape of a UUIDv7: the same at every import.
SALES = """
WITH product AS (
    SELECT * FROM unnest(%s::text[], %s::uuid[], %s::numeric[]) AS p(code, id, tax_rate)
), store AS (
    SELECT * FROM unnest(%s::text[], %s::uuid[], %s::text[]) AS s(name, id, time_zone)
), line AS (
    SELECT l.invoice, l.line_number, l.sold_at, store.id AS store_id, store.time_zone, product.id AS product_id,
        product.tax_rate, coalesce(nullif(l.product_name, ''), l.product_code) AS name, l.quantity, l.unit_price,
        l.quantity * l.unit_price AS total
    FROM staged_history_line l
    JOIN product ON product.code = l.product_code
    JOIN store ON store.name = l.store_name
    WHERE l.import_id = %s
), invoice AS (
    SELECT invoice, min(sold_at) AS sold_at, (array_agg(store_id ORDER BY line_number))[1] AS store_id,
        (array_agg(time_zone ORDER BY line_number))[1] AS time_zone,
        coalesce(sum(total) FILTER (WHERE quantity > 0), 0) AS gross,
        coalesce(-sum(total) FILTER (WHERE quantity < 0), 0) AS returned,
        sum(round(total - total / (1 + tax_rate), 2)) AS tax,
        coalesce(sum(quantity) FILTER (WHERE quantity > 0), 0) AS pieces,
        coalesce(-sum(quantity) FILTER (WHERE quantity < 0), 0) AS pieces_returned
    FROM line GROUP BY invoice
), identified AS (
    SELECT *, (
        lpad(to_hex((extract(epoch FROM sold_at) * 1000)::bigint), 12, '0')
        || '7' || left(md5(invoice), 3) || '8' || substr(md5(invoice), 4, 15)
    )::uuid AS id
    FROM invoice
), unlike AS (
    SELECT i.invoice FROM identified i
    WHERE (
        SELECT (i.store_id, i.gross, i.returned, i.pieces, i.pieces_returned)
            IS DISTINCT FROM (s.store_id, s.gross, s.returned, s.pieces, s.pieces_returned)
        FROM sale s WHERE s.id = i.id
    )
), head AS (
    INSERT INTO sale (id, store_id, channel, sold_at, sold_on, recorded_at, client_reference, currency,
        gross, returned, tax, pieces, pieces_returned)
    SELECT id, store_id, %s, sold_at, (sold_at AT TIME ZONE time_zone)::date, now(), invoice, %s,
        gross, returned, tax, pieces, pieces_returned
    FROM identified ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, client_reference
), lines AS (
    INSERT INTO sale_line (sale_id, position, product_id, name, quantity, unit_price, tax_rate, tax, total)
    SELECT head.id, row_number() OVER (PARTITION BY head.id ORDER BY line.line_number), line.product_id, line.name,
        line.quantity, line.unit_price, line.tax_rate,
        round(line.total - line.total / (1 + line.tax_rate), 2), line.total
    FROM head JOIN line ON line.invoice = head.client_reference
)
SELECT
    (SELECT count(*) FROM line), (SELECT count(DISTINCT product_id) FROM line),
    (SELECT count(*) FROM invoice WHERE pieces > 0), (SELECT count(*) FROM invoice WHERE pieces_returned > 0),
    (SELECT coalesce(sum(gross), 0) FROM invoice), (SELECT coalesce(sum(returned), 0) FROM invoice),
    (SELECT count(*) FROM head), ARRAY(SELECT invoice FROM unlike ORDER BY invoice)
"""


@dataclass(frozen=True)
class SoldProduct:
    """What the sales need to know of a product of the history."""

    code: str
    id: UUID
    tax_rate: Decimal


class History:
    """The part of the sales that takes over what happened before Comptoir."""

    @atomic_write
    def stage_history(self, *, import_id: UUID, lines: Sequence[HistoryLine]) -> None:
        columns = ", ".join(models.StagedHistoryLine.COLUMNS)
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM staged_history_line WHERE import_id = %s AND line_number = ANY(%s)",
                [import_id, [line.line_number for line in lines]],
            )
            with cursor.copy(f"COPY staged_history_line ({columns}) FROM STDIN") as copy:
                for line in lines:
                    copy.write_row((import_id, *_values(line)))

    def complete_history(self, *, import_id: UUID) -> HistoryResult:
        _check_sizes(import_id)
        stores = _ensure_stores(import_id)
        products = _ensure_products(import_id)
        return _write_sales(import_id, products, stores)

    @atomic_write
    def forget_staged_history(self, *, now: datetime) -> int:
        return models.StagedHistoryLine.objects.filter(staged_at__lt=now - KEPT_FOR).delete()[0]


def _values(line: HistoryLine) -> tuple[Any, ...]:
    return (
        line.line_number,
        line.invoice,
        line.product_code,
        line.product_name,
        line.stocked,
        line.quantity,
        line.sold_at,
        line.unit_price,
        line.store_name,
    )


def _rows(sql: str, import_id: UUID) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [import_id])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _check_sizes(import_id: UUID) -> None:
    for invoice, lines in _rows(TOO_LARGE, import_id):
        raise InvoiceTooLarge(invoice=invoice, lines=lines)


def _ensure_stores(import_id: UUID) -> list[Location]:
    names = [name for (name,) in _rows(STORES, import_id)]
    drafts = [LocationDraft(kind=LocationKind.STORE, name=name, address="", time_zone=TIME_ZONE) for name in names]
    ids = inventory.ensure_locations(locations=[KnownLocation(new_id(), draft) for draft in drafts])
    places = inventory.locations(ids=list(ids.values()))
    for place in places:
        if place.kind is not LocationKind.STORE:
            raise LocationNameTaken(name=place.name)
    return places


def _ensure_products(import_id: UUID) -> list[SoldProduct]:
    """Every product of the history; those that were never sold at a price are archived, for want of one."""
    drafts = [
        ProductDraft(
            sku=code,
            name=name or code,
            category=CATEGORY,
            price=price or CENT,
            stocked=stocked,
            active=price is not None,
        )
        for code, stocked, name, price in _rows(PRODUCTS, import_id)
    ]
    products: list[SoldProduct] = []
    for some in _batches(drafts):
        ids = catalog.ensure_products(products=[KnownProduct(new_id(), draft) for draft in some])
        found = catalog.products(ids=list(ids.values()))
        products += [SoldProduct(product.sku, product.id, product.tax_rate) for product in found]
    return products


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


@atomic_write
def _write_sales(import_id: UUID, products: list[SoldProduct], stores: list[Location]) -> HistoryResult:
    parameters: list[Any] = [
        [product.code for product in products],
        [product.id for product in products],
        [product.tax_rate for product in products],
        [store.name for store in stores],
        [store.id for store in stores],
        [store.time_zone for store in stores],
        import_id,
        Channel.TILL,
        settings.COMPTOIR_CURRENCY,
    ]
    with connection.cursor() as cursor:
        # The planner has never seen these lines, takes them for a few, and would compare each with every invoice.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(SALES, parameters)
        lines, product_count, sales, returns, gross, returned, new_sales, unlike = cursor.fetchone()
        cursor.execute("SET LOCAL enable_nestloop = DEFAULT")
        cursor.execute("DELETE FROM staged_history_line WHERE import_id = %s", [import_id])
    return HistoryResult(
        lines=lines,
        products=product_count,
        sales=sales,
        returns=returns,
        gross=to_cents(gross),
        returned=to_cents(returned),
        net=to_cents(gross - returned),
        new_sales=new_sales,
        unlike=unlike,
    )
