"""The inventory's writes with only the arguments that matter to a test, and what they leave behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from catalog.interface import Product
from inventory.interface import (
    ArrivedLine,
    Discrepancy,
    Location,
    Movement,
    PlacedLine,
    Reservation,
    StockLine,
    StockRow,
    Thresholds,
    inventory,
)
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)

Pieces = tuple[Product, int]

TABLES = ["location", "stock_level", "stock_movement", "stock_discrepancy", "reservation", "procrastinate_jobs"]


def lines(*pieces: Pieces) -> list[StockLine]:
    return [StockLine(product.id, quantity) for product, quantity in pieces]


def _arguments(values: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return {"operation_id": new_id(), "actor_id": None, "now": NOW} | defaults | values


def receive(location: Location, *pieces: Pieces, **values: Any) -> list[Movement]:
    return inventory.receive(location_id=location.id, lines=lines(*pieces), **_arguments(values, document=""))


def issue(location: Location, *pieces: Pieces, **values: Any) -> list[Movement]:
    return inventory.issue(location_id=location.id, lines=lines(*pieces), **_arguments(values, document=""))


def issue_departed(location: Location, *pieces: Pieces, **values: Any) -> list[Discrepancy]:
    arguments = _arguments(values, document="", departed_at=NOW)
    return inventory.issue_departed(location_id=location.id, lines=lines(*pieces), **arguments)


def ship(order_id: UUID, destination: Location, **values: Any) -> list[Movement]:
    return inventory.ship(order_id=order_id, to_location_id=destination.id, **_arguments(values))


def receive_shipment(location: Location, *arrived: ArrivedLine, **values: Any) -> list[Movement]:
    arguments = _arguments(values, document="")
    return inventory.receive_shipment(location_id=location.id, lines=list(arrived), **arguments)


def adjust(location: Location, *pieces: Pieces, **values: Any) -> list[Movement]:
    return inventory.adjust(location_id=location.id, lines=lines(*pieces), **_arguments(values, note=""))


def count(location: Location, product: Product, quantity: int, **values: Any) -> StockRow:
    arguments = _arguments(values, note="", thresholds=Thresholds())
    return inventory.count(location_id=location.id, product_id=product.id, quantity=quantity, **arguments)


def transfer(origin: Location, destination: Location, *pieces: Pieces, **values: Any) -> list[Movement]:
    places = {"from_location_id": origin.id, "to_location_id": destination.id}
    return inventory.transfer(**places, lines=lines(*pieces), **_arguments(values, document=""))


def reserve(location: Location, *pieces: Pieces, **values: Any) -> list[Reservation]:
    placed = [PlacedLine(location.id, product.id, quantity) for product, quantity in pieces]
    return inventory.reserve(lines=placed, **({"order_id": new_id(), "now": NOW, "until": NOW + HOUR} | values))


def reserved_and_run_out(location: Location, *pieces: Pieces) -> UUID:
    """An order whose reservation ran out an hour ago, and which nobody has tidied up."""
    order_id = new_id()
    reserve(location, *pieces, order_id=order_id, now=NOW - 2 * HOUR, until=NOW - HOUR)
    return order_id


def ledger(product: Product, location: Location) -> list[tuple[int, int, int, str]]:
    """The movements of a product at a place, oldest first: delta, before, after, reason."""
    rows = inventory.movements(product_id=product.id, location_ids=[location.id], limit=1000)
    return [(row.delta, row.before, row.after, row.reason) for row in reversed(rows)]


def stored(product: Product, location: Location) -> tuple[int, int]:
    """on_hand and reserved as they are in the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT on_hand, reserved FROM stock_level WHERE product_id = %s AND location_id = %s",
            [product.id, location.id],
        )
        [row] = cursor.fetchall()
        return row


def everything() -> dict[str, list[Any]]:
    """All rows that the inventory owns, and the events that wait to be delivered."""
    with connection.cursor() as cursor:
        rows = {}
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
        return rows


@contextmanager
def refused(kind: type[Refusal]) -> Iterator[Any]:
    """Expects this refusal, and that nothing at all has changed."""
    before = everything()
    with pytest.raises(kind) as refusal:
        yield refusal
    assert everything() == before
