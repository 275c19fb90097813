"""How stores and chain are doing: sales of a period against the period before, beside how the stock stands."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import ExtractHour

from catalog.interface import Product, catalog
from inventory.interface import inventory
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
from sales.service.counters import stores_named
from sales.service.ranking import Ranking, best_and_worst
from sales.service.stock_health import StoreHealth, store_health, together
from shared_kernel.money import ZERO

# How many products the lists of best and worst name.
RANKED = 5

TAKINGS = """
SELECT store_id, sold_on, sum(gross), sum(returned), sum(sales)::int, sum(pieces)::bigint FROM daily_sales
WHERE store_id = ANY(%s::uuid[]) AND sold_on BETWEEN %s AND %s
GROUP BY GROUPING SETS ((store_id, sold_on), (sold_on))
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
NOTHING = Takings()


class Performing:
    """The part of the sales that tells how stores are doing."""

    def performance(self, *, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None) -> Performance:
        stores = stores_named(store_ids)
        ids = [store.id for store in stores]
        period = Period(first_day, last_day)
        takings = _takings(ids, period.before.first_day, last_day)
        of_chain = takings[None]
        sold = rules.total(of_chain.values())
        ranking = best_and_worst(ids, period, ranked=RANKED, with_everybody=store_ids is None, sold=sold)
        now = datetime.now(UTC)
        healths = store_health(ids, now=now)
        products = {product.id: product for product in catalog.products(ids=list({row[1] for row in ranking}))}
        pending = backlog.pending_by_store(store_ids=ids)
        ranked = _by_place(ranking)
        chain = _indicators(
            period,
            of_chain,
            _ends(ranked.get(None, []), products),
            together(healths.values(), now=now),
            pending=sum(pending.values()),
        )
        by_store = [
            (
                store,
                _indicators(
                    period,
                    takings[store.id],
                    _ends(ranked.get(store.id, []), products),
                    healths[store.id],
                    pending=pending.get(store.id, 0),
                ),
            )
            for store in stores
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


def _takings(store_ids: list[UUID], first_day: date, last_day: date) -> dict[UUID | None, Days]:
    """What each store took on each day, and (None) all together."""
    with connection.cursor() as cursor:
        cursor.execute(TAKINGS, [store_ids, first_day, last_day])
        rows = cursor.fetchall()
    takings: dict[UUID | None, Days] = {store_id: {} for store_id in [*store_ids, None]}
    for store_id, day, *figures in rows:
        takings[store_id][day] = Takings(*figures)
    return takings


def _indicators(
    period: Period,
    takings: Days,
    ends: tuple[list[ProductSales], list[ProductSales]],
    stock: StoreHealth,
    *,
    pending: int,
) -> Indicators:
    now = rules.period_figures(takings.get(day, NOTHING) for day in period.days)
    before = rules.period_figures(takings.get(day, NOTHING) for day in period.before.days)
    best, worst = ends
    return Indicators(
        now=now,
        before=before,
        trend_percent=rules.trend_percent(now=now.revenue, before=before.revenue),
        trend=rules.trend(now=now.revenue, before=before.revenue),
        days=[_of_day(day, takings) for day in period.days],
        days_before=[_of_day(day, takings) for day in period.before.days],
        top_products=best,
        bottom_products=worst,
        stock_outs=stock.stock_outs,
        lost_sales=stock.lost_sales,
        low_stock=stock.low_stock,
        overstock=stock.overstock,
        dead_stock=stock.dead_stock,
        days_of_cover=rules.days_of_cover(available=stock.available, sold=stock.sold),
        stock_as_of=stock.judged_at,
        pending_requests=pending,
    )


def _of_day(day: date, takings: Days) -> DayFigures:
    figures = takings.get(day, NOTHING)
    return DayFigures(day, figures.revenue, figures.tickets)


def _by_place(ranking: Ranking) -> dict[UUID | None, Ranking]:
    places: dict[UUID | None, Ranking] = {}
    for row in ranking:
        places.setdefault(row[0], []).append(row)
    return places


def _ends(ranking: Ranking, products: Mapping[UUID, Product]) -> tuple[list[ProductSales], list[ProductSales]]:
    """What sold best, and what sold worst, the worst first."""
    return (
        _product_sales([row for row in ranking if row[4] <= RANKED], products),
        _product_sales([row for row in reversed(ranking) if row[5] <= RANKED], products),
    )


def _product_sales(ranking: Ranking, products: Mapping[UUID, Product]) -> list[ProductSales]:
    return [
        ProductSales(product_id, products[product_id].sku, products[product_id].name, pieces, revenue)
        for _, product_id, pieces, revenue, *_ in ranking
    ]
