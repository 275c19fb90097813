"""Which sites' scripts may call the API."""

from typing import Any

import pytest
from django.test import Client

from tests.chain import post

pytestmark = pytest.mark.django_db

SHOP, ELSEWHERE = "https://shop.example", "https://evil.example"
PRODUCTS, STORES = "/api/v1/products/", "/api/v1/stores/"
BOTH = pytest.mark.parametrize("path", [PRODUCTS, STORES])
ASKED = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-API-Key",
    "X-Cart-Token",
    "X-Request-ID",
    "If-None-Match",
]


@pytest.fixture(autouse=True)
def known_shop(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SHOP]


def preflight(path: str, origin: str, *, method: str = "POST", headers: str = "") -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return Client().options(path, headers=asked)


def allowed(answer: Any) -> str | None:
    origin: str | None = answer.get("Access-Control-Allow-Origin")
    return origin


def test_where_no_site_is_known_none_may_read(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = []

    assert allowed(Client().get(PRODUCTS, headers={"Origin": SHOP})) is None


@BOTH
def test_a_known_site_may_read_and_an_unknown_one_may_not(path: str) -> None:
    known, unknown = [Client().get(path, headers={"Origin": origin}) for origin in (SHOP, ELSEWHERE)]

    assert (known.status_code, allowed(known)) == (200, SHOP)
    assert allowed(unknown) is None
    assert "origin" in known["Vary"]


@BOTH
def test_a_known_site_may_send_our_headers(path: str) -> None:
    answer = preflight(path, SHOP, headers=", ".join(ASKED))

    assert (answer.status_code, allowed(answer)) == (200, SHOP)
    permitted = {name.strip() for name in answer["Access-Control-Allow-Headers"].split(",")}
    assert permitted == {name.lower() for name in ASKED}
    assert "POST" in answer["Access-Control-Allow-Methods"]


@BOTH
def test_an_unknown_site_may_send_nothing(path: str) -> None:
    assert allowed(preflight(path, ELSEWHERE)) is None


@pytest.mark.parametrize("origin", ["null", "http://shop.example", "https://shop.example.evil.example", f"{SHOP}:444"])
def test_what_only_looks_like_a_known_site_is_unknown(origin: str) -> None:
    assert allowed(Client().get(PRODUCTS, headers={"Origin": origin})) is None


def test_cookies_are_never_asked_for() -> None:
    answers = [Client().get(PRODUCTS, headers={"Origin": SHOP}), preflight(PRODUCTS, SHOP)]

    assert [answer.get("Access-Control-Allow-Credentials") for answer in answers] == [None, None]


def test_a_script_may_read_the_headers_that_say_more() -> None:
    answer = Client().get(PRODUCTS, headers={"Origin": SHOP})

    assert {name.strip() for name in answer["Access-Control-Expose-Headers"].split(",")} == {
        *("ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"),
        *("X-Request-ID", "X-Served-By"),
    }


@pytest.mark.parametrize("path", ["/", "/login/", "/health/live", "/dashboard/", "/admin/login/"])
def test_only_the_api_is_for_other_sites(path: str) -> None:
    assert allowed(Client().get(path, headers={"Origin": SHOP})) is None
    assert allowed(preflight(path, SHOP)) is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/products/", b"x" * 2_600_000, 413), ("/nothing/", {}, 404), ("/auth/login/", {}, 422), ("/sales/", {}, 401)],
)
def test_a_script_may_read_what_went_wrong(path: str, body: Any, status: int) -> None:
    answer = post(Client(), path, body, Origin=SHOP)

    assert (answer.status_code, allowed(answer)) == (status, SHOP)
