"""The OpenAPI document as the code makes it, and bodies made about things that exist."""

import json
from typing import Any
from uuid import UUID

from drf_spectacular.generators import SchemaGenerator


def generated() -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(public=True), default=str))
    return document


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Each operation by its id: its method, its path and what is said of it."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def example_of(operation: dict[str, Any], document: dict[str, Any]) -> Any:
    """The body that the document shows for an operation; None where it takes none, or shows none."""
    if "requestBody" not in operation:
        return None
    media = operation["requestBody"]["content"]["application/json"]
    for example in media.get("examples", {}).values():
        return example["value"]
    # A body that may be left out stands in a list of one, beside its default.
    name = media["schema"].get("allOf", [media["schema"]])[0].get("$ref", "").rpartition("/")[2]
    return next(iter(document["components"]["schemas"].get(name, {}).get("examples", [])), None)


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
