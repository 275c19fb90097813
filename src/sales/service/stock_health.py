"""How the stores' stock stands, as the worker found it last: millions of levels are not judged while somebody waits.

docs/adr/0021
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from catalog.interface import catalog
from inventory.interface import StockHealth, inventory
from sales import models, rules
from sales.service.counters import counters
from shared_kernel.money import ZERO

# So many of the products of which a place has most are kept, as many as a report shows.
FULLEST = 50
# The worker looks every minute. Whoever asks looks for themselves when it has not come round for so long.
MAX_AGE = timedelta(minutes=5)


@dataclass(frozen=True)
class StoreHealth:
    """How a store's stock stood at a moment; also what that of several adds up to, at the earliest of their moments."""

    judged_at: datetime
    available: int = 0
    sold: int = 0
    stock_outs: int = 0
    lost_sales: Decimal = ZERO
    low_stock: int = 0
    overstock: int = 0
    dead_stock: int = 0


@dataclass(frozen=True)
class Shelves:
    """Of which products a place had most at a moment, and how many pieces were available."""

    as_of: datetime
    products: list[tuple[UUID, int]]


FIGURES = ["available", "sold", "stock_outs", "lost_sales", "low_stock", "overstock", "dead_stock"]


class Health:
    """The part of the sales that keeps how stock stands."""

    def keep_stock_health(self, *, now: datetime) -> None:
        # All at once: the ledger of four weeks is gone through for one store as for many.
        ids = [place.id for place in counters()]
        shelves = _shelves(ids, top=FULLEST)
        models.KeptStockHealth.objects.bulk_create(
            [
                models.KeptStockHealth(store_id=store_id, fullest=shelves[store_id], **asdict(health))
                for store_id, health in _judged(ids, now=now).items()
            ],
            update_conflicts=True,
            unique_fields=["store_id"],
            update_fields=["judged_at", *FIGURES, "fullest"],
        )


def store_health(store_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, StoreHealth]:
    """How the stock of each of these stores stands: as it is kept, or judged anew where that is too old."""
    rows = _kept(store_ids, now=now).values_list("store_id", "judged_at", *FIGURES)
    kept = {store_id: StoreHealth(*rest) for store_id, *rest in rows}
    return kept | _judged([one for one in store_ids if one not in kept], now=now)


def fullest(place_ids: Sequence[UUID], *, top: int | None, now: datetime) -> dict[UUID, Shelves]:
    """Of which products each of these places has most, at most `top` (None: all); more than are kept are read anew."""
    found = {}
    if top is not None and top <= FULLEST:
        for place_id, judged_at, products in _kept(place_ids, now=now).values_list("store_id", "judged_at", "fullest"):
            found[place_id] = Shelves(judged_at, [(UUID(one), pieces) for one, pieces in products[:top]])
    missing = [one for one in place_ids if one not in found]
    return found | {place_id: Shelves(now, products) for place_id, products in _shelves(missing, top=top).items()}


def together(healths: Iterable[StoreHealth], *, now: datetime) -> StoreHealth:
    """What they add up to; nothing, as of now, where there are none."""
    found = list(healths)
    if not found:
        return StoreHealth(now)
    sums = {figure: sum(getattr(health, figure) for health in found) for figure in FIGURES}
    return StoreHealth(min(health.judged_at for health in found), **sums)


def _kept(place_ids: Sequence[UUID], *, now: datetime) -> QuerySet[models.KeptStockHealth]:
    return models.KeptStockHealth.objects.filter(store_id__in=place_ids, judged_at__gt=now - MAX_AGE)


def _shelves(place_ids: Sequence[UUID], *, top: int | None) -> dict[UUID, list[tuple[UUID, int]]]:
    found: dict[UUID, list[tuple[UUID, int]]] = {place_id: [] for place_id in place_ids}
    for level in inventory.held_stock(location_ids=place_ids, top=top) if place_ids else []:
        found[level.location_id].append((level.product_id, level.available))
    return found


def _judged(store_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, StoreHealth]:
    if not store_ids:
        return {}
    healths = inventory.health(location_ids=store_ids, now=now)
    empty = {shelf.product_id for health in healths for shelf in health.empty_shelves}
    prices = {product.id: product.price for product in catalog.products(ids=list(empty))}
    return {health.location_id: _store_health(health, prices, now=now) for health in healths}


def _store_health(health: StockHealth, prices: dict[UUID, Decimal], *, now: datetime) -> StoreHealth:
    lost = (
        rules.lost_sales(sold=shelf.sold, days_empty=shelf.days, price=prices[shelf.product_id])
        for shelf in health.empty_shelves
    )
    return StoreHealth(
        judged_at=now,
        available=health.available,
        sold=health.sold,
        stock_outs=len(health.empty_shelves),
        lost_sales=sum(lost, ZERO),
        low_stock=health.low,
        overstock=health.over,
        dead_stock=health.dead,
    )
