"""Whatever goes wrong, the answer is a problem document, and never a traceback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, InterfaceError, connection
from django.db.transaction import atomic
from django.http import Http404
from django.test import Client
from ninja.errors import HttpError

from accounts.interface import Role
from catalog.interface import catalog
from config.problems import invalid, problem, problem_of
from inventory.interface import inventory
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from shared_kernel.published import bind
from tests.chain import client_of, make_product, make_store, post, put_in_stock
from tests.config.outage import without_database

pytestmark = pytest.mark.django_db

KEYBOARD = {"sku": "INF-1", "name": "Clavier", "category": "Informatique", "price": "89.99"}
BELLECOUR = {"name": "Bellecour", "address": "Lyon"}


class Failing:
    """Stands for a module's service: every method does the same, with whatever arguments."""

    def __init__(self, failure: Callable[[], Any]) -> None:
        self.failure = failure

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **_: self.failure()


@contextmanager
def failing(handle: Any, failure: Callable[[], Any]) -> Iterator[None]:
    before = bind(handle, Failing(failure))
    try:
        yield
    finally:
        bind(handle, before)


def raises(error: Exception) -> Callable[[], Any]:
    def failure() -> Any:
        raise error

    return failure


def queries(sql: str) -> Callable[[], Any]:
    def failure() -> Any:
        with atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    return failure


def answers_of_both(failure: Callable[[], Any]) -> list[Any]:
    """What Django REST framework's side and django-ninja's answer to this failure in a service."""
    client = client_of(Role.HEAD_OFFICE)
    client.raise_request_exception = False
    with failing(catalog, failure), failing(inventory, failure):
        return [post(client, "/products/", KEYBOARD), post(client, "/stores/", BELLECOUR)]


# --- Defects and outages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError("secret detail"), KeyError("secret detail"), IntegrityError("secret")])
def test_a_defect_is_a_500_that_tells_nothing_of_our_code(error: Exception) -> None:
    for answer in answers_of_both(raises(error)):
        assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
        assert answer.json() == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "Server got itself in trouble",
            "code": "internal_server_error",
            "request_id": answer["X-Request-ID"],
        }


def test_a_database_that_is_away_is_a_503() -> None:
    paths = ["/api/v1/products/", "/api/v1/stores/", f"/api/v1/products/{new_id()}/", f"/api/v1/stores/{new_id()}/"]

    answers = without_database(lambda: [Client().get(path) for path in paths])

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert answer.json()["detail"] == "The database cannot be reached: try again in a moment."


def test_a_lost_connection_is_a_503() -> None:
    assert [answer.status_code for answer in answers_of_both(raises(InterfaceError("closed")))] == [503, 503]


def test_a_value_that_the_database_cannot_hold_is_a_422() -> None:
    for answer in answers_of_both(queries("SELECT 99999999999::int")):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["detail"] == "A value is out of the database's range."


# --- Refusals --------------------------------------------------------------------------------------------------------


def test_a_refusal_brings_its_own_fields() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 2)
    sale = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 3}]}

    answer = post(client_of(Role.CASHIER, store), "/sales/", sale)

    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": f"Not enough stock for product {product.id}: 3 asked, 2 there."
        " Ask for fewer, or take them from another place.",
        "code": "insufficient_stock",
        "request_id": answer["X-Request-ID"],
        "lines": [
            {
                "product_id": str(product.id),
                "location_id": str(store.id),
                "requested": 3,
                "available": 2,
                "elsewhere": [],
            }
        ],
    }


def kinds_of(kind: type[Refusal]) -> set[type[Refusal]]:
    """This kind of refusal and all kinds of it."""
    return {kind}.union(*map(kinds_of, kind.__subclasses__()))


def test_no_refusal_has_a_field_that_the_document_means_otherwise() -> None:
    """A field `status`, say, would take the place of the answer's own."""
    own = {"type", "title", "status", "detail", "code", "request_id"}

    assert {kind.__name__ for kind in kinds_of(Refusal) if own & {field.name for field in fields(kind)}} == set()


def test_a_nested_value_is_named_by_its_path() -> None:
    sale = {"store_id": "x", "lines": [{"product_id": str(new_id()), "quantity": 1}, {"quantity": 0, "colour": "red"}]}

    answer = post(client_of(Role.HEAD_OFFICE), "/sales/", sale)

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"store_id", "lines.1.quantity", "lines.1.colour"}
    assert all(error["message"] for error in answer.json()["errors"])


def test_a_filter_is_named_without_where_it_came_from() -> None:
    answer = Client().get("/api/v1/stores/?page=0&colour=red")

    assert [error["field"] for error in answer.json()["errors"]] == ["colour"]
    assert [error["field"] for error in Client().get("/api/v1/stores/?page=0").json()["errors"]] == ["page"]


# --- Exceptions of the frameworks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (HttpError(400, "Cannot parse"), 400, "Cannot parse"),
        (Http404("secret model name"), 404, "There is nothing at this address."),
        (PermissionDenied("secret reason"), 403, "You may not do this."),
    ],
)
def test_a_frameworks_exception_has_its_status(error: Exception, status: int, detail: str) -> None:
    answer = problem_of(error)

    assert answer is not None
    assert answer.status_code == status
    assert detail in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_a_defect_is_nobodys_fault_we_know() -> None:
    assert problem_of(ValueError()) is None


def test_only_a_401_asks_for_credentials() -> None:
    assert problem(401)["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem(403)


def test_a_problem_without_words_has_those_of_its_status() -> None:
    assert b'"code": "not_found"' in problem(404).content
    assert b'"detail": "Nothing matches the given URI"' in problem(404).content
    assert b'"request_id": null' in problem(404).content


def test_members_are_made_json() -> None:
    product_id = new_id()

    assert f'"product_ids": ["{product_id}"]'.encode() in problem(404, product_ids=[product_id]).content
    assert invalid([{"field": "price", "message": "Too low."}]).status_code == 422
