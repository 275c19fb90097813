"""The consolidated report and the statistics."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple
from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum

from catalog.interface import Product, catalog
from inventory.interface import Location, LocationKind, LocationNotFound, inventory
from sales import models, rules
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
from shared_kernel.money import ZERO

# How far back "most sold" looks, and how many it names.
TOP_DAYS = 30
TOP_PRODUCTS = 10

NO_FIGURES = Figures(gross=ZERO, returned=ZERO, total=ZERO, sales=0, returns=0, pieces=0)

Counter = tuple[UUID, Channel]

MOST_SOLD = """
SELECT store_id, channel, product_id, pieces FROM (
    SELECT s.store_id, s.channel, l.product_id, sum(l.quantity)::int AS pieces, row_number() OVER (
        PARTITION BY s.store_id, s.channel ORDER BY sum(l.quantity) DESC, l.product_id
    ) AS rank
    FROM sale_line l JOIN sale s ON s.id = l.sale_id
    WHERE l.quantity > 0 AND s.store_id = ANY(%s::uuid[])
        AND (%s::date IS NULL OR s.sold_on >= %s::date) AND (%s::date IS NULL OR s.sold_on <= %s::date)
        AND (%s::text IS NULL OR s.channel = %s::text)
    GROUP BY s.store_id, s.channel, l.product_id
) AS ranked
WHERE %s::int IS NULL OR rank <= %s::int
ORDER BY store_id, channel, rank
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
        stores = _counters(store_ids)
        ids = [store.id for store in stores]
        rows = models.Sale.objects.filter(store_id__in=ids, **_conditions(first_day, last_day, channel))
        figures = _figures(rows)
        most_sold = _most_sold(ids, first_day, last_day, channel, top)
        stock = inventory.held_stock(location_ids=ids, top=top)
        products = _products([row[2] for row in most_sold] + [level.product_id for level in stock])
        quantities: dict[Counter, list[ProductQuantity]] = {}
        for store_id, sold_by, product_id, pieces in most_sold:
            quantities.setdefault((store_id, sold_by), []).append(_quantity(products[product_id], pieces))
        shelves: dict[UUID, list[LocalStock]] = {}
        for level in stock:
            on_shelf = LocalStock(level.product_id, products[level.product_id].name, level.available)
            shelves.setdefault(level.location_id, []).append(on_shelf)
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
                    stock=shelves.get(store.id, []),
                )
                for store in stores
                for sold_by in _channels(store, figures, channel)
            ],
            total=_sum(figures.values()),
        )

    def statistics(self, *, store_ids: Sequence[UUID] | None = None, today: date) -> Statistics:
        stores = _counters(store_ids)
        ids = [store.id for store in stores]
        figures = _figures(models.Sale.objects.filter(store_id__in=ids))
        by_store = {
            store.id: _sum(value for (store_id, _), value in figures.items() if store_id == store.id)
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
            top_products=_top_products(ids, since=today - timedelta(days=TOP_DAYS)),
        )


def stores_named(store_ids: Sequence[UUID] | None) -> list[Location]:
    """These stores, by name (None: all). Raises LocationNotFound."""
    stores = inventory.stores()
    if store_ids is None:
        return stores
    if unknown := set(store_ids) - {store.id for store in stores}:
        raise LocationNotFound(location_ids=sorted(unknown))
    return [store for store in stores if store.id in store_ids]


def _counters(store_ids: Sequence[UUID] | None) -> list[Location]:
    """These stores, by name; where all are meant, the warehouse is the last: from there the web shop sells."""
    stores = stores_named(store_ids)
    if store_ids is None:
        with suppress(LocationNotFound):
            stores.append(inventory.central())
    return stores


def _conditions(first_day: date | None, last_day: date | None, channel: Channel | None) -> dict[str, object]:
    conditions = {"sold_on__gte": first_day, "sold_on__lte": last_day, "channel": channel}
    return {name: value for name, value in conditions.items() if value is not None}


def _figures(rows: QuerySet[models.Sale]) -> dict[Counter, Figures]:
    """What these sales add up to, by store and channel. A ticket on which something was sold is a sale, one on which
    something came back a return; an exchange is both."""
    sums = (
        rows.order_by()
        .values_list("store_id", "channel")
        .annotate(
            sold=Sum("gross"),
            back=Sum("returned"),
            total=F("sold") - F("back"),
            sales=Count("id", filter=Q(pieces__gt=0)),
            returns=Count("id", filter=Q(pieces_returned__gt=0)),
            sum_of_pieces=Sum("pieces"),
        )
    )
    return {(store_id, Channel(channel)): Figures(*values) for store_id, channel, *values in sums}


def _sum(figures: Iterable[Figures]) -> Figures:
    columns = zip(*(astuple(value) for value in [NO_FIGURES, *figures]), strict=True)
    return Figures(*(sum(column) for column in columns))


def _most_sold(
    store_ids: Sequence[UUID], first_day: date | None, last_day: date | None, channel: Channel | None, top: int | None
) -> list[tuple[UUID, Channel, UUID, int]]:
    """Store, channel, product and pieces sold, most pieces first within a store and channel."""
    parameters = [list(store_ids), first_day, first_day, last_day, last_day, channel, channel, top, top]
    with connection.cursor() as cursor:
        cursor.execute(MOST_SOLD, parameters)
        return [(store_id, Channel(sold_by), *rest) for store_id, sold_by, *rest in cursor.fetchall()]


def _top_products(store_ids: Sequence[UUID], *, since: date) -> list[ProductQuantity]:
    lines = models.SaleLine.objects.filter(quantity__gt=0, sale__sold_on__gte=since, sale__store_id__in=store_ids)
    sums = lines.values_list("product_id").annotate(pieces=Sum("quantity")).order_by("-pieces", "product_id")
    top = list(sums[:TOP_PRODUCTS])
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
