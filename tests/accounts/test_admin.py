"""People in Django's admin: for the head office alone."""

from functools import partial
from typing import Any

import pytest
from django.test import Client

from accounts.admin import PersonAdmin
from accounts.interface import Action, Role, accounts
from accounts.models import User
from inventory.interface import Location
from shared_kernel.audit import Deed
from shared_kernel.ids import new_id
from shared_kernel.models import AuditEntry
from tests.accounts.actions import NEW_PASSWORD, letters, nothing_changes, register
from tests.admin import Step, browser, person_of, told
from tests.chain import PASSWORD, make_person, make_store
from tests.threads import at_once, empty_queue

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/accounts/user/"
ABSENT = "absent"
NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
PASSWORDS = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
NEW_PASSWORDS = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}


def first_role(role: Role, store: Location | None = None) -> dict[str, str]:
    """The form's part about roles, for somebody who has none yet."""
    return {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-role": role,
        "memberships-0-store_id": str(store.id) if store else "",
    }


def form_about(person: User, **values: str) -> dict[str, str]:
    """What a browser sends about somebody with one role, where `values` are changed, or ABSENT."""
    membership = person.memberships.get()
    shown = {
        "email": person.email,
        "name": person.name,
        "is_active": "on",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-person": str(person.pk),
        "memberships-0-role": membership.role,
        "memberships-0-store_id": str(membership.store_id or ""),
    }
    return {name: value for name, value in (shown | values).items() if value != ABSENT}


def change(client: Client, person: User, **values: str) -> Any:
    """Change somebody in the form."""
    return client.post(f"{PEOPLE}{person.pk}/change/", form_about(person, **values))


def person_with(role: Role, *stores: Location) -> User:
    return User.objects.get(email=make_person(role, *stores))


@pytest.fixture
def root() -> Client:
    User.objects.create_superuser("root@comptoir.example", PASSWORD, name="Root")
    client = Client()
    client.post("/admin/login/", {"username": "ROOT@comptoir.example", "password": PASSWORD})
    return client


def test_the_head_office_sees_people(root: Client) -> None:
    person = User.objects.get(email=make_person(Role.CASHIER, make_store()))

    pages = [root.get(path) for path in (PEOPLE, f"{PEOPLE}{person.id}/change/", f"{PEOPLE}add/", f"{PEOPLE}?q=root")]

    assert [page.status_code for page in pages] == [200] * 4
    assert person.email in pages[0].content.decode()


def test_the_head_office_hires_and_places_people(root: Client) -> None:
    store, other = make_store(), make_store()
    names = {"email": "Camille@Comptoir.Example", "name": "Camille"}

    added = root.post(f"{PEOPLE}add/", names | PASSWORDS | first_role(Role.CASHIER, store))
    person = User.objects.get(email="camille@comptoir.example")
    changed = change(root, person, **{"memberships-0-store_id": str(other.id)})

    assert (added.status_code, changed.status_code) == (302, 302)
    assert accounts.log_in(email="camille@comptoir.example", password=PASSWORD, address="")
    assert accounts.actor(person_id=person.id).stores_for(Action.SELL) == {other.id}


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

    change(root, person, name="Claude", is_active=ABSENT)

    history = root.get(f"{PEOPLE}{person.id}/history/").content.decode()
    assert "root@comptoir.example" in history
    assert "Changed Name and Is active." in history


def test_people_are_found_by_role(root: Client) -> None:
    cashier, keeper = make_person(Role.CASHIER, make_store(), make_store()), make_person(Role.WAREHOUSE)

    page = root.get(f"{PEOPLE}?memberships__role=cashier").content.decode()

    assert (page.count(f">{cashier}</a>"), keeper in page) == (1, False)


def test_an_address_is_taken_in_any_case(root: Client) -> None:
    names = {"email": "ROOT@comptoir.example", "name": "Root"}

    answer = root.post(f"{PEOPLE}add/", names | PASSWORDS | first_role(Role.HEAD_OFFICE))

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


def test_the_list_of_staff_shows_nobody_who_only_buys(root: Client) -> None:
    customer = register()

    page = root.get(PEOPLE).content.decode()

    assert customer.email not in page
    assert "root@comptoir.example" in page
    assert root.get(f"{PEOPLE}{customer.id}/change/").status_code == 302
    assert root.get(f"{PEOPLE}{customer.id}/password/").status_code == 404


def test_nobody_is_hired_without_a_role(root: Client) -> None:
    names = {"email": "camille@comptoir.example", "name": "Camille"}

    with nothing_changes():
        answer = root.post(f"{PEOPLE}add/", names | PASSWORDS | NO_MEMBERSHIPS)

    assert "Give this person a role." in answer.content.decode()


def test_whoever_works_here_keeps_a_role(root: Client) -> None:
    person = person_with(Role.CASHIER, make_store())

    with nothing_changes():
        answer = change(root, person, **{"memberships-0-DELETE": "on"})

    assert "Give this person a role." in answer.content.decode()


def test_nobody_makes_themselves_inactive(root: Client) -> None:
    make_person(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = change(root, User.objects.get(email="root@comptoir.example"), is_active=ABSENT)

    assert "You cannot make yourself inactive" in answer.content.decode()


def test_the_last_active_one_of_the_head_office_keeps_the_role(root: Client) -> None:
    User.objects.filter(email=make_person(Role.HEAD_OFFICE)).update(is_active=False)

    with nothing_changes():
        answer = change(root, User.objects.get(email="root@comptoir.example"), **{"memberships-0-role": "warehouse"})

    assert "Nobody else of the head office is active" in answer.content.decode()


def test_one_of_two_of_the_head_office_may_leave(root: Client) -> None:
    person = person_with(Role.HEAD_OFFICE)

    answer = change(root, person, is_active=ABSENT)

    assert answer.status_code == 302
    assert User.objects.get(pk=person.pk).is_active is False


@pytest.mark.django_db(transaction=True)
def test_of_two_of_the_head_office_who_end_each_other_at_once_one_stays() -> None:
    one, other = person_with(Role.HEAD_OFFICE), person_with(Role.HEAD_OFFICE)
    sent = []
    for viewer, about in ((one, other), (other, one)):
        client = Client()
        client.force_login(viewer)
        sent.append(partial(client.post, f"{PEOPLE}{about.pk}/change/", form_about(about, is_active=ABSENT)))

    at_once(sent)

    assert User.objects.filter(is_active=True).count() == 1


def test_a_form_makes_nobody_a_superuser(root: Client) -> None:
    person = person_with(Role.CASHIER, make_store())

    answer = change(root, person, is_superuser="on", is_staff="on", phone="+33612345678")

    assert answer.status_code == 302
    changed = User.objects.get(pk=person.pk)
    assert (changed.is_superuser, changed.phone) == (False, "")


def test_a_new_password_ends_all_logins(root: Client) -> None:
    person = person_with(Role.CASHIER, make_store())
    accounts.log_in(email=person.email, password=PASSWORD, address="")

    answer = root.post(f"{PEOPLE}{person.pk}/password/", NEW_PASSWORDS)

    assert answer.status_code == 302
    assert person.logins.count() == 0
    assert [(letter.to, letter.subject) for letter in letters()] == [([person.email], "Your password was changed")]


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
def test_a_new_password_is_recorded_under_the_name_of_whoever_set_it() -> None:
    client, person = browser(Role.HEAD_OFFICE), person_with(Role.WAREHOUSE)
    accounts.log_in(email=person.email, password=PASSWORD, address="")
    last = AuditEntry.objects.latest("id").id

    client.post(f"{PEOPLE}{person.pk}/password/", NEW_PASSWORDS)

    entries = AuditEntry.objects.filter(id__gt=last).order_by("id")
    assert [(entry.subject, entry.deed, entry.actor_id) for entry in entries] == [
        ("person", Deed.CHANGED, person_of(client)),
        ("person", Deed.CHANGED, person_of(client)),
        ("login", Deed.DELETED, person_of(client)),
    ]
    empty_queue()


def test_a_password_is_taken_away(root: Client) -> None:
    person = person_with(Role.WAREHOUSE)

    answer = root.post(f"{PEOPLE}{person.pk}/password/", {"usable_password": "false", "unset-password": "1"})

    assert answer.status_code == 302
    assert not User.objects.get(pk=person.pk).has_usable_password()
    assert letters() == []


def test_whoever_sets_their_own_password_here_stays_logged_in(root: Client) -> None:
    person = User.objects.get(email="root@comptoir.example")

    root.post(f"{PEOPLE}{person.pk}/password/", NEW_PASSWORDS)

    assert root.get(PEOPLE).status_code == 200


def test_whoever_comes_back_logs_in_anew(root: Client) -> None:
    person = person_with(Role.WAREHOUSE)
    tokens = accounts.log_in(email=person.email, password=PASSWORD, address="")
    client = Client()
    client.force_login(person)

    change(root, person, is_active=ABSENT)
    change(root, person)

    assert User.objects.get(pk=person.pk).is_active
    assert accounts.refresh(refresh_token=tokens.refresh) is None
    assert client.get("/admin/").status_code == 302


def test_all_logins_of_a_member_of_staff_are_ended(root: Client) -> None:
    person = person_with(Role.WAREHOUSE)
    accounts.log_in(email=person.email, password=PASSWORD, address="")
    client = Client()
    client.force_login(person)

    answer = Step(root, f"{PEOPLE}{person.pk}/end_logins/").submit()

    assert told(answer, root) == ["1 login ended."]
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD_OFFICE])
def test_only_the_head_office_ends_logins(role: Role) -> None:
    person = person_with(Role.WAREHOUSE)
    client = browser(role)

    with nothing_changes():
        answers = [client.get(f"{PEOPLE}{person.pk}/end_logins/"), client.post(f"{PEOPLE}{person.pk}/end_logins/")]

    assert [answer.status_code for answer in answers] == [403, 403]


def test_the_first_account_keeps_nothing_of_a_role_it_lost(root: Client) -> None:
    make_person(Role.HEAD_OFFICE)
    person = User.objects.get(email="root@comptoir.example")
    person.memberships.update(role=Role.CASHIER, store_id=make_store().id)

    pages = [PEOPLE, f"{PEOPLE}{person.pk}/change/", "/admin/accounts/apikey/", "/admin/shared_kernel/auditentry/"]

    assert [root.get(page).status_code for page in pages] == [403] * 4
    assert root.get("/admin/catalog/product/add/").status_code == 403


@pytest.mark.parametrize("role", Role)
def test_a_role_is_given_where_it_counts_alone(root: Client, role: Role) -> None:
    names = {"email": "camille@comptoir.example", "name": "Camille"}
    elsewhere = None if role in {Role.CASHIER, Role.STORE_MANAGER} else make_store()

    with nothing_changes():
        answer = root.post(f"{PEOPLE}add/", names | PASSWORDS | first_role(role, elsewhere))

    assert "Cashiers and store managers work in a store: choose it." in answer.content.decode()


def test_what_the_form_does_not_show_is_not_put_back(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    person = person_with(Role.WAREHOUSE)
    read = PersonAdmin.get_object

    def get_object(*arguments: Any) -> Any:
        row = read(*arguments)
        accounts.replace_password(person_id=person.pk, new_password=NEW_PASSWORD)
        return row

    monkeypatch.setattr(PersonAdmin, "get_object", get_object)
    change(root, person, name="Other")

    assert User.objects.get(pk=person.pk).check_password(NEW_PASSWORD)
