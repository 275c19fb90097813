"""No secret comes into the logs, nor onto Django's pages about errors, by whatever name or way."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter, get_exception_reporter_filter

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from catalog.interface import catalog
from config.logging import json_formatter, masked
from shared_kernel.ids import new_id
from shared_kernel.published import bind
from tests.accounts.actions import EMAIL, NEW_PASSWORD, PASSWORD, code_in, letters, register
from tests.chain import make_person, post

pytestmark = pytest.mark.django_db

KEY = "cpt_0a1b2c3d_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
ACCESS = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTkwZjNmMCJ9.c2lnbmF0dXJl-x_y"
REFRESH = "0190f3f05a6e7c3b9c1d2f0e6b8a4d11.mQ3k1Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmE"
CODE = "0190f3f05a6e7c3b9c1d2f0e6b8a4d11.czk2xk-4c1b6e0f2a7d9358b1e6f0a2c4d8e7f9"

Output = Callable[[], str]


@pytest.fixture
def output() -> Iterator[Output]:
    """Tells all that has been written to the log since, by whomever and however unimportant."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


# --- Values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("password", "new_password", "Password", "secret", "SECRET_KEY", "client_secret", "token", "access_token"),
        *("refresh_tokens", "Authorization", "HTTP_AUTHORIZATION", "api_key", "X-API-Key", "apikey", "cookie"),
        *("card", "card_number", "cvc", "code"),
    ],
)
def test_what_stands_under_a_secrets_name_is_masked(name: str) -> None:
    assert masked({name: "4242", "inner": [{name: {"deep": 1}}]}) == {name: "***", "inner": [{name: "***"}]}


@pytest.mark.parametrize("name", ["status_code", "postal_code", "barcode", "path", "discarded", "key", "cardinality"])
def test_what_only_sounds_alike_is_not(name: str) -> None:
    assert masked({name: "4242"}) == {name: "4242"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"key {KEY} is used", "key cpt_0a1b2c3d_*** is used"),
        (f"signed with whsec_{'ab12' * 10}", "signed with whsec_***"),
        (f"sent {ACCESS}.", "sent ***."),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("authorization: basic Y2FtaWxsZTpzZWNyZXQ=", "authorization: basic ***"),
        (f"refresh {REFRESH}", "refresh 0190f3f05a6e7c3b9c1d2f0e6b8a4d11.***"),
        (f"no such {CODE}!", "no such 0190f3f05a6e7c3b9c1d2f0e6b8a4d11.***!"),
        ("postgresql://comptoir:hunter2@db:5432/x", "postgresql://comptoir:***@db:5432/x"),
        ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
        ('{"email": "a@b.c", "password": "hun\\"ter2", "x": 1}', '{"email": "a@b.c", "password": ***, "x": 1}'),
        ("{'new_password': 'correct horse', 'cvc': 123}", "{'new_password': ***, 'cvc': ***}"),
        ("log_in(password='correct horse', email='a')", "log_in(password=***, email='a')"),
        ("email=a&password=hunter2&next=/", "email=a&password=***&next=/"),
        ("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\nx", "***\nx"),
        ("-----BEGIN PRIVATE KEY-----\nMC4C", "***"),
    ],
)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(text: str, left: str) -> None:
    assert masked(text) == left
    assert masked({"event": [text, {"detail": text}]}) == {"event": [left, {"detail": left}]}
    assert masked(ValueError(text)) == masked(repr(ValueError(text)))


@pytest.mark.parametrize(
    "text",
    [
        "/api/v1/products/550e8400-e29b-41d4-a716-446655440001/",
        "2026-11-21T16:03:11.000000Z",
        "a token was refused",
        "",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert masked(text) == text
    assert masked({"n": 1.5, "none": None, "yes": True, "text": text}) == {
        "n": 1.5,
        "none": None,
        "yes": True,
        "text": text,
    }


# --- Log lines -------------------------------------------------------------------------------------------------------


def test_our_lines_and_a_librarys_are_masked_with_their_tracebacks(output: Output) -> None:
    try:
        int(f"{{'password': 'hunter2'}} {KEY}")
    except ValueError:
        logging.getLogger("some.library").exception("sent %s to %s", ACCESS, {"password": "hunter2"})
        structlog.get_logger("ours").exception("broken", password="hunter2", body={"card": {"number": "4242"}})

    library, ours = [json.loads(line) for line in output().splitlines()]
    assert library["event"] == "sent *** to {'password': ***}"
    assert (ours["password"], ours["body"]) == ("***", {"card": "***"})
    assert "ValueError" in library["exception"]
    assert "ValueError" in ours["exception"]
    assert not any(secret in output() for secret in ("hunter2", KEY, ACCESS, "4242"))


def test_whatever_people_and_machines_do_their_secrets_stay_out_of_the_log(output: Output) -> None:
    class Talkative:
        def create_product(self, *, draft: Any, **_: object) -> None:
            structlog.get_logger("ours").warning("odd", headers=sent, key=key)
            raise RuntimeError(f"failed for {sent} with {key}")

    email = make_person(Role.CATALOG_MANAGER)
    register()
    tokens = post(Client(), "/auth/login/", {"email": email, "password": PASSWORD}).json()
    post(Client(), "/auth/login/", {"email": email, "password": f"{PASSWORD} but wrong"})
    renewed = post(Client(), "/customers/token/refresh/", {"refresh": tokens["refresh"]}).json()
    Client().post("/login/", {"username": email, "password": PASSWORD})
    letters().clear()
    post(Client(), "/customers/password/reset/", {"email": EMAIL})
    code = code_in(letters()[0])
    post(Client(), "/customers/password/reset/confirm/", {"code": code, "new_password": NEW_PASSWORD})
    key = new_secret_key()
    draft = ApiKeyDraft("Till", frozenset({Action.EDIT_CATALOG}))
    accounts.create_api_key(key_id=new_id(), key=key, draft=draft)
    sent = {"Authorization": f"Bearer {renewed['access']}"}
    before = bind(catalog, Talkative())
    try:
        for headers in (sent, {"X-API-Key": key}):
            client = Client(headers=headers, raise_request_exception=False)
            assert post(client, "/products/", {"sku": "A", "name": "A", "category": "A", "price": 1}).status_code == 500
    finally:
        bind(catalog, before)

    told = output()
    assert told.count("request failed") == 2
    assert "RuntimeError" in told
    assert key[:12] in told
    secrets = [PASSWORD, NEW_PASSWORD, code, key, *tokens.values(), *renewed.values()]
    assert [secret for secret in secrets if secret in told or json.dumps(secret)[1:-1] in told] == []


# --- Django's pages about errors -------------------------------------------------------------------------------------


def test_django_hides_the_settings_that_are_secrets(settings: Any) -> None:
    settings.SECRET_KEY = settings.COMPTOIR_TOKEN_KEYS = settings.EMAIL_HOST_PASSWORD = "hunter2"
    settings.COMPTOIR_RATE_STORAGE = "redis://:hunter2@cache"
    reporter_filter = get_exception_reporter_filter(None)

    shown = reporter_filter.get_safe_settings()
    databases = reporter_filter.cleanse_setting("DATABASES", {"default": {"USER": "comptoir", "PASSWORD": "hunter2"}})

    assert "hunter2" not in str(shown) + str(databases)
    assert shown["TIME_ZONE"] == settings.TIME_ZONE


def test_a_page_about_an_error_shows_no_secret(settings: Any) -> None:
    settings.DEBUG = True
    sent = {"DATABASE_URL": "postgresql://a:hunter2@b/c", "EMAIL_URL": "smtp://a:hunter2@b", "SECRET_KEY": "hunter2"}
    headers = {"Authorization": "Bearer hunter2", "X-API-Key": "hunter2", "Cookie": "sessionid=hunter2"}
    request = RequestFactory().get("/", headers=headers, **sent)

    reporter = ExceptionReporter(request, RuntimeError, RuntimeError(str(datetime.now(UTC))), None)

    assert "RuntimeError" in reporter.get_traceback_text()
    assert "hunter2" not in reporter.get_traceback_text()
