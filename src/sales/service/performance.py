"""How stores and chain are doing: sales of a period against the period before, beside how the stock stands now."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import ExtractHour

from catalog.interface import Product, catalog
from inventory.interface import StockHealth, inventory
from sales import models, rules
from sales.interface import (
    DayFigures,
    HourFigures,
    Indicators,
    Performance,
    ProductSales,
    StoreIndicators,
    backlog,
)
from sales.rules import Period, Takings
from sales.service.reporting import stores_named
from shared_kernel.money import ZERO

# How many products the lists of best and worst name.
RANKED = 5

TICKETS = Count("id", filter=Q(pieces__gt=0))

# The best and the worst of each store, and (a null store) of the chain.
RANKING = """
WITH sums AS (
    SELECT s.store_id, l.product_id, sum(l.quantity)::int AS pieces, sum(l.total) AS revenue
    FROM sale_line l JOIN sale s ON s.id = l.sale_id
    WHERE l.quantity > 0 AND s.store_id = ANY(%(store_ids)s) AND s.sold_on BETWEEN %(first)s AND %(last)s
    GROUP BY GROUPING SETS ((s.store_id, l.product_id), (l.product_id))
), ranked AS (
    SELECT *,
        row_number() OVER (PARTITION BY store_id ORDER BY pieces DESC, revenue DESC, product_id) AS best,
        row_number() OVER (PARTITION BY store_id ORDER BY pieces, revenue, product_id DESC) AS worst
    FROM sums
)
SELECT store_id, product_id, pieces, revenue, best, worst FROM ranked
WHERE best <= %(ranked)s OR worst <= %(ranked)s
ORDER BY best
"""


Days = dict[date, Takings]
# Store (None: the chain), product, pieces, revenue, place from the top, place from the bottom.
Ranking = list[tuple[UUID | None, UUID, int, Decimal, int, int]]


class Performing:
    """The part of the sales that tells how stores are doing."""

    def performance(self, *, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None) -> Performance:
        stores = stores_named(store_ids)
        ids = [store.id for store in stores]
        period = Period(first_day, last_day)
        takings = _takings(ids, period.before.first_day, last_day)
        ranking = _ranking(ids, period)
        *healths, whole = inventory.health(location_ids=ids, now=datetime.now(UTC))
        named = [row[1] for row in ranking] + [shelf.product_id for shelf in whole.empty_shelves]
        products = {product.id: product for product in catalog.products(ids=list(set(named)))}
        pending = backlog.pending_by_store(store_ids=ids)
        chain = _indicators(period, _summed(takings.values()), ranking, whole, products, pending=sum(pending.values()))
        by_store = [
            (store, _indicators(period, takings[store.id], ranking, health, products, pending=pending.get(store.id, 0)))
            for store, health in zip(stores, healths, strict=True)
        ]
        return Performance(
            first_day=first_day,
            last_day=last_day,
            currency=settings.COMPTOIR_CURRENCY,
            chain=chain,
            stores=[
                StoreIndicators(**vars(figures), store_id=store.id, name=store.name) for store, figures in by_store
            ],
        )

    def hours(self, *, store_id: UUID, day: date) -> list[HourFigures]:
        store = inventory.store(store_id=store_id)
        rows = (
            models.Sale.objects.filter(store_id=store_id, sold_on=day)
            .annotate(hour=ExtractHour("sold_at", tzinfo=ZoneInfo(store.time_zone)))
            .values_list("hour")
            .annotate(revenue=Sum(F("gross") - F("returned")), tickets=TICKETS)
            .order_by("hour")
        )
        return [HourFigures(*row) for row in rows]

    def product_days(
        self, *, product_id: UUID, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None
    ) -> list[DayFigures]:
        lines = models.SaleLine.objects.filter(
            product_id=product_id, sale__sold_on__gte=first_day, sale__sold_on__lte=last_day
        )
        if store_ids is not None:
            lines = lines.filter(sale__store_id__in=store_ids)
        sums = lines.values_list("sale__sold_on").annotate(
            revenue=Sum("total"), tickets=Count("sale_id", distinct=True, filter=Q(quantity__gt=0))
        )
        found = {day: DayFigures(day, *rest) for day, *rest in sums}
        return [found.get(day, DayFigures(day, ZERO, 0)) for day in Period(first_day, last_day).days]


def _takings(store_ids: list[UUID], first_day: date, last_day: date) -> dict[UUID, Days]:
    """What each store took on each day."""
    rows = (
        models.Sale.objects.filter(store_id__in=store_ids, sold_on__gte=first_day, sold_on__lte=last_day)
        .order_by()
        .values_list("store_id", "sold_on")
        .annotate(sold=Sum("gross"), back=Sum("returned"), tickets=TICKETS, sum_of_pieces=Sum("pieces"))
    )
    takings: dict[UUID, Days] = {store_id: {} for store_id in store_ids}
    for store_id, day, *figures in rows:
        takings[store_id][day] = Takings(*figures)
    return takings


def _summed(stores: Iterable[Days]) -> Days:
    days: Days = {}
    for takings in stores:
        for day, figures in takings.items():
            days[day] = days.get(day, Takings()) + figures
    return days


def _indicators(
    period: Period,
    takings: Days,
    ranking: Ranking,
    health: StockHealth,
    products: Mapping[UUID, Product],
    *,
    pending: int,
) -> Indicators:
    now = rules.period_figures(takings.get(day, Takings()) for day in period.days)
    before = rules.period_figures(takings.get(day, Takings()) for day in period.before.days)
    ranked = [row for row in ranking if row[0] == health.location_id]
    lost = [
        rules.lost_sales(sold=shelf.sold, days_empty=shelf.days, price=products[shelf.product_id].price)
        for shelf in health.empty_shelves
    ]
    return Indicators(
        now=now,
        before=before,
        trend_percent=rules.trend_percent(now=now.revenue, before=before.revenue),
        trend=rules.trend(now=now.revenue, before=before.revenue),
        days=[_of_day(day, takings) for day in period.days],
        days_before=[_of_day(day, takings) for day in period.before.days],
        top_products=_product_sales([row for row in ranked if row[4] <= RANKED], products),
        bottom_products=_product_sales([row for row in reversed(ranked) if row[5] <= RANKED], products),
        stock_outs=len(health.empty_shelves),
        lost_sales=sum(lost, ZERO),
        low_stock=health.low,
        overstock=health.over,
        dead_stock=health.dead,
        days_of_cover=health.days_of_cover,
        pending_requests=pending,
    )


def _of_day(day: date, takings: Days) -> DayFigures:
    figures = takings.get(day, Takings())
    return DayFigures(day, figures.revenue, figures.tickets)


def _ranking(store_ids: list[UUID], period: Period) -> Ranking:
    parameters: dict[str, Any] = {
        "store_ids": store_ids,
        "first": period.first_day,
        "last": period.last_day,
        "ranked": RANKED,
    }
    with connection.cursor() as cursor:
        cursor.execute(RANKING, parameters)
        rows: Ranking = cursor.fetchall()
    return rows


def _product_sales(ranking: Ranking, products: Mapping[UUID, Product]) -> list[ProductSales]:
    return [
        ProductSales(product_id, products[product_id].sku, products[product_id].name, pieces, revenue)
        for _, product_id, pieces, revenue, *_ in ranking
    ]
