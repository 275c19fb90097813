"""Till sales and reports over REST: `/sales/`, `/stores/{id}/sales/` and `/reports/`."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localdate
from ninja import Field, Query, Router, Schema, Status
from pydantic import ConfigDict, model_validator

from accounts.interface import Action, Actor
from sales.interface import (
    Channel,
    Figures,
    Payment,
    PaymentMethod,
    Sale,
    SaleNotFound,
    SalesReport,
    SaleSummary,
    SoldItem,
    Statistics,
    StoreReport,
    sales,
)
from shared_kernel.ids import new_id
from shared_kernel.money import to_cents
from shared_kernel.rest.bodies import Amount, Body, Day, Whole
from shared_kernel.rest.idempotency import idempotent
from shared_kernel.rest.pages import CursorFilters, CursorPage, cursor_page

router = Router(tags=["sales"])

MAX_QUANTITY = 100_000
MAX_LINES = 500
MAX_TOP = 100_000

ONE_PRODUCT: dict[str, Any] = {"anyOf": [{"required": ["product_id"]}, {"required": ["barcode"]}]}


class SoldItemBody(Body):
    product_id: UUID | None = Field(None, description="Which product; or give its barcode.")
    barcode: str | None = Field(None, min_length=8, max_length=14, description="Instead of the id, as scanned.")
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces.")

    model_config = ConfigDict(extra="forbid", json_schema_extra=ONE_PRODUCT)

    @model_validator(mode="after")
    def names_one_product(self) -> "SoldItemBody":
        if (self.product_id is None) == (self.barcode is None):
            raise ValueError("name the product by product_id or by barcode, not both")
        return self


class PaymentBody(Body):
    method: PaymentMethod
    amount: Amount = Field(gt=0, max_digits=12, decimal_places=2, description="In the chain's currency.")


class SaleBody(Body):
    store_id: UUID = Field(description="The store whose shelf the goods leave.")
    lines: list[SoldItemBody] = Field(min_length=1, max_length=MAX_LINES)
    payments: list[PaymentBody] = Field([], max_length=20, description="Left out: paid in cash, exactly.")
    client_reference: str = Field(
        "", max_length=100, description="The till's own number for this sale: sent twice, it is one sale."
    )

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "store_id": "33333333-3333-3333-3333-333333333331",
                    "lines": [{"product_id": "550e8400-e29b-41d4-a716-446655440001", "quantity": 1}],
                    "payments": [{"method": "card", "amount": "89.99"}],
                }
            ]
        },
    )


class SaleFilters(CursorFilters):
    cursor: UUID | None = Field(None, description="Where to go on: taken from `next`, not made up.")


class ReportFilters(Schema):
    since: Day | None = Field(None, alias="from", description="First day, in each store's time zone.")
    until: Day | None = Field(None, alias="to", description="Last day, included.")
    store_id: UUID | None = Field(None, description="Only this store.")
    channel: Channel | None = Field(None, description="Only what was sold this way.")
    format: Literal["json", "csv"] = Field("json", description="csv: a line per store, then one per product sold.")
    top: Annotated[int, Field(ge=1, le=MAX_TOP)] | Literal["all"] = Field(
        50, description="Products per store, most sold first; `all` for every one."
    )


class ReportAnswer(Schema):
    since: date | None = Field(alias="from")
    until: date | None = Field(alias="to")
    currency: str
    stores: list[StoreReport]
    total: Figures


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.auth  # type: ignore[attr-defined]  # django-ninja puts it there
    return actor


@router.post("/sales/", response={201: Sale}, operation_id="record_sale")
@idempotent
def record_sale(request: HttpRequest, body: SaleBody) -> Any:
    """Sell at a till. Prices come from the catalogue; the stock leaves the shelf in the same transaction.

    409 `insufficient_stock` names each line that cannot be served, and where else it is available; nothing is sold
    then. A `client_reference` that the store has used answers the sale made first.
    """
    actor = _actor(request)
    actor.require(Action.SELL, at=body.store_id)
    now = datetime.now(UTC)
    sale = sales.record_sale(
        sale_id=new_id(at=now),
        store_id=body.store_id,
        items=[SoldItem(line.quantity, line.product_id, line.barcode) for line in body.lines],
        payments=[Payment(payment.method, to_cents(payment.amount)) for payment in body.payments],
        client_reference=body.client_reference,
        cashier_id=actor.id,
        sold_at=now,
    )
    return Status(201, sale)


@router.get("/sales/{uuid:sale_id}/", response=Sale, operation_id="sale")
def sale(request: HttpRequest, sale_id: UUID) -> Any:
    """One sale with its lines and payments. A sale of a store that is not yours is not found."""
    actor = _actor(request)
    actor.require(Action.READ_SALES)
    found = sales.sale(sale_id=sale_id)
    if not actor.may(Action.READ_SALES, at=found.store_id):
        raise SaleNotFound(sale_id=sale_id)
    return found


@router.get("/stores/{uuid:store_id}/sales/", response=CursorPage[SaleSummary], operation_id="list_store_sales")
def store_sales(request: HttpRequest, store_id: UUID, filters: Query[SaleFilters]) -> Any:
    """A store's sales, latest first."""
    _actor(request).require(Action.READ_SALES, at=store_id)
    rows = sales.store_sales(store_id=store_id, before=filters.cursor, limit=filters.page_size + 1)
    return cursor_page(request, filters, rows=rows, cursor_of=lambda row: row.id)


@router.get(
    "/reports/sales/",
    response=ReportAnswer,
    by_alias=True,
    operation_id="sales_report",
    tags=["reports"],
    openapi_extra={"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
def sales_report(request: HttpRequest, filters: Query[ReportFilters]) -> Any:
    """The consolidated report: each store's sales over a period, what it sold, and its stock now.

    Without `from` and `to` it covers all time. A store manager sees their own stores.
    """
    report = sales.report(
        first_day=filters.since,
        last_day=filters.until,
        store_ids=_visible_stores(_actor(request), filters.store_id),
        channel=filters.channel,
        top=None if filters.top == "all" else int(filters.top),
    )
    if filters.format == "csv":
        return _csv(report)
    return {
        "from": report.first_day,
        "to": report.last_day,
        "currency": report.currency,
        "stores": report.stores,
        "total": report.total,
    }


@router.get("/reports/statistics/", response=Statistics, operation_id="statistics", tags=["reports"])
def statistics(request: HttpRequest) -> Any:
    """Sales, revenue and average basket, for the chain and each store.

    The ten most sold products of the last 30 days.
    """
    return sales.statistics(store_ids=_visible_stores(_actor(request), None), today=localdate())


def _visible_stores(actor: Actor, store_id: UUID | None) -> list[UUID] | None:
    """The stores to report on: the one asked about, or all that the actor may see; None for the whole chain."""
    actor.require(Action.READ_REPORTS, at=store_id)
    if store_id is not None:
        return [store_id]
    stores = actor.stores_for(Action.READ_REPORTS)
    return None if stores is None else sorted(stores)


CSV_COLUMNS = [
    "store_id",
    "name",
    "address",
    "channel",
    "gross",
    "returned",
    "total",
    "sales",
    "returns",
    "pieces",
    "product_id",
    "sku",
    "product",
    "quantity",
]


def _csv(report: SalesReport) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    writer.writerows([_harmless(cell) for cell in row] for store in report.stores for row in _csv_rows(store))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="sales.csv"'
    return response


def _csv_rows(store: StoreReport) -> Iterator[Iterable[object]]:
    place = [store.store_id, store.name, store.address, store.channel]
    yield [*place, store.gross, store.returned, store.total, store.sales, store.returns, store.pieces, *[""] * 4]
    for product in store.products:
        yield [*place, *[""] * 6, product.product_id, product.sku, product.name, product.quantity]


def _harmless(cell: object) -> object:
    """A spreadsheet would run a text that begins like a formula.

    An apostrophe makes it text again (OWASP, CSV injection).
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
