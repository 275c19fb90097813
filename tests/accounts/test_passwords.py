"""Passwords that change, are forgotten and reset; and e-mails that are verified."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import connection

from accounts.interface import (
    BadCredentials,
    CustomerChanges,
    InvalidCode,
    InvalidDetails,
    InvalidToken,
    Language,
    Letter,
    PersonNotFound,
    Role,
    accounts,
)
from accounts.models import User
from accounts.rules import code_of
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL, NEW_PASSWORD, PASSWORD, code_in, letters, nothing_changes, refused, register
from tests.catalog.conftest import Published
from tests.chain import make_person

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def enters(password: str, email: str = EMAIL) -> bool:
    try:
        return bool(accounts.log_in(email=email, password=password, address=""))
    except BadCredentials:
        return False


def reset_code(email: str = EMAIL) -> str:
    """The code of a letter that was asked for."""
    letters().clear()
    accounts.request_password_reset(email=email)
    [letter] = letters()
    return code_in(letter)


def later(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> None:
    """Lets the codes' clock go on."""
    at = datetime.now() + time  # noqa: DTZ005 the generator's clock is a local one
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: at)


# --- Changing --------------------------------------------------------------------------------------------------------


def test_a_changed_password_ends_every_login() -> None:
    customer = register()
    tokens = [accounts.log_in(email=EMAIL, password=PASSWORD, address="") for _ in range(2)]
    letters().clear()

    accounts.change_password(person_id=customer.id, current_password=PASSWORD, new_password=NEW_PASSWORD, address="")

    assert (enters(PASSWORD), enters(NEW_PASSWORD)) == (False, True)
    for pair in tokens:
        assert accounts.refresh(refresh_token=pair.refresh) is None
        with pytest.raises(InvalidToken):
            accounts.actor_of_token(access_token=pair.access)
    [letter] = letters()
    assert (letter.to, letter.subject) == ([EMAIL], "Your password was changed")


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW_PASSWORD, "current_password"),
        ("", NEW_PASSWORD, "current_password"),
        (PASSWORD, "password", "new_password"),
        (PASSWORD, EMAIL, "new_password"),
        (PASSWORD, "", "new_password"),
    ],
)
def test_a_wrong_or_weak_password_changes_nothing(current: str, new: str, field: str) -> None:
    customer = register()

    with refused(InvalidDetails) as refusal:
        accounts.change_password(person_id=customer.id, current_password=current, new_password=new, address="")

    assert {error["field"] for error in refusal.value.errors} == {field}


def test_staff_change_their_password_alike() -> None:
    email = make_person(Role.HEAD_OFFICE)

    accounts.change_password(
        person_id=User.objects.get().id, current_password=PASSWORD, new_password=NEW_PASSWORD, address=""
    )

    assert enters(NEW_PASSWORD, email)


def test_nobody_has_no_password() -> None:
    with refused(PersonNotFound):
        accounts.change_password(person_id=new_id(), current_password=PASSWORD, new_password=NEW_PASSWORD, address="")


# --- Forgotten -------------------------------------------------------------------------------------------------------


def test_a_code_from_a_letter_sets_a_new_password_once() -> None:
    register()
    tokens = accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    code = reset_code(EMAIL.upper())

    accounts.reset_password(code=code, new_password=NEW_PASSWORD)

    assert (enters(PASSWORD), enters(NEW_PASSWORD)) == (False, True)
    assert accounts.refresh(refresh_token=tokens.refresh) is None
    assert letters()[-1].subject == "Your password was changed"
    with refused(InvalidCode):
        accounts.reset_password(code=code, new_password="yet another horse and staple")


def test_a_weak_password_leaves_the_code_good() -> None:
    register()
    code = reset_code()

    with refused(InvalidDetails) as refusal:
        accounts.reset_password(code=code, new_password="password")
    accounts.reset_password(code=code, new_password=NEW_PASSWORD)

    assert {error["field"] for error in refusal.value.errors} == {"new_password"}
    assert enters(NEW_PASSWORD)


def test_a_code_is_good_for_one_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    register()
    code = reset_code()

    later(monkeypatch, timedelta(minutes=61))
    with refused(InvalidCode):
        accounts.reset_password(code=code, new_password=NEW_PASSWORD)
    later(monkeypatch, timedelta(minutes=59))
    accounts.reset_password(code=code, new_password=NEW_PASSWORD)

    assert enters(NEW_PASSWORD)


def test_a_code_of_another_kind_or_person_is_none() -> None:
    register()
    other = register(email="marc@example.com")
    verification = code_in(letters()[0])
    code = reset_code()

    for forged in ["", "nonsense", verification, f"{other.id.hex}.{code.partition('.')[2]}", code[:-1], f"{code}\x00"]:
        with refused(InvalidCode) as refusal:
            accounts.reset_password(code=forged, new_password=NEW_PASSWORD)
    assert str(refusal.value) == "This code is wrong, used, or too old: ask for a new one."


def test_an_unknown_address_gets_the_same_work_and_no_letter() -> None:
    register()
    letters().clear()
    statements: list[list[str]] = []

    def count(execute: Any, sql: str, *arguments: Any) -> Any:
        statements[-1] += [sql] * ("SAVEPOINT" not in sql)
        return execute(sql, *arguments)

    for email in [EMAIL, "nobody@example.com"]:
        statements.append([])
        with connection.execute_wrapper(count):
            accounts.request_password_reset(email=email)

    assert statements[0] == statements[1] != []
    assert [letter.to for letter in letters()] == [[EMAIL]]


def test_the_queue_knows_neither_address_nor_code() -> None:
    customer = register()

    with connection.cursor() as cursor:
        cursor.execute("SELECT args::text FROM procrastinate_jobs WHERE task_name = 'send_letter'")
        [(arguments,)] = cursor.fetchall()

    assert arguments == f'{{"letter": "verify_email", "person_id": "{customer.id}"}}'


# --- By the head office ----------------------------------------------------------------------------------------------


def test_a_password_from_the_head_office_ends_every_login_and_is_told() -> None:
    customer = register()
    tokens = accounts.log_in(email=EMAIL, password=PASSWORD, address="")
    letters().clear()

    accounts.replace_password(person_id=customer.id, new_password=NEW_PASSWORD)

    assert (enters(PASSWORD), enters(NEW_PASSWORD)) == (False, True)
    assert accounts.refresh(refresh_token=tokens.refresh) is None
    assert [letter.subject for letter in letters()] == ["Your password was changed"]


def test_a_password_that_was_taken_away_is_not_set_by_mail() -> None:
    customer = register()
    code = reset_code()
    letters().clear()

    accounts.replace_password(person_id=customer.id, new_password=None)
    accounts.request_password_reset(email=EMAIL)

    assert (enters(PASSWORD), letters()) == (False, [])
    with refused(InvalidCode):
        accounts.reset_password(code=code, new_password=NEW_PASSWORD)
    # Such a code was made after it, by whoever has the secret.
    user = User.objects.get()
    forged = code_of(user.id, PasswordResetTokenGenerator().make_token(user))
    with refused(InvalidCode):
        accounts.reset_password(code=forged, new_password=NEW_PASSWORD)


def test_the_head_office_sets_no_weak_password_and_none_of_nobody() -> None:
    customer = register()

    with refused(InvalidDetails):
        accounts.replace_password(person_id=customer.id, new_password="password")
    with refused(PersonNotFound):
        accounts.replace_password(person_id=new_id(), new_password=NEW_PASSWORD)


# --- Verified --------------------------------------------------------------------------------------------------------


def test_a_code_that_came_there_verifies_an_address(published: Published) -> None:
    customer = register()
    [letter] = letters()
    code = code_in(letter)

    accounts.verify_email(code=code, now=NOW)
    with nothing_changes():
        accounts.verify_email(code=code, now=NOW + timedelta(minutes=1))

    assert (letter.to, letter.subject) == ([EMAIL], "Confirm your e-mail address")
    assert accounts.customers(ids=[customer.id])[0].email_verified
    assert published()[1:] == [("customer.updated", {"customer_id": str(customer.id)})]


def test_a_code_for_an_earlier_address_verifies_none() -> None:
    customer = register()
    code = code_in(letters()[0])
    accounts.change_customer(customer_id=customer.id, changes=CustomerChanges(email="other@example.com"))

    with refused(InvalidCode):
        accounts.verify_email(code=code, now=NOW)
    accounts.verify_email(code=code_in(letters()[-1]), now=NOW)

    assert accounts.customers(ids=[customer.id])[0].email_verified


def test_another_code_may_be_asked_for() -> None:
    customer = register()
    letters().clear()

    accounts.request_verification(customer_id=customer.id)
    accounts.verify_email(code=code_in(letters()[0]), now=NOW)

    assert accounts.customers(ids=[customer.id])[0].email_verified


def test_letters_come_in_the_persons_language() -> None:
    register(language=Language.FR)

    [letter] = letters()

    assert letter.subject == "Confirmez votre adresse e-mail"
    assert letter.body.startswith("Bonjour Camille,\n")


def test_nobody_gets_no_letter() -> None:
    accounts.send_letter(person_id=new_id(), letter=Letter.RESET_PASSWORD)

    assert letters() == []
