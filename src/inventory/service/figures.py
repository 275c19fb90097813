"""What levels hold at a moment, in one statement each.

Every call about stock asks one of these, and the ORM would take longer to put it together than to have it answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from inventory.interface import HeldStock, LocationKind, OnlineStock, Place


@dataclass(frozen=True)
class Figures:
    """A level's figures at a moment, with reservations that have run out counted as free."""

    on_hand: int
    available: int
    in_transit: int
    reorder_point: int
    target: int | None
    safety_stock: int


NEVER_HELD = Figures(on_hand=0, available=0, in_transit=0, reorder_point=0, target=None, safety_stock=0)

# The ids stand in a SELECT of their own, so that Postgres takes these for as many as those, and keeps one plan: to plan
# anew for each array takes longer than to carry out.
LEVELS = """
WITH level AS (
    SELECT l.*, l.on_hand - l.reserved + (
        SELECT coalesce(sum(r.quantity), 0)::int FROM reservation r
        WHERE r.level_id = l.id AND r.state = 'held' AND r.until <= %(now)s
    ) AS available
    FROM stock_level l WHERE l.product_id = ANY((SELECT %(product_ids)s::uuid[])::uuid[])
)
"""

FIGURES = """
SELECT location_id, product_id, on_hand, available, in_transit, reorder_point, target, safety_stock FROM level
WHERE location_id = ANY((SELECT %(location_ids)s::uuid[])::uuid[])
"""

PLACES = """
SELECT product_id, location_id, name, available FROM level JOIN location ON location.id = location_id
WHERE available > 0
ORDER BY available DESC, name
"""

# A store keeps its safety stock for those who come in.
ONLINE = """
SELECT location_id, product_id, online, kind FROM (
    SELECT level.*, kind, created_at, available - CASE kind WHEN 'store' THEN safety_stock ELSE 0 END AS online
    FROM level JOIN location ON location.id = location_id
) AS promised
WHERE online > 0
ORDER BY kind DESC, created_at, location_id, product_id
"""

# A place at a time, of which only the first ones are kept: to rank all levels of all places takes ten times as long.
FULLEST = """
WITH expired AS (
    SELECT level_id, sum(quantity)::int AS pieces FROM reservation WHERE state = 'held' AND until <= %(now)s GROUP BY 1
)
SELECT place.id, shelf.product_id, shelf.available
FROM unnest(%(location_ids)s::uuid[]) AS place(id), LATERAL (
    SELECT l.product_id, l.on_hand - l.reserved + coalesce(expired.pieces, 0) AS available
    FROM stock_level l LEFT JOIN expired ON expired.level_id = l.id
    WHERE l.location_id = place.id
    ORDER BY 2 DESC, 1 LIMIT %(top)s
) AS shelf
ORDER BY 1, 3 DESC, 2
"""

# From product to product by the index, and of each no more levels than until there is one; where a reservation has run
# out something is available, too.
IN_STOCK = """
WITH RECURSIVE product AS (
    (SELECT product_id AS id FROM stock_level ORDER BY product_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT l.product_id FROM stock_level l WHERE l.product_id > product.id ORDER BY l.product_id LIMIT 1
    ) FROM product WHERE product.id IS NOT NULL
)
SELECT id FROM product WHERE EXISTS (
    SELECT FROM stock_level l WHERE l.product_id = product.id AND l.on_hand > l.reserved
)
UNION
SELECT l.product_id FROM reservation r JOIN stock_level l ON l.id = r.level_id
WHERE r.state = 'held' AND r.until <= %(now)s
"""


def figures(
    *, product_ids: Sequence[UUID], location_ids: Sequence[UUID], now: datetime
) -> dict[tuple[UUID, UUID], Figures]:
    """The figures of these products at these places, by location and product, where there is a level."""
    rows = _rows(FIGURES, product_ids, location_ids=list(location_ids), now=now)
    return {(location_id, product_id): Figures(*rest) for location_id, product_id, *rest in rows}


def places(*, product_ids: Sequence[UUID], now: datetime) -> dict[UUID, list[Place]]:
    """Where each of these products is available, most pieces first."""
    found: dict[UUID, list[Place]] = {}
    for product_id, *place in _rows(PLACES, product_ids, now=now):
        found.setdefault(product_id, []).append(Place(*place))
    return found


def online(*, product_ids: Sequence[UUID], now: datetime) -> list[OnlineStock]:
    """What the web shop may promise of these products, in the order to take from the places."""
    return [
        OnlineStock(location_id, product_id, available, in_warehouse=kind == LocationKind.WAREHOUSE)
        for location_id, product_id, available, kind in _rows(ONLINE, product_ids, now=now)
    ]


def fullest(*, location_ids: Sequence[UUID], top: int | None, now: datetime) -> list[HeldStock]:
    """What these places hold, by place and then most pieces first; at most `top` products of each (None: all)."""
    with connection.cursor() as cursor:
        cursor.execute(FULLEST, {"location_ids": list(set(location_ids)), "top": top, "now": now})
        return [HeldStock(*row) for row in cursor.fetchall()]


def products_in_stock(*, now: datetime) -> list[UUID]:
    """The products of which something is available somewhere."""
    with connection.cursor() as cursor:
        cursor.execute(IN_STOCK, {"now": now})
        return [product_id for (product_id,) in cursor.fetchall()]


def _rows(query: str, product_ids: Sequence[UUID], **parameters: Any) -> list[tuple[Any, ...]]:
    if not product_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LEVELS + query, {"product_ids": list(product_ids), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
