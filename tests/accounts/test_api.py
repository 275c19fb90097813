"""Logging in over REST, and what identifies a caller: a token, or a browser's session with its CSRF token."""

from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from accounts.models import User
from tests.chain import PASSWORD, client_of, make_person, make_product, make_store, post

pytestmark = pytest.mark.django_db

LOGIN, REFRESH = "/auth/login/", "/customers/token/refresh/"
# Needs a login, and nothing of the chain but one.
PROTECTED = "/api/v1/stock/movements/"


def refusal(answer: Any) -> tuple[int, str, str | None]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"], answer.get("WWW-Authenticate")


def with_authorization(value: str) -> Client:
    return Client(headers={"Authorization": value})


@pytest.fixture
def tokens() -> dict[str, str]:
    answer = post(Client(), LOGIN, {"email": make_person(Role.HEAD_OFFICE), "password": PASSWORD})
    assert answer.status_code == 200
    body: dict[str, str] = answer.json()
    return body


# --- Tokens ----------------------------------------------------------------------------------------------------------


def test_a_login_answers_two_tokens_and_nothing_else(tokens: dict[str, str]) -> None:
    assert tokens.keys() == {"access", "refresh"}
    assert with_authorization(f"Bearer {tokens['access']}").get(PROTECTED).status_code == 200


def test_the_scheme_may_be_written_in_any_case(tokens: dict[str, str]) -> None:
    assert with_authorization(f"bearer  {tokens['access']} ").get(PROTECTED).status_code == 200


def test_a_refresh_token_is_exchanged_for_a_pair(tokens: dict[str, str]) -> None:
    answer = post(Client(), REFRESH, {"refresh": tokens["refresh"]})

    assert answer.status_code == 200
    assert answer.json().keys() == {"access", "refresh"}
    assert with_authorization(f"Bearer {answer.json()['access']}").get(PROTECTED).status_code == 200


def test_a_login_does_not_say_what_was_wrong() -> None:
    email = make_person(Role.CASHIER, make_store())

    answers = [
        post(Client(), LOGIN, {"email": email, "password": "wrong"}),
        post(Client(), LOGIN, {"email": "nobody@comptoir.example", "password": PASSWORD}),
    ]

    assert [refusal(answer) for answer in answers] == [(401, "bad_credentials", "Bearer")] * 2
    assert len({answer.json()["detail"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (LOGIN, {}, ["email", "password"]),
        (LOGIN, {"email": "no address", "password": "x"}, ["email"]),
        (LOGIN, {"email": "a@comptoir.example", "password": 12}, ["password"]),
        (LOGIN, {"email": "a@comptoir.example", "password": "x" * 129}, ["password"]),
        (LOGIN, {"email": "a@comptoir.example", "password": "x", "role": "head_office"}, ["role"]),
        (REFRESH, {}, ["refresh"]),
        (REFRESH, {"refresh": ""}, ["refresh"]),
        (REFRESH, {"refresh": ["x"]}, ["refresh"]),
    ],
)
def test_a_body_that_is_none_is_refused(path: str, body: dict[str, Any], fields: list[str]) -> None:
    answer = post(Client(), path, body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == fields


def test_a_password_keeps_its_spaces() -> None:
    User.objects.create_user("a@comptoir.example", " secret ", name="A")

    statuses = [
        post(Client(), LOGIN, {"email": "a@comptoir.example", "password": password}).status_code
        for password in (" secret ", "secret")
    ]

    assert statuses == [200, 401]


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer nonsense", "Basic Y2FtaWxsZTpzZWNyZXQ=", "nonsense"])
@pytest.mark.parametrize("path", [PROTECTED, "/api/v1/products/"])
def test_a_token_that_does_not_hold_is_refused_even_where_none_is_needed(path: str, authorization: str) -> None:
    assert refusal(with_authorization(authorization).get(path)) == (401, "invalid_token", "Bearer")


@pytest.mark.parametrize("path", [PROTECTED, "/api/v1/reports/sales/"])
def test_no_token_at_all_asks_for_a_login(path: str) -> None:
    assert refusal(Client().get(path)) == (401, "login_required", "Bearer")
    assert refusal(post(Client(), "/products/", {})) == (401, "login_required", "Bearer")


def test_a_refresh_token_is_not_an_access_token(tokens: dict[str, str]) -> None:
    answers = [
        with_authorization(f"Bearer {tokens['refresh']}").get(PROTECTED),
        post(Client(), REFRESH, {"refresh": tokens["access"]}),
    ]

    assert [refusal(answer) for answer in answers] == [(401, "invalid_token", "Bearer")] * 2


def test_a_login_disregards_who_calls() -> None:
    email = make_person(Role.HEAD_OFFICE)

    answer = post(with_authorization("Bearer nonsense"), LOGIN, {"email": email, "password": PASSWORD})

    assert answer.status_code == 200


# --- A browser's session ---------------------------------------------------------------------------------------------


@pytest.fixture
def browser() -> Client:
    """Logged in with a session cookie, and checked for CSRF tokens as every browser is."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(email=make_person(Role.HEAD_OFFICE)))
    return client


def csrf_token(browser: Client) -> str:
    """What the browser's pages hold."""
    browser.get("/admin/password_change/")
    return browser.cookies["csrftoken"].value


def patch(client: Client, path: str, **headers: str) -> Any:
    return client.patch(path, {"name": "Clavier"}, content_type="application/json", headers=headers)


def test_a_session_may_read(browser: Client) -> None:
    assert browser.get(PROTECTED).status_code == 200


@pytest.mark.parametrize("token", [None, "", "x" * 64])
def test_a_session_may_not_write_without_its_csrf_token(browser: Client, token: str | None) -> None:
    product = make_product(name="Souris")
    headers = {} if token is None else {"X-CSRFToken": token}

    answers = [
        patch(browser, f"/api/v1/products/{product.id}/", **headers),
        post(browser, "/stores/", {"name": "Bellecour", "address": "Lyon"}, **headers),
    ]

    assert [refusal(answer) for answer in answers] == [(403, "csrf_failed", None)] * 2
    assert browser.get(f"/api/v1/products/{product.id}/").json()["name"] == "Souris"


def test_a_session_writes_with_its_csrf_token(browser: Client) -> None:
    product, token = make_product(), csrf_token(browser)

    changed = patch(browser, f"/api/v1/products/{product.id}/", **{"X-CSRFToken": token})
    made = post(browser, "/stores/", {"name": "Bellecour", "address": "Lyon"}, **{"X-CSRFToken": token})

    assert (changed.status_code, changed.json()["name"]) == (200, "Clavier")
    assert made.status_code == 201


def test_a_token_needs_no_csrf_token() -> None:
    store, client = {"name": "Bellecour", "address": "Lyon"}, client_of(Role.HEAD_OFFICE)
    client.handler.enforce_csrf_checks = True

    assert post(client, "/stores/", store).status_code == 201


def test_a_session_of_somebody_who_has_left_is_none(browser: Client) -> None:
    User.objects.update(is_active=False)

    assert refusal(browser.get(PROTECTED)) == (401, "login_required", "Bearer")


def test_a_demo_session_is_none_in_production(browser: Client, settings: Any) -> None:
    User.objects.update(email="head@demo.example")
    settings.COMPTOIR_PRODUCTION = True

    assert refusal(browser.get(PROTECTED)) == (401, "login_required", "Bearer")
    assert browser.get("/admin/").status_code == 302


def test_a_session_that_does_not_exist_is_none() -> None:
    client = Client()
    client.cookies["sessionid"] = "nonsense"

    assert refusal(client.get(PROTECTED)) == (401, "login_required", "Bearer")
