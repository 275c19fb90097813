"""Reports over REST: `/reports/`."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localdate
from ninja import Field, Query, Router, Schema

from accounts.interface import actor_of
from sales.api.callers import visible_stores
from sales.interface import Channel, Figures, SalesReport, Statistics, StoreReport, sales
from shared_kernel.csv_files import harmless
from shared_kernel.rest.bodies import Day

router = Router(tags=["reports"])

MAX_TOP = 100_000


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


@router.get(
    "/reports/sales/",
    response=ReportAnswer,
    by_alias=True,
    operation_id="sales_report",
    openapi_extra={"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
def sales_report(request: HttpRequest, filters: Query[ReportFilters]) -> Any:
    """The consolidated report: each store's sales over a period, what it sold, and its stock as of `stock_as_of`.

    Without `from` and `to` it covers all time. A store manager sees their own stores.
    """
    report = sales.report(
        first_day=filters.since,
        last_day=filters.until,
        store_ids=visible_stores(actor_of(request), filters.store_id),
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


@router.get("/reports/statistics/", response=Statistics, operation_id="statistics")
def statistics(request: HttpRequest) -> Any:
    """Sales, revenue and average basket, for the chain and each store.

    The ten most sold products of the last 30 days.
    """
    return sales.statistics(store_ids=visible_stores(actor_of(request), None), today=localdate())


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
    writer.writerows([harmless(cell) for cell in row] for store in report.stores for row in _csv_rows(store))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="sales.csv"'
    return response


def _csv_rows(store: StoreReport) -> Iterator[Iterable[object]]:
    place = [store.store_id, store.name, store.address, store.channel]
    yield [*place, store.gross, store.returned, store.total, store.sales, store.returns, store.pieces, *[""] * 4]
    for product in store.products:
        yield [*place, *[""] * 6, product.product_id, product.sku, product.name, product.quantity]
