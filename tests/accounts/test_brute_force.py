"""Guessing passwords: after some wrong ones no more are checked for a while, whoever guesses, and however fast."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.interface import (
    BadCredentials,
    Customer,
    CustomerChanges,
    EmailTaken,
    InvalidDetails,
    Role,
    Tokens,
    TooManyAttempts,
    accounts,
)
from shared_kernel.models import RateLimit
from tests.accounts.actions import EMAIL, NEW_PASSWORD, PASSWORD, everything, letters, register
from tests.chain import make_person, post
from tests.conftest import QuickArgon2
from tests.threads import answer_or_refusal, at_once, empty_queue

# A test's transaction, which each call would otherwise be a savepoint of, undoes what a refused call has counted.
pytestmark = [pytest.mark.django_db, pytest.mark.plain_calls]

HERE, ELSEWHERE = "203.0.113.9", "198.51.100.1"


def enter(password: str = PASSWORD, email: str = EMAIL, address: str = HERE) -> Any:
    """The tokens of a login, or the refusal."""
    return answer_or_refusal(partial(accounts.log_in, email=email, password=password, address=address))


def guess(times: int = 1, **values: str) -> list[type[Any]]:
    """What becomes of these many wrong passwords."""
    return [type(enter("wrong", **values)) for _ in range(times)]


def end_windows(lasting: timedelta) -> None:
    now = datetime.now(UTC)
    RateLimit.objects.filter(expires_at__lt=now + lasting).update(expires_at=now - timedelta(seconds=1))


# --- At one account from one address ---------------------------------------------------------------------------------


def test_after_five_wrong_passwords_not_even_the_right_one_is_looked_at() -> None:
    register()

    assert guess(5) == [BadCredentials] * 5
    refusal = enter()
    assert isinstance(refusal, TooManyAttempts)
    assert 295 <= refusal.retry_after <= 300
    assert str(refusal) == f"Too many attempts: try again in {refusal.retry_after} seconds."


def test_a_refused_guess_costs_no_hash_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    register()
    guess(5)
    before = everything()
    monkeypatch.setattr(QuickArgon2, "verify", None)
    monkeypatch.setattr(QuickArgon2, "encode", None)

    assert guess(3) == [TooManyAttempts] * 3
    assert everything() == before


def test_an_unknown_address_gets_the_same_answers() -> None:
    register()

    assert guess(7) == guess(7, email="nobody@example.com")


def test_the_case_of_the_address_makes_no_new_account() -> None:
    register()
    guess(5)

    assert guess(email=EMAIL.upper()) == [TooManyAttempts]


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_five_are_checked() -> None:
    register()

    answers = at_once([partial(enter, f"guess {number}") for number in range(16)])

    kinds = [type(answer) for answer in answers]
    assert (kinds.count(BadCredentials), kinds.count(TooManyAttempts)) == (5, 11)
    empty_queue()


def test_after_five_minutes_one_may_try_again_and_after_twenty_tries_an_hour_must_pass() -> None:
    register()
    for _ in range(4):
        assert guess(6) == [BadCredentials] * 5 + [TooManyAttempts]
        end_windows(timedelta(minutes=6))

    refusal = enter()
    assert isinstance(refusal, TooManyAttempts)
    assert 3500 <= refusal.retry_after <= 3600
    end_windows(timedelta(minutes=61))
    assert isinstance(enter(), Tokens)


def test_whoever_knows_the_password_may_log_in_as_often_as_they_like() -> None:
    register()
    RateLimit.objects.all().delete()

    assert {type(enter()) for _ in range(40)} == {Tokens}
    assert set(RateLimit.objects.values_list("hits", flat=True)) == {0}


def test_forty_tries_a_day_from_one_address_leave_the_owner_some_elsewhere() -> None:
    register()
    for _ in range(8):
        assert guess(5) == [BadCredentials] * 5
        end_windows(timedelta(hours=2))

    refusal = enter()
    assert isinstance(refusal, TooManyAttempts)
    assert 86300 <= refusal.retry_after <= 86400
    assert isinstance(enter(address=ELSEWHERE), Tokens)


def test_a_neighbour_in_the_same_ipv6_network_is_no_other_address() -> None:
    register()

    assert guess(5, address="2001:db8:1:2::1") == [BadCredentials] * 5
    assert guess(address="2001:db8:1:2::2") == [TooManyAttempts]
    assert guess(address="2001:db8:1:3::1") == [BadCredentials]


# --- At one account from everywhere, and from one address at all -----------------------------------------------------


def test_somebody_elses_guesses_do_not_lock_a_person_out() -> None:
    register()
    guess(50, address=ELSEWHERE)

    assert isinstance(enter(), Tokens)


def test_but_thirty_checked_guesses_an_hour_from_anywhere_do() -> None:
    register()
    for number in range(6):
        assert guess(5, address=f"198.51.100.{number}") == [BadCredentials] * 5

    assert isinstance(enter(), TooManyAttempts)


def test_a_hundred_failures_an_hour_from_one_address_end_all_guessing_there() -> None:
    register()
    for number in range(99):
        assert guess(email=f"person-{number}@example.com") == [BadCredentials]

    assert isinstance(enter(), Tokens)
    assert guess(email="person-99@example.com") == [BadCredentials]
    assert isinstance(enter(), TooManyAttempts)
    assert isinstance(enter(address=ELSEWHERE), Tokens)


# --- Wherever a password is asked for --------------------------------------------------------------------------------


def change(person_id: UUID, current: str, new: str = NEW_PASSWORD) -> Any:
    return answer_or_refusal(
        partial(accounts.change_password, person_id=person_id, current_password=current, new_password=new, address=HERE)
    )


@pytest.mark.django_db(transaction=True)
def test_the_current_password_is_no_door_to_guess_at() -> None:
    customer = register()

    assert [type(change(customer.id, "wrong")) for _ in range(6)] == [InvalidDetails] * 5 + [TooManyAttempts]
    assert isinstance(change(customer.id, PASSWORD), TooManyAttempts)
    assert isinstance(enter(), TooManyAttempts)
    empty_queue()


def test_a_weak_new_password_is_no_guess() -> None:
    customer = register()

    assert {type(change(customer.id, PASSWORD, "password")) for _ in range(10)} == {InvalidDetails}
    assert change(customer.id, PASSWORD) is None
    assert isinstance(enter(NEW_PASSWORD), Tokens)


def rest(path: str, email: str, password: str) -> Any:
    return post(Client(), path, {"email": email, "password": password})


@pytest.mark.parametrize("path", ["/auth/login/", "/customers/login/"])
def test_over_rest_it_is_a_429_that_says_when(path: str) -> None:
    register()
    for _ in range(5):
        assert rest(path, EMAIL, "wrong").status_code == 401

    answer = rest(path, EMAIL, PASSWORD)

    document = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert (document["code"], document["title"]) == ("too_many_attempts", "Too Many Requests")
    assert answer["Retry-After"] == str(document["retry_after"])
    assert 290 <= document["retry_after"] <= 300


def form(path: str) -> Callable[[str, str], Any]:
    return lambda email, password: Client().post(path, {"username": email, "password": password})


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_the_forms_say_how_many_minutes_to_wait(path: str) -> None:
    email, send = make_person(Role.HEAD_OFFICE), form(path)
    for _ in range(5):
        assert "Too many attempts" not in send(email, "wrong").content.decode()

    answer = send(email, PASSWORD)

    assert answer.status_code == 200
    assert "Too many attempts: try again in 5 minutes." in answer.content.decode()
    assert "sessionid" not in answer.cookies


def test_all_doors_count_together() -> None:
    email = make_person(Role.HEAD_OFFICE)
    guesses = [
        partial(rest, "/auth/login/", email, "wrong"),
        partial(rest, "/customers/login/", email, "wrong"),
        partial(form("/login/"), email, "wrong"),
        partial(form("/admin/login/"), email, "wrong"),
        partial(rest, "/auth/login/", email, "wrong"),
    ]

    assert [one().status_code for one in guesses] == [401, 401, 200, 200, 401]
    assert rest("/auth/login/", email, PASSWORD).status_code == 429


# --- Letters ---------------------------------------------------------------------------------------------------------


def test_nobody_is_sent_more_than_five_letters_with_a_code_an_hour() -> None:
    customer = register()

    for email in [EMAIL, EMAIL.upper(), EMAIL, EMAIL, EMAIL]:
        accounts.request_password_reset(email=email)
    accounts.request_verification(customer_id=customer.id)

    assert [letter.subject for letter in letters()] == ["Confirm your e-mail address"] + ["Choose a new password"] * 4


# --- Another e-mail --------------------------------------------------------------------------------------------------


def move(customer_id: UUID, password: str = PASSWORD, email: str = "new@example.com") -> Any:
    """What becomes of a customer's wish to have another e-mail."""
    changes = CustomerChanges(email=email)
    return answer_or_refusal(
        partial(
            accounts.change_own_details,
            customer_id=customer_id,
            changes=changes,
            current_password=password,
            address=HERE,
        )
    )


def test_the_password_for_a_new_e_mail_is_no_door_to_guess_at() -> None:
    customer = register()

    assert [type(move(customer.id, "wrong")) for _ in range(6)] == [InvalidDetails] * 5 + [TooManyAttempts]
    assert isinstance(move(customer.id), TooManyAttempts)
    assert isinstance(enter(), TooManyAttempts)


@pytest.mark.django_db(transaction=True)
def test_whoever_tries_ten_e_mails_an_hour_learns_of_no_more_accounts() -> None:
    customer = register()
    register(email="marc@example.com")

    assert [type(move(customer.id, email="marc@example.com")) for _ in range(10)] == [EmailTaken] * 10
    assert isinstance(move(customer.id, email="marc@example.com"), TooManyAttempts)
    assert isinstance(move(customer.id, email=EMAIL), Customer)
    empty_queue()
