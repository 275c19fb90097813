"""Sales and returns over REST: `/sales/` and `/stores/{id}/sales/`."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status
from pydantic import AwareDatetime, ConfigDict, StrictBool, field_validator, model_validator

from accounts.interface import Action, actor_of
from sales.interface import (
    OfflineItem,
    OfflineResult,
    OfflineSale,
    Payment,
    PaymentMethod,
    ReturnedItem,
    Sale,
    SaleNotFound,
    SaleSummary,
    SoldItem,
    sales,
)
from shared_kernel.ids import new_id
from shared_kernel.money import to_cents
from shared_kernel.rest.bodies import KEYBOARD, STORE, Amount, Body, Whole, example
from shared_kernel.rest.idempotency import idempotent
from shared_kernel.rest.pages import CursorFilters, CursorPage, cursor_page

router = Router(tags=["sales"])

MAX_QUANTITY = 100_000
MAX_LINES = 500
MAX_PAYMENTS = 20
MAX_SALES = 500
# More lines than a sale can have.
MAX_POSITION = 32_767
# Times outside are no times of a sale, and some of them cannot be told in another zone.
YEARS = range(2000, 2100)

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


class OfflineItemBody(SoldItemBody):
    unit_price: Amount | None = Field(
        None, ge=0, max_digits=10, decimal_places=2, description="As charged; left out: the catalogue's price."
    )


class PaymentBody(Body):
    method: PaymentMethod
    amount: Amount = Field(
        gt=0, max_digits=12, decimal_places=2, description="In the chain's currency; of cash, what was handed over."
    )

    def value(self) -> Payment:
        return Payment(self.method, to_cents(self.amount))


class ReturnedLineBody(Body):
    position: Whole = Field(ge=1, le=MAX_POSITION, description="Which line of the sale.")
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces that come back.")
    restock: StrictBool = Field(True, description="Back onto the shelf; false: written off.")


class ReturnedItemBody(ReturnedLineBody):
    sale_id: UUID = Field(description="The sale, of the same store, from which it comes back.")


class SaleBody(Body):
    store_id: UUID = Field(description="The store whose shelf the goods leave.")
    lines: list[SoldItemBody] = Field(
        default_factory=list, min_length=1, max_length=MAX_LINES, description="What is sold."
    )
    returns: list[ReturnedItemBody] = Field(
        default_factory=list,
        min_length=1,
        max_length=MAX_LINES,
        description="What comes back; with lines, it is an exchange.",
    )
    payments: list[PaymentBody] = Field(
        [], max_length=MAX_PAYMENTS, description="Left out: paid in cash, exactly. Cash beyond the total is change."
    )
    client_reference: str = Field(
        "", max_length=100, description="The till's own number for this sale: sent twice, it is one sale."
    )
    customer_id: UUID | None = Field(None, description="Who buys, if they say so.")
    till_session_id: UUID | None = Field(None, description="The open session of the till that takes the money.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [{"required": ["lines"]}, {"required": ["returns"]}],
            "examples": [
                {
                    "store_id": STORE,
                    "lines": [{"product_id": KEYBOARD, "quantity": 1}],
                    "payments": [{"method": "card", "amount": "89.99"}],
                }
            ],
        },
    )

    @model_validator(mode="after")
    def holds_something(self) -> "SaleBody":
        if not (self.lines or self.returns):
            raise ValueError("a ticket holds lines, returns, or both")
        return self


class ReturnBody(Body):
    lines: list[ReturnedLineBody] = Field(min_length=1, max_length=MAX_LINES, description="What comes back.")
    reason: str = Field("", max_length=200, description="Why, for whoever reads the ticket.")
    till_session_id: UUID | None = Field(None, description="The open session of the till that gives the money back.")

    model_config = example(lines=[{"position": 1, "quantity": 1}], reason="Too loud")


class OfflineSaleBody(Body):
    store_id: UUID = Field(description="The store whose shelf the goods have left.")
    lines: list[OfflineItemBody] = Field(min_length=1, max_length=MAX_LINES, description="What was sold.")
    payments: list[PaymentBody] = Field([], max_length=MAX_PAYMENTS, description="Left out: paid in cash, exactly.")
    client_reference: str = Field(
        min_length=1, max_length=100, description="The till's own number for this sale: sent twice, it is one sale."
    )
    sold_at: AwareDatetime = Field(description="When it happened, with its time zone; not in the future.")
    till_session_id: UUID | None = Field(None, description="The open session of the till that took the money.")

    @field_validator("sold_at")
    @classmethod
    def is_of_our_time(cls, sold_at: datetime) -> datetime:
        if sold_at.year not in YEARS:
            raise ValueError(f"a year from {YEARS.start} to {YEARS.stop - 1} is wanted")
        return sold_at.astimezone(UTC)


class OfflineSalesBody(Body):
    sales: list[OfflineSaleBody] = Field(min_length=1, max_length=MAX_SALES, description="In the order they happened.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "sales": [
                        {
                            "store_id": STORE,
                            "lines": [{"product_id": KEYBOARD, "quantity": 1, "unit_price": "89.99"}],
                            "client_reference": "till-1/4711",
                            "sold_at": "2026-03-02T10:15:00+01:00",
                        }
                    ]
                }
            ]
        },
    )


class OfflineAnswer(Schema):
    results: list[OfflineResult] = Field(description="One for each sale, in their order.")


class SaleFilters(CursorFilters):
    cursor: UUID | None = Field(None, description="Where to go on: taken from `next`, not made up.")
    receipt: str | None = Field(
        None, pattern="^[0-9]{4}-[0-9]{6,9}$", description="Only the sale with this receipt number."
    )


@router.post("/sales/", response={201: Sale}, operation_id="record_sale")
@idempotent
def record_sale(request: HttpRequest, body: SaleBody) -> Any:
    """Sell at a till, take back what was sold, or both. The stock moves in the same transaction.

    Prices come from the catalogue; what comes back goes at the price of its sale. 409 `insufficient_stock` names each
    line that cannot be served, and where else it is available; nothing is sold then. A total below zero is refunded by
    the methods that the goods were paid with, so such a ticket takes no payments. A `client_reference` that the store
    has used answers the sale made first.
    """
    actor = actor_of(request)
    if body.lines:
        actor.require(Action.SELL, at=body.store_id)
    if body.returns:
        actor.require(Action.REFUND, at=body.store_id)
    now = datetime.now(UTC)
    sale = sales.record_sale(
        sale_id=new_id(at=now),
        store_id=body.store_id,
        items=[SoldItem(line.quantity, line.product_id, line.barcode) for line in body.lines],
        returns=[ReturnedItem(line.sale_id, line.position, line.quantity, line.restock) for line in body.returns],
        payments=[payment.value() for payment in body.payments],
        client_reference=body.client_reference,
        cashier_id=actor.id,
        customer_id=body.customer_id,
        till_session_id=body.till_session_id,
        sold_at=now,
    )
    return Status(201, sale)


@router.post("/sales/batch/", response=OfflineAnswer, operation_id="record_offline_sales")
def record_offline_sales(request: HttpRequest, body: OfflineSalesBody) -> Any:
    """Write down what tills sold while they were offline, up to 500 sales. Each has a result of its own.

    The goods have left and the money is taken, so a sale that the stock does not cover is recorded all the same, and
    flagged; so is a price that is not the catalogue's, and a product that was archived. Sent again, a sale is `known`
    by its `client_reference`, and nothing doubles.
    """
    actor = actor_of(request)
    for store_id in {sale.store_id for sale in body.sales}:
        actor.require(Action.SELL, at=store_id)
    results = sales.record_offline_sales(
        sales=[
            OfflineSale(
                sale_id=new_id(at=sale.sold_at),
                store_id=sale.store_id,
                items=[
                    OfflineItem(line.quantity, line.product_id, line.barcode, line.unit_price) for line in sale.lines
                ],
                payments=[payment.value() for payment in sale.payments],
                client_reference=sale.client_reference,
                sold_at=sale.sold_at,
                till_session_id=sale.till_session_id,
            )
            for sale in body.sales
        ],
        cashier_id=actor.id,
        now=datetime.now(UTC),
    )
    return {"results": results}


@router.get("/sales/{uuid:sale_id}/", response=Sale, operation_id="sale")
def sale(request: HttpRequest, sale_id: UUID) -> Any:
    """One sale with its lines and payments. A sale of a store that is not yours is not found."""
    return _visible(request, sale_id)


@router.post("/sales/{uuid:sale_id}/returns/", response={201: Sale}, operation_id="record_return")
@idempotent
def record_return(request: HttpRequest, sale_id: UUID, body: ReturnBody) -> Any:
    """Take back goods of a sale, in the store that sold them. The answer is the ticket of the return.

    They go at the price they were sold for, and the money goes back by the methods that they were paid with. 409
    `return_exceeds_sale` when more would come back of a line than was sold on it.
    """
    sold = _visible(request, sale_id)
    actor = actor_of(request)
    actor.require(Action.REFUND, at=sold.store_id)
    now = datetime.now(UTC)
    ticket = sales.record_sale(
        sale_id=new_id(at=now),
        store_id=sold.store_id,
        items=[],
        returns=[ReturnedItem(sale_id, line.position, line.quantity, line.restock) for line in body.lines],
        payments=[],
        client_reference="",
        cashier_id=actor.id,
        customer_id=sold.customer_id,
        till_session_id=body.till_session_id,
        note=body.reason,
        sold_at=now,
    )
    return Status(201, ticket)


@router.get("/stores/{uuid:store_id}/sales/", response=CursorPage[SaleSummary], operation_id="list_store_sales")
def store_sales(request: HttpRequest, store_id: UUID, filters: Query[SaleFilters]) -> Any:
    """A store's sales, latest first; or the one with a receipt's number."""
    actor_of(request).require(Action.READ_SALES, at=store_id)
    rows = sales.store_sales(
        store_id=store_id, receipt_number=filters.receipt, before=filters.cursor, limit=filters.page_size + 1
    )
    return cursor_page(request, filters, rows=rows, cursor_of=lambda row: row.id)


def _visible(request: HttpRequest, sale_id: UUID) -> Sale:
    """The sale, if it was made in a store whose sales the caller may see. Raises SaleNotFound."""
    actor = actor_of(request)
    actor.require(Action.READ_SALES)
    found = sales.sale(sale_id=sale_id)
    if not actor.may(Action.READ_SALES, at=found.store_id):
        raise SaleNotFound(sale_id=sale_id)
    return found
