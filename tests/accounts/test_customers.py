"""Customers through the published calls: their coming, their details, their addresses, and their erasure."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection

from accounts import models
from accounts.interface import (
    AddressNotFound,
    BadCredentials,
    Customer,
    CustomerChanges,
    CustomerNotFound,
    EmailTaken,
    InvalidDetails,
    InvalidToken,
    Language,
    Role,
    TooManyAddresses,
    accounts,
)
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL, PASSWORD, everything, home, letters, nothing_changes, refused, register
from tests.catalog.conftest import Published
from tests.chain import make_person

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def change(customer_id: UUID, **values: Any) -> Customer:
    return accounts.change_customer(customer_id=customer_id, changes=CustomerChanges(**values))


# --- Coming ----------------------------------------------------------------------------------------------------------


def test_who_registers_is_a_customer_who_may_log_in(published: Published) -> None:
    customer = register(email=" Camille@Example.COM ", name=" Camille ", phone="06 12 34 56 78", language=Language.FR)

    assert customer == Customer(
        id=customer.id,
        email=EMAIL,
        name="Camille",
        phone="+33612345678",
        language=Language.FR,
        email_verified=False,
        erased=False,
        created_at=customer.created_at,
    )
    assert accounts.customers(ids=[customer.id, new_id()]) == [customer]
    actor = accounts.actor_of_token(access_token=accounts.log_in(email=EMAIL, password=PASSWORD, address="").access)
    assert (actor.id, actor.roles, actor.everywhere, actor.in_stores) == (customer.id, set(), set(), {})
    assert published() == [("customer.created", {"customer_id": str(customer.id)})]


def test_registering_twice_makes_one_customer(published: Published) -> None:
    customer = register()
    with nothing_changes():
        assert register(customer.id) == customer

    assert len(published()) == 1


def test_an_address_has_one_account_in_any_case() -> None:
    register()
    make_person(Role.HEAD_OFFICE)

    for taken in [EMAIL.upper(), models.User.objects.get(memberships__isnull=False).email]:
        with refused(EmailTaken) as refusal:
            register(email=taken)
        assert refusal.value.email == taken.lower()


@pytest.mark.parametrize(
    "password", ["", "short", "password", "azertyuiop", "camille@example.com", "Camille Martin", "12345678"]
)
def test_a_weak_password_is_refused(password: str) -> None:
    with refused(InvalidDetails) as refusal:
        register(name="Camille Martin", password=password)

    assert {error["field"] for error in refusal.value.errors} == {"password"}


def test_all_that_is_wrong_is_told_at_once() -> None:
    with refused(InvalidDetails) as refusal:
        register(email="nobody", name="", phone="12", password="short")

    assert [error["field"] for error in refusal.value.errors][:4] == ["email", "name", "phone", "password"]
    assert str(refusal.value).startswith("email: This is not an e-mail address.; name: ")


def test_staff_are_no_customers() -> None:
    make_person(Role.CASHIER)
    person_id = models.User.objects.get().id

    assert accounts.customers(ids=[person_id]) == []
    for call in [
        lambda: change(person_id, name="Other"),
        lambda: change_own(person_id, PASSWORD, name="Other"),
        lambda: accounts.erase_customer(customer_id=person_id, now=NOW),
        lambda: accounts.personal_data(customer_id=person_id),
        lambda: accounts.add_address(customer_id=person_id, address_id=new_id(), draft=home()),
        lambda: accounts.request_verification(customer_id=person_id),
    ]:
        with refused(CustomerNotFound) as refusal:
            call()
        assert refusal.value.customer_id == person_id
        assert str(refusal.value) == f"There is no customer {person_id}."


# --- Details ---------------------------------------------------------------------------------------------------------


def test_details_change_one_by_one(published: Published) -> None:
    customer = register(phone="06 12 34 56 78")

    changed = change(customer.id, name="Camille Martin", language=Language.FR)
    without_phone = change(customer.id, phone="")

    assert (changed.name, changed.language, changed.phone) == ("Camille Martin", Language.FR, "+33612345678")
    assert (without_phone.name, without_phone.phone) == ("Camille Martin", "")
    assert published()[1:] == [("customer.updated", {"customer_id": str(customer.id)})] * 2


def test_a_new_address_has_to_be_verified_again() -> None:
    customer = register()
    models.User.objects.update(email_verified_at=NOW)
    letters().clear()

    assert change(customer.id, name="Other").email_verified
    assert letters() == []
    assert not change(customer.id, email="Camille@Other.example").email_verified
    assert letters_sent() == [
        (EMAIL, "Your e-mail address was changed"),
        ("camille@other.example", "Confirm your e-mail address"),
    ]
    assert models.User.objects.get().former_emails == []


def letters_sent() -> list[tuple[str, str]]:
    """To whom, and about what."""
    return [(letter.to[0], letter.subject) for letter in letters()]


def test_each_former_address_is_told_though_it_changed_again_before() -> None:
    customer = register()
    letters().clear()

    change(customer.id, email="second@example.com")
    change(customer.id, email="third@example.com")

    told = [to for to, subject in letters_sent() if subject == "Your e-mail address was changed"]
    assert told == [EMAIL, "second@example.com"]


def test_a_new_address_ends_all_logins_and_nothing_else_does() -> None:
    customer = register()
    tokens = accounts.log_in(email=EMAIL, password=PASSWORD, address="")

    change(customer.id, name="Other", email=EMAIL.upper())
    assert accounts.actor_of_token(access_token=tokens.access)
    change(customer.id, email="other@example.com")

    assert accounts.refresh(refresh_token=tokens.refresh) is None
    with pytest.raises(InvalidToken):
        accounts.actor_of_token(access_token=tokens.access)


def test_of_somebody_erased_no_former_address_is_kept() -> None:
    customer = register()
    change(customer.id, email="other@example.com")

    accounts.erase_customer(customer_id=customer.id, now=NOW)

    assert models.User.objects.get().former_emails == []
    assert letters() == []


def change_own(customer_id: UUID, current_password: str, **values: Any) -> Customer:
    return accounts.change_own_details(
        customer_id=customer_id, changes=CustomerChanges(**values), current_password=current_password, address=""
    )


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_has_another_address_without_their_password(password: str) -> None:
    customer = register()

    with refused(InvalidDetails) as refusal:
        change_own(customer.id, password, email="other@example.com")

    assert refusal.value.errors == [{"field": "current_password", "message": "This is not your password."}]
    assert change_own(customer.id, password, name="Other", email=EMAIL.upper()).name == "Other"
    assert change_own(customer.id, PASSWORD, email="other@example.com").email == "other@example.com"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"email": "marc@example.com"}, EmailTaken),
        ({"email": "nobody"}, InvalidDetails),
        ({"name": " "}, InvalidDetails),
        ({"phone": "12"}, InvalidDetails),
    ],
)
def test_a_change_that_breaks_a_rule_changes_nothing(values: dict[str, str], kind: Any) -> None:
    customer = register()
    register(email="marc@example.com")

    with refused(kind):
        change(customer.id, **values)


# --- Addresses -------------------------------------------------------------------------------------------------------


def book(customer_id: UUID) -> list[tuple[str, bool, bool]]:
    """Name and defaults of each address."""
    return [
        (address.name, address.default_billing, address.default_delivery)
        for address in accounts.addresses(customer_ids=[customer_id])
    ]


def test_an_address_is_kept_in_its_normal_form(published: Published) -> None:
    customer, address_id = register(), new_id()
    draft = home(name=" Camille ", country="gb", postal_code="ec1y 8sy", phone="020 7946 0018", email="C@Example.com")

    address = accounts.add_address(customer_id=customer.id, address_id=address_id, draft=draft)

    assert (address.id, address.customer_id) == (address_id, customer.id)
    assert (address.name, address.country, address.postal_code) == ("Camille", "GB", "EC1Y 8SY")
    assert (address.phone, address.email) == ("+442079460018", "c@example.com")
    assert accounts.addresses(customer_ids=[customer.id]) == [address]
    assert published()[1:] == [("customer.updated", {"customer_id": str(customer.id)})]


def test_the_first_address_is_the_default_and_a_later_one_takes_it_over() -> None:
    customer, first, second = register(), new_id(), new_id()

    accounts.add_address(customer_id=customer.id, address_id=first, draft=home(name="First"))
    assert book(customer.id) == [("First", True, True)]
    accounts.add_address(customer_id=customer.id, address_id=second, draft=home(name="Second", default_delivery=True))
    assert book(customer.id) == [("First", True, False), ("Second", False, True)]
    accounts.change_address(customer_id=customer.id, address_id=second, draft=home(name="Office", default_billing=True))
    assert book(customer.id) == [("First", False, False), ("Office", True, False)]
    accounts.remove_address(customer_id=customer.id, address_id=second)
    assert book(customer.id) == [("First", False, False)]


def test_an_address_comes_once_and_goes_once() -> None:
    customer, address_id = register(), new_id()
    address = accounts.add_address(customer_id=customer.id, address_id=address_id, draft=home())

    with nothing_changes():
        assert accounts.add_address(customer_id=customer.id, address_id=address_id, draft=home()) == address
    accounts.remove_address(customer_id=customer.id, address_id=address_id)
    with nothing_changes():
        accounts.remove_address(customer_id=customer.id, address_id=address_id)

    assert book(customer.id) == []


def test_nobody_changes_somebody_elses_address() -> None:
    customer, other, address_id = register(), register(email="marc@example.com"), new_id()
    accounts.add_address(customer_id=customer.id, address_id=address_id, draft=home())

    with refused(AddressNotFound) as refusal:
        accounts.change_address(customer_id=other.id, address_id=address_id, draft=home(name="Marc"))
    with nothing_changes():
        accounts.remove_address(customer_id=other.id, address_id=address_id)

    assert str(refusal.value) == f"There is no address {address_id} in this customer's book."


def test_a_wrong_address_is_not_kept() -> None:
    customer = register()

    with refused(InvalidDetails) as refusal:
        accounts.add_address(customer_id=customer.id, address_id=new_id(), draft=home(postal_code="1", country="FR"))

    assert [error["field"] for error in refusal.value.errors] == ["postal_code"]


def test_an_address_in_nobodys_book_is_made_sound_alike() -> None:
    with nothing_changes():
        sound = accounts.sound_address(draft=home(name=" Camille ", country="fr", phone="06 12 34 56 78"))
        assert (sound.name, sound.country, sound.phone) == ("Camille", "FR", "+33612345678")
        with pytest.raises(InvalidDetails):
            accounts.sound_address(draft=home(postal_code="nonsense"))


def test_a_book_has_an_end() -> None:
    customer = register()
    models.Address.objects.bulk_create(
        models.Address(customer_id=customer.id, name=str(number), line1="-", city="-", country="FR")
        for number in range(50)
    )

    with refused(TooManyAddresses) as refusal:
        accounts.add_address(customer_id=customer.id, address_id=new_id(), draft=home())

    assert str(refusal.value) == "An address book holds 50 addresses: remove one that is not needed any more."


def test_the_database_takes_one_default_of_each_kind() -> None:
    customer = register()
    row = {"customer_id": customer.id, "name": "-", "line1": "-", "city": "-", "country": "FR"}
    models.Address.objects.create(**row, default_billing=True)

    with pytest.raises(IntegrityError, match="address_one_default_billing"):
        models.Address.objects.create(**row, default_billing=True)


# --- Erasure and export ----------------------------------------------------------------------------------------------


def test_everything_held_is_told() -> None:
    customer = register()
    address = accounts.add_address(customer_id=customer.id, address_id=new_id(), draft=home())
    accounts.log_in(email=EMAIL, password=PASSWORD, address="")

    data = accounts.personal_data(customer_id=customer.id)

    assert (data.customer, data.addresses) == (customer, [address])
    assert [login.started_at for login in data.logins] == [models.Login.objects.get().created_at]


def test_an_erased_customer_leaves_nothing_but_an_id(published: Published) -> None:
    customer = register(name="Camille Martin", phone="06 12 34 56 78")
    accounts.add_address(customer_id=customer.id, address_id=new_id(), draft=home(email="home@example.com"))
    tokens = accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    password = models.User.objects.get().password

    accounts.erase_customer(customer_id=customer.id, now=NOW)

    [left] = accounts.customers(ids=[customer.id])
    assert (left.id, left.erased, left.email, left.name, left.phone) == (customer.id, True, "", "", "")
    assert accounts.names(person_ids=[customer.id]) == {}
    assert published()[-1] == ("customer.deleted", {"customer_id": str(customer.id)})
    held = str(everything())
    for word in ["amille", "Martin", "612345678", "Mercière", "home@", password]:
        assert word not in held
    with pytest.raises(BadCredentials):
        accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    with pytest.raises(InvalidToken):
        accounts.actor_of_token(access_token=tokens.access)
    assert accounts.refresh(refresh_token=tokens.refresh) is None


def test_erasing_twice_is_erasing_once() -> None:
    customer = register()
    accounts.erase_customer(customer_id=customer.id, now=NOW)

    with nothing_changes():
        accounts.erase_customer(customer_id=customer.id, now=NOW)
    with refused(CustomerNotFound):
        change(customer.id, name="Camille")
    with refused(CustomerNotFound):
        accounts.personal_data(customer_id=customer.id)


def test_no_letter_reaches_somebody_erased() -> None:
    customer = register()
    accounts.request_password_reset(email=EMAIL)
    accounts.erase_customer(customer_id=customer.id, now=NOW)

    assert letters() == []


def test_an_erased_customers_address_is_free_again() -> None:
    accounts.erase_customer(customer_id=register().id, now=NOW)

    assert register().email == EMAIL


def test_the_database_does_not_let_an_erased_customer_come_back() -> None:
    customer = register()
    accounts.erase_customer(customer_id=customer.id, now=NOW)

    with pytest.raises(IntegrityError, match="person_erased_for_good"), connection.cursor() as cursor:
        cursor.execute("UPDATE person SET name = 'Camille'")
