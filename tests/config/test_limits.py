"""How often somebody may call the API: the ceilings, and the limits of single operations."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve
from limits import parse_many
from limits.errors import StorageError

from accounts.interface import Role
from config import limits
from tests.accounts.actions import EMAIL, PASSWORD, customer_client, letters, register
from tests.chain import client_of, make_store, post

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}, {"REMOTE_ADDR": "198.51.100.1"}
PRODUCTS, STORES = "/api/v1/products/", "/api/v1/stores/"
# One of Django REST framework's, one of django-ninja's.
BOTH = pytest.mark.parametrize("path", [PRODUCTS, STORES])


@pytest.fixture
def two_from_an_address(settings: Any) -> None:
    settings.COMPTOIR_RATE_PER_ADDRESS = "2 per minute"


@pytest.fixture
def two_of_a_caller(settings: Any) -> None:
    settings.COMPTOIR_RATE_PER_CALLER = "2 per minute"


def statuses(client: Client, path: str, times: int, **extra: Any) -> list[int]:
    return [client.get(path, **extra).status_code for _ in range(times)]


# --- The ceilings ----------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.usefixtures("two_from_an_address")
def test_who_calls_too_often_is_told_when_to_come_back(path: str) -> None:
    assert statuses(Client(), path, 2, **HERE) == [200, 200]

    answer = Client().get(path, **HERE)

    document = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert document["code"] == "too_many_requests"
    assert document["detail"] == f"Too many calls: try again in {document['retry_after']} seconds."
    assert answer["Retry-After"] == str(document["retry_after"])
    assert 1 <= document["retry_after"] <= 60
    assert Client().get(path, **ELSEWHERE).status_code == 200


@pytest.mark.usefixtures("two_from_an_address")
def test_the_neighbours_of_an_ipv6_network_count_together() -> None:
    found = [Client().get(STORES, REMOTE_ADDR=f"2001:db8::{number}").status_code for number in (1, 2, 3)]

    assert found == [200, 200, 429]


@BOTH
@pytest.mark.usefixtures("two_from_an_address")
def test_at_a_busy_address_those_who_are_known_go_on(path: str) -> None:
    statuses(Client(), path, 3, **HERE)

    assert statuses(client_of(Role.HEAD_OFFICE), path, 4, **HERE) == [200] * 4


@BOTH
@pytest.mark.parametrize("headers", [{"Authorization": "Bearer made-up"}, {"X-API-Key": "made-up"}])
@pytest.mark.usefixtures("two_from_an_address")
def test_whoever_only_claims_to_be_known_does_not(path: str, headers: dict[str, str]) -> None:
    assert statuses(Client(headers=headers), path, 4, **HERE)[2:] == [429, 429]


@pytest.mark.usefixtures("two_from_an_address")
def test_whoever_is_known_does_not_use_up_their_address() -> None:
    statuses(client_of(Role.HEAD_OFFICE), PRODUCTS, 5, **HERE)

    assert statuses(Client(), PRODUCTS, 3, **HERE) == [200, 200, 429]


@pytest.mark.usefixtures("two_of_a_caller")
def test_a_caller_is_counted_wherever_they_are() -> None:
    make_store()
    caller, other = client_of(Role.HEAD_OFFICE), client_of(Role.HEAD_OFFICE)
    path = "/api/v1/stock/movements/"

    assert statuses(caller, path, 1, **HERE) + statuses(caller, path, 2, **ELSEWHERE) == [200, 200, 429]
    assert caller.get(PRODUCTS, **HERE).status_code == 429
    assert other.get(path, **HERE).status_code == 200


@pytest.mark.usefixtures("two_of_a_caller")
def test_a_key_for_repetitions_opens_no_way_round() -> None:
    caller = client_of(Role.HEAD_OFFICE)
    place = {"name": "Bellecour", "address": "Lyon"}
    statuses(caller, PRODUCTS, 2)

    answer = post(caller, "/stores/", place, **{"Idempotency-Key": "1"})

    assert answer.status_code == 429
    assert Client().get(STORES).json()["count"] == 0


@pytest.mark.usefixtures("two_from_an_address", "two_of_a_caller")
def test_an_answer_says_what_is_left() -> None:
    anonymous, known = Client().get(PRODUCTS), client_of(Role.HEAD_OFFICE).get(PRODUCTS)

    assert (anonymous["RateLimit-Policy"], anonymous["RateLimit"]) == ('"address";q=2;w=60', '"address";r=1')
    assert (known["RateLimit-Policy"], known["RateLimit"]) == ('"caller";q=2;w=60', '"caller";r=1')


def test_without_a_ceiling_nothing_is_counted() -> None:
    answer = Client().get(PRODUCTS)

    assert "RateLimit" not in answer
    assert "RateLimit-Policy" not in answer


@pytest.mark.usefixtures("two_from_an_address")
def test_pages_are_not_counted() -> None:
    assert statuses(Client(), "/login/", 4, **HERE) == [200] * 4


@pytest.mark.usefixtures("two_from_an_address", "two_of_a_caller")
def test_when_the_storage_is_away_everybody_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> int:
        raise StorageError(ConnectionError("no route"))

    monkeypatch.setattr(limits._storage(), "incr", away)

    assert statuses(Client(), PRODUCTS, 4) == [200] * 4
    assert statuses(client_of(Role.HEAD_OFFICE), PRODUCTS, 4) == [200] * 4


# --- The limits of single operations ---------------------------------------------------------------------------------


def test_every_limit_is_of_an_operation_and_can_be_read(settings: Any) -> None:
    for operation, (_, counted_by, rate) in settings.COMPTOIR_RATE_LIMITS.items():
        method, _, path = operation.partition(" ")
        found = resolve(re.sub("<.*?>", "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11", f"/api/v1{path}"))
        assert found.route == f"api/v1{path}"
        assert method in {"POST", "PUT", "PATCH", "DELETE", "GET"}
        assert counted_by in {"address", "caller"}
        assert parse_many(rate)


def test_a_limit_is_one_line_for_an_operation_of_either_framework(settings: Any) -> None:
    settings.COMPTOIR_RATE_LIMITS = {
        "POST /stock/check-availability/": ("looks", "address", "1 per minute"),
        "GET /products/<uuid:product_id>/": ("products", "address", "1 per minute"),
    }
    path = "/api/v1/products/550e8400-e29b-41d4-a716-446655440001/"

    looks = [post(Client(), "/stock/check-availability/", {"items": []}).status_code for _ in range(2)]

    assert looks == [422, 429]
    assert statuses(Client(), path, 2) == [404, 429]


def test_thirty_logins_a_minute_from_an_address_by_either_door() -> None:
    wrong = {"email": "nobody@example.com", "password": "wrong"}
    doors = ["/auth/login/", "/customers/login/"] * 15

    assert {post(Client(), door, wrong).status_code for door in doors} <= {401, 429}

    answer = post(Client(), "/auth/login/", wrong)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")


def test_five_registrations_a_minute_from_an_address() -> None:
    def sign_up(number: int) -> int:
        draft = {"email": f"person-{number}@example.com", "name": "Camille", "password": PASSWORD}
        status: int = post(Client(), "/customers/register/", draft).status_code
        return status

    assert [sign_up(number) for number in range(6)] == [201] * 5 + [429]


def test_ten_letters_an_hour_asked_for_from_an_address() -> None:
    emails = [f"person-{number}@example.com" for number in range(11)]

    found = [post(Client(), "/customers/password/reset/", {"email": email}).status_code for email in emails]

    assert found == [204] * 10 + [429]


def test_five_verification_mails_an_hour_for_one_person_wherever_they_are() -> None:
    register()
    register(email="marc@example.com")
    letters().clear()
    client, other = customer_client(), customer_client("marc@example.com")
    path = "/api/v1/customers/me/email/verification/"

    found = [
        client.post(path, content_type="application/json", REMOTE_ADDR=f"198.51.100.{number}").status_code
        for number in range(6)
    ]

    assert found == [204] * 5 + [429]
    assert post(other, "/customers/me/email/verification/", None).status_code == 204
    # With the one for the registration an e-mail has five.
    assert [letter.to for letter in letters()] == [[EMAIL]] * 4 + [["marc@example.com"]]


def test_nobody_asks_for_such_a_mail() -> None:
    assert post(Client(), "/customers/me/email/verification/", None).status_code == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/customers/password/reset/confirm/", {"code": "wrong", "new_password": PASSWORD}),
        ("/customers/email/verify/", {"code": "wrong"}),
    ],
)
def test_codes_are_not_guessed_at(path: str, body: dict[str, str]) -> None:
    found = [post(Client(), path, body).status_code for _ in range(31)]

    assert found == [422] * 30 + [429]
