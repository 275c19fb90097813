"""How stores and chain are doing: sales of a period against the period before, beside how the stock stands now."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
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
from sales.service.ranking import Ranking, best_and_worst
from sales.service.reporting import stores_named
from shared_kernel.money import ZERO

# How many products the lists of best and worst name.
RANKED = 5

TAKINGS = """
SELECT store_id, sold_on, sum(gross), sum(returned), sum(sales)::int, sum(pieces)::bigint FROM daily_sales
WHERE store_id = ANY(%s::uuid[]) AND sold_on BETWEEN %s AND %s
GROUP BY store_id, sold_on
"""

# What is not folded yet counts like what is.
PRODUCT_DAYS = """
SELECT sold_on, sum(gross) - sum(returned), sum(tickets)::int FROM (
    SELECT store_id, sold_on, gross, returned, tickets FROM daily_product_sales
    WHERE product_id = %(product_id)s AND sold_on BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT store_id, sold_on, gross, returned, tickets FROM product_sales_change
    WHERE product_id = %(product_id)s AND sold_on BETWEEN %(first)s AND %(last)s
) AS part
WHERE %(store_ids)s::uuid[] IS NULL OR store_id = ANY(%(store_ids)s::uuid[])
GROUP BY sold_on
"""

Days = dict[date, Takings]


class Performing:
    """The part of the sales that tells how stores are doing."""

    def performance(self, *, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None) -> Performance:
        stores = stores_named(store_ids)
        ids = [store.id for store in stores]
        period = Period(first_day, last_day)
        takings = _takings(ids, period.before.first_day, last_day)
        of_chain = _summed(takings.values())
        sold = sum(of_chain.values(), Takings())
        ranking = best_and_worst(ids, period, ranked=RANKED, with_everybody=store_ids is None, sold=sold)
        *healths, whole = inventory.health(location_ids=ids, now=datetime.now(UTC))
        named = [row[1] for row in ranking] + [shelf.product_id for shelf in whole.empty_shelves]
        products = {product.id: product for product in catalog.products(ids=list(set(named)))}
        pending = backlog.pending_by_store(store_ids=ids)
        chain = _indicators(period, of_chain, ranking, whole, products, pending=sum(pending.values()))
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
            .annotate(revenue=Sum(F("gross") - F("returned")), tickets=Count("id", filter=Q(pieces__gt=0)))
            .order_by("hour")
        )
        return [HourFigures(*row) for row in rows]

    def product_days(
        self, *, product_id: UUID, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None
    ) -> list[DayFigures]:
        parameters: dict[str, Any] = {
            "product_id": product_id,
            "first": first_day,
            "last": last_day,
            "store_ids": None if store_ids is None else list(store_ids),
        }
        with connection.cursor() as cursor:
            cursor.execute(PRODUCT_DAYS, parameters)
            sums = cursor.fetchall()
        found = {day: DayFigures(day, *rest) for day, *rest in sums}
        return [found.get(day, DayFigures(day, ZERO, 0)) for day in Period(first_day, last_day).days]


def _takings(store_ids: list[UUID], first_day: date, last_day: date) -> dict[UUID, Days]:
    """What each store took on each day."""
    with connection.cursor() as cursor:
        cursor.execute(TAKINGS, [store_ids, first_day, last_day])
        rows = cursor.fetchall()
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


def _product_sales(ranking: Ranking, products: Mapping[UUID, Product]) -> list[ProductSales]:
    return [
        ProductSales(product_id, products[product_id].sku, products[product_id].name, pieces, revenue)
        for _, product_id, pieces, revenue, *_ in ranking
    ]
