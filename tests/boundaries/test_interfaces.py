"""The shape of what modules publish: values that could travel, and services that keep their Protocol's word."""

import inspect
from collections.abc import Iterator
from typing import Any, Protocol, get_type_hints

import pytest
from django.db.models import QuerySet
from pydantic import PydanticSchemaGenerationError, TypeAdapter

from catalog import models
from config import wiring
from shared_kernel.published import Handle

HANDLES: list[Handle] = [value for value in vars(wiring).values() if isinstance(value, Handle)]


def published_methods(protocol: type[Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, method) for name, method in inspect.getmembers(protocol, inspect.isfunction) if name[0] != "_")


METHODS = [
    pytest.param(handle, name, method, id=f"{handle.protocol.__name__}.{name}")
    for handle in HANDLES
    for name, method in published_methods(handle.protocol)
]


def require_serialisable(method: Any) -> None:
    """Raises PydanticSchemaGenerationError for a parameter or result that is not a value."""
    for annotation in get_type_hints(method).values():
        TypeAdapter(annotation)


@pytest.mark.parametrize(("handle", "name", "method"), METHODS)
def test_a_published_method_takes_and_returns_values(handle: Handle, name: str, method: Any) -> None:
    require_serialisable(method)


@pytest.mark.parametrize(("handle", "name", "method"), METHODS)
def test_a_published_method_is_keyword_only_typed_and_documented(handle: Handle, name: str, method: Any) -> None:
    _, *parameters = inspect.signature(method).parameters.values()

    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    assert get_type_hints(method).keys() == {parameter.name for parameter in parameters} | {"return"}
    assert method.__doc__
    assert not name.startswith("get_")


@pytest.mark.parametrize(("handle", "name", "method"), METHODS)
def test_the_service_has_the_signature_of_its_protocol(handle: Handle, name: str, method: Any) -> None:
    service = type(handle.implementation.implementation)

    assert inspect.signature(getattr(service, name)) == inspect.signature(method)


@pytest.mark.parametrize("handle", HANDLES, ids=lambda handle: handle.protocol.__name__)
def test_a_service_publishes_nothing_that_no_protocol_names(handle: Handle) -> None:
    service = type(handle.implementation.implementation)
    named = {name for other in HANDLES for name, _ in published_methods(other.protocol)}

    assert {name for name, _ in published_methods(service)} <= named


def test_a_row_or_a_queryset_would_not_pass() -> None:
    class Leaky(Protocol):
        def row(self) -> models.Product: ...
        def rows(self) -> QuerySet[models.Product]: ...

    for method in (Leaky.row, Leaky.rows):
        with pytest.raises(PydanticSchemaGenerationError):
            require_serialisable(method)


def test_every_module_has_its_handle() -> None:
    assert {handle.protocol.__name__ for handle in HANDLES} == {
        *("Accounts", "Backlog", "Carts", "Catalog", "Checkout", "Inventory", "Replenishment", "Sales", "Shelves"),
    }
