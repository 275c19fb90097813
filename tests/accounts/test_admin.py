"""People in Django's admin: for the head office and superusers alone."""

from typing import Any

import pytest
from django.test import Client

from accounts.interface import Action, Role, accounts
from accounts.models import User
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, make_person, make_store

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/accounts/user/"
NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}


@pytest.fixture
def root() -> Client:
    User.objects.create_superuser("root@comptoir.example", PASSWORD, name="Root")
    client = Client()
    client.post("/admin/login/", {"username": "ROOT@comptoir.example", "password": PASSWORD})
    return client


def test_a_superuser_sees_people(root: Client) -> None:
    person = User.objects.get(email=make_person(Role.CASHIER, make_store()))

    pages = [root.get(path) for path in (PEOPLE, f"{PEOPLE}{person.id}/change/", f"{PEOPLE}add/", f"{PEOPLE}?q=root")]

    assert [page.status_code for page in pages] == [200] * 4
    assert person.email in pages[0].content.decode()


def test_a_superuser_hires_and_places_people(root: Client) -> None:
    store = make_store()
    names = {"email": "Camille@Comptoir.Example", "name": "Camille"}
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    added = root.post(f"{PEOPLE}add/", names | passwords | NO_MEMBERSHIPS)
    person = User.objects.get(email="camille@comptoir.example")
    place = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-role": "cashier",
        "memberships-0-store_id": str(store.id),
    }
    changed = root.post(f"{PEOPLE}{person.id}/change/", names | {"is_active": "on"} | place)

    assert (added.status_code, changed.status_code) == (302, 302)
    assert accounts.log_in(email="camille@comptoir.example", password=PASSWORD)
    assert accounts.actor(person_id=person.id).stores_for(Action.SELL) == {store.id}


def test_a_role_is_held_in_a_store_that_is_chosen_by_name(root: Client) -> None:
    store = make_store("Lyon")
    person = User.objects.get(email=make_person(Role.CASHIER, store))

    page = root.get(f"{PEOPLE}{person.id}/change/").content.decode()
    answer = root.post(
        f"{PEOPLE}{person.id}/change/",
        {
            "email": person.email,
            "name": person.name,
            "is_active": "on",
            "memberships-TOTAL_FORMS": "1",
            "memberships-INITIAL_FORMS": "0",
            "memberships-0-role": "store_manager",
            "memberships-0-store_id": str(new_id()),
        },
    )

    assert f'<option value="{store.id}" selected>Lyon</option>' in page
    assert answer.status_code == 200
    assert accounts.actor(person_id=person.id).roles == {Role.CASHIER}


def test_what_was_changed_about_a_person_stays_in_their_history(root: Client) -> None:
    person = User.objects.get(email=make_person(Role.HEAD_OFFICE))

    root.post(f"{PEOPLE}{person.id}/change/", {"email": person.email, "name": "Claude"} | NO_MEMBERSHIPS)

    history = root.get(f"{PEOPLE}{person.id}/history/").content.decode()
    assert "root@comptoir.example" in history
    assert "Changed Name and Is active." in history


def test_people_are_found_by_role(root: Client) -> None:
    cashier, keeper = make_person(Role.CASHIER, make_store(), make_store()), make_person(Role.WAREHOUSE)

    page = root.get(f"{PEOPLE}?memberships__role=cashier").content.decode()

    assert (page.count(f">{cashier}</a>"), keeper in page) == (1, False)


def test_an_address_is_taken_in_any_case(root: Client) -> None:
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    answer = root.post(f"{PEOPLE}add/", {"email": "ROOT@comptoir.example", "name": "Root"} | passwords | NO_MEMBERSHIPS)

    assert answer.status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.CASHIER, 403),
        (Role.STORE_MANAGER, 403),
        (Role.WAREHOUSE, 403),
        (Role.CATALOG_MANAGER, 403),
        (Role.HEAD_OFFICE, 200),
    ],
)
def test_the_policy_opens_the_people_to_the_head_office(role: Role, status: int) -> None:
    client = Client()
    client.post("/admin/login/", {"username": make_person(role, make_store()), "password": PASSWORD})

    assert client.get("/admin/").status_code == 200
    assert [client.get(path).status_code for path in (PEOPLE, f"{PEOPLE}add/")] == [status, status]


def test_a_customer_does_not_enter() -> None:
    User.objects.create_user("customer@comptoir.example", PASSWORD, name="Customer")
    client = Client()

    answer = client.post("/admin/login/", {"username": "customer@comptoir.example", "password": PASSWORD})

    assert answer.status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_demo_account_does_not_enter_in_production(settings: Any) -> None:
    User.objects.create_superuser("head@demo.example", PASSWORD, name="Head")
    settings.COMPTOIR_PRODUCTION = True
    client = Client()

    client.post("/admin/login/", {"username": "head@demo.example", "password": PASSWORD})

    assert client.get("/admin/").status_code == 302
