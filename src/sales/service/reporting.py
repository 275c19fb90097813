"""The consolidated report and the statistics."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from catalog.interface import Product, catalog
from inventory.interface import Location, LocationKind
from sales import rules
from sales.interface import (
    Channel,
    Figures,
    LocalStock,
    ProductQuantity,
    SalesReport,
    Statistics,
    StoreReport,
    StoreStatistics,
)
from sales.rules import ALL_TIME, Period
from sales.service import ranking
from sales.service.counters import counters
from sales.service.stock_health import fullest
from shared_kernel.money import ZERO

# How many products the statistics name.
TOP_PRODUCTS = 10

NO_FIGURES = Figures(gross=ZERO, returned=ZERO, total=ZERO, sales=0, returns=0, pieces=0)

Counter = tuple[UUID, Channel]

# A ticket on which something was sold is a sale, one on which something came back a return; an exchange is both.
FIGURES = """
SELECT store_id, channel, sum(gross), sum(returned), sum(gross) - sum(returned), sum(sales), sum(returns),
    sum(pieces)::bigint
FROM daily_sales
WHERE store_id = ANY(%s::uuid[]) AND channel = ANY(%s::text[]) AND sold_on BETWEEN %s AND %s
GROUP BY store_id, channel HAVING sum(sales) + sum(returns) > 0
"""


class Reporting:
    """The part of the sales that adds them up."""

    def report(
        self,
        *,
        first_day: date | None = None,
        last_day: date | None = None,
        store_ids: Sequence[UUID] | None = None,
        channel: Channel | None = None,
        top: int | None = 50,
    ) -> SalesReport:
        stores = counters(store_ids)
        ids = [store.id for store in stores]
        channels = [channel] if channel else list(Channel)
        period = Period(first_day or ALL_TIME.first_day, last_day or ALL_TIME.last_day)
        figures = _figures(ids, channels, period)
        total = _sum(figures.values())
        most_sold = ranking.most_sold(ids, channels, period, top=top, sold=total)
        stock = fullest(ids, top=top, now=datetime.now(UTC))
        on_shelves = [one for of_place in stock.values() for one, _ in of_place.products]
        products = _products([row[2] for row in most_sold] + on_shelves)
        shelves = {
            place_id: [LocalStock(one, products[one].name, available) for one, available in of_place.products]
            for place_id, of_place in stock.items()
        }
        quantities: dict[Counter, list[ProductQuantity]] = {}
        for store_id, sold_by, product_id, pieces in most_sold:
            quantities.setdefault((store_id, sold_by), []).append(_quantity(products[product_id], pieces))
        return SalesReport(
            first_day=first_day,
            last_day=last_day,
            currency=settings.COMPTOIR_CURRENCY,
            stores=[
                StoreReport(
                    **vars(figures.get((store.id, sold_by), NO_FIGURES)),
                    store_id=store.id,
                    name=store.name,
                    address=store.address,
                    channel=sold_by,
                    products=quantities.get((store.id, sold_by), []),
                    stock=shelves[store.id],
                    stock_as_of=stock[store.id].as_of,
                )
                for store in stores
                for sold_by in _channels(store, figures, channel)
            ],
            total=total,
        )

    def statistics(self, *, store_ids: Sequence[UUID] | None = None, today: date) -> Statistics:
        stores = counters(store_ids)
        ids = [store.id for store in stores]
        figures = _figures(ids, list(Channel), ALL_TIME)
        by_store = {
            store.id: _sum(figures[store.id, channel] for channel in Channel if (store.id, channel) in figures)
            for store in stores
        }
        total = _sum(by_store.values())
        return Statistics(
            currency=settings.COMPTOIR_CURRENCY,
            sales=total.sales,
            revenue=total.total,
            average_basket=rules.average_basket(revenue=total.total, sales=total.sales),
            stores=sum(store.kind is LocationKind.STORE for store in stores),
            per_store=[
                StoreStatistics(
                    store_id=store.id,
                    name=store.name,
                    sales=by_store[store.id].sales,
                    revenue=by_store[store.id].total,
                    average_basket=rules.average_basket(
                        revenue=by_store[store.id].total, sales=by_store[store.id].sales
                    ),
                )
                for store in stores
                if store.kind is LocationKind.STORE or by_store[store.id].sales
            ],
            top_products=_top_products(
                ids, rules.statistics_period(today), with_everybody=store_ids is None, sold=total
            ),
        )


def _figures(store_ids: Sequence[UUID], channels: Sequence[Channel], period: Period) -> dict[Counter, Figures]:
    """What was sold and given back, by store and channel."""
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, [list(store_ids), list(channels), period.first_day, period.last_day])
        return {(store_id, Channel(channel)): Figures(*values) for store_id, channel, *values in cursor.fetchall()}


def _sum(figures: Iterable[Figures]) -> Figures:
    columns = zip(*(astuple(value) for value in [NO_FIGURES, *figures]), strict=True)
    return Figures(*(sum(column) for column in columns))


def _top_products(
    store_ids: Sequence[UUID], period: Period, *, with_everybody: bool, sold: Figures
) -> list[ProductQuantity]:
    top = ranking.most_sold_of_all(store_ids, period, top=TOP_PRODUCTS, with_everybody=with_everybody, sold=sold)
    products = _products([product_id for product_id, _ in top])
    return [_quantity(products[product_id], pieces) for product_id, pieces in top]


def _products(ids: Iterable[UUID]) -> dict[UUID, Product]:
    return {product.id: product for product in catalog.products(ids=list(set(ids)))}


def _quantity(product: Product, pieces: int) -> ProductQuantity:
    return ProductQuantity(product_id=product.id, sku=product.sku, name=product.name, quantity=pieces)


def _channels(store: Location, figures: dict[Counter, Figures], channel: Channel | None) -> list[Channel]:
    """The channels to show a place under: those it sold by; a store without any, the one asked about, or the till."""
    sold_by = [candidate for candidate in Channel if (store.id, candidate) in figures]
    if sold_by or store.kind is LocationKind.WAREHOUSE:
        return sold_by
    return [channel or Channel.TILL]
