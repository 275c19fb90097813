"""Warehouses and stores."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from inventory import models, rules
from inventory.interface import (
    InvalidLocation,
    KnownLocation,
    Location,
    LocationDraft,
    LocationKind,
    LocationNameTaken,
    LocationNotFound,
    LocationPage,
)
from shared_kernel.cache import cached, outdate
from shared_kernel.postgres.transactions import atomic_write, constraint_of

# Asked by nearly every call: the ORM would take six times as long to put it together as to have it answered.
LOCATIONS = "SELECT id, kind, name, address, time_zone, uses_transit, lead_time_days FROM location "
THESE = LOCATIONS + "WHERE id = ANY(%s)"
CENTRAL = LOCATIONS + "WHERE kind = 'warehouse' ORDER BY created_at, id LIMIT 1"


class Locations:
    """The part of the inventory that knows places."""

    def locations(self, *, ids: Sequence[UUID]) -> list[Location]:
        return locations(ids)

    def locations_by_name(self, *, names: Sequence[str]) -> list[Location]:
        return [row.value() for row in models.Location.objects.filter(name__in=names)]

    def stores(self) -> list[Location]:
        return cached("store list", "all", _stores, shape=list[Location])

    def store_page(self, *, offset: int, limit: int) -> LocationPage:
        stores = self.stores()
        return LocationPage(count=len(stores), locations=stores[offset : offset + limit])

    def store(self, *, store_id: UUID) -> Location:
        return cached("store", store_id, partial(_store, store_id), shape=Location)

    def central(self) -> Location:
        return central()

    @atomic_write
    def save_location(self, *, location_id: UUID, draft: LocationDraft) -> Location:
        _check(draft)
        try:
            row, _ = models.Location.objects.update_or_create(id=location_id, defaults=_columns(draft))
        except IntegrityError as error:
            if constraint_of(error) == "location_name_unique":
                raise LocationNameTaken(name=draft.name) from error
            raise
        outdate("stores")
        return row.value()

    @atomic_write
    def ensure_locations(self, *, locations: Sequence[KnownLocation]) -> dict[str, UUID]:
        for location in locations:
            _check(location.draft)
        rows = [models.Location(id=location.id, **_columns(location.draft)) for location in locations]
        models.Location.objects.bulk_create(rows, ignore_conflicts=True)
        outdate("stores")
        names = [row.name for row in rows]
        return dict(models.Location.objects.filter(name__in=names).values_list("name", "id"))


def central() -> Location:
    """The oldest warehouse. Raises LocationNotFound where there is none."""
    for place in _asked(CENTRAL):
        return place
    raise LocationNotFound(location_ids=[])


def location(location_id: UUID) -> Location:
    """One place of any kind. Raises LocationNotFound."""
    found = locations([location_id])
    if not found:
        raise LocationNotFound(location_ids=[location_id])
    return found[0]


def locations(ids: Sequence[UUID]) -> list[Location]:
    """These places, of any kind, as far as there are any."""
    return _asked(THESE, list(ids)) if ids else []


def _asked(statement: str, *parameters: list[UUID]) -> list[Location]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Location(row[0], LocationKind(row[1]), *row[2:]) for row in cursor.fetchall()]


def _stores() -> list[Location]:
    rows = models.Location.objects.filter(kind=LocationKind.STORE).order_by("name", "id")
    return [row.value() for row in rows]


def _store(store_id: UUID) -> Location:
    found = location(store_id)
    if found.kind is not LocationKind.STORE:
        raise LocationNotFound(location_ids=[store_id])
    return found


def _columns(draft: LocationDraft) -> dict[str, Any]:
    return {
        "kind": draft.kind,
        "name": draft.name.strip(),
        "address": draft.address.strip(),
        "time_zone": draft.time_zone,
        "uses_transit": draft.uses_transit,
        "lead_time_days": draft.lead_time_days,
    }


def _check(draft: LocationDraft) -> None:
    if errors := rules.location_errors(draft):
        raise InvalidLocation(errors=errors)
