"""Which products sell most and least: from the sums that are kept for a period, else from those of its days."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection

from sales.interface import Channel
from sales.models import PeriodProductSales
from sales.rules import Period
from shared_kernel.cache import cached

# Both channels of a store together, as the sums that are kept call them.
BOTH = ""

# OFFSET 0 keeps a look-up by place to its index, which the planner cannot know to be worth it.
# What is not folded yet counts like what is. A product of which something is not folded may have moved by any number
# of places; of the others, the best n now are among the best n + (the products that may have moved) that are kept.
SUMS = """
kept AS (
    SELECT days FROM kept_period WHERE first_day = %(first)s AND last_day = %(last)s
), place AS (
    SELECT * FROM unnest(%(store_ids)s::uuid[], %(channels)s::text[]) AS p(store_id, channel)
), fresh AS (
    SELECT p.store_id, p.channel, c.product_id, sum(c.pieces) AS pieces, sum(c.gross) AS gross
    FROM product_sales_change c JOIN place p ON p.store_id = c.store_id AND p.channel IN ('', c.channel)
    WHERE c.sold_on BETWEEN %(first)s AND %(last)s
    GROUP BY p.store_id, p.channel, c.product_id
), counted AS (
    SELECT k.days, p.store_id, p.channel, count(f.product_id) AS fresh
    FROM kept k CROSS JOIN place p LEFT JOIN fresh f ON f.store_id = p.store_id AND f.channel = p.channel
    GROUP BY k.days, p.store_id, p.channel
), candidate AS (
    SELECT c.store_id, c.channel, r.product_id, r.pieces, r.gross FROM counted c CROSS JOIN LATERAL (
        (
            SELECT s.product_id, s.pieces, s.gross FROM period_product_sales s
            WHERE s.days = c.days AND s.store_id = c.store_id AND s.channel = c.channel AND s.pieces > 0
            ORDER BY s.pieces DESC FETCH FIRST (%(best)s::bigint + c.fresh) ROWS WITH TIES
        ) UNION ALL (
            SELECT s.product_id, s.pieces, s.gross FROM period_product_sales s
            WHERE s.days = c.days AND s.store_id = c.store_id AND s.channel = c.channel AND s.pieces > 0
            ORDER BY s.pieces, s.gross, s.product_id DESC LIMIT (%(worst)s::bigint + c.fresh)
        )
    ) AS r
    UNION
    SELECT f.store_id, f.channel, f.product_id, r.pieces, r.gross FROM kept CROSS JOIN fresh f CROSS JOIN LATERAL (
        SELECT s.pieces, s.gross FROM period_product_sales s
        WHERE s.days = kept.days AND s.store_id = f.store_id AND s.channel = f.channel AND s.product_id = f.product_id
        LIMIT 1
    ) AS r
), part AS (
    SELECT store_id, channel, product_id, pieces, gross FROM candidate
    UNION ALL
    SELECT store_id, channel, product_id, pieces, gross FROM fresh
    UNION ALL
    SELECT p.store_id, p.channel, d.product_id, d.pieces, d.gross FROM place p CROSS JOIN LATERAL (
        SELECT product_id, pieces, gross FROM daily_product_sales
        WHERE store_id = p.store_id AND p.channel IN ('', channel) AND sold_on BETWEEN %(first)s AND %(last)s OFFSET 0
    ) AS d
    WHERE NOT EXISTS (SELECT FROM kept)
), sums AS (
    SELECT store_id, channel, product_id, sum(pieces)::bigint AS pieces, sum(gross) AS gross FROM part
    GROUP BY store_id, channel, product_id HAVING sum(pieces) > 0
)
"""

# All these stores together. The sums of everything are kept: where all are asked for, only what other places sold, the
# warehouse say, is taken off.
WHOLE = """
other AS (
    SELECT DISTINCT store_id FROM daily_sales
    WHERE %(everywhere)s::uuid = ANY(%(kept_under)s::uuid[])
        AND sold_on BETWEEN %(first)s AND %(last)s AND store_id <> ALL(%(store_ids)s::uuid[])
), whole AS (
    SELECT product_id, sum(pieces)::bigint AS pieces, sum(gross) AS gross FROM (
        SELECT s.product_id, s.pieces, s.gross FROM kept JOIN period_product_sales s USING (days)
        WHERE s.store_id = ANY(%(kept_under)s::uuid[]) AND s.channel = ''
        UNION ALL
        SELECT s.product_id, -s.pieces, -s.gross FROM kept CROSS JOIN other CROSS JOIN LATERAL (
            SELECT * FROM period_product_sales
            WHERE days = kept.days AND store_id = other.store_id AND channel = '' OFFSET 0
        ) AS s
        UNION ALL
        SELECT product_id, pieces, gross FROM product_sales_change
        WHERE store_id = ANY(%(store_ids)s::uuid[]) AND sold_on BETWEEN %(first)s AND %(last)s
        UNION ALL
        SELECT product_id, pieces, gross FROM daily_product_sales
        WHERE store_id = ANY(%(store_ids)s::uuid[]) AND sold_on BETWEEN %(first)s AND %(last)s
            AND NOT EXISTS (SELECT FROM kept)
    ) AS part
    GROUP BY product_id HAVING sum(pieces) > 0
)
"""

MOST_SOLD = f"""
WITH {SUMS}, ranked AS (
    SELECT *, row_number() OVER (PARTITION BY store_id, channel ORDER BY pieces DESC, product_id) AS best FROM sums
)
SELECT store_id, channel, product_id, pieces FROM ranked WHERE best <= %(best)s::bigint
ORDER BY store_id, channel, best
"""  # noqa: S608 all parts stand above

MOST_SOLD_OF_ALL = f"""
WITH kept AS (
    SELECT days FROM kept_period WHERE first_day = %(first)s AND last_day = %(last)s
), {WHOLE}
SELECT product_id, pieces FROM whole ORDER BY pieces DESC, product_id LIMIT %(best)s::bigint
"""  # noqa: S608 all parts stand above

# The best and the worst of each store, and (a null store) of all together.
BEST_AND_WORST = f"""
WITH {SUMS}, {WHOLE}, scope AS (
    SELECT store_id, product_id, pieces, gross FROM sums
    UNION ALL
    SELECT NULL, * FROM (
        (SELECT * FROM whole ORDER BY pieces DESC, gross DESC, product_id LIMIT %(best)s::bigint)
        UNION
        (SELECT * FROM whole ORDER BY pieces, gross, product_id DESC LIMIT %(worst)s::bigint)
    ) AS ends
), ranked AS (
    SELECT *,
        row_number() OVER (PARTITION BY store_id ORDER BY pieces DESC, gross DESC, product_id) AS best,
        row_number() OVER (PARTITION BY store_id ORDER BY pieces, gross, product_id DESC) AS worst
    FROM scope
)
SELECT store_id, product_id, pieces, gross, best, worst FROM ranked
WHERE best <= %(best)s::bigint OR worst <= %(worst)s::bigint
ORDER BY best
"""  # noqa: S608 all parts stand above

# More products than there are.
ALL_PRODUCTS = 2**40

# Store (None: all together), product, pieces, revenue, place from the top, place from the bottom.
Ranking = list[tuple[UUID | None, UUID, int, Decimal, int, int]]
MostSold = list[tuple[UUID, str, UUID, int]]


def most_sold(
    store_ids: Sequence[UUID],
    channels: Sequence[Channel],
    period: Period,
    *,
    top: int | None,
    sold: object,
) -> list[tuple[UUID, Channel, UUID, int]]:
    """Store, channel, product and pieces sold, most pieces first within a store and channel (None: every product)."""
    places = [(store_id, channel) for store_id in store_ids for channel in channels]
    read = partial(_rows, MOST_SOLD, places, period, best=ALL_PRODUCTS if top is None else top, worst=0)
    # All of a chain is too much to keep.
    rows = read() if top is None else _kept(("most sold", places, period, top, sold), read, MostSold)
    return [(store_id, Channel(channel), *rest) for store_id, channel, *rest in rows]


def most_sold_of_all(
    store_ids: Sequence[UUID], period: Period, *, top: int, with_everybody: bool, sold: object
) -> list[tuple[UUID, int]]:
    """Product and pieces sold in these stores together, most pieces first."""
    places = [(store_id, BOTH) for store_id in store_ids]
    read = partial(_rows, MOST_SOLD_OF_ALL, places, period, best=top, worst=0, with_everybody=with_everybody)
    return _kept(("most sold of all", places, period, top, sold), read, list[tuple[UUID, int]])


def best_and_worst(
    store_ids: Sequence[UUID], period: Period, *, ranked: int, with_everybody: bool, sold: object
) -> Ranking:
    """The products of each store, and of these stores together, that sold most and least; the best first."""
    places = [(store_id, BOTH) for store_id in store_ids]
    read = partial(_rows, BEST_AND_WORST, places, period, best=ranked, worst=ranked, with_everybody=with_everybody)
    return _kept(("best and worst", places, period, ranked, sold), read, Ranking)


def _kept(key: object, read: Callable[[], list[Any]], shape: Any) -> list[Any]:
    """What `read` finds. The key ends with what was sold in that time, which every sale and every return makes more of:
    what was kept before one of them is never found again."""
    return cached("ranking", key, read, shape=shape)


def _rows(
    sql: str,
    places: Sequence[tuple[UUID, str]],
    period: Period,
    *,
    best: int,
    worst: int,
    with_everybody: bool = False,
) -> list[Any]:
    """`with_everybody` says that these are all stores, but for warehouses perhaps: which is quicker to add up."""
    store_ids = [store_id for store_id, _ in places]
    parameters: dict[str, Any] = {
        "store_ids": store_ids,
        "channels": [channel for _, channel in places],
        "first": period.first_day,
        "last": period.last_day,
        "best": best,
        "worst": worst,
        "everywhere": PeriodProductSales.EVERYWHERE,
        "kept_under": [PeriodProductSales.EVERYWHERE] if with_everybody else store_ids,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[Any] = cursor.fetchall()
    return rows
