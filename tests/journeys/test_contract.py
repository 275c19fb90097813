"""Whatever it is sent, the API keeps the word of its OpenAPI document: no 5xx, no answer that is not in it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
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

from accounts.interface import Role, accounts
from config.wsgi import application
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, make_person, make_product, make_store, make_warehouse, put_in_stock, sell
from tests.sales.actions import open_till

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]

EXAMPLES = hypothesis_settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def known() -> dict[str, UUID]:
    """Things that exist, by the names of the parameters that name them."""
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 1000)
    put_in_stock(product, store, 1000)
    session_id = open_till(store).id
    return {
        "store_id": store.id,
        "location_id": store.id,
        "from_location_id": warehouse.id,
        "to_location_id": store.id,
        "product_id": product.id,
        "sale_id": sell(product, store, 100).id,
        "request_id": replenishment.request(
            request_id=new_id(),
            product_id=product.id,
            store_id=store.id,
            quantity=5,
            actor_id=None,
            now=datetime.now(UTC),
        ).id,
        "session_id": session_id,
        "till_session_id": session_id,
    }


@pytest.fixture
def headers() -> dict[str, str]:
    tokens = accounts.log_in(email=make_person(Role.HEAD_OFFICE), password=PASSWORD)
    return {"Authorization": f"Bearer {tokens.access}"}


@pytest.fixture(autouse=True)
def kept_connection() -> Iterator[None]:
    """Django ends a request by closing connections that are in a transaction; here that is the test's own."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def generated() -> dict[str, Any]:
    """The OpenAPI document as the code makes it."""
    document: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(public=True), default=str))
    return document


# The tests send a login of their own, beside which a made up key would only be refused.
config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
schema = schemathesis.openapi.from_dict(generated(), config=config)
schema.app = application


@schema.parametrize()
@EXAMPLES
def test_whatever_is_sent(case: Case, headers: dict[str, str]) -> None:
    case.call_and_validate(headers=headers, checks=CHECKS)


@schema.parametrize()
@EXAMPLES
def test_whatever_is_sent_about_things_that_exist(case: Case, headers: dict[str, str], known: dict[str, UUID]) -> None:
    case.path_parameters = with_known_ids(case.path_parameters or {}, known)
    case.body = with_known_ids(case.body, known)
    # What was made invalid on purpose may be valid now.
    case.call_and_validate(headers=headers, checks=[check for check in CHECKS if check is not negative_data_rejection])


def with_known_ids(value: Any, known: dict[str, UUID]) -> Any:
    """The same body, but about things that exist wherever it names one by a well-formed id."""
    if isinstance(value, list):
        return [with_known_ids(item, known) for item in value]
    if isinstance(value, dict):
        return {
            name: str(known[name]) if name in known and is_id(item) else with_known_ids(item, known)
            for name, item in value.items()
        }
    return value


def is_id(value: Any) -> bool:
    try:
        return bool(UUID(value))
    except (ValueError, TypeError, AttributeError):
        return False


def test_the_document_is_valid_openapi_3_1() -> None:
    document = generated()

    validate(document)
    assert document["openapi"] == "3.1.1"


def test_every_operation_says_what_it_does_and_every_body_has_an_example() -> None:
    document = generated()
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert [operation["operationId"] for operation in operations if not operation.get("description")] == []
    assert [operation["operationId"] for operation in operations if not has_example(operation, document)] == []


def has_example(operation: dict[str, Any], document: dict[str, Any]) -> bool:
    if "requestBody" not in operation:
        return True
    media = operation["requestBody"]["content"]["application/json"]
    # A body that may be left out stands in a list of one, beside its default.
    name = media["schema"].get("allOf", [media["schema"]])[0].get("$ref", "").rpartition("/")[2]
    return bool(media.get("examples") or document["components"]["schemas"].get(name, {}).get("examples"))


def test_the_published_document_is_up_to_date() -> None:
    published = json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text())

    assert published == generated(), "Run `make openapi` and commit docs/openapi.json."
