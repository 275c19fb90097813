"""What happens to every request: its id, its log line, its last slash, and what no operation could read."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client

from accounts.interface import Role
from catalog.interface import catalog
from config.logging import json_formatter
from shared_kernel.published import bind
from tests.chain import PASSWORD, client_of, make_person, make_product, make_store, make_warehouse

pytestmark = pytest.mark.django_db

PRODUCTS, STORES, LOGIN = "/api/v1/products/", "/api/v1/stores/", "/api/v1/auth/login/"
# One of Django REST framework's, one of django-ninja's.
BOTH = pytest.mark.parametrize("path", [PRODUCTS, STORES])

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Tells what has been logged since, as the lines that a server writes, each read as the JSON it is."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of an answer in our one error shape."""
    assert answer["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document.keys() >= {"type", "title", "status", "detail", "code", "request_id"}
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer["X-Request-ID"]
    return answer.status_code, document["code"]


# --- Request id, replica, log ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PRODUCTS, STORES, "/api/v1/nothing/", "/", "/nothing", "/health/live", "/admin/"])
def test_every_answer_carries_a_request_id_and_the_replicas_name(path: str) -> None:
    answer = Client().get(path)

    assert UUID(answer["X-Request-ID"]).version == 4
    assert answer["X-Served-By"] == settings.COMPTOIR_SERVED_BY


@pytest.mark.parametrize("given", ["abc-123", "x" * 64, "A.b_9"])
def test_a_callers_request_id_is_kept(given: str) -> None:
    assert Client().get(PRODUCTS, headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "x" * 65, "a b", "somebody@example.com", "é", "line\nbreak", "\x1b[31m", "nul\x00"]
)
def test_an_id_that_is_none_is_replaced(given: str) -> None:
    assert UUID(Client().get(PRODUCTS, headers={"X-Request-ID": given})["X-Request-ID"])


def test_a_request_is_one_line_of_json(lines: Lines) -> None:
    Client().get(f"{PRODUCTS}?search=secret", headers={"X-Request-ID": "request-1"})

    [line] = lines()
    assert line["milliseconds"] >= 0
    assert line["timestamp"].endswith("Z")
    assert line == {
        "event": "request",
        "method": "GET",
        "path": PRODUCTS,
        "status": 200,
        "milliseconds": line["milliseconds"],
        "request_id": "request-1",
        "address": "127.0.0.1",
        "logger": "comptoir.request",
        "level": "info",
        "timestamp": line["timestamp"],
    }


@pytest.mark.parametrize("character", ["\n", "\r", "\u2028", "\u0085", "\x1b", "\x9b"])
def test_a_line_cannot_be_forged(lines: Lines, character: str) -> None:
    path = f'/api/v1/{character}{{"event": "forged"}}/'

    Client().get(quote(path))

    [line] = lines()
    assert (line["event"], line["path"]) == ("request", path)


def test_every_line_of_a_request_carries_its_id_and_no_line_after_it(lines: Lines) -> None:
    class Talkative:
        def create_product(self, **_: object) -> None:
            logging.getLogger("some.library").warning("odd: %s", "a\nb")
            raise ZeroDivisionError

    client = client_of(Role.CATALOG_MANAGER)
    client.raise_request_exception = False
    before = bind(catalog, Talkative())
    try:
        client.post(
            PRODUCTS,
            {"sku": "A", "name": "A", "category": "A", "price": 1},
            content_type="application/json",
            headers={"X-Request-ID": "request-1"},
        )
    finally:
        bind(catalog, before)
    logging.getLogger("some.library").warning("afterwards")

    odd, failed, request, afterwards = lines()
    assert [line["event"] for line in (odd, failed, request)] == ["odd: a\nb", "request failed", "request"]
    assert {line["request_id"] for line in (odd, failed, request)} == {"request-1"}
    assert "ZeroDivisionError" in failed["exception"]
    assert {line["address"] for line in (odd, failed, request)} == {"127.0.0.1"}
    assert len({line["actor"] for line in (odd, failed, request)}) == 1
    assert not {"request_id", "address", "actor"} & afterwards.keys()


# --- The last slash --------------------------------------------------------------------------------------------------


@BOTH
def test_a_missing_slash_is_served_without_a_redirect(path: str) -> None:
    make_product()
    make_store()

    answer = Client().get(f"{path.rstrip('/')}?page_size=5")

    assert answer.status_code == 200
    assert answer.json()["count"] == 1


def test_a_missing_slash_is_served_to_a_write_too() -> None:
    login = {"email": make_person(Role.HEAD_OFFICE), "password": PASSWORD}
    store = {"name": "Bellecour", "address": "Lyon"}

    logged_in = Client().post(LOGIN.rstrip("/"), login, content_type="application/json")
    made = client_of(Role.HEAD_OFFICE).post(STORES.rstrip("/"), store, content_type="application/json")

    assert (logged_in.status_code, made.status_code) == (200, 201)


def test_the_document_has_no_slash_to_miss() -> None:
    answer = Client().get("/api/v1/openapi.json")

    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.1"


# --- One error shape -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1", "not_found"),
        ("/api/v1/", "not_found"),
        ("/api/v1/nothing", "not_found"),
        (f"{PRODUCTS}{UUID(int=1)}", "product_not_found"),
        (f"{STORES}{UUID(int=1)}", "location_not_found"),
    ],
)
def test_what_is_not_there_is_a_problem(path: str, code: str) -> None:
    assert problem(Client().get(path)) == (404, code)


def test_outside_the_api_django_answers_as_ever() -> None:
    answer = Client().get("/nothing")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


@BOTH
def test_another_method_is_told_which_are_allowed(path: str) -> None:
    answer = client_of(Role.HEAD_OFFICE).delete(path)

    assert problem(answer) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= {method.strip() for method in answer["Allow"].split(",")}


# --- What no operation could read ------------------------------------------------------------------------------------


@BOTH
def test_a_large_body_is_refused_unread(path: str) -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    answer = client_of(Role.HEAD_OFFICE).post(path, b" " * (limit + 1), content_type="application/json")

    assert problem(answer) == (413, "request_entity_too_large")
    assert answer.json()["detail"] == f"The body is larger than {limit} bytes: send it in parts."


@BOTH
@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "²", "1,1"])
def test_a_length_that_is_none_is_refused(path: str, length: str) -> None:
    answer = client_of(Role.HEAD_OFFICE).post(path, {}, content_type="application/json", CONTENT_LENGTH=length)

    assert problem(answer) == (400, "bad_request")


@pytest.mark.parametrize(
    "path",
    [f"{PRODUCTS}?search=a%00b", f"{STORES}?page=%00", "/api/v1/pro%00ducts/", f"{STORES}%00/"],
)
def test_a_nul_in_the_address_is_refused(path: str) -> None:
    assert problem(Client().get(path)) == (422, "invalid")


@BOTH
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""],
)
def test_a_body_that_does_not_say_it_is_json_is_refused(path: str, content_type: str) -> None:
    answer = client_of(Role.HEAD_OFFICE).post(path, b"{}", content_type=content_type)

    assert problem(answer) == (415, "unsupported_media_type")


@BOTH
def test_the_content_type_may_name_its_charset(path: str) -> None:
    answer = client_of(Role.HEAD_OFFICE).post(path, b"{}", content_type="application/json; charset=utf-8")

    assert problem(answer) == (422, "invalid")


@BOTH
@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": 1e9999999999999999999}'])
def test_json_that_is_none_is_refused(path: str, body: bytes) -> None:
    answer = client_of(Role.HEAD_OFFICE).post(path, body, content_type="application/json")

    assert problem(answer) == (400, "bad_request")


def test_a_write_without_a_body_needs_no_content_type() -> None:
    product = make_product()

    assert client_of(Role.CATALOG_MANAGER).delete(f"{PRODUCTS}{product.id}/").status_code == 204


@pytest.mark.parametrize("query", ["search=%ff", "search=%ed%a0%80", "search=%F0%9F%A6%84", "search=" + "x" * 200])
def test_odd_text_in_the_address_is_only_text(query: str) -> None:
    make_warehouse()

    assert Client().get(f"{PRODUCTS}?{query}").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/products/", "/api/v1/stores/"])
def test_head_answers_like_get_without_the_body(path: str) -> None:
    get, head = Client().get(path), Client().head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(get.content))
    assert head["Content-Type"] == get["Content-Type"]


@pytest.mark.parametrize("path", ["/api/v1/customers/", "/api/v1/stock/central/", "/api/v1/nothing/"])
def test_head_is_refused_like_get_without_the_body(path: str, lines: Lines) -> None:
    get, head = Client().get(path), Client().head(path)

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert [line["status"] for line in lines() if line["event"] == "request"] == [get.status_code] * 2


# --- Pages -----------------------------------------------------------------------------------------------------------


def test_a_page_takes_no_more_than_a_file_to_import(settings: Any) -> None:
    settings.COMPTOIR_UPLOAD_BYTES = 1000

    assert Client().post("/login/", {"username": "x" * 1001}).status_code == 413
    assert Client().post("/login/", {"username": "x"}).status_code == 200


@pytest.mark.parametrize("path", ["/admin/?email=%00", "/dashboard/?period=%00", "/login/?next=%00"])
def test_a_nul_character_in_a_pages_address_is_refused(path: str) -> None:
    assert Client().get(path).status_code == 422
