"""Warehouses and stores."""

from typing import Any

import pytest

from inventory.interface import (
    InvalidLocation,
    KnownLocation,
    Location,
    LocationDraft,
    LocationKind,
    LocationNameTaken,
    LocationNotFound,
    inventory,
)
from shared_kernel.ids import new_id
from tests.chain import make_store, make_warehouse
from tests.inventory.actions import refused

pytestmark = pytest.mark.django_db


def draft(name: str = "Bellecour", kind: LocationKind = LocationKind.STORE, **values: Any) -> LocationDraft:
    return LocationDraft(kind, name, **({"address": "3 place Bellecour, Lyon", "time_zone": "Europe/Paris"} | values))


def test_a_place_is_made_and_changed_under_its_id() -> None:
    place_id = new_id()

    made = inventory.save_location(location_id=place_id, draft=draft(" Bellecour "))
    again = inventory.save_location(location_id=place_id, draft=draft(" Bellecour "))
    changed = inventory.save_location(location_id=place_id, draft=draft("Croix-Rousse", time_zone="America/Toronto"))

    assert made == Location(
        place_id, LocationKind.STORE, "Bellecour", "3 place Bellecour, Lyon", "Europe/Paris", False, 2
    )
    assert again == made
    assert (changed.name, changed.time_zone) == ("Croix-Rousse", "America/Toronto")
    assert inventory.store(store_id=place_id) == changed
    assert inventory.stores() == [changed]


def test_two_places_do_not_share_a_name() -> None:
    make_store("Bellecour")
    other = make_warehouse("Central")

    with refused(LocationNameTaken) as refusal:
        inventory.save_location(location_id=new_id(), draft=draft("Bellecour"))
    assert refusal.value.name == "Bellecour"
    with refused(LocationNameTaken):
        inventory.save_location(location_id=other.id, draft=draft("Bellecour", LocationKind.WAREHOUSE))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"address": "x" * 301}, "address"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"lead_time_days": -1}, "lead_time_days"),
        ({"lead_time_days": 366}, "lead_time_days"),
    ],
)
def test_values_that_break_a_rule_are_refused_by_name(values: dict[str, str], field: str) -> None:
    for save in (
        lambda: inventory.save_location(location_id=new_id(), draft=draft(**values)),
        lambda: inventory.ensure_locations(locations=[KnownLocation(new_id(), draft(**values))]),
    ):
        with refused(InvalidLocation) as refusal:
            save()
        assert [error["field"] for error in refusal.value.errors] == [field]


def test_stores_are_listed_by_name_in_pages_and_warehouses_are_not() -> None:
    make_warehouse("A warehouse")
    for name in ("Lille", "Bellecour", "Chartrons"):
        make_store(name)

    pages = [inventory.store_page(offset=offset, limit=2) for offset in (0, 2, 4)]

    assert [place.name for place in inventory.stores()] == ["Bellecour", "Chartrons", "Lille"]
    assert [page.count for page in pages] == [3, 3, 3]
    assert [[place.name for place in page.locations] for page in pages] == [["Bellecour", "Chartrons"], ["Lille"], []]


def test_places_are_found_by_id_and_unknown_ones_left_out() -> None:
    store, warehouse = make_store(), make_warehouse()

    found = inventory.locations(ids=[store.id, new_id(), warehouse.id])

    assert {place.id: place for place in found} == {store.id: store, warehouse.id: warehouse}


def test_places_are_found_by_name_and_unknown_ones_left_out() -> None:
    store, warehouse = make_store("Lille"), make_warehouse("Central")

    found = inventory.locations_by_name(names=["Central", "Atlantis", "Lille"])

    assert {place.name: place for place in found} == {"Lille": store, "Central": warehouse}


def test_a_warehouse_or_an_unknown_place_is_not_a_store() -> None:
    for place_id in (make_warehouse().id, new_id()):
        with pytest.raises(LocationNotFound) as refusal:
            inventory.store(store_id=place_id)
        assert refusal.value.location_ids == [place_id]


def test_the_oldest_warehouse_is_the_central_one() -> None:
    make_store()
    with pytest.raises(LocationNotFound) as refusal:
        inventory.central()
    assert refusal.value.location_ids == []

    first = make_warehouse("Zuydcoote")
    make_warehouse("Annecy")

    assert inventory.central() == first


def test_missing_places_are_made_and_known_names_stay_as_they_are() -> None:
    known = make_store("Bellecour")
    new = new_id()
    places = [
        KnownLocation(new_id(), draft("Bellecour", address="elsewhere")),
        KnownLocation(new, draft("Lille", LocationKind.WAREHOUSE)),
    ]

    for _ in range(2):
        assert inventory.ensure_locations(locations=places) == {"Bellecour": known.id, "Lille": new}

    assert inventory.store(store_id=known.id) == known
    assert inventory.central().id == new
