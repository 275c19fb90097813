"""The proof of the sales' books: each sale is its lines and payments, receipts count on, and the facts are the sums."""

from datetime import date, datetime
from typing import Any

from django.db import connection
from pydantic import TypeAdapter

from sales import models
from sales.interface import SalesDifference, SalesVerification
from sales.rules import Period
from shared_kernel.postgres.transactions import atomic_write

DIFFERENCES = TypeAdapter(list[SalesDifference])
# So many are told; where there are more, they have one cause.
MOST_TOLD = 1000

DAYS = """
SELECT greatest(min(day), (SELECT max(before) + 1 FROM archived_sales)), max(day) FROM (
    SELECT min(sold_on), max(sold_on) FROM sale
    UNION ALL SELECT min(sold_on), max(sold_on) FROM daily_sales
    UNION ALL SELECT min(sold_on), max(sold_on) FROM daily_product_sales
    UNION ALL SELECT min(sold_on), max(sold_on) FROM product_sales_change
) AS ends, unnest(ARRAY[ends.min, ends.max]) AS day
"""

# One statement for a day, so one moment of it: sales may go on meanwhile. The imported past has no payments.
DAY = """
WITH sold AS (
    SELECT * FROM sale WHERE sold_on = %(day)s
), line AS (
    SELECT s.store_id, s.channel, l.* FROM sold s JOIN sale_line l ON l.sale_id = s.id
), ticket AS (
    SELECT sale_id, sum(total) FILTER (WHERE quantity > 0) AS gross,
        -sum(total) FILTER (WHERE quantity < 0) AS returned, sum(tax) AS tax,
        sum(quantity) FILTER (WHERE quantity > 0) AS pieces,
        -sum(quantity) FILTER (WHERE quantity < 0) AS pieces_returned
    FROM line GROUP BY sale_id
), payment AS (
    SELECT s.id, sum(p.amount) AS paid FROM sold s JOIN sale_payment p ON p.sale_id = s.id GROUP BY s.id
), store AS (
    SELECT store_id, channel, sum(gross) AS gross, sum(returned) AS returned,
        count(*) FILTER (WHERE pieces > 0) AS sales, count(*) FILTER (WHERE pieces_returned > 0) AS returns,
        sum(pieces) AS pieces
    FROM sold GROUP BY store_id, channel
), product AS (
    SELECT store_id, channel, product_id, sum(greatest(quantity, 0)) AS pieces, sum(greatest(total, 0)) AS gross,
        sum(greatest(-total, 0)) AS returned, count(DISTINCT sale_id) FILTER (WHERE quantity > 0) AS tickets
    FROM line GROUP BY store_id, channel, product_id
), fact AS (
    SELECT store_id, channel, product_id, sum(pieces) AS pieces, sum(gross) AS gross, sum(returned) AS returned,
        sum(tickets) AS tickets
    FROM (
        SELECT store_id, channel, product_id, pieces, gross, returned, tickets FROM daily_product_sales
        WHERE sold_on = %(day)s
        UNION ALL
        SELECT store_id, channel, product_id, pieces, gross, returned, tickets FROM product_sales_change
        WHERE sold_on = %(day)s
    ) AS part
    GROUP BY store_id, channel, product_id
), compared AS (
    SELECT s.store_id, format('%%s of sale %%s', v.figure, s.id) AS figure, v.found, v.books
    FROM sold s LEFT JOIN ticket t ON t.sale_id = s.id CROSS JOIN LATERAL (VALUES
        ('gross', s.gross, t.gross), ('returned', s.returned, t.returned), ('tax', s.tax, t.tax),
        ('pieces', s.pieces, t.pieces), ('pieces_returned', s.pieces_returned, t.pieces_returned)
    ) AS v(figure, found, books)
    UNION ALL
    SELECT s.store_id, format('paid for sale %%s', s.id), p.paid, s.gross - s.returned
    FROM sold s LEFT JOIN payment p USING (id) WHERE s.receipt_number IS NOT NULL
    UNION ALL
    SELECT store_id, format('%%s of the day, %%s', v.figure, channel), v.found, v.books
    FROM store s FULL JOIN (SELECT * FROM daily_sales WHERE sold_on = %(day)s) AS d USING (store_id, channel)
    CROSS JOIN LATERAL (VALUES
        ('gross', d.gross, s.gross), ('returned', d.returned, s.returned), ('sales', d.sales, s.sales),
        ('returns', d.returns, s.returns), ('pieces', d.pieces, s.pieces)
    ) AS v(figure, found, books)
    UNION ALL
    SELECT store_id, format('%%s of product %%s, %%s', v.figure, product_id, channel), v.found, v.books
    FROM product p FULL JOIN fact f USING (store_id, channel, product_id)
    CROSS JOIN LATERAL (VALUES
        ('pieces', f.pieces, p.pieces), ('gross', f.gross, p.gross), ('returned', f.returned, p.returned),
        ('tickets', f.tickets, p.tickets)
    ) AS v(figure, found, books)
), difference AS (
    SELECT * FROM compared WHERE coalesce(found, 0) <> coalesce(books, 0)
)
SELECT (SELECT count(*) FROM sold), d.store_id, %(day)s::date, d.figure, coalesce(d.found, 0.00),
    coalesce(d.books, 0.00)
FROM (SELECT 1) AS always LEFT JOIN difference d ON true
ORDER BY d.store_id, d.figure LIMIT %(most)s
"""

# The numbers of a store's year, each beside the one before; what was archived is not missing.
RECEIPTS = """
WITH archived AS (
    SELECT coalesce(extract(year FROM max(before)), 0) AS year FROM archived_sales
), numbered AS (
    SELECT store_id, receipt_year AS year, receipt_number AS number, sold_on, lag(
        receipt_number, 1, CASE WHEN receipt_year > archived.year THEN 0 ELSE receipt_number - 1 END
    ) OVER (PARTITION BY store_id, receipt_year ORDER BY receipt_number) AS before
    FROM sale, archived WHERE receipt_number IS NOT NULL
), latest AS (
    SELECT store_id, year, max(number) AS number FROM numbered GROUP BY store_id, year
)
SELECT store_id, sold_on, format('receipt after %%s-%%s', year, to_char(before, 'FM000000')), number::numeric,
    before + 1::numeric
FROM numbered WHERE number <> before + 1
UNION ALL
SELECT store_id, NULL, format('last receipt of %%s', year), coalesce(c.last, 0)::numeric,
    coalesce(l.number, 0)::numeric
FROM receipt_counter c FULL JOIN latest l USING (store_id, year)
WHERE coalesce(c.last, 0) <> coalesce(l.number, 0)
    AND (l.number IS NOT NULL OR year > (SELECT year FROM archived))
ORDER BY 1, 2, 3 LIMIT %(most)s
"""

PERIODS_OF_STORE = """
WITH kept AS (
    SELECT * FROM period_product_sales WHERE store_id = %(store_id)s
), summed AS (
    SELECT k.days, coalesce(d.channel, '') AS channel, d.product_id, sum(d.pieces) AS pieces, sum(d.gross) AS gross
    FROM kept_period k JOIN daily_product_sales d ON d.sold_on BETWEEN k.first_day AND k.last_day
    WHERE d.store_id = %(store_id)s
    GROUP BY GROUPING SETS ((k.days, d.channel, d.product_id), (k.days, d.product_id))
)
SELECT format('%%s of product %%s in the period %%s, %%s', v.figure, product_id, days,
    coalesce(nullif(channel, ''), 'both')), coalesce(v.found, 0.00), coalesce(v.books, 0.00)
FROM kept k FULL JOIN summed s USING (days, channel, product_id)
CROSS JOIN LATERAL (VALUES ('pieces', k.pieces, s.pieces), ('gross', k.gross, s.gross)) AS v(figure, found, books)
WHERE coalesce(v.found, 0) <> coalesce(v.books, 0)
ORDER BY 1 LIMIT %(most)s
"""

PERIODS_OF_ALL = """
WITH kept AS (
    SELECT * FROM period_product_sales WHERE store_id = %(store_id)s
), summed AS (
    SELECT days, product_id, sum(pieces) AS pieces, sum(gross) AS gross FROM period_product_sales
    WHERE store_id <> %(store_id)s AND channel = '' GROUP BY days, product_id
)
SELECT format('%%s of product %%s in the period %%s, everywhere', v.figure, product_id, days),
    coalesce(v.found, 0.00), coalesce(v.books, 0.00)
FROM kept k FULL JOIN summed s USING (days, product_id)
CROSS JOIN LATERAL (VALUES ('pieces', k.pieces, s.pieces), ('gross', k.gross, s.gross)) AS v(figure, found, books)
WHERE coalesce(v.found, 0) <> coalesce(v.books, 0)
ORDER BY 1 LIMIT %(most)s
"""


class Proving:
    """The part of the sales that proves them."""

    @atomic_write
    def verify(self, *, now: datetime) -> SalesVerification:
        sales = 0
        differences: list[SalesDifference] = []
        for day in _days():
            count, found = _of_day(day)
            sales += count
            differences += found
            if len(differences) >= MOST_TOLD:
                break
        differences += _of_receipts()
        differences += _of_periods()
        result = SalesVerification(verified_at=now, sales=sales, differences=differences[:MOST_TOLD])
        models.SalesVerification.objects.update_or_create(
            verified_at=now,
            defaults={"sales": sales, "differences": DIFFERENCES.dump_python(result.differences, mode="json")},
        )
        return result

    def last_verification(self) -> SalesVerification | None:
        row = models.SalesVerification.objects.order_by("-verified_at").first()
        if row is None:
            return None
        return SalesVerification(row.verified_at, row.sales, DIFFERENCES.validate_python(row.differences))


def _days() -> list[date]:
    """The days from the first to the last of which anything is said."""
    [(first, last)] = _rows(DAYS)
    return Period(first, last).days if first else []


def _of_day(day: date) -> tuple[int, list[SalesDifference]]:
    """How many sales a day has, and what is wrong with it."""
    rows = _rows(DAY, day=day)
    return rows[0][0], [SalesDifference(*row[1:]) for row in rows if row[1] is not None]


def _of_receipts() -> list[SalesDifference]:
    return [SalesDifference(*row) for row in _rows(RECEIPTS)]


def _of_periods() -> list[SalesDifference]:
    everywhere = models.PeriodProductSales.EVERYWHERE
    stores = models.DailySales.objects.order_by("store_id").values_list("store_id", flat=True).distinct()
    found = [SalesDifference(everywhere, None, *row) for row in _rows(PERIODS_OF_ALL, store_id=everywhere)]
    for store_id in stores:
        found += [SalesDifference(store_id, None, *row) for row in _rows(PERIODS_OF_STORE, store_id=store_id)]
        if len(found) >= MOST_TOLD:
            break
    return found


def _rows(sql: str, **parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"most": MOST_TOLD} | parameters)
        rows: list[Any] = cursor.fetchall()
    return rows
