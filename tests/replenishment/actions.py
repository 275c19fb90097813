"""The replenishment's writes with only the arguments that matter to a test, and what they leave behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from catalog.interface import Product
from inventory.interface import Location, LocationDraft, LocationKind, LocationNotFound, Thresholds, inventory
from replenishment.interface import (
    Acceptance,
    Outcome,
    Request,
    RequestStatus,
    SuggestedLine,
    Suggestion,
    Verdict,
    replenishment,
)
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import level, make_product, make_store, put_in_stock

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)

TABLES = ["replenishment_request", "replenishment_suggestion", "procrastinate_jobs"]
STOCK = ["stock_level", "stock_movement", "reservation"]


class Chain:
    """The warehouse and a new store, which hold so many pieces of a new product; None: the store never held any."""

    def __init__(
        self,
        central: int = 100,
        store: int | None = 20,
        *,
        transit: bool = False,
        lead_time: int = 2,
        time_zone: str = "Europe/Paris",
    ) -> None:
        self.warehouse = set_warehouse(transit=transit)
        self.store = make_store(time_zone=time_zone)
        set_lead_time(self.store, lead_time)
        self.product = make_product()
        put_in_stock(self.product, self.warehouse, central)
        if store is not None:
            put_in_stock(self.product, self.store, store)

    @property
    def shelves(self) -> tuple[int, int]:
        """What the warehouse and the store have available."""
        return level(self.product, self.warehouse).available, level(self.product, self.store).available

    @property
    def in_transit(self) -> int:
        return level(self.product, self.store).in_transit


def set_warehouse(*, transit: bool) -> Location:
    """The one warehouse, made if need be, which uses transit or not."""
    try:
        warehouse_id = inventory.central().id
    except LocationNotFound:
        warehouse_id = new_id()
    draft = LocationDraft(LocationKind.WAREHOUSE, "Central", "Lyon", "Europe/Paris", uses_transit=transit)
    return inventory.save_location(location_id=warehouse_id, draft=draft)


def set_lead_time(store: Location, days: int) -> None:
    draft = LocationDraft(store.kind, store.name, store.address, store.time_zone, lead_time_days=days)
    inventory.save_location(location_id=store.id, draft=draft)


def request(chain: Chain, quantity: int = 21, **values: Any) -> Request:
    arguments = {"request_id": new_id(), "product_id": chain.product.id, "store_id": chain.store.id}
    return replenishment.request(**(arguments | {"quantity": quantity, "actor_id": None, "now": NOW} | values))


def approve(made: Request, **values: Any) -> Request:
    return replenishment.approve(
        request_id=made.id, **({"decision_id": new_id(), "actor_id": None, "now": NOW} | values)
    )


def reject(made: Request, **values: Any) -> Request:
    return replenishment.reject(
        request_id=made.id, **({"decision_id": new_id(), "actor_id": None, "now": NOW} | values)
    )


def cancel(made: Request, **values: Any) -> Request:
    return replenishment.cancel(
        request_id=made.id, **({"decision_id": new_id(), "actor_id": None, "now": NOW} | values)
    )


def ship(made: Request, **values: Any) -> Request:
    return replenishment.ship(request_id=made.id, **({"shipment_id": new_id(), "actor_id": None, "now": NOW} | values))


def receive(made: Request, **values: Any) -> Request:
    return replenishment.receive(
        request_id=made.id, **({"receipt_id": new_id(), "actor_id": None, "now": NOW} | values)
    )


def decide_all(request_ids: Sequence[UUID], verdict: Verdict = Verdict.APPROVE, **values: Any) -> list[Outcome]:
    arguments = {"decision_id": new_id(), "actor_id": None, "now": NOW} | values
    return replenishment.decide_all(request_ids=request_ids, verdict=verdict, **arguments)


def accept(*lines: SuggestedLine, **values: Any) -> list[Acceptance]:
    return replenishment.accept(lines=lines, **({"acceptance_id": new_id(), "actor_id": None, "now": NOW} | values))


def line(chain: Chain, quantity: int | None = None) -> SuggestedLine:
    return SuggestedLine(chain.store.id, chain.product.id, quantity)


def set_thresholds(location: Location, product: Product, **thresholds: int) -> None:
    """Give a place's product these thresholds, by a count that finds what is there."""
    inventory.count(
        operation_id=new_id(),
        location_id=location.id,
        product_id=product.id,
        quantity=level(product, location).on_hand,
        thresholds=Thresholds(**thresholds),
        note="",
        actor_id=None,
        now=NOW,
    )


def suggest_product(chain: Chain, **values: Any) -> Suggestion | None:
    arguments = {"store_id": chain.store.id, "product_id": chain.product.id, "now": NOW}
    return replenishment.suggest_product(**(arguments | values))


def suggested(*stores: Location) -> list[Suggestion]:
    return replenishment.suggestions(store_ids=[store.id for store in stores], limit=100).suggestions


def statuses(chain: Chain) -> list[RequestStatus]:
    """Where the store's requests stand, oldest first."""
    return [made.status for made in reversed(replenishment.requests(store_ids=[chain.store.id]).requests)]


def everything() -> dict[str, list[Any]]:
    """All rows that the replenishment owns, all stock, and the events that wait to be delivered."""
    with connection.cursor() as cursor:
        rows = {}
        for table in [*TABLES, *STOCK]:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
        return rows


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refused(kind: type[Refusal]) -> Iterator[Any]:
    """Expects this refusal, and that nothing at all has changed."""
    with nothing_changes(), pytest.raises(kind) as refusal:
        yield refusal
