"""Requests and suggestions over REST: `/replenishment-requests/` and `/replenishment-suggestions/`."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from accounts.interface import Action, Actor, actor_of
from replenishment.interface import (
    Acceptance,
    Outcome,
    Request,
    RequestNotFound,
    RequestStatus,
    SuggestedLine,
    Suggestion,
    Verdict,
    replenishment,
)
from shared_kernel.ids import new_id
from shared_kernel.quantities import MAX_QUANTITY
from shared_kernel.rest.bodies import KEYBOARD, STORE, Body, Whole, example
from shared_kernel.rest.idempotency import idempotent, operation_of, resumable
from shared_kernel.rest.pages import Page, PageFilters, numbered_page

router = Router(tags=["replenishment"])

MAX_LINES = 100

REQUEST = "019aa5f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"


class RequestBody(Body):
    product_id: UUID = Field(description="What is wanted.")
    store_id: UUID = Field(description="The store that wants it; it need not hold any yet.")
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces; at most what the warehouse has available.")
    status: Any = Field(None, description="Ignored: a request always starts as pending.")

    model_config = example(product_id=KEYBOARD, store_id=STORE, quantity=21)


class ApprovalBody(Body):
    quantity: Whole | None = Field(
        None, ge=1, le=MAX_QUANTITY, description="Fewer pieces than were asked for; left out: all."
    )
    reason: str = Field("", max_length=200, description="A word to the store.")

    model_config = example(quantity=12, reason="the rest next week")


class RejectionBody(Body):
    reason: str = Field("", max_length=200, description="A word to the store.")

    model_config = example(reason="kept for the opening in Lille")


class ArrivalBody(Body):
    quantity: Whole | None = Field(
        None, ge=0, le=MAX_QUANTITY, description="The pieces that arrived, where some are missing; left out: all."
    )

    model_config = example(quantity=20)


# These bodies may be left out.
AS_ASKED = ApprovalBody(quantity=None, reason="")
WITHOUT_REASON = RejectionBody(reason="")
ALL_OF_THEM = ArrivalBody(quantity=None)


class DecisionsBody(Body):
    request_ids: list[UUID] = Field(min_length=1, max_length=MAX_LINES, description="In the order to decide on them.")
    verdict: Verdict = Field(description="The same for all of them.")
    reason: str = Field("", max_length=200, description="A word to the stores.")

    model_config = example(request_ids=[REQUEST], verdict="approve")


class SuggestedLineBody(Body):
    store_id: UUID = Field(description="The store that the suggestion is for.")
    product_id: UUID = Field(description="The product that it is about.")
    quantity: Whole | None = Field(
        None, ge=1, le=MAX_QUANTITY, description="Another number of pieces than the suggested one."
    )


class AcceptanceBody(Body):
    lines: list[SuggestedLineBody] = Field(
        min_length=1, max_length=MAX_LINES, description="The suggestions to make requests of."
    )

    model_config = example(lines=[{"store_id": STORE, "product_id": KEYBOARD}])


class OutcomesAnswer(Schema):
    results: list[Outcome] = Field(description="What became of each request, in the order asked.")


class AcceptancesAnswer(Schema):
    results: list[Acceptance] = Field(description="What became of each line, in the order asked.")


class SuggestionFilters(PageFilters):
    store_id: UUID | None = Field(None, description="Only for this store.")


class RequestFilters(PageFilters):
    status: RequestStatus | None = Field(None, description="Only those that stand here.")
    store_id: UUID | None = Field(None, description="Only of this store.")
    product_id: UUID | None = Field(None, description="Only for this product.")


def _visible_stores(actor: Actor, store_id: UUID | None) -> list[UUID] | None:
    """The stores to show: the one asked about, or all that the actor may see; None for the whole chain."""
    actor.require(Action.READ_STOCK)
    sees_all = actor.may(Action.DECIDE_REQUESTS)
    if store_id is not None:
        if not sees_all:
            actor.require(Action.REQUEST_STOCK, at=store_id)
        return [store_id]
    stores = None if sees_all else actor.stores_for(Action.REQUEST_STOCK)
    return None if stores is None else sorted(stores)


def _visible(actor: Actor, request_id: UUID) -> Request:
    """A request that the actor may see. Raises RequestNotFound for somebody else's too."""
    actor.require(Action.READ_STOCK)
    found = replenishment.find(request_id=request_id)
    if not (actor.may(Action.DECIDE_REQUESTS) or actor.may(Action.REQUEST_STOCK, at=found.store_id)):
        raise RequestNotFound(replenishment_request_id=request_id)
    return found


# --- Asking ---------------------------------------------------------------------------------------------------------


@router.post("/replenishment-requests/", response={201: Request}, operation_id="request_stock")
@idempotent
def request_stock(request: HttpRequest, body: RequestBody) -> Any:
    """Ask the warehouse for goods. Nothing moves and nothing is kept until the warehouse approves.

    409 `no_central_stock` when the warehouse does not carry the product, `central_stock_too_low` when it has fewer
    available, `store_unknown` when there is no such store.
    """
    actor = actor_of(request)
    actor.require(Action.REQUEST_STOCK, at=body.store_id)
    made = replenishment.request(
        request_id=new_id(),
        product_id=body.product_id,
        store_id=body.store_id,
        quantity=body.quantity,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return Status(201, made)


@router.get("/replenishment-requests/", response=Page[Request], operation_id="list_requests")
def requests(request: HttpRequest, filters: Query[RequestFilters]) -> Any:
    """Requests, latest first. Shop staff see those of their own stores."""
    page = replenishment.requests(
        statuses=None if filters.status is None else [filters.status],
        store_ids=_visible_stores(actor_of(request), filters.store_id),
        product_id=filters.product_id,
        offset=filters.offset,
        limit=filters.page_size,
    )
    return numbered_page(request, filters, count=page.count, results=page.requests)


@router.get("/replenishment-requests/{uuid:request_id}/", response=Request, operation_id="replenishment_request")
def replenishment_request(request: HttpRequest, request_id: UUID) -> Any:
    """One request. That of a store which is not yours is not found."""
    return _visible(actor_of(request), request_id)


@router.post("/replenishment-requests/{uuid:request_id}/cancel/", response=Request, operation_id="cancel_request")
@idempotent
def cancel_request(request: HttpRequest, request_id: UUID) -> Any:
    """Take back a request that is still pending. 409 `already_decided` when it is not."""
    actor = actor_of(request)
    actor.require(Action.REQUEST_STOCK, at=_visible(actor, request_id).store_id)
    return replenishment.cancel(decision_id=new_id(), request_id=request_id, actor_id=actor.id, now=datetime.now(UTC))


# --- Deciding -------------------------------------------------------------------------------------------------------


@router.post("/replenishment-requests/{uuid:request_id}/approve/", response=Request, operation_id="approve_request")
@idempotent
def approve_request(request: HttpRequest, request_id: UUID, body: ApprovalBody = AS_ASKED) -> Any:
    """Grant a request: its goods move from the warehouse to the store, once. By id alone, the body may be left out.

    Where the warehouse uses transit, they are kept for it until they are shipped. 409 `already_decided`, or
    `central_stock_too_low` when fewer are available by now: then the request stays pending.
    """
    actor = actor_of(request)
    actor.require(Action.DECIDE_REQUESTS)
    return replenishment.approve(
        decision_id=new_id(),
        request_id=request_id,
        quantity=body.quantity,
        reason=body.reason,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )


@router.post("/replenishment-requests/{uuid:request_id}/reject/", response=Request, operation_id="reject_request")
@idempotent
def reject_request(request: HttpRequest, request_id: UUID, body: RejectionBody = WITHOUT_REASON) -> Any:
    """Turn a request down; nothing moves. By id alone, the body may be left out. 409 `already_decided`."""
    actor = actor_of(request)
    actor.require(Action.DECIDE_REQUESTS)
    return replenishment.reject(
        decision_id=new_id(),
        request_id=request_id,
        reason=body.reason,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )


@router.post("/replenishment-requests/decisions/", response=OutcomesAnswer, operation_id="decide_requests")
@resumable
def decide_requests(request: HttpRequest, body: DecisionsBody) -> Any:
    """Approve or reject several requests, each for itself. One that is refused does not keep the others."""
    actor = actor_of(request)
    actor.require(Action.DECIDE_REQUESTS)
    outcomes = replenishment.decide_all(
        decision_id=operation_of(request),
        request_ids=body.request_ids,
        verdict=body.verdict,
        reason=body.reason,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return {"results": outcomes}


# --- Goods on their way ---------------------------------------------------------------------------------------------


@router.post("/replenishment-requests/{uuid:request_id}/ship/", response=Request, operation_id="ship_request")
@idempotent
def ship_request(request: HttpRequest, request_id: UUID) -> Any:
    """Send an approved request's goods: they leave the warehouse and are in transit. 409 `not_on_its_way` otherwise."""
    actor = actor_of(request)
    actor.require(Action.DECIDE_REQUESTS)
    return replenishment.ship(shipment_id=new_id(), request_id=request_id, actor_id=actor.id, now=datetime.now(UTC))


@router.post("/replenishment-requests/{uuid:request_id}/receive/", response=Request, operation_id="receive_request")
@idempotent
def receive_request(request: HttpRequest, request_id: UUID, body: ArrivalBody = ALL_OF_THEM) -> Any:
    """Put a shipped request's goods onto the store's shelf, all or as many as arrived. 409 `not_on_its_way` otherwise.

    A difference stays on the request and in the ledger.
    """
    actor = actor_of(request)
    actor.require(Action.RECEIVE_STOCK, at=_visible(actor, request_id).store_id)
    return replenishment.receive(
        receipt_id=new_id(),
        request_id=request_id,
        quantity=body.quantity,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )


# --- Suggestions ----------------------------------------------------------------------------------------------------


@router.get("/replenishment-suggestions/", response=Page[Suggestion], operation_id="list_suggestions")
def suggestions(request: HttpRequest, filters: Query[SuggestionFilters]) -> Any:
    """What stores should ask for and why, the emptiest shelves first. Shop staff see those for their own stores.

    Worked out every night, and when a product runs low.
    """
    page = replenishment.suggestions(
        store_ids=_visible_stores(actor_of(request), filters.store_id),
        offset=filters.offset,
        limit=filters.page_size,
    )
    return numbered_page(request, filters, count=page.count, results=page.suggestions)


@router.post("/replenishment-suggestions/accept/", response=AcceptancesAnswer, operation_id="accept_suggestions")
@resumable
def accept_suggestions(request: HttpRequest, body: AcceptanceBody) -> Any:
    """Make requests of suggestions, each for itself. Never one beside a request that is still open."""
    actor = actor_of(request)
    for line in body.lines:
        actor.require(Action.REQUEST_STOCK, at=line.store_id)
    acceptances = replenishment.accept(
        acceptance_id=operation_of(request),
        lines=[SuggestedLine(line.store_id, line.product_id, line.quantity) for line in body.lines],
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return {"results": acceptances}
