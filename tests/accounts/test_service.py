"""People's logins and permissions through the published calls."""

from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.test import override_settings

from accounts.interface import (
    Action,
    BadCredentials,
    InvalidDetails,
    InvalidToken,
    NewStaff,
    PersonNotFound,
    Role,
    accounts,
)
from accounts.models import Membership, User
from shared_kernel.ids import new_id
from tests.conftest import QuickArgon2

pytestmark = pytest.mark.django_db

EMAIL = "camille@comptoir.example"
PASSWORD = "correct horse battery staple"
STORE, OTHER_STORE = UUID(int=1), UUID(int=2)


def hire(email: str = EMAIL, role: Role = Role.CASHIER, *stores: UUID, name: str = "Camille") -> UUID:
    [person_id] = accounts.ensure_staff(staff=[NewStaff(email, name, PASSWORD, role, stores or (STORE,))])
    return person_id


def people() -> list[Any]:
    """All that the module owns."""
    return [list(User.objects.order_by("id").values()), list(Membership.objects.order_by("id").values())]


# --- Logging in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper(), "Camille@Comptoir.Example"])
def test_whoever_knows_the_password_gets_tokens(email: str) -> None:
    person_id = hire()

    tokens = accounts.log_in(email=email, password=PASSWORD, address="")

    assert accounts.actor_of_token(access_token=tokens.access).id == person_id


def test_an_account_made_in_capitals_is_entered_in_any_case() -> None:
    hire("CAMILLE@Comptoir.Example")

    assert accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    assert User.objects.get().email == EMAIL


def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nobody() -> None:
    hire()

    refusals = []
    for email, password in [(EMAIL, "wrong"), ("nobody@comptoir.example", PASSWORD), (EMAIL, ""), ("", "")]:
        with pytest.raises(BadCredentials) as refusal:
            accounts.log_in(email=email, password=password, address="")
        refusals.append(str(refusal.value))

    assert set(refusals) == {"No active account has this e-mail and password: check both and try again."}


def test_every_refused_login_costs_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is nearly all of the time that it takes."""
    hire()
    hire("marc@comptoir.example")
    User.objects.filter(email="marc@comptoir.example").update(is_active=False)
    hashes: list[str] = []
    hash_password = QuickArgon2.encode, QuickArgon2.verify
    monkeypatch.setattr(QuickArgon2, "encode", lambda *a, **k: hashes.append("encode") or hash_password[0](*a, **k))
    monkeypatch.setattr(QuickArgon2, "verify", lambda *a, **k: hashes.append("verify") or hash_password[1](*a, **k))

    for email in [EMAIL, "marc@comptoir.example", "nobody@comptoir.example"]:
        with pytest.raises(BadCredentials):
            accounts.log_in(email=email, password="wrong", address="")

    assert hashes == ["verify", "verify", "encode"]


def test_who_has_left_does_not_enter() -> None:
    person_id = hire()
    tokens = accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    User.objects.update(is_active=False)

    with pytest.raises(BadCredentials):
        accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    assert accounts.refresh(refresh_token=tokens.refresh) is None
    with pytest.raises(InvalidToken):
        accounts.actor_of_token(access_token=tokens.access)
    with pytest.raises(PersonNotFound):
        accounts.actor(person_id=person_id)


def test_demo_accounts_do_not_enter_in_production() -> None:
    person_id = hire("head@demo.example", Role.HEAD_OFFICE)
    tokens = accounts.log_in(email="head@demo.example", password=PASSWORD, address="")

    with override_settings(COMPTOIR_PRODUCTION=True):
        with pytest.raises(BadCredentials):
            accounts.log_in(email="head@demo.example", password=PASSWORD, address="")
        assert accounts.refresh(refresh_token=tokens.refresh) is None
        with pytest.raises(InvalidToken):
            accounts.actor_of_token(access_token=tokens.access)
        with pytest.raises(PersonNotFound):
            accounts.actor(person_id=person_id)
        assert not User.objects.get().is_staff


# --- Who may what ----------------------------------------------------------------------------------------------------


def test_an_actor_is_a_person_with_their_roles_and_stores() -> None:
    person_id = hire(EMAIL, Role.CASHIER, STORE, OTHER_STORE)

    actor = accounts.actor(person_id=person_id)

    assert (actor.id, actor.name, actor.roles) == (person_id, "Camille", {Role.CASHIER})
    assert actor.everywhere == {Action.READ_STOCK}
    assert actor.in_stores == {
        action: {STORE, OTHER_STORE}
        for action in [
            Action.REQUEST_STOCK,
            Action.SELL,
            Action.REFUND,
            Action.READ_SALES,
            Action.RUN_TILL,
            Action.READ_ORDERS,
            Action.FULFIL_ORDERS,
        ]
    }


def test_somebody_without_a_role_may_nothing() -> None:
    person_id = User.objects.create_user(EMAIL, PASSWORD, name="Camille").id

    actor = accounts.actor(person_id=person_id)

    assert (actor.roles, actor.everywhere, actor.in_stores) == (frozenset(), frozenset(), {})
    assert not User.objects.get().is_staff


def test_permissions_change_at_once_whatever_the_token() -> None:
    person_id = hire(EMAIL, Role.CASHIER, STORE)
    access = accounts.log_in(email=EMAIL, password=PASSWORD, address="").access

    hire(EMAIL, Role.STORE_MANAGER, OTHER_STORE)
    promoted = accounts.actor_of_token(access_token=access)
    Membership.objects.filter(person_id=person_id).delete()
    dismissed = accounts.actor_of_token(access_token=access)

    assert promoted.stores_for(Action.SELL) == {STORE, OTHER_STORE}
    assert promoted.stores_for(Action.COUNT_STOCK) == {OTHER_STORE}
    assert dismissed.stores_for(Action.SELL) == frozenset()
    assert not dismissed.may(Action.READ_STOCK)


def test_an_unknown_person_is_named() -> None:
    unknown = new_id()

    with pytest.raises(PersonNotFound) as refusal:
        accounts.actor(person_id=unknown)

    assert refusal.value.person_id == unknown
    assert str(refusal.value) == f"There is no person {unknown}."


# --- Staff -----------------------------------------------------------------------------------------------------------


def test_staff_are_made_once() -> None:
    staff = [
        NewStaff(EMAIL, "Camille", PASSWORD, Role.CASHIER, (STORE, OTHER_STORE)),
        NewStaff("head@comptoir.example", "Hélène", PASSWORD, Role.HEAD_OFFICE),
    ]

    ids = accounts.ensure_staff(staff=staff)
    before = people()
    again = accounts.ensure_staff(staff=staff)

    assert again == ids
    assert people() == before
    assert [len(rows) for rows in before] == [2, 3]
    assert User.objects.get(id=ids[0]).is_staff


def test_an_account_that_exists_keeps_its_name_and_password() -> None:
    person_id = hire()

    [again] = accounts.ensure_staff(staff=[NewStaff(EMAIL.upper(), "Other", "another", Role.HEAD_OFFICE)])

    assert again == person_id
    assert accounts.names(person_ids=[person_id]) == {person_id: "Camille"}
    assert accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    assert accounts.actor(person_id=person_id).roles == {Role.CASHIER, Role.HEAD_OFFICE}


def test_people_are_found_by_mail_and_named_by_id() -> None:
    camille, marc = hire(), hire("marc@comptoir.example", name="Marc")

    assert accounts.ids_by_email(emails=[EMAIL.upper(), "nobody@comptoir.example"]) == {EMAIL: camille}
    assert accounts.names(person_ids=[camille, marc, new_id()]) == {camille: "Camille", marc: "Marc"}
    assert accounts.ids_by_email(emails=[]) == accounts.names(person_ids=[]) == {}


def test_the_first_account_of_an_installation_is_the_head_office() -> None:
    root = User.objects.create_superuser("ROOT@Comptoir.Example", PASSWORD, name="Root")

    assert accounts.actor(person_id=root.id).roles == {Role.HEAD_OFFICE}
    assert (root.email, str(root), root.is_staff, root.is_superuser) == (
        "root@comptoir.example",
        "root@comptoir.example",
        True,
        False,
    )


def test_the_database_knows_no_superuser() -> None:
    person_id = hire()

    with pytest.raises(IntegrityError, match="person_has_roles_alone"):
        User.objects.filter(id=person_id).update(is_superuser=True)


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER])
def test_nobody_works_in_a_store_that_is_not_named(role: Role) -> None:
    with pytest.raises(InvalidDetails) as refusal:
        accounts.ensure_staff(staff=[NewStaff(EMAIL, "Camille", PASSWORD, role)])

    assert refusal.value.errors == [{"field": "store_ids", "message": f"A {role} works in a store: name it."}]
    assert people() == [[], []]


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.CATALOG_MANAGER, Role.HEAD_OFFICE])
def test_a_role_of_the_chain_is_held_in_the_whole_of_it(role: Role) -> None:
    hire(EMAIL, role, STORE)

    assert Membership.objects.get().store_id is None


@pytest.mark.parametrize("role", Role)
def test_the_database_takes_a_role_where_it_counts_alone(role: Role) -> None:
    hire()
    elsewhere = None if role in {Role.CASHIER, Role.STORE_MANAGER} else STORE

    with pytest.raises(IntegrityError, match="membership_where_it_counts"):
        Membership.objects.update(role=role, store_id=elsewhere)


def test_the_database_takes_an_address_in_small_letters_alone() -> None:
    user = User(email="Camille@comptoir.example", name="Camille")

    with pytest.raises(IntegrityError, match="person_email_lower_case"):
        user.save()
