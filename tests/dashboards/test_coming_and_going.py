"""Login, logout, language, theme, and what a browser may load."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.interface import NewStaff, Role, accounts
from accounts.models import User
from tests.chain import PASSWORD, make_person
from tests.dashboards.conftest import Chain, visitor

pytestmark = pytest.mark.django_db


def log_in(email: str, password: str = PASSWORD, **query: str) -> tuple[Client, int]:
    client = Client()
    return client, client.post("/login/", {"username": email, "password": password} | query).status_code


def test_with_email_and_password_one_comes_to_the_dashboard() -> None:
    client = Client()

    answer = client.post("/login/", {"username": make_person(Role.WAREHOUSE).upper(), "password": PASSWORD})

    assert answer.url == "/dashboard/"
    assert client.get("/dashboard/replenishment/").status_code == 200


def test_after_the_login_one_comes_to_the_page_that_was_asked_for() -> None:
    given = {"username": make_person(Role.WAREHOUSE), "password": PASSWORD, "next": "/dashboard/products/"}

    assert Client().post("/login/", given).url == "/dashboard/products/"


def test_but_never_to_another_site() -> None:
    given = {"username": make_person(Role.WAREHOUSE), "password": PASSWORD, "next": "https://evil.example/"}

    assert Client().post("/login/", given).url == "/dashboard/"


@pytest.mark.parametrize("wrong", ["nobody", "password", "closed"])
def test_whatever_is_wrong_with_a_login_the_answer_is_the_same(wrong: str) -> None:
    email = make_person(Role.WAREHOUSE)
    if wrong == "closed":
        User.objects.filter(email=email).update(is_active=False)
    given = {
        "username": "nobody@comptoir.example" if wrong == "nobody" else email,
        "password": "wrong" if wrong == "password" else PASSWORD,
    }

    answer = Client().post("/login/", given)

    assert answer.status_code == 200
    assert "No active account has this e-mail and password" in answer.content.decode()


def test_a_demo_account_does_not_come_in_in_production(settings: Any) -> None:
    accounts.ensure_staff(staff=[NewStaff("head@demo.example", "Head", PASSWORD, Role.HEAD_OFFICE)])
    settings.COMPTOIR_PRODUCTION = True

    client, status = log_in("head@demo.example")

    assert (status, "sessionid" in client.cookies) == (200, False)


def test_a_demo_account_s_session_is_nobody_s_in_production(settings: Any) -> None:
    accounts.ensure_staff(staff=[NewStaff("head@demo.example", "Head", PASSWORD, Role.HEAD_OFFICE)])
    client, _ = log_in("head@demo.example")
    settings.COMPTOIR_PRODUCTION = True

    answers = [client.get(path) for path in ("/dashboard/", "/login/", "/admin/", "/api/v1/reports/sales/")]

    assert [answer.status_code for answer in answers] == [302, 200, 302, 401]
    assert [answer.url for answer in answers if answer.status_code == 302] == [
        "/login/?next=/dashboard/",
        "/admin/login/?next=/admin/",
    ]


def test_logging_out_ends_the_session() -> None:
    client = visitor(Role.WAREHOUSE)

    assert client.post("/logout/").url == "/login/"
    assert client.get("/dashboard/").url == "/login/?next=/dashboard/"


def test_logging_out_by_a_link_from_elsewhere_does_nothing() -> None:
    client = visitor(Role.WAREHOUSE)

    assert client.get("/logout/").status_code == 405
    assert client.get("/dashboard/products/").status_code == 200


def test_a_form_without_its_token_is_refused_on_a_page_of_ours(chain: Chain) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(email=make_person(Role.HEAD_OFFICE)))

    answer = strict.post(f"/dashboard/stores/{chain.lyon.id}/stock/{chain.keyboard.id}/request/", {"quantity": "3"})

    assert (answer.status_code, b"This form has expired" in answer.content) == (403, True)


def test_the_language_stays_as_chosen() -> None:
    client = visitor(Role.WAREHOUSE)

    client.post("/i18n/setlang/", {"language": "fr", "next": "/dashboard/products/"})

    page = client.get("/dashboard/products/").content.decode()
    assert '<html lang="fr"' in page
    assert "Produits" in page


@pytest.mark.parametrize(
    ("chosen", "shown"), [("dark", "dark"), ("light", "light"), ("auto", "auto"), ('"><', "auto"), ("€", "auto")]
)
def test_the_theme_stays_as_chosen(chosen: str, shown: str) -> None:
    client = visitor(Role.WAREHOUSE)

    back = client.post("/theme/", {"theme": chosen, "next": "/dashboard/products/"})

    assert back.url == "/dashboard/products/"
    assert f'data-theme="{shown}"' in client.get("/dashboard/products/").content.decode()


@pytest.mark.parametrize("chosen", ["€", "blue", ""])
def test_a_theme_that_is_none_is_not_kept(chosen: str) -> None:
    assert "theme" not in Client().post("/theme/", {"theme": chosen}).cookies


def test_the_theme_does_not_lead_to_another_site() -> None:
    assert Client().post("/theme/", {"theme": "dark", "next": "https://evil.example/"}).url == "/"


STRICT = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}


def policy(client: Client, path: str) -> set[str]:
    header = client.get(path).headers["Content-Security-Policy"]
    return {re.sub(r" 'nonce-[^']+'", "", directive.strip()) for directive in header.split(";")}


@pytest.mark.parametrize("path", ["/", "/login/", "/dashboard/products/", "/dashboard/stores/nonsense/", "/nowhere"])
def test_a_page_loads_and_runs_only_our_own_files(path: str) -> None:
    assert policy(visitor(Role.HEAD_OFFICE), path) == STRICT


@pytest.mark.parametrize("path", ["/admin/", "/api/v1/docs/", "/api/v1/redoc/"])
def test_pages_that_are_not_ours_may_more_but_nothing_from_elsewhere(path: str) -> None:
    directives = policy(visitor(Role.HEAD_OFFICE), path)

    assert "style-src 'self' 'unsafe-inline'" in directives
    assert not [directive for directive in directives if "http" in directive or "*" in directive]


def test_an_unknown_address_is_told_on_a_page_of_ours() -> None:
    answer = Client().get("/nowhere/")

    assert (answer.status_code, b"There is no such page" in answer.content) == (404, True)


def test_a_failure_is_told_on_a_page_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    client = visitor(Role.HEAD_OFFICE)
    client.raise_request_exception = False
    monkeypatch.setattr("dashboards.pages.products.catalog", None)

    answer = client.get("/dashboard/products/")

    assert (answer.status_code, b"Something has failed here" in answer.content) == (500, True)
    assert b"Traceback" not in answer.content


def test_a_nonce_serves_once() -> None:
    client = visitor(Role.HEAD_OFFICE)

    headers = {client.get("/dashboard/products/").headers["Content-Security-Policy"] for _ in range(2)}

    assert len(headers) == 2


def test_what_is_not_a_page_has_no_policy() -> None:
    assert "Content-Security-Policy" not in Client().get("/api/v1/products/").headers
