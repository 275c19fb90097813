"""Two calls at one time, the second of which starts before each single statement of the first, in turn."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from accounts.interface import (
    Action,
    ApiKeyDraft,
    BadCredentials,
    CustomerChanges,
    CustomerNotFound,
    EmailTaken,
    InvalidCode,
    Tokens,
    accounts,
    new_secret_key,
)
from accounts.models import Address, ApiKey, Login, User
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL, NEW_PASSWORD, PASSWORD, code_in, draft, home, letters, register
from tests.threads import Call, Cut, cuts, empty_queue

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield
    empty_queue()


def fresh_email() -> str:
    return f"{new_id()}@example.com"


def twins(cut: Cut, call: Call) -> Any:
    """The one answer of a call that is sent twice."""
    first, second = cut(call, call)
    assert second == first
    return first


def kinds(answers: tuple[Any, Any]) -> set[type[Any]]:
    return {type(answer) for answer in answers}


# --- The same write twice --------------------------------------------------------------------------------------------


def test_a_registration_that_is_sent_twice_makes_one_customer() -> None:
    for cut in cuts():
        customer_id, email = new_id(), fresh_email()

        customer = twins(cut, partial(accounts.register, customer_id=customer_id, draft=draft(email=email)))

        assert (customer.id, customer.email) == (customer_id, email)


def test_an_erasure_that_is_sent_twice_erases_once() -> None:
    for cut in cuts():
        customer = register(email=fresh_email())

        assert twins(cut, partial(accounts.erase_customer, customer_id=customer.id, now=NOW)) is None

        assert accounts.customers(ids=[customer.id])[0].erased


def test_an_address_that_is_sent_twice_comes_once() -> None:
    for cut in cuts():
        customer, address_id = register(email=fresh_email()), new_id()

        twins(cut, partial(accounts.add_address, customer_id=customer.id, address_id=address_id, draft=home()))

        assert [address.id for address in accounts.addresses(customer_ids=[customer.id])] == [address_id]


def test_a_key_that_is_sent_twice_is_made_once() -> None:
    for cut in cuts():
        key_id, key = new_id(), new_secret_key()
        machine = ApiKeyDraft(name="Till", scopes=frozenset({Action.SELL}))

        made = twins(cut, partial(accounts.create_api_key, key_id=key_id, key=key, draft=machine))

        assert (made.id, made.prefix) == (key_id, key[:12])


def test_a_rotation_that_is_sent_twice_makes_one_follower() -> None:
    for cut in cuts():
        machine = ApiKeyDraft(name=str(new_id()), scopes=frozenset({Action.SELL}))
        old = accounts.create_api_key(key_id=new_id(), key=new_secret_key(), draft=machine)
        rotate = partial(
            accounts.rotate_api_key,
            key_id=old.id,
            successor_id=new_id(),
            key=new_secret_key(),
            old_until=NOW + DAY,
            expires_at=None,
            now=NOW,
        )

        twins(cut, rotate)

        assert ApiKey.objects.filter(name=machine.name).count() == 2


# --- Two who want the same -------------------------------------------------------------------------------------------


def test_of_two_who_register_one_address_one_gets_it() -> None:
    for cut in cuts():
        email = fresh_email()

        answers = cut(*[partial(register, email=email, name=name) for name in ("Camille", "Marc")])

        assert EmailTaken in kinds(answers)
        assert User.objects.filter(email=email).count() == 1


def test_an_e_mail_that_stays_does_not_come_back_once_it_is_another() -> None:
    for cut in cuts():
        former, email = fresh_email(), fresh_email()
        customer = register(email=former)

        cut(
            *[
                partial(
                    accounts.change_own_details,
                    customer_id=customer.id,
                    changes=CustomerChanges(email=wanted),
                    current_password=password,
                    address="",
                )
                for wanted, password in ((former, ""), (email, PASSWORD))
            ]
        )

        assert accounts.customers(ids=[customer.id])[0].email == email


def test_of_two_who_exchange_one_refresh_token_one_at_most_gets_a_pair() -> None:
    for cut in cuts():
        email = fresh_email()
        register(email=email)
        tokens = accounts.log_in(email=email, password=PASSWORD, address="")

        answers = cut(*[partial(accounts.refresh, refresh_token=tokens.refresh)] * 2)

        assert sorted(map(bool, answers)) == [False, True]


def test_of_two_who_use_one_code_one_sets_the_password() -> None:
    for cut in cuts():
        email = fresh_email()
        register(email=email)
        letters().clear()
        accounts.request_password_reset(email=email)
        code = code_in(letters()[0])
        passwords = (NEW_PASSWORD, "yet another horse and staple")

        answers = cut(*[partial(accounts.reset_password, code=code, new_password=password) for password in passwords])

        assert kinds(answers) == {type(None), InvalidCode}
        set_by = passwords[[type(answer) for answer in answers].index(type(None))]
        assert accounts.log_in(email=email, password=set_by, address="")


def test_two_new_default_addresses_leave_one_default() -> None:
    for cut in cuts():
        customer = register(email=fresh_email())
        accounts.add_address(customer_id=customer.id, address_id=new_id(), draft=home())
        calls = [
            partial(
                accounts.add_address, customer_id=customer.id, address_id=new_id(), draft=home(default_delivery=True)
            )
            for _ in range(2)
        ]

        cut(*calls)

        assert Address.objects.filter(customer=customer.id).count() == 3
        assert Address.objects.filter(customer=customer.id, default_delivery=True).count() == 1


# --- Against each other ----------------------------------------------------------------------------------------------


def live_logins(customer_id: UUID) -> int:
    return Login.objects.filter(person=customer_id).count()


@pytest.mark.parametrize("login_comes_first", [True, False])
def test_no_login_with_the_old_password_outlives_its_change(login_comes_first: bool) -> None:
    for cut in cuts():
        email = fresh_email()
        customer = register(email=email)
        log_in = partial(accounts.log_in, email=email, password=PASSWORD, address="")
        change = partial(
            accounts.change_password,
            person_id=customer.id,
            current_password=PASSWORD,
            new_password=NEW_PASSWORD,
            address="",
        )

        answers = cut(log_in, change) if login_comes_first else cut(change, log_in)

        assert kinds(answers) <= {type(None), Tokens, BadCredentials}
        assert live_logins(customer.id) == 0


def test_no_refreshed_login_outlives_a_change_of_password() -> None:
    for cut in cuts():
        email = fresh_email()
        customer = register(email=email)
        tokens = accounts.log_in(email=email, password=PASSWORD, address="")

        cut(
            partial(accounts.refresh, refresh_token=tokens.refresh),
            partial(
                accounts.change_password,
                person_id=customer.id,
                current_password=PASSWORD,
                new_password=NEW_PASSWORD,
                address="",
            ),
        )

        assert live_logins(customer.id) == 0


def test_no_address_comes_into_an_erased_customers_book() -> None:
    for cut in cuts():
        customer = register(email=fresh_email())

        answers = cut(
            partial(accounts.add_address, customer_id=customer.id, address_id=new_id(), draft=home()),
            partial(accounts.erase_customer, customer_id=customer.id, now=NOW),
        )

        assert answers[1] is None
        assert not isinstance(answers[0], Exception) or isinstance(answers[0], CustomerNotFound)
        assert not Address.objects.filter(customer=customer.id).exists()


def test_an_address_may_be_registered_again_while_its_customer_is_erased() -> None:
    email = EMAIL
    customer = register(email=email)
    for cut in cuts():
        answers = cut(
            partial(accounts.erase_customer, customer_id=customer.id, now=NOW), partial(register, email=email)
        )

        assert answers[0] is None
        left = User.objects.filter(email=email).first()
        assert (left is None) is isinstance(answers[1], EmailTaken)
        customer = left.customer() if left else register(email=email)
