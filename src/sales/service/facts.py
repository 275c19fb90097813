"""What the sales add up to, kept up to date: days of products, and sums over the periods that people look at.

Triggers write `daily_sales` and append to `product_sales_change` in the transaction of each sale, so what is kept and
what is appended is together exact at every moment, and `sales.service.ranking` reads both. What is done here only
moves it from the one to the other, in batches, so that reading stays quick. docs/adr/0018
"""

from datetime import date
from typing import Any

from django.db import connection

from sales import rules
from sales.models import PeriodProductSales
from sales.rules import Period
from shared_kernel.postgres.transactions import atomic_write

ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('sales.keep_facts', 0))"

# Adds what `moved` holds to the sums of its periods: by a store's channel, by store, and by all stores.
ADD_TO_PERIODS = """
INSERT INTO period_product_sales AS kept (days, store_id, channel, product_id, pieces, gross)
SELECT days, coalesce(store_id, %(everywhere)s::uuid), coalesce(channel, ''), product_id, sum(pieces), sum(gross)
FROM moved
GROUP BY GROUPING SETS ((days, store_id, channel, product_id), (days, store_id, product_id), (days, product_id))
HAVING sum(pieces) <> 0
ORDER BY days, 2, 3, product_id
ON CONFLICT (days, store_id, channel, product_id) DO UPDATE SET
    pieces = kept.pieces + EXCLUDED.pieces, gross = kept.gross + EXCLUDED.gross
"""

FOLD = f"""
WITH taken AS (
    DELETE FROM product_sales_change RETURNING *
), folded AS (
    INSERT INTO daily_product_sales AS day
        (store_id, sold_on, channel, product_id, pieces, gross, returned, tickets)
    SELECT store_id, sold_on, channel, product_id, sum(pieces), sum(gross), sum(returned), sum(tickets)
    FROM taken GROUP BY store_id, sold_on, channel, product_id
    ORDER BY sold_on, store_id, channel, product_id
    ON CONFLICT (store_id, sold_on, channel, product_id) DO UPDATE SET
        pieces = day.pieces + EXCLUDED.pieces, gross = day.gross + EXCLUDED.gross,
        returned = day.returned + EXCLUDED.returned, tickets = day.tickets + EXCLUDED.tickets
), moved AS (
    SELECT k.days, t.store_id, t.channel, t.product_id, t.pieces, t.gross
    FROM taken t JOIN kept_period k ON t.sold_on BETWEEN k.first_day AND k.last_day
)
{ADD_TO_PERIODS}
"""  # noqa: S608 both parts stand here

# Of a period that moves on only the days change hands that come in or go out.
MOVE = f"""
WITH before AS (
    SELECT first_day, last_day FROM kept_period WHERE days = %(days)s
), moved AS (
    SELECT %(days)s::smallint AS days, store_id, channel, product_id, pieces, gross
    FROM daily_product_sales d
    WHERE sold_on BETWEEN %(first)s AND %(last)s
        AND NOT EXISTS (SELECT FROM before b WHERE d.sold_on BETWEEN b.first_day AND b.last_day)
    UNION ALL
    SELECT %(days)s::smallint, store_id, channel, product_id, -pieces, -gross
    FROM daily_product_sales
    WHERE sold_on BETWEEN (SELECT first_day FROM before) AND (SELECT last_day FROM before)
        AND NOT sold_on BETWEEN %(first)s AND %(last)s
), period AS (
    INSERT INTO kept_period (days, first_day, last_day) VALUES (%(days)s, %(first)s, %(last)s)
    ON CONFLICT (days) DO UPDATE SET first_day = EXCLUDED.first_day, last_day = EXCLUDED.last_day
)
{ADD_TO_PERIODS}
"""  # noqa: S608 both parts stand here

UNTIDY = "DELETE FROM period_product_sales WHERE days = %s AND pieces = 0"


class Facts:
    """The part of the sales that keeps their sums."""

    @atomic_write
    def keep_facts(self, *, today: date) -> None:
        with connection.cursor() as cursor:
            cursor.execute(ALONE)
            cursor.execute(FOLD, {"everywhere": PeriodProductSales.EVERYWHERE})
            cursor.execute("SELECT days, first_day, last_day FROM kept_period")
            before = {days: Period(first, last) for days, first, last in cursor.fetchall()}
            for days, period in rules.kept_periods(today).items():
                if before.get(days) != period:
                    _move(days, period)


def _move(days: int, period: Period) -> None:
    """Let a kept period be these days from now on."""
    parameters: dict[str, Any] = {
        "days": days,
        "first": period.first_day,
        "last": period.last_day,
        "everywhere": PeriodProductSales.EVERYWHERE,
    }
    with connection.cursor() as cursor:
        cursor.execute(MOVE, parameters)
        cursor.execute(UNTIDY, [days])
