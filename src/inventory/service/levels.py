"""What is where, with the products' names; and the writes that move it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

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
from inventory.service import figures
from inventory.service.figures import NEVER_HELD, Figures
from inventory.service.locations import location, locations


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
        return rows_of(catalog.products(ids=product_ids), locations(location_ids))

    def availability(self, *, lines: Sequence[StockLine], location_id: UUID | None = None) -> list[Availability]:
        if location_id is not None:
            location(location_id)
        product_ids = [line.product_id for line in lines]
        catalog.products_on_sale(ids=product_ids)
        places = figures.places(product_ids=product_ids, now=datetime.now(UTC))
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
        return figures.fullest(location_ids=location_ids, top=top, now=datetime.now(UTC))

    def online_stock(self, *, product_ids: Sequence[UUID]) -> list[OnlineStock]:
        return figures.online(product_ids=product_ids, now=datetime.now(UTC))

    def products_in_stock(self) -> list[UUID]:
        return figures.products_in_stock(now=datetime.now(UTC))


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
    # Which of them are still on sale, only the catalogue knows: so the page is cut afterwards.
    archived = set(catalog.archived_ids())
    on_sale = [one for one in levels.values_list("product_id", flat=True) if one not in archived]
    ids = on_sale[offset : offset + limit]
    products = {product.id: product for product in catalog.products(ids=ids)}
    return StockPage(count=len(on_sale), rows=rows_of([products[one] for one in ids], [place]))


def rows_of(products: Sequence[Product], places: Sequence[Location]) -> list[StockRow]:
    """A row for each product at each place, in this order; zeros where the place never held the product."""
    levels = figures.figures(
        product_ids=[product.id for product in products],
        location_ids=[place.id for place in places],
        now=datetime.now(UTC),
    )
    return [_row(product, place, levels) for product in products for place in places]


def _row(product: Product, place: Location, levels: Mapping[tuple[UUID, UUID], Figures]) -> StockRow:
    held = levels.get((place.id, product.id), NEVER_HELD)
    return StockRow(
        product_id=product.id,
        sku=product.sku,
        product_name=product.name,
        location_id=place.id,
        location_name=place.name,
        location_kind=place.kind,
        on_hand=held.on_hand,
        reserved=held.on_hand - held.available,
        available=held.available,
        in_transit=held.in_transit,
        reorder_point=held.reorder_point,
        target=held.target,
        safety_stock=held.safety_stock,
        low=rules.is_low(available=held.available, reorder_point=held.reorder_point),
    )
