"""Whatever it is sent, the API keeps the word of its OpenAPI document: no 5xx, no answer that is not in it."""

import json
from collections.abc import Iterator
from itertools import cycle
from uuid import UUID

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from openapi_spec_validator import validate
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from config.wsgi import application
from tests.checkout.bank import Bank
from tests.journeys.document import example_of, generated, operations, with_known_ids

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]

# What was made invalid on purpose may be valid once it is about things that exist.
CHECKS_OF_SOUND_BODIES = [check for check in CHECKS if check is not negative_data_rejection]

EXAMPLES = hypothesis_settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
ONE_EXAMPLE = hypothesis_settings(EXAMPLES, max_examples=1)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


@pytest.fixture(autouse=True)
def bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment provider that is there: without one, paying is a 503."""
    bank = Bank()
    monkeypatch.setattr("checkout.service.paying.provider", lambda: bank)


@pytest.fixture(autouse=True)
def kept_connection() -> Iterator[None]:
    """Django ends a request by closing connections that are in a transaction; here that is the test's own."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# The tests send a login of their own, beside which a made up key would only be refused.
config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
schema = schemathesis.openapi.from_dict(generated(), config=config)
schema.app = application


@pytest.mark.long
@schema.parametrize()
@EXAMPLES
def test_whatever_is_sent(case: Case, headers: dict[str, str]) -> None:
    case.call_and_validate(headers=headers, checks=CHECKS)


@pytest.mark.long
@schema.parametrize()
@EXAMPLES
def test_whatever_is_sent_about_things_that_exist(
    case: Case, headers: dict[str, str], customers_headers: dict[str, str], known: dict[str, UUID]
) -> None:
    case.path_parameters = with_known_ids(case.path_parameters or {}, known)
    case.body = with_known_ids(case.body, known)

    for caller in (headers, customers_headers):
        case.call_and_validate(headers=caller, checks=CHECKS_OF_SOUND_BODIES)


@pytest.mark.long
@schema.parametrize()
@ONE_EXAMPLE
def test_whatever_each_role_sends(case: Case, roles_headers: list[dict[str, str]], known: dict[str, UUID]) -> None:
    case.path_parameters = with_known_ids(case.path_parameters or {}, known)
    case.body = with_known_ids(case.body, known)

    for caller in roles_headers:
        case.call_and_validate(headers=caller, checks=CHECKS_OF_SOUND_BODIES)


@pytest.fixture
def callers(roles_headers: list[dict[str, str]]) -> "cycle[dict[str, str]]":
    """Somebody of each role, in turn."""
    return cycle(roles_headers)


@schema.parametrize()
@ONE_EXAMPLE
def test_whatever_the_roles_send_in_turn(case: Case, callers: "cycle[dict[str, str]]", known: dict[str, UUID]) -> None:
    case.path_parameters = with_known_ids(case.path_parameters or {}, known)
    case.body = with_known_ids(case.body, known)

    case.call_and_validate(headers=next(callers), checks=CHECKS_OF_SOUND_BODIES)


def test_the_document_is_valid_openapi_3_1() -> None:
    document = generated()

    validate(document)
    assert document["openapi"] == "3.1.1"


def test_every_operation_says_what_it_does_and_every_body_has_an_example() -> None:
    document = generated()
    said = {name: operation for name, (_, _, operation) in operations(document).items()}

    assert [name for name, operation in said.items() if not operation.get("description")] == []
    assert [
        name
        for name, operation in said.items()
        if "requestBody" in operation and example_of(operation, document) is None
    ] == []


def test_the_published_document_is_up_to_date() -> None:
    published = json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text())

    assert published == generated(), "Run `make openapi` and commit docs/openapi.json."
