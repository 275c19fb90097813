"""`make events`: describes every event for other programs, in JSON Schemas and a list, in `docs/events/`."""

import inspect
import json
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import django
from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "events"

INDEX = """# Events

What Comptoir tells the world, written by `make events`. Each event is a JSON object,
`{{id, type, version, occurred_at, request_id, data}}`, described by a JSON Schema with an example. It goes to the
RabbitMQ topic exchange `comptoir` (routing key: its type; message id: its id) where `AMQP_URL` is set, and to
integrators' webhooks; within Comptoir, to those who listen.

Every event comes at least once, and those that are about one thing, which the first field of `data` names, come in
order (over the exchange; webhooks keep none). Keep the ids of events that you have acted on, and skip one that comes
again. Fields may be added; when one changes or goes, `version` counts up. `manage.py listen` shows how to listen to the
exchange.

A webhook's `Comptoir-Signature: t=…,v1=…` is the HMAC-SHA256, in hexadecimal, of `t`, a point and the body, with the
endpoint's secret: compare it in constant time, and refuse a `t` that is older than five minutes. Answer with a 2xx
within ten seconds; anything else is tried again for a day.

| Event | It means | Who listens in Comptoir |
|---|---|---|
{rows}
"""

FIELDS = {
    "amount": "How much.",
    "available": "How many pieces may be sold: those at hand that are not reserved.",
    "cart_id": "The cart.",
    "channel": "How the sale came about.",
    "currency": "The currency of all amounts, by ISO 4217.",
    "customer_id": "The customer.",
    "gross": "What was sold comes to, tax included.",
    "location_id": "The warehouse or store.",
    "on_hand": "How many pieces are there.",
    "order_id": "The order.",
    "origin_sale_ids": "The sales that it was taken back of.",
    "pieces": "How many pieces, of all products together.",
    "product_id": "The product.",
    "product_ids": "The products.",
    "quantity": "How many pieces.",
    "reorder_point": "From how many pieces down more is to be ordered.",
    "request_id": "The store's request.",
    "reserved": "How many of the pieces at hand are promised to orders.",
    "returned": "What was brought back comes to, tax included.",
    "sale_id": "The sale, or the return: the ticket.",
    "sold_at": "When the till says that it happened.",
    "status": "How far the order has come.",
    "stocked": "Whether it is goods that are counted, rather than a service.",
    "store_id": "The store.",
    "total": "What was paid, tax included, less what was brought back on the same ticket.",
}

EXAMPLES: dict[type, Any] = {
    UUID: UUID("0199d5a8-7c00-7000-8000-0000000000a1"),
    int: 3,
    bool: True,
    str: "EUR",
    Decimal: Decimal("19.90"),
    datetime: datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
}


def schema_of(event_type: Any) -> dict[str, Any]:
    """The JSON Schema of an event as the world is told of it, with an example."""
    data = TypeAdapter(event_type).json_schema(mode="serialization")
    # Of a choice of values, its values: what the code says of them is not for the world.
    definitions = {
        name: {"type": choice["type"], "enum": choice["enum"]} for name, choice in data.pop("$defs", {}).items()
    }
    data.pop("title", None)
    data.pop("description", None)
    for name, field in data["properties"].items():
        field.pop("title", None)
        field["description"] = FIELDS[name]
    properties = {
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "The event's own id, by which a repetition is known.",
        },
        "type": {"const": event_type.type},
        "version": {"const": event_type.version, "description": "Counts the changes of this schema."},
        "occurred_at": {"type": "string", "format": "date-time"},
        "request_id": {
            "type": ["string", "null"],
            "description": "The X-Request-ID of the call that did it, if there was one.",
        },
        "data": data | {"additionalProperties": False},
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.type,
        "description": inspect.getdoc(event_type),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "examples": [example_of(event_type)],
    }
    return schema | ({"$defs": definitions} if definitions else {})


def example_of(event_type: Any) -> dict[str, Any]:
    """An event as it could be."""
    hints = get_type_hints(event_type)
    values = {name: _example(hints[name]) for name in (field.name for field in fields(event_type))}
    return {
        "id": "0199d5a8-7c00-7000-8000-0000000000e1",
        "type": event_type.type,
        "version": event_type.version,
        "occurred_at": "2026-03-02T09:30:00.120000+00:00",
        "request_id": "0199d5a8-7c00-7000-8000-0000000000f1",
        "data": TypeAdapter(event_type).dump_python(event_type(**values), mode="json"),
    }


def _example(hint: Any) -> Any:
    if get_origin(hint) is list:
        return [_example(get_args(hint)[0])]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return next(iter(hint))
    return EXAMPLES[next(one for one in (*get_args(hint), hint) if one in EXAMPLES)]


def documents() -> dict[str, str]:
    """Each file of the folder, by its name."""
    from shared_kernel.events import event_types
    from shared_kernel.outbox import subscribers_of

    files = {}
    rows = []
    for name, event_type in event_types().items():
        files[f"{name}.json"] = json.dumps(schema_of(event_type), indent=2) + "\n"
        meaning = " ".join(str(inspect.getdoc(event_type)).split())
        listeners = ", ".join(f"`{one}`" for one in sorted(subscribers_of(event_type))) or "–"
        rows.append(f"| [`{name}`]({name}.json) | {meaning} | {listeners} |")
    return files | {"README.md": INDEX.format(rows="\n".join(rows))}


if __name__ == "__main__":
    django.setup()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, text in documents().items():
        (FOLDER / name).write_text(text)
    print(f"Wrote {FOLDER.relative_to(ROOT)}.")  # noqa: T201 it reports to whoever ran make
