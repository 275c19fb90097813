"""What browsers are told: to come by HTTPS, to keep nothing of what is somebody's, and what a page may use."""

from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from tests.accounts.actions import EMAIL, PASSWORD, register
from tests.admin import browser
from tests.chain import client_of, make_person, make_product, post

pytestmark = pytest.mark.django_db

PAGES = ["/", "/login/", "/admin/login/", "/api/v1/docs/", "/nowhere"]
EVERYTHING = [*PAGES, "/api/v1/products/", "/api/v1/stores/", "/api/v1/nothing/", "/health/live"]


@pytest.mark.parametrize("path", EVERYTHING)
def test_every_answer_says_what_it_is_and_that_no_other_site_may_frame_it(path: str) -> None:
    answer = Client().get(path)

    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    # The page that tries the API out may open a login of another site.
    assert answer["Cross-Origin-Opener-Policy"] == ("unsafe-none" if path == "/api/v1/docs/" else "same-origin")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_uses_no_device(path: str) -> None:
    permissions = Client().get(path)["Permissions-Policy"].split(", ")

    assert {"camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"} <= set(permissions)
    assert all(permission.endswith("=()") for permission in permissions)


# --- What is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/products/", "/api/v1/stock/movements/", "/api/v1/customers/me/"])
def test_what_somebody_is_told_is_not_kept(path: str) -> None:
    assert client_of(Role.HEAD_OFFICE).get(path)["Cache-Control"] == "no-store"


def test_tokens_are_not_kept() -> None:
    register()

    assert post(Client(), "/auth/login/", {"email": EMAIL, "password": PASSWORD})["Cache-Control"] == "no-store"


def test_pages_are_not_kept_and_what_says_more_stays() -> None:
    make_product()
    client = browser(Role.HEAD_OFFICE)

    assert client.get("/dashboard/products/")["Cache-Control"] == "no-store"
    assert "no-store" in client.get("/admin/")["Cache-Control"]
    assert "max-age=0" in client.get("/admin/")["Cache-Control"]


# --- HTTPS -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def https(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("path", ["/", "/login/", "/api/v1/products/", "/healthy", "/metrics/x"])
def test_plain_http_is_sent_to_https(path: str) -> None:
    answer = Client().get(path)

    assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{path}")


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_but_for_what_the_inner_network_asks(path: str) -> None:
    assert Client().get(path).status_code == 200


@pytest.mark.usefixtures("https")
def test_whoever_came_by_https_stays_there() -> None:
    assert Client().get("/", secure=True)["Strict-Transport-Security"] == (
        "max-age=31536000; includeSubDomains; preload"
    )


@pytest.mark.usefixtures("https")
def test_a_proxy_is_believed_only_where_proxies_are_trusted(settings: Any) -> None:
    forwarded = {"X-Forwarded-Proto": "https"}

    assert Client().get("/", headers=forwarded).status_code == 301
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert Client().get("/", headers=forwarded).status_code == 200


# --- Cookies ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("https")
def test_the_cookies_travel_by_https_alone_and_the_session_is_a_working_day() -> None:
    client = Client()
    client.get("/login/", secure=True)
    client.post("/login/", {"username": make_person(Role.WAREHOUSE), "password": PASSWORD}, secure=True)
    client.post("/theme/", {"theme": "dark"}, secure=True)

    session, csrf = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert (session["httponly"], session["secure"], session["samesite"]) == (True, True, "Lax")
    assert session["max-age"] == 12 * 3600
    assert (csrf["secure"], csrf["samesite"]) == (True, "Lax")
