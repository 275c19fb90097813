"""Till sessions over REST: `/till-sessions/`."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from accounts.interface import Action, Actor, actor_of
from sales.interface import (
    CashDirection,
    CashMovement,
    Payment,
    PaymentMethod,
    TillReport,
    TillSession,
    TillSessionNotFound,
    sales,
)
from shared_kernel.ids import new_id
from shared_kernel.money import to_cents
from shared_kernel.rest.bodies import Amount, Body, example
from shared_kernel.rest.idempotency import idempotent
from shared_kernel.rest.pages import CursorFilters, CursorPage, cursor_page

router = Router(tags=["tills"])

STORE = "33333333-3333-3333-3333-333333333331"


class OpeningBody(Body):
    store_id: UUID = Field(description="The store where the till stands.")
    till: str = Field(min_length=1, max_length=50, description="What the till is called; one session at a time.")
    opening_float: Amount = Field(ge=0, max_digits=12, decimal_places=2, description="The cash that is in it.")

    model_config = example(store_id=STORE, till="Till 1", opening_float="150.00")


class CashMovementBody(Body):
    direction: CashDirection
    amount: Amount = Field(gt=0, max_digits=12, decimal_places=2, description="In the chain's currency.")
    reason: str = Field(min_length=1, max_length=200, description="What for.")

    model_config = example(direction="out", amount="40.00", reason="Window cleaner")


class ClosingBody(Body):
    counted_cash: Amount = Field(ge=0, max_digits=12, decimal_places=2, description="The cash that was counted.")
    note: str = Field("", max_length=500, description="What there is to say about a difference.")

    model_config = example(counted_cash="412.35", note="")


class TillSessionAnswer(Schema):
    id: UUID
    store_id: UUID
    store_name: str
    till: str
    opened_by: UUID
    opened_by_name: str
    opened_at: datetime
    opening_float: Decimal
    tickets: int
    returns: int
    revenue: Decimal | None = Field(description="Sold − given back; not shown to whoever is to count, until they have.")
    closed_at: datetime | None
    closed_by: UUID | None
    closed_by_name: str | None
    z_number: int | None
    counted_cash: Decimal | None
    note: str


class TillReportAnswer(TillSessionAnswer):
    payments: list[Payment] = Field(description="A sum for each method; cash is left out where revenue is not shown.")
    cash_movements: list[CashMovement]
    expected_cash: Decimal | None = Field(description="What should be in the till; shown as revenue is.")
    difference: Decimal | None = Field(description="Counted − expected.")


class TillFilters(CursorFilters):
    cursor: UUID | None = Field(None, description="Where to go on: taken from `next`, not made up.")
    store_id: UUID | None = Field(None, description="Only this store.")
    open: bool | None = Field(None, description="true: only what is open; false: only what is closed.")


@router.post("/till-sessions/", response={201: TillReportAnswer}, operation_id="open_till")
@idempotent
def open_till(request: HttpRequest, body: OpeningBody) -> Any:
    """Open a till with the cash that is in it. 409 `till_already_open` while its last session is not closed."""
    actor = actor_of(request)
    actor.require(Action.RUN_TILL, at=body.store_id)
    now = datetime.now(UTC)
    report = sales.open_till(
        session_id=new_id(at=now),
        store_id=body.store_id,
        till=body.till,
        opening_float=to_cents(body.opening_float),
        actor_id=actor.id,
        now=now,
    )
    return Status(201, _shown(report, actor))


@router.get("/till-sessions/", response=CursorPage[TillSessionAnswer], operation_id="list_till_sessions")
def till_sessions(request: HttpRequest, filters: Query[TillFilters]) -> Any:
    """The till sessions of your stores, latest first."""
    actor = actor_of(request)
    actor.require(Action.RUN_TILL, at=filters.store_id)
    stores = actor.stores_for(Action.RUN_TILL) if filters.store_id is None else [filters.store_id]
    rows = sales.till_sessions(
        store_ids=None if stores is None else list(stores),
        is_open=filters.open,
        before=filters.cursor,
        limit=filters.page_size + 1,
    )
    page = cursor_page(request, filters, rows=rows, cursor_of=lambda row: row.id)
    return page | {"results": [_shown_in_list(row, actor) for row in page["results"]]}


@router.get("/till-sessions/{uuid:session_id}/", response=TillReportAnswer, operation_id="till_session")
def till_session(request: HttpRequest, session_id: UUID) -> Any:
    """One till session: its X report while it is open, its Z report once it is closed.

    The count is blind: what should be in the till is shown before it only to those who supervise tills.
    """
    return _shown(_visible(request, session_id), actor_of(request))


@router.post(
    "/till-sessions/{uuid:session_id}/cash-movements/", response={201: TillReportAnswer}, operation_id="move_cash"
)
@idempotent
def move_cash(request: HttpRequest, session_id: UUID, body: CashMovementBody) -> Any:
    """Note cash that is put into an open till, or taken out, otherwise than by a sale."""
    _visible(request, session_id)
    actor = actor_of(request)
    now = datetime.now(UTC)
    report = sales.move_cash(
        movement_id=new_id(at=now),
        session_id=session_id,
        direction=body.direction,
        amount=to_cents(body.amount),
        reason=body.reason,
        actor_id=actor.id,
        now=now,
    )
    return Status(201, _shown(report, actor))


@router.post("/till-sessions/{uuid:session_id}/close/", response=TillReportAnswer, operation_id="close_till")
@idempotent
def close_till(request: HttpRequest, session_id: UUID, body: ClosingBody) -> Any:
    """Close a till with the cash that was counted. The answer is its Z report, which never changes afterwards.

    409 `till_session_closed` when it was closed before.
    """
    _visible(request, session_id)
    return sales.close_till(
        session_id=session_id,
        counted_cash=to_cents(body.counted_cash),
        note=body.note,
        actor_id=actor_of(request).id,
        now=datetime.now(UTC),
    )


def _visible(request: HttpRequest, session_id: UUID) -> TillReport:
    """The session, if it is of a store whose tills the caller may run. Raises TillSessionNotFound."""
    actor = actor_of(request)
    actor.require(Action.RUN_TILL)
    report = sales.till_session(session_id=session_id)
    if not actor.may(Action.RUN_TILL, at=report.store_id):
        raise TillSessionNotFound(session_id=session_id)
    return report


def _is_blind(session: TillSession, actor: Actor) -> bool:
    """Whether the caller is to count the till before they see what should be in it."""
    return session.closed_at is None and not actor.may(Action.SUPERVISE_TILL, at=session.store_id)


def _shown_in_list(session: TillSession, actor: Actor) -> dict[str, Any]:
    return vars(session) | ({"revenue": None} if _is_blind(session, actor) else {})


def _shown(report: TillReport, actor: Actor) -> dict[str, Any]:
    if not _is_blind(report, actor):
        return vars(report)
    without_cash = [payment for payment in report.payments if payment.method is not PaymentMethod.CASH]
    return vars(replace(report, payments=without_cash)) | {"revenue": None, "expected_cash": None}
