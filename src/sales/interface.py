"""What other modules may know of sales, and ask of them. Amounts are Decimal, with two places, tax included."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.published import published


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
class Payment:
    """A part of what was paid."""

    method: PaymentMethod
    amount: Decimal


@dataclass(frozen=True)
class SaleLine:
    """A line of a sale. A negative quantity was given back; `total` has its sign. `tax` is contained in `total`."""

    position: int
    product_id: UUID
    name: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class Sale:
    """What went over a counter at one time. `total` = `gross` (sold) − `returned` (given back); `tax` is contained in
    it.

    `sold_on` is the day in the store's own time zone.
    """

    id: UUID
    store_id: UUID
    channel: Channel
    sold_at: datetime
    sold_on: date
    cashier_id: UUID | None
    client_reference: str
    currency: str
    gross: Decimal
    returned: Decimal
    total: Decimal
    tax: Decimal
    pieces: int
    pieces_returned: int
    lines: list[SaleLine]
    payments: list[Payment]


@dataclass(frozen=True)
class SaleSummary:
    """A sale without its lines, for lists."""

    id: UUID
    store_id: UUID
    channel: Channel
    sold_at: datetime
    cashier_id: UUID | None
    client_reference: str
    currency: str
    gross: Decimal
    returned: Decimal
    total: Decimal
    pieces: int
    pieces_returned: int


@dataclass(frozen=True)
class ProductQuantity:
    """How many pieces of a product were sold."""

    product_id: UUID
    sku: str
    name: str
    quantity: int


@dataclass(frozen=True)
class LocalStock:
    """What is available of a product in a store now."""

    product_id: UUID
    name: str
    available: int


@dataclass(frozen=True)
class Figures:
    """What sales add up to: `total` = `gross` − `returned`; `pieces` counts what was sold, not what came back."""

    gross: Decimal
    returned: Decimal
    total: Decimal
    sales: int
    returns: int
    pieces: int


@dataclass(frozen=True)
class StoreReport(Figures):
    """A store's part of the consolidated report."""

    store_id: UUID
    name: str
    address: str
    channel: Channel
    products: list[ProductQuantity]
    stock: list[LocalStock]


@dataclass(frozen=True)
class SalesReport:
    """The consolidated report: every store with its sales in a period, and its stock now."""

    first_day: date | None
    last_day: date | None
    currency: str
    stores: list[StoreReport]
    total: Figures


@dataclass(frozen=True)
class StoreStatistics:
    """A store's sales, all in all. `average_basket` = revenue ÷ sales, 0 where there was none."""

    store_id: UUID
    name: str
    sales: int
    revenue: Decimal
    average_basket: Decimal


@dataclass(frozen=True)
class Statistics:
    """The chain's sales, all in all; `top_products` are the ten most sold of the last 30 days."""

    currency: str
    sales: int
    revenue: Decimal
    average_basket: Decimal
    stores: int
    per_store: list[StoreStatistics]
    top_products: list[ProductQuantity]


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


@dataclass(eq=False)
class SaleNotFound(NotFound):
    """The sale does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "sale_not_found"
    sale_id: UUID

    def __str__(self) -> str:
        return f"There is no sale {self.sale_id} in your stores."


@dataclass(eq=False)
class PaymentMismatch(Invalid):
    """The payments do not add up to the sale's total."""

    code: ClassVar[str] = "payment_mismatch"
    total: Decimal
    paid: Decimal

    def __str__(self) -> str:
        return f"The sale comes to {self.total}, but the payments add up to {self.paid}: correct the payments."


@dataclass(eq=False)
class ClientReferenceReused(Conflict):
    """Another sale of the store has this reference."""

    code: ClassVar[str] = "client_reference_reused"
    client_reference: str
    sale_id: UUID

    def __str__(self) -> str:
        return (
            f"The reference {self.client_reference} belongs to sale {self.sale_id}, which has other lines: "
            "use a new reference for a new sale."
        )


@dataclass(eq=False)
class InvoiceTooLarge(Invalid):
    """An invoice of a sales history holds more than a sale can."""

    code: ClassVar[str] = "invoice_too_large"
    invoice: str
    lines: int

    def __str__(self) -> str:
        return (
            f"Invoice {self.invoice}, of {self.lines:,} lines, is larger than a sale can be: look for a slip in its"
            " quantities and prices, or split it."
        )


class Sales(Protocol):
    """Sales and the reports drawn from them."""

    def record_sale(
        self,
        *,
        sale_id: UUID,
        store_id: UUID,
        items: Sequence[SoldItem],
        payments: Sequence[Payment],
        client_reference: str,
        cashier_id: UUID | None,
        sold_at: datetime,
    ) -> Sale:
        """Sell over a store's counter: prices from the catalogue, stock lowered in the same transaction.

        No payments means paid in cash, exactly. Idempotent by `sale_id`, and by `client_reference` within the store
        unless that is empty: the sale made first is answered. All lines are sold, or none. Raises LocationNotFound
        and InsufficientStock (of inventory), ProductNotFound and BarcodeNotFound (of catalog), PaymentMismatch,
        ClientReferenceReused.
        """
        ...

    def sale(self, *, sale_id: UUID) -> Sale:
        """One sale with lines and payments. Raises SaleNotFound."""
        ...

    def store_sales(self, *, store_id: UUID, before: UUID | None = None, limit: int = 20) -> list[SaleSummary]:
        """A store's sales, latest first, of ids below `before`. Raises LocationNotFound."""
        ...

    def report(
        self,
        *,
        first_day: date | None = None,
        last_day: date | None = None,
        store_ids: Sequence[UUID] | None = None,
        channel: Channel | None = None,
        top: int | None = 50,
    ) -> SalesReport:
        """The consolidated report over these days, both included (None: no limit), for these stores (None: all).

        `top` cuts each store's lists of products, most sold first, and of stock (None: no cut). Takes the same number
        of statements for any number of stores. Raises LocationNotFound for an unknown store.
        """
        ...

    def statistics(self, *, store_ids: Sequence[UUID] | None = None, today: date) -> Statistics:
        """Totals, averages and the most sold products, for these stores (None: all)."""
        ...

    def stage_history(self, *, import_id: UUID, lines: Sequence[HistoryLine]) -> None:
        """Put aside some lines of another system's history, until `complete_history`. Idempotent by line number."""
        ...

    def complete_history(self, *, import_id: UUID) -> HistoryResult:
        """Turn the lines put aside under this id into products, stores and sales.

        A sale per invoice, at its earliest line's time; those that are known stay as they are, so that the same history
        imported again changes nothing. All sales are written, or none. Missing products and stores are made before, in
        transactions of their own. Stock does not move: history is past. Raises InvoiceTooLarge, and LocationNameTaken
        (of inventory) for a warehouse that has a store's name.
        """
        ...

    def forget_staged_history(self, *, now: datetime) -> int:
        """Drop lines that were put aside more than a day ago and never completed; returns how many."""
        ...


sales = published(Sales)
