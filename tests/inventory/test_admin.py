"""Opening and renaming places in the admin."""

import pytest
from django.test import Client

from accounts.interface import Role
from accounts.models import User
from inventory.interface import inventory
from tests.chain import make_person, make_warehouse

pytestmark = pytest.mark.django_db

ADMIN = "/admin/inventory/location"


def client_of(role: Role) -> Client:
    client = Client()
    client.force_login(User.objects.get(email=make_person(role)))
    return client


def place(**values: str) -> dict[str, str]:
    return {
        "kind": "warehouse",
        "name": "Central",
        "address": "",
        "time_zone": "Europe/Paris",
        "lead_time_days": "2",
    } | values


def test_the_head_office_opens_the_first_warehouse() -> None:
    client_of(Role.HEAD_OFFICE).post(f"{ADMIN}/add/", place())

    assert inventory.central().name == "Central"


def test_a_time_zone_that_does_not_exist_is_refused_beside_its_field() -> None:
    answer = client_of(Role.HEAD_OFFICE).post(f"{ADMIN}/add/", place(kind="store", time_zone="Europe/Atlantis"))

    assert "Not an IANA time zone, like Europe/Paris." in answer.content.decode()
    assert inventory.stores() == []


def test_a_place_is_never_deleted() -> None:
    warehouse = make_warehouse()

    answer = client_of(Role.HEAD_OFFICE).post(f"{ADMIN}/{warehouse.id}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert inventory.central() == warehouse


@pytest.mark.parametrize("role", [Role.CASHIER, Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_other_roles_do_not_edit_places(role: Role) -> None:
    answer = client_of(role).post(f"{ADMIN}/add/", place(kind="store"))

    assert answer.status_code == 403
    assert inventory.stores() == []
