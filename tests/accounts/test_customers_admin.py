"""Customers in Django's admin: who sees them, what is shown, and what can be done about them."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client

from accounts.interface import AddressDraft, Customer, Role, accounts
from accounts.models import User
from shared_kernel.audit import Deed
from shared_kernel.ids import new_id
from shared_kernel.models import AuditEntry
from tests.accounts.actions import EMAIL, PASSWORD, home, letters, nothing_changes, register
from tests.admin import Step, browser, errors_of, shows_step, told
from tests.chain import make_person, make_store

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/customer/"
STEPS = ["send_verification", "end_logins", "erase"]


def page_of(customer: Customer, step: str = "change") -> str:
    return f"{LIST}{customer.id}/{step}/"


def add_address(customer: Customer, draft: AddressDraft) -> None:
    accounts.add_address(customer_id=customer.id, address_id=new_id(), draft=draft)


def erase(customer: Customer) -> None:
    accounts.erase_customer(customer_id=customer.id, now=datetime.now(UTC))


def log_in() -> None:
    accounts.log_in(email=EMAIL, password=PASSWORD, address="")


def found(client: Client, query: str) -> list[str]:
    """The e-mails on the list, latest first."""
    return [row.email for row in client.get(f"{LIST}{query}").context["cl"].result_list]


def test_the_list_shows_customers_and_nobody_who_works_here() -> None:
    register()
    client = browser(Role.STORE_MANAGER, make_store())

    assert found(client, "") == [EMAIL]


@pytest.mark.parametrize("search", ["camille", "MARTIN", "example.com", "+3361234", "Martin Camille"])
def test_a_customer_is_found_by_part_of_name_e_mail_or_phone(search: str) -> None:
    register(name="Camille Martin", phone="+33612345678")
    register(email="other@elsewhere.fr", name="Dominique")

    assert found(browser(Role.HEAD_OFFICE), f"?q={search.replace('+', '%2B')}") == [EMAIL]


def test_the_lists_filter_knows_who_is_verified_and_who_was_erased() -> None:
    verified, gone = register(email="one@example.com"), register(email="two@example.com")
    register()
    User.objects.filter(id=verified.id).update(email_verified_at=datetime.now(UTC))
    erase(gone)
    client = browser(Role.HEAD_OFFICE)

    states = {state: found(client, f"?state={state}") for state in ("verified", "unverified", "erased", "nonsense")}

    assert states == {
        "verified": ["one@example.com"],
        "unverified": [EMAIL],
        "erased": [f"{gone.id}@erased.invalid"],
        "nonsense": [EMAIL, f"{gone.id}@erased.invalid", "one@example.com"],
    }


def test_a_customers_page_shows_their_addresses_and_logins() -> None:
    customer = register(name="Camille Martin")
    add_address(customer, home(line1="12 rue Mercière"))
    log_in()

    page = browser(Role.STORE_MANAGER, make_store()).get(page_of(customer)).content.decode()

    for text in ("Camille Martin", EMAIL, "12 rue Mercière, 69002 Lyon, FR", "Bills, Goods", "Last refreshed"):
        assert text in page


def test_a_look_at_a_customer_is_no_export() -> None:
    customer = register()

    browser(Role.HEAD_OFFICE).get(page_of(customer))

    assert not AuditEntry.objects.filter(deed=Deed.EXPORTED, subject_id=str(customer.id)).exists()


def test_of_somebody_erased_a_page_shows_that_alone() -> None:
    customer = register(name="Camille Martin")
    erase(customer)
    client = browser(Role.HEAD_OFFICE)

    pages = [client.get(path).content.decode() for path in (LIST, page_of(customer))]

    assert all("Erased customer" in page for page in pages)
    assert not any(text in page for page in pages for text in ("Camille", "erased.invalid", *map(page_path, STEPS)))


def page_path(step: str) -> str:
    return f"/{step}/"


def test_erasing_asks_first_and_says_what_stays() -> None:
    customer = register()
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        step = Step(client, page_of(customer, "erase"))
        unsure = step.submit()

    assert shows_step(step.page)
    assert "Sales and orders stay in the books" in step.page.content.decode()
    assert errors_of(unsure) == {"sure": ["This field is required."]}


def test_erasing_removes_the_person_once() -> None:
    customer = register()
    client = browser(Role.HEAD_OFFICE)
    step = Step(client, page_of(customer, "erase"))

    assert told(step.submit(sure="on"), client) == ["The customer is erased."]
    with nothing_changes():
        again = step.submit(sure="on")

    assert again.status_code == 302
    assert accounts.customers(ids=[customer.id])[0].erased


def test_all_logins_are_ended() -> None:
    customer = register()
    log_in()
    log_in()
    client = browser(Role.HEAD_OFFICE)

    answer = Step(client, page_of(customer, "end_logins")).submit()

    assert told(answer, client) == ["2 logins ended."]
    assert accounts.personal_data(customer_id=customer.id).logins == []


def test_the_verification_mail_is_sent_again() -> None:
    customer = register()
    letters().clear()
    client = browser(Role.HEAD_OFFICE)

    answer = Step(client, page_of(customer, "send_verification")).submit()

    assert told(answer, client) == [f"A mail with a code is on its way to {EMAIL}."]
    assert [letter.to for letter in letters()] == [[EMAIL]]


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_done_about_somebody_erased(step: str) -> None:
    customer = register()
    erase(customer)
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = client.post(page_of(customer, step), {"operation_id": str(new_id()), "sure": "on"})

    assert told(answer, client) == ["There is nothing to do with these rows any more."]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD_OFFICE])
def test_the_steps_are_the_head_offices(role: Role, step: str) -> None:
    customer = register()
    client = browser(role, make_store())

    with nothing_changes():
        answers = [client.get(page_of(customer, step)), client.post(page_of(customer, step), {"sure": "on"})]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert page_path(step) not in client.get(page_of(customer)).content.decode()


@pytest.mark.parametrize("step", STEPS)
def test_a_member_of_staff_is_no_customer(step: str) -> None:
    person = User.objects.get(email=make_person(Role.CASHIER, make_store()))
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = client.post(f"{LIST}{person.id}/{step}/", {"operation_id": str(new_id()), "sure": "on"})

    assert told(answer, client)[0] == "There is nothing to do with these rows any more."


def test_a_search_among_many_uses_the_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO person (id, password, is_superuser, email, name, phone, language, is_active, created_at)"
            " SELECT gen_random_uuid(), '', false, 'c' || n || '@example.com', md5(n::text), '', 'en', true, now()"
            " FROM generate_series(1, 20000) n"
        )
        cursor.execute("ANALYZE person")
    searched = User.objects.customers().filter(name__icontains="martinez")

    assert "person_search" in searched.explain()
