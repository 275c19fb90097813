"""What is where, with the products' names; and the writes that move it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Window
from django.db.models.functions import RowNumber

from catalog.interface import Product, ProductNotFound, catalog
from inventory import models, rules
from inventory.interface import (
    Availability,
    HeldStock,
    Location,
    OnlineStock,
    StockLine,
    StockPage,
    StockRow,
)
from inventory.service.locations import location


class Levels:
    """The part of the inventory that answers what is where."""

    def location_stock(
        self,
        *,
        location_id: UUID,
        search: str = "",
        low: bool = False,
        out: bool = False,
        over: bool = False,
        offset: int = 0,
        limit: int = 20,
    ) -> StockPage:
        place = location(location_id)
        if low or out or over:
            return _filtered(place, search=search, low=low, out=out, over=over, offset=offset, limit=limit)
        page = catalog.product_page(search=search, offset=offset, limit=limit)
        return StockPage(count=page.count, rows=rows_of(page.products, [place]))

    def product_stock(self, *, product_id: UUID) -> list[StockRow]:
        products = catalog.products(ids=[product_id])
        if not products:
            raise ProductNotFound(product_ids=[product_id])
        return rows_of(products, [row.value() for row in models.Location.objects.order_by("-kind", "name")])

    def stock_levels(self, *, product_ids: Sequence[UUID], location_ids: Sequence[UUID]) -> list[StockRow]:
        places = [row.value() for row in models.Location.objects.filter(id__in=location_ids)]
        return rows_of(catalog.products(ids=product_ids), places)

    def availability(self, *, lines: Sequence[StockLine], location_id: UUID | None = None) -> list[Availability]:
        if location_id is not None:
            location(location_id)
        product_ids = [line.product_id for line in lines]
        catalog.products_on_sale(ids=product_ids)
        places = models.StockLevel.objects.filter(product_id__in=product_ids).places(datetime.now(UTC))
        wanted: Counter[UUID] = Counter()
        for line in lines:
            wanted[line.product_id] += line.quantity
        answers = []
        for line in lines:
            found = places.get(line.product_id, [])
            here = [place for place in found if location_id in (None, place.location_id)]
            available = sum(place.available for place in here)
            sufficient = available >= wanted[line.product_id]
            answers.append(Availability(line.product_id, line.quantity, available, sufficient, places=found))
        return answers

    def held_stock(self, *, location_ids: Sequence[UUID], top: int | None = None) -> list[HeldStock]:
        levels = models.StockLevel.objects.filter(location_id__in=location_ids).with_available(datetime.now(UTC))
        rank = Window(RowNumber(), partition_by="location_id", order_by=["-available", "product_id"])
        ranked = levels.annotate(rank=rank).order_by("location_id", "rank")
        if top is not None:
            ranked = ranked.filter(rank__lte=top)
        return [HeldStock(*row) for row in ranked.values_list("location_id", "product_id", "available")]

    def online_stock(self, *, product_ids: Sequence[UUID]) -> list[OnlineStock]:
        return models.StockLevel.objects.filter(product_id__in=product_ids).for_web_shop(datetime.now(UTC))

    def products_in_stock(self) -> list[UUID]:
        rows = models.StockLevel.objects.with_available(datetime.now(UTC)).in_stock()
        return list(rows.order_by().values_list("product_id", flat=True).distinct())


def _filtered(place: Location, *, search: str, low: bool, out: bool, over: bool, offset: int, limit: int) -> StockPage:
    now = datetime.now(UTC)
    levels = models.StockLevel.objects.filter(location_id=place.id).with_available(now).emptiest_first()
    if low:
        levels = levels.low()
    if out:
        levels = levels.out()
    if over:
        levels = levels.over(now).fullest_first()
    if search:
        levels = levels.filter(product_id__in=catalog.matching_ids(search=search))
    ids = list(levels.values_list("product_id", flat=True))
    # Which of them are still on sale, only the catalogue knows: so the page is cut afterwards.
    products = {product.id: product for product in catalog.products(ids=ids) if product.active}
    on_sale = [products[product_id] for product_id in ids if product_id in products]
    return StockPage(count=len(on_sale), rows=rows_of(on_sale[offset : offset + limit], [place]))


def rows_of(products: Sequence[Product], places: Sequence[Location]) -> list[StockRow]:
    """A row for each product at each place, in this order; zeros where the place never held the product."""
    levels = models.StockLevel.objects.filter(
        product_id__in=[product.id for product in products], location_id__in=[place.id for place in places]
    ).figures(datetime.now(UTC))
    return [_row(product, place, levels) for product in products for place in places]


def _row(product: Product, place: Location, levels: Mapping[tuple[UUID, UUID], models.Figures]) -> StockRow:
    figures = levels.get((place.id, product.id), models.NEVER_HELD)
    return StockRow(
        product_id=product.id,
        sku=product.sku,
        product_name=product.name,
        location_id=place.id,
        location_name=place.name,
        location_kind=place.kind,
        on_hand=figures.on_hand,
        reserved=figures.on_hand - figures.available,
        available=figures.available,
        in_transit=figures.in_transit,
        reorder_point=figures.reorder_point,
        target=figures.target,
        safety_stock=figures.safety_stock,
        low=rules.is_low(available=figures.available, reorder_point=figures.reorder_point),
    )
