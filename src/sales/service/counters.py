"""Where sales are made: the stores, and the warehouse for the web shop."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from inventory.interface import Location, LocationNotFound, inventory


def counters(store_ids: Sequence[UUID] | None = None) -> list[Location]:
    """These stores, by name; where all are meant, the warehouse is the last: from there the web shop sells."""
    stores = stores_named(store_ids)
    if store_ids is None:
        with suppress(LocationNotFound):
            stores.append(inventory.central())
    return stores


def stores_named(store_ids: Sequence[UUID] | None) -> list[Location]:
    """These stores, by name (None: all). Raises LocationNotFound."""
    stores = inventory.stores()
    if store_ids is None:
        return stores
    if unknown := set(store_ids) - {store.id for store in stores}:
        raise LocationNotFound(location_ids=sorted(unknown))
    return [store for store in stores if store.id in store_ids]
