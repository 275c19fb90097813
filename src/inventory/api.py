"""Stores and stock over REST: `/stores/`, `/stock/` and `/products/{id}/stock/`."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status
from ninja.decorators import decorate_view
from pydantic import field_validator

from accounts.interface import Action, actor_of
from catalog.interface import ProductNotFound
from inventory.interface import (
    DEFAULT_LEAD_TIME_DAYS,
    Availability,
    Discrepancy,
    LedgerRow,
    Location,
    LocationDraft,
    LocationKind,
    Movement,
    StockLine,
    StockRow,
    Thresholds,
    inventory,
)
from shared_kernel.ids import new_id
from shared_kernel.quantities import MAX_QUANTITY
from shared_kernel.rest.bodies import KEYBOARD, STORE, WAREHOUSE, Body, Whole, example
from shared_kernel.rest.idempotency import idempotent
from shared_kernel.rest.pages import CursorFilters, CursorPage, Page, PageFilters, cursor_page, numbered_page
from shared_kernel.rest.public import public

router = Router(tags=["stock"])

MAX_LINES = 500


class StoreBody(Body):
    name: str = Field(min_length=1, max_length=100, description="What staff and customers call the store; unique.")
    address: str = Field(max_length=300, description="Where it is, on one line.")
    time_zone: str = Field("Europe/Paris", max_length=50, description="IANA name; decides what day a sale belongs to.")
    lead_time_days: Whole = Field(
        DEFAULT_LEAD_TIME_DAYS, ge=0, le=365, description="From a request to the warehouse until it is on the shelf."
    )

    model_config = example(name="Comptoir Bellecour", address="3 place Bellecour, 69002 Lyon", time_zone="Europe/Paris")


class LineBody(Body):
    product_id: UUID
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces.")


class DeltaBody(Body):
    product_id: UUID
    delta: Whole = Field(
        ge=-MAX_QUANTITY,
        le=MAX_QUANTITY,
        description="Pieces to add; negative takes away; not 0.",
        json_schema_extra={"not": {"const": 0}},
    )

    @field_validator("delta")
    @classmethod
    def changes_something(cls, delta: int) -> int:
        if delta == 0:
            raise ValueError("a correction changes something: not 0")
        return delta


class CountBody(Body):
    quantity: Whole = Field(ge=0, le=MAX_QUANTITY, description="The pieces that were counted.")
    reason: str = Field("stock count", max_length=200, description="Why it was counted, for the ledger.")
    reorder_point: Whole | None = Field(None, ge=0, le=MAX_QUANTITY, description="Low from here down; 0: never low.")
    target: Whole | None = Field(None, ge=0, le=MAX_QUANTITY, description="How many the place should hold when filled.")
    safety_stock: Whole | None = Field(None, ge=0, le=MAX_QUANTITY, description="Kept for the place's own customers.")

    model_config = example(quantity=18, reason="weekly count", reorder_point=5)


class AvailabilityBody(Body):
    items: list[LineBody] = Field(min_length=1, max_length=MAX_LINES)
    location_id: UUID | None = Field(None, description="The place to take them from; anywhere when left out.")

    model_config = example(items=[{"product_id": KEYBOARD, "quantity": 2}], location_id=STORE)


class ReceiptBody(Body):
    location_id: UUID = Field(description="Where the goods arrived.")
    lines: list[LineBody] = Field(min_length=1, max_length=MAX_LINES)
    reference: str = Field("", max_length=100, description="The delivery note or the like.")

    model_config = example(location_id=WAREHOUSE, lines=[{"product_id": KEYBOARD, "quantity": 12}], reference="BL-1042")


class TransferBody(Body):
    from_location_id: UUID
    to_location_id: UUID
    lines: list[LineBody] = Field(min_length=1, max_length=MAX_LINES)
    reference: str = Field("", max_length=100, description="The transfer note or the like.")

    model_config = example(
        from_location_id=WAREHOUSE, to_location_id=STORE, lines=[{"product_id": KEYBOARD, "quantity": 2}]
    )


class AdjustmentBody(Body):
    location_id: UUID
    lines: list[DeltaBody] = Field(min_length=1, max_length=MAX_LINES)
    reason: str = Field(min_length=1, max_length=200, description="What happened: damaged, lost, found …")

    model_config = example(location_id=STORE, lines=[{"product_id": KEYBOARD, "delta": -1}], reason="damaged")


class AvailabilityAnswer(Schema):
    available: bool = Field(description="Whether every line can be had.")
    items: list[Availability]


class MovementsAnswer(Schema):
    operation_id: UUID
    movements: list[Movement]


class StockFilters(PageFilters):
    search: str = Field("", max_length=200, description="Words of the product's name or description.")
    low: bool = Field(False, description="Only what is at or below its reorder point.")
    out: bool = Field(False, description="Only what the place has held and has none available of.")
    over: bool = Field(False, description="Only what lasts more than 90 days, or is more than twice its target.")


class MovementFilters(CursorFilters):
    cursor: int | None = Field(None, ge=1, le=2**62, description="Where to go on: taken from `next`, not made up.")
    location_id: UUID | None = Field(None, description="Only at this place.")
    product_id: UUID | None = Field(None, description="Only of this product.")


class DiscrepancyFilters(CursorFilters):
    cursor: int | None = Field(None, ge=0, le=2**62, description="Where to go on: taken from `next`, not made up.")
    location_id: UUID | None = Field(None, description="Only at this place.")
    settled: bool = Field(False, description="Those that a count has settled, instead of those to be settled.")


def _stock_lines(lines: list[LineBody]) -> list[StockLine]:
    return [StockLine(line.product_id, line.quantity) for line in lines]


# --- Stores ---------------------------------------------------------------------------------------------------------


@router.get("/stores/", auth=None, response=Page[Location], operation_id="list_stores", tags=["stores"])
@decorate_view(public("store list"))
def stores(request: HttpRequest, filters: Query[PageFilters]) -> Any:
    """The stores, by name."""
    page = inventory.store_page(offset=filters.offset, limit=filters.page_size)
    return numbered_page(request, filters, count=page.count, results=page.locations)


@router.post("/stores/", response={201: Location}, operation_id="create_store", tags=["stores"])
@idempotent
def create_store(request: HttpRequest, body: StoreBody) -> Any:
    """Open a store (head office). 409 when another place has the name."""
    actor_of(request).require(Action.EDIT_STORES)
    draft = LocationDraft(kind=LocationKind.STORE, **body.model_dump())
    return Status(201, inventory.save_location(location_id=new_id(), draft=draft))


@router.get("/stores/{uuid:store_id}/", auth=None, response=Location, operation_id="store", tags=["stores"])
@decorate_view(public("store"))
def store(request: HttpRequest, store_id: UUID) -> Any:
    """One store."""
    return inventory.store(store_id=store_id)


@router.put("/stores/{uuid:store_id}/", response=Location, operation_id="replace_store", tags=["stores"])
def replace_store(request: HttpRequest, store_id: UUID, body: StoreBody) -> Any:
    """Give a store its name, address and time zone anew (head office)."""
    actor_of(request).require(Action.EDIT_STORES)
    inventory.store(store_id=store_id)
    draft = LocationDraft(kind=LocationKind.STORE, **body.model_dump())
    return inventory.save_location(location_id=store_id, draft=draft)


# --- What is where --------------------------------------------------------------------------------------------------


@router.get("/stores/{uuid:store_id}/stock/", response=Page[StockRow], operation_id="store_stock")
def store_stock(request: HttpRequest, store_id: UUID, filters: Query[StockFilters]) -> Any:
    """A store's stock: every stocked product on sale, at zero where the store holds none. The filters combine."""
    actor_of(request).require(Action.READ_STOCK)
    return _stock_page(request, inventory.store(store_id=store_id), filters)


@router.get("/stock/central/", response=Page[StockRow], operation_id="central_stock")
def central_stock(request: HttpRequest, filters: Query[StockFilters]) -> Any:
    """The stock of the warehouse that serves the stores."""
    actor_of(request).require(Action.READ_STOCK)
    return _stock_page(request, inventory.central(), filters)


def _stock_page(request: HttpRequest, place: Location, filters: StockFilters) -> dict[str, Any]:
    page = inventory.location_stock(
        location_id=place.id,
        search=filters.search,
        low=filters.low,
        out=filters.out,
        over=filters.over,
        offset=filters.offset,
        limit=filters.page_size,
    )
    return numbered_page(request, filters, count=page.count, results=page.rows)


@router.get("/products/{uuid:product_id}/stock/", auth=None, response=Page[StockRow], operation_id="product_stock")
def product_stock(request: HttpRequest, product_id: UUID, filters: Query[PageFilters]) -> Any:
    """One product at every place, warehouses first."""
    rows = inventory.product_stock(product_id=product_id)
    shown = rows[filters.offset : filters.offset + filters.page_size]
    return numbered_page(request, filters, count=len(rows), results=shown)


@router.get(
    "/stores/{uuid:store_id}/products/{uuid:product_id}/stock/",
    response=StockRow,
    operation_id="stock_of_product_in_store",
)
def stock_of_product_in_store(request: HttpRequest, store_id: UUID, product_id: UUID) -> Any:
    """One product in one store, at zero where the store never held it."""
    actor_of(request).require(Action.READ_STOCK)
    inventory.store(store_id=store_id)
    rows = inventory.stock_levels(product_ids=[product_id], location_ids=[store_id])
    if not rows:
        raise ProductNotFound(product_ids=[product_id])
    return rows[0]


@router.post("/stock/check-availability/", auth=None, response=AvailabilityAnswer, operation_id="check_availability")
def check_availability(request: HttpRequest, body: AvailabilityBody) -> Any:
    """Whether so many pieces of each product can be had, and where each is. Changes and keeps nothing."""
    items = inventory.availability(lines=_stock_lines(body.items), location_id=body.location_id)
    return {"available": all(item.sufficient for item in items), "items": items}


@router.get("/stock/movements/", response=CursorPage[LedgerRow], operation_id="list_movements")
def movements(request: HttpRequest, filters: Query[MovementFilters]) -> Any:
    """The ledger, newest first: who moved what, why, when, before and after."""
    actor_of(request).require(Action.READ_STOCK)
    rows = inventory.movements(
        location_ids=None if filters.location_id is None else [filters.location_id],
        product_id=filters.product_id,
        before=filters.cursor,
        limit=filters.page_size + 1,
    )
    return cursor_page(request, filters, rows=rows, cursor_of=lambda row: row.id)


@router.get("/stock/discrepancies/", response=CursorPage[Discrepancy], operation_id="list_discrepancies")
def discrepancies(request: HttpRequest, filters: Query[DiscrepancyFilters]) -> Any:
    """Pieces that were sold although the books did not hold them, oldest first. A count of the shelf settles them."""
    actor_of(request).require(Action.READ_STOCK)
    rows = inventory.discrepancies(
        location_ids=None if filters.location_id is None else [filters.location_id],
        settled=filters.settled,
        after=filters.cursor,
        limit=filters.page_size + 1,
    )
    return cursor_page(request, filters, rows=rows, cursor_of=lambda row: row.id)


# --- Stock moves ----------------------------------------------------------------------------------------------------


@router.put("/stores/{uuid:store_id}/products/{uuid:product_id}/stock/", response=StockRow, operation_id="count_stock")
def count_stock(request: HttpRequest, store_id: UUID, product_id: UUID, body: CountBody) -> Any:
    """Set a store's stock of a product to what was counted, and its thresholds where given.

    409 when fewer were counted than are reserved for orders.
    """
    actor = actor_of(request)
    actor.require(Action.COUNT_STOCK, at=store_id)
    inventory.store(store_id=store_id)
    return inventory.count(
        operation_id=new_id(),
        location_id=store_id,
        product_id=product_id,
        quantity=body.quantity,
        thresholds=Thresholds(body.reorder_point, body.target, body.safety_stock),
        note=body.reason,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )


@router.post("/stock/receipts/", response={201: MovementsAnswer}, operation_id="receive_stock")
@idempotent
def receive_stock(request: HttpRequest, body: ReceiptBody) -> Any:
    """Put goods that arrived into a place's stock."""
    actor = actor_of(request)
    actor.require(Action.RECEIVE_STOCK, at=body.location_id)
    operation_id = new_id()
    moved = inventory.receive(
        operation_id=operation_id,
        location_id=body.location_id,
        lines=_stock_lines(body.lines),
        document=body.reference,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return Status(201, {"operation_id": operation_id, "movements": moved})


@router.post("/stock/transfers/", response={201: MovementsAnswer}, operation_id="transfer_stock")
@idempotent
def transfer_stock(request: HttpRequest, body: TransferBody) -> Any:
    """Move goods from one place to another, at once. 409 names each line that the first place cannot serve."""
    actor = actor_of(request)
    actor.require(Action.TRANSFER_STOCK)
    operation_id = new_id()
    moved = inventory.transfer(
        operation_id=operation_id,
        from_location_id=body.from_location_id,
        to_location_id=body.to_location_id,
        lines=_stock_lines(body.lines),
        document=body.reference,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return Status(201, {"operation_id": operation_id, "movements": moved})


@router.post("/stock/adjustments/", response={201: MovementsAnswer}, operation_id="adjust_stock")
@idempotent
def adjust_stock(request: HttpRequest, body: AdjustmentBody) -> Any:
    """Correct a place's stock: damage, loss, something found. 409 when less is available than is to be taken away."""
    actor = actor_of(request)
    actor.require(Action.ADJUST_STOCK, at=body.location_id)
    operation_id = new_id()
    moved = inventory.adjust(
        operation_id=operation_id,
        location_id=body.location_id,
        lines=[StockLine(line.product_id, line.delta) for line in body.lines],
        note=body.reason,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return Status(201, {"operation_id": operation_id, "movements": moved})
