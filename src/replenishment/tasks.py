"""What the worker does for replenishment: an event of the inventory, and what the clock asks for."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from inventory.interface import LocationKind, StockRanLow, inventory
from replenishment.interface import replenishment


def suggest_for_low_stock(event: StockRanLow) -> None:
    """A product has run low: in a store, there may be something to suggest; a warehouse asks nobody."""
    [place] = inventory.locations(ids=[event.location_id])
    if place.kind is LocationKind.STORE:
        replenishment.suggest_product(store_id=place.id, product_id=event.product_id, now=datetime.now(UTC))


@app.periodic(cron="0 3 * * *")
@app.task(name="suggest_replenishment", queueing_lock="suggest_replenishment", pass_context=False)
def suggest_replenishment(timestamp: int) -> None:
    """Every night: work out anew what each store should ask for."""
    replenishment.suggest(now=datetime.now(UTC))
