"""How stock stands: what is low, too many or dead, and what a place needs to know to order."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.db.models.lookups import LessThanOrEqual
from psycopg.sql import SQL, Literal

from catalog.interface import catalog
from inventory import models
from inventory.interface import Demand, EmptyShelf, StockHealth
from inventory.rules import DEAD_AFTER_DAYS, MANY_DAYS_OF_COVER, SALES_DAYS
from inventory.service import figures
from inventory.service.locations import central, location
from shared_kernel.postgres.partitions import start_of

# What `rules` says of one product, said of all products of some places in one statement; a test holds the two together.
HEALTH = """
WITH expired AS (
    SELECT level_id, sum(quantity)::int AS pieces FROM reservation WHERE state = 'held' AND until <= %(now)s GROUP BY 1
), sold AS (
    SELECT level_id, greatest(-sum(delta), 0)::int AS pieces FROM stock_movement
    WHERE operation_id >= %(oldest_key)s AND recorded_at >= %(sales_since)s AND recorded_at < %(now)s
        AND reason = ANY(%(sale_reasons)s)
    GROUP BY 1
), level AS (
    SELECT l.location_id, l.product_id, l.on_hand, l.reorder_point, l.target, l.moved_at, l.emptied_at,
        coalesce(sold.pieces, 0) AS sold, (l.on_hand - l.reserved + coalesce(expired.pieces, 0))::bigint AS available
    FROM stock_level l LEFT JOIN sold ON sold.level_id = l.id LEFT JOIN expired ON expired.level_id = l.id
    WHERE l.location_id = ANY(%(location_ids)s) AND l.product_id <> ALL(%(archived)s)
), judged AS (
    SELECT *, available = 0 AND sold > 0 AS is_empty,
        reorder_point > 0 AND available <= reorder_point AS is_low,
        available > 0 AND (
            sold > 0 AND available * %(sales_days)s > %(many)s * sold OR available > 2 * coalesce(target, available)
        ) AS is_over,
        available > 0 AND sold = 0 AND coalesce(moved_at <= %(dead_since)s, true) AS is_dead,
        CASE WHEN on_hand = 0 THEN extract(day FROM %(now)s - emptied_at)::int END AS days_empty
    FROM level
)
SELECT location_id, count(*) FILTER (WHERE is_low), count(*) FILTER (WHERE is_over), count(*) FILTER (WHERE is_dead),
    sum(available)::bigint, sum(sold)::bigint,
    array_agg(product_id) FILTER (WHERE is_empty), array_agg(sold) FILTER (WHERE is_empty),
    array_agg(coalesce(days_empty, 0)) FILTER (WHERE is_empty)
FROM judged GROUP BY location_id
"""

# The levels stand in the statement itself: prepared for any, it would be planned for ten, where there are thousands.
BY_WEEKDAY = """
SELECT level_id, extract(isodow FROM recorded_at AT TIME ZONE %(zone)s)::int, -sum(delta)::int FROM stock_movement
WHERE level_id = ANY({level_ids}) AND operation_id >= %(oldest_key)s
    AND recorded_at >= %(first_day)s AND recorded_at < %(today)s AND reason = ANY(%(sale_reasons)s)
GROUP BY 1, 2
"""

Week = tuple[int, int, int, int, int, int, int]


class Standing:
    """The part of the inventory that judges how stock stands."""

    def health(self, *, location_ids: Sequence[UUID], now: datetime) -> list[StockHealth]:
        sales_since = now - timedelta(days=SALES_DAYS)
        parameters: dict[str, Any] = {
            "now": now,
            "sales_since": sales_since,
            "oldest_key": start_of((sales_since - models.OLDEST_KEY).date()),
            "dead_since": now - timedelta(days=DEAD_AFTER_DAYS),
            "location_ids": list(location_ids),
            "archived": catalog.archived_ids(),
            "sales_days": SALES_DAYS,
            "many": MANY_DAYS_OF_COVER,
            "sale_reasons": list(models.SALE_REASONS),
        }
        with connection.cursor() as cursor:
            cursor.execute(HEALTH, parameters)
            found = {row[0]: row[1:] for row in cursor.fetchall()}
        # Of a place that holds no product.
        nothing = (0, 0, 0, 0, 0, None, None, None)
        return [_health(place, *found.get(place, nothing)) for place in location_ids]

    def demand(
        self,
        *,
        location_id: UUID,
        product_ids: Sequence[UUID] | None = None,
        after: UUID | None = None,
        limit: int = 1000,
        now: datetime,
    ) -> list[Demand]:
        place, warehouse = location(location_id), central()
        today = datetime.combine(now.astimezone(ZoneInfo(place.time_zone)), time(), ZoneInfo(place.time_zone))
        first_day = today - timedelta(days=SALES_DAYS)
        levels = models.StockLevel.objects.filter(location_id=location_id).with_available(now)
        if product_ids is None:
            levels = levels.filter(Q(moved_at__gte=first_day) | _may_be_wanted())
        else:
            levels = levels.filter(product_id__in=product_ids)
        if after is not None:
            levels = levels.filter(product_id__gt=after)
        fields = ("available", "in_transit", "reorder_point", "target", "safety_stock", "moved_at")
        page = list(levels.order_by("product_id").values_list("id", "product_id", *fields)[:limit])
        # Of what has not moved for so long the ledger need not be asked.
        moved = [row[0] for row in page if row[-1] and row[-1] >= first_day]
        sold = _by_weekday(moved, first_day, today)
        product_ids = [row[1] for row in page]
        stock = figures.figures(product_ids=product_ids, location_ids=[warehouse.id], now=now)
        return [
            Demand(
                location_id=location_id,
                product_id=product_id,
                available=available,
                in_transit=in_transit,
                reorder_point=reorder_point,
                target=target,
                safety_stock=safety_stock,
                sold=sold[level_id],
                central=stock.get((warehouse.id, product_id), figures.NEVER_HELD).available,
            )
            for level_id, product_id, available, in_transit, reorder_point, target, safety_stock, _ in page
        ]


def _health(location_id: UUID, low: int, over: int, dead: int, available: int, *rest: Any) -> StockHealth:
    sold, *empty = rest
    shelves = [
        EmptyShelf(product_id, pieces, min(days, SALES_DAYS))
        for product_id, pieces, days in zip(*(column or [] for column in empty), strict=True)
    ]
    return StockHealth(
        location_id=location_id,
        low=low,
        over=over,
        dead=dead,
        available=available,
        sold=sold,
        # Here and not in SQL, which would sort millions of levels for it.
        empty_shelves=sorted(shelves, key=lambda shelf: (-shelf.sold, shelf.product_id)),
    )


def _may_be_wanted() -> Q:
    """What a place wants, that has come down to where it is ordered though nothing sells.

    What has run out of reservations only adds to what is available.
    """
    position = F("on_hand") - F("reserved") + F("in_transit")
    is_down = LessThanOrEqual(position, Greatest("reorder_point", "safety_stock"))
    return Q(is_down, Q(reorder_point__gt=0) | Q(target__isnull=False))


def _by_weekday(level_ids: Sequence[int], first_day: datetime, today: datetime) -> dict[int, Week]:
    """The pieces that each level sold on each weekday, Monday first; zeros for a level that sold nothing."""
    pieces_on: dict[int, dict[int, int]] = defaultdict(dict)
    parameters: dict[str, Any] = {
        "oldest_key": start_of((first_day - models.OLDEST_KEY).date()),
        "first_day": first_day,
        "today": today,
        "zone": str(today.tzinfo),
        "sale_reasons": list(models.SALE_REASONS),
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL(BY_WEEKDAY).format(level_ids=Literal(list(level_ids))), parameters)
        for level_id, weekday, pieces in cursor.fetchall():
            # More may have come back on a day than was sold.
            pieces_on[level_id][weekday] = max(0, pieces)
    weeks: dict[int, Week] = defaultdict(lambda: (0, 0, 0, 0, 0, 0, 0))
    for level_id, days in pieces_on.items():
        monday, tuesday, wednesday, thursday, friday, saturday, sunday = (days.get(day, 0) for day in range(1, 8))
        weeks[level_id] = (monday, tuesday, wednesday, thursday, friday, saturday, sunday)
    return weeks
