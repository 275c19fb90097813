"""What the sales say: values that other modules may hold. Amounts are Decimal, with two places, tax included."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared_kernel.events import Event


class Channel(StrEnum):
    """How a sale came about."""

    TILL = "till"
    ONLINE = "online"


class PaymentMethod(StrEnum):
    """What was paid with."""

    CASH = "cash"
    CARD = "card"
    VOUCHER = "voucher"
    OTHER = "other"


@dataclass(frozen=True)
class SoldItem:
    """So many pieces of a product, named by its id or by its barcode."""

    quantity: int
    product_id: UUID | None = None
    barcode: str | None = None


@dataclass(frozen=True)
class OrderedLine:
    """So many pieces of a product that the web shop sold, at the name, price and tax of the order."""

    product_id: UUID
    name: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal


@dataclass(frozen=True)
class OfflineItem(SoldItem):
    """The same, sold while the till was offline; `unit_price` is what was charged, None for the catalogue's price."""

    unit_price: Decimal | None = None


@dataclass(frozen=True)
class ReturnedItem:
    """So many pieces of a line of an earlier sale, brought back: onto the shelf again, or written off."""

    sale_id: UUID
    position: int
    quantity: int
    restock: bool = True


@dataclass(frozen=True)
class Payment:
    """A part of what was paid; a negative amount was refunded.

    For cash, `tendered` is what was handed over, of which `amount` stayed in the till.
    """

    method: PaymentMethod
    amount: Decimal
    tendered: Decimal | None = None


@dataclass(frozen=True)
class SaleLine:
    """A line of a sale. A negative quantity was given back; `total` has its sign. `tax` is contained in `total`.

    `quantity_returned` is how many of the pieces sold here have come back since. What was given back names the line
    that had sold it (the imported past does not), and whether it is on the shelf again.
    """

    position: int
    product_id: UUID
    name: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal
    tax: Decimal
    total: Decimal
    quantity_returned: int = 0
    origin_sale_id: UUID | None = None
    origin_position: int | None = None
    restocked: bool | None = None


class SaleFlag(StrEnum):
    """What somebody should look at in a sale that was recorded as it had happened."""

    STOCK_SHORT = "stock_short"
    PRICE_DIFFERS = "price_differs"
    ARCHIVED = "archived"
    TILL_CLOSED = "till_closed"


@dataclass(frozen=True)
class SaleSummary:
    """A sale without its lines, for lists. `total` = `gross` (sold) − `returned` (given back).

    `receipt_number` counts a store's receipts of a year, without gaps; the imported past has none.
    """

    id: UUID
    store_id: UUID
    channel: Channel
    receipt_number: str | None
    sold_at: datetime
    cashier_id: UUID | None
    customer_id: UUID | None
    till_session_id: UUID | None
    client_reference: str
    note: str
    flags: list[SaleFlag]
    currency: str
    gross: Decimal
    returned: Decimal
    total: Decimal
    pieces: int
    pieces_returned: int


@dataclass(frozen=True)
class Sale(SaleSummary):
    """What went over a counter at one time; `tax` is contained in `total`, `change` was handed back.

    `sold_on` is the day in the store's own time zone.
    """

    sold_on: date
    tax: Decimal
    change: Decimal
    lines: list[SaleLine]
    payments: list[Payment]


@dataclass(frozen=True)
class TaxTotal:
    """What a receipt comes to at one rate of tax: `net` + `tax` = `total`."""

    rate: Decimal
    net: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class Receipt:
    """What a customer is handed: the sale with its store, the store's own time, and the tax by rate.

    `returns_of` names the receipts of the sales from which goods were brought back, as far as they have numbers.
    """

    sale: Sale
    store_name: str
    store_address: str
    issued_at: datetime
    tendered: Decimal
    taxes: list[TaxTotal]
    returns_of: list[str]


@dataclass(frozen=True)
class OfflineSale:
    """A sale that a till made while it was offline: the goods have left, and the money is taken."""

    sale_id: UUID
    store_id: UUID
    items: Sequence[OfflineItem]
    payments: Sequence[Payment]
    client_reference: str
    sold_at: datetime
    till_session_id: UUID | None = None


class OfflineStatus(StrEnum):
    """What became of a sale made offline: written down now, known before, or refused."""

    RECORDED = "recorded"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True)
class SaleProblem:
    """Why a sale was refused: `code` for programs, `detail` for people."""

    code: str
    detail: str


@dataclass(frozen=True)
class OfflineResult:
    """What became of a sale made offline; a refused one has no id and no number, but a problem."""

    client_reference: str
    status: OfflineStatus
    sale_id: UUID | None
    receipt_number: str | None
    flags: list[SaleFlag]
    problem: SaleProblem | None


class CashDirection(StrEnum):
    """Whether cash was put into a till, or taken out."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True)
class CashMovement:
    """Cash that came into a till or left it otherwise than by a sale: change from the bank, a purchase, takings."""

    id: UUID
    direction: CashDirection
    amount: Decimal
    reason: str
    actor_id: UUID
    moved_at: datetime


@dataclass(frozen=True)
class TillSession:
    """A till from its opening to its count. `tickets` holds sales and returns; `revenue` = sold − given back.

    What stands beside `closed_at` is None while it is open; `z_number` counts a till's closings, without gaps.
    """

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
    revenue: Decimal
    closed_at: datetime | None
    closed_by: UUID | None
    closed_by_name: str | None
    z_number: int | None
    counted_cash: Decimal | None
    note: str


@dataclass(frozen=True)
class TillReport(TillSession):
    """All of a till session: its X report while it is open, its Z report afterwards.

    `expected_cash` = opening float + cash payments (less change and refunds) + cash in − cash out; `difference` =
    counted − expected. `payments` holds a sum for each method.
    """

    payments: list[Payment]
    cash_movements: list[CashMovement]
    expected_cash: Decimal
    difference: Decimal | None


@dataclass(frozen=True)
class HistoryLine:
    """A line of another system's sales history: a code for the product, a name for the store.

    A negative quantity was given back. A product that is not `stocked` is a service.
    """

    line_number: int
    invoice: str
    product_code: str
    product_name: str
    stocked: bool
    quantity: int
    sold_at: datetime
    unit_price: Decimal
    store_name: str


@dataclass(frozen=True)
class SaleRecorded(Event):
    """A sale was written down; `total` is less than `gross` where something was brought back in exchange."""

    type: ClassVar[str] = "sale.recorded"
    sale_id: UUID
    store_id: UUID
    channel: Channel
    sold_at: datetime
    currency: str
    gross: Decimal
    total: Decimal
    pieces: int


@dataclass(frozen=True)
class SaleReturned(Event):
    """A sale was written down that takes something back of others."""

    type: ClassVar[str] = "sale.returned"
    sale_id: UUID
    store_id: UUID
    channel: Channel
    sold_at: datetime
    currency: str
    returned: Decimal
    pieces: int
    origin_sale_ids: list[UUID]


@dataclass(frozen=True)
class HistoryResult:
    """What a sales history adds up to.

    `new_sales` were not known before, returns included. `unlike` are invoices that were known with other amounts or of
    another store, and stayed as they were.
    """

    lines: int
    products: int
    sales: int
    returns: int
    gross: Decimal
    returned: Decimal
    net: Decimal
    new_sales: int
    unlike: list[str]


@dataclass(frozen=True)
class SalesDifference:
    """Where the sales' books disagree: `found` is what a row says, `books` what its parts come to.

    `day` is None where the figure is not of one day. The store is the nil id for all stores together.
    """

    store_id: UUID
    day: date | None
    figure: str
    found: Decimal
    books: Decimal


@dataclass(frozen=True)
class SalesVerification:
    """The outcome of proving the sales' books at a time; of very many differences, the first thousand."""

    verified_at: datetime
    sales: int
    differences: list[SalesDifference]
