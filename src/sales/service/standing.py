"""How the stores' stock stands, as the worker found it last: millions of levels are not judged while somebody waits.

docs/adr/0021
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from catalog.interface import catalog
from inventory.interface import StockHealth, inventory
from sales import models, rules
from shared_kernel.money import ZERO

# The worker looks every minute. Whoever asks looks for themselves when it has not come round for so long.
MAX_AGE = timedelta(minutes=5)


@dataclass(frozen=True)
class Standing:
    """How a store's stock stood at a moment; also what that of several adds up to, at the earliest of their moments."""

    judged_at: datetime
    available: int = 0
    sold: int = 0
    stock_outs: int = 0
    lost_sales: Decimal = ZERO
    low_stock: int = 0
    overstock: int = 0
    dead_stock: int = 0


FIGURES = ["available", "sold", "stock_outs", "lost_sales", "low_stock", "overstock", "dead_stock"]


class Judging:
    """The part of the sales that keeps how stock stands."""

    def keep_standings(self, *, now: datetime) -> None:
        for store in inventory.stores():
            [standing] = _judged([store.id], now=now).values()
            models.StockStanding.objects.bulk_create(
                [models.StockStanding(store_id=store.id, **asdict(standing))],
                update_conflicts=True,
                unique_fields=["store_id"],
                update_fields=["judged_at", *FIGURES],
            )


def standings(store_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, Standing]:
    """How the stock of each of these stores stands: as it is kept, or judged anew where that is too old."""
    rows = models.StockStanding.objects.filter(store_id__in=store_ids, judged_at__gt=now - MAX_AGE)
    kept = {store_id: Standing(*rest) for store_id, *rest in rows.values_list("store_id", "judged_at", *FIGURES)}
    return kept | _judged([one for one in store_ids if one not in kept], now=now)


def together(standings: Iterable[Standing], *, now: datetime) -> Standing:
    """What they add up to; nothing, as of now, where there are none."""
    found = list(standings)
    sums = {figure: sum(getattr(standing, figure) for standing in found) for figure in FIGURES}
    return Standing(min([standing.judged_at for standing in found], default=now), **sums)


def _judged(store_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, Standing]:
    if not store_ids:
        return {}
    healths = inventory.health(location_ids=store_ids, now=now)
    empty = {shelf.product_id for health in healths for shelf in health.empty_shelves}
    prices = {product.id: product.price for product in catalog.products(ids=list(empty))}
    return {health.location_id: _standing(health, prices, now=now) for health in healths}


def _standing(health: StockHealth, prices: dict[UUID, Decimal], *, now: datetime) -> Standing:
    lost = (
        rules.lost_sales(sold=shelf.sold, days_empty=shelf.days, price=prices[shelf.product_id])
        for shelf in health.empty_shelves
    )
    return Standing(
        judged_at=now,
        available=health.available,
        sold=health.sold,
        stock_outs=len(health.empty_shelves),
        lost_sales=sum(lost, ZERO),
        low_stock=health.low,
        overstock=health.over,
        dead_stock=health.dead,
    )
