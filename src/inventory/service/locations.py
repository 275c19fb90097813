"""Warehouses and stores."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError

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
from shared_kernel.postgres.transactions import atomic_write, constraint_of


class Locations:
    """The part of the inventory that knows places."""

    def locations(self, *, ids: Sequence[UUID]) -> list[Location]:
        return [row.value() for row in models.Location.objects.filter(id__in=ids)]

    def locations_by_name(self, *, names: Sequence[str]) -> list[Location]:
        return [row.value() for row in models.Location.objects.filter(name__in=names)]

    def stores(self) -> list[Location]:
        rows = models.Location.objects.filter(kind=LocationKind.STORE).order_by("name", "id")
        return [row.value() for row in rows]

    def store_page(self, *, offset: int, limit: int) -> LocationPage:
        rows = models.Location.objects.filter(kind=LocationKind.STORE).order_by("name", "id")
        return LocationPage(count=rows.count(), locations=[row.value() for row in rows[offset : offset + limit]])

    def store(self, *, store_id: UUID) -> Location:
        row = models.Location.objects.filter(id=store_id, kind=LocationKind.STORE).first()
        if row is None:
            raise LocationNotFound(location_ids=[store_id])
        return row.value()

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
        return row.value()

    @atomic_write
    def ensure_locations(self, *, locations: Sequence[KnownLocation]) -> dict[str, UUID]:
        for location in locations:
            _check(location.draft)
        rows = [models.Location(id=location.id, **_columns(location.draft)) for location in locations]
        models.Location.objects.bulk_create(rows, ignore_conflicts=True)
        names = [row.name for row in rows]
        return dict(models.Location.objects.filter(name__in=names).values_list("name", "id"))


def central() -> Location:
    """The oldest warehouse. Raises LocationNotFound where there is none."""
    row = models.Location.objects.filter(kind=LocationKind.WAREHOUSE).order_by("created_at", "id").first()
    if row is None:
        raise LocationNotFound(location_ids=[])
    return row.value()


def location(location_id: UUID) -> Location:
    """One place of any kind. Raises LocationNotFound."""
    row = models.Location.objects.filter(id=location_id).first()
    if row is None:
        raise LocationNotFound(location_ids=[location_id])
    return row.value()


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
