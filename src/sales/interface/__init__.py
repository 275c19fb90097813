"""What other modules may know of sales, and ask of them. Amounts are Decimal, with two places, tax included."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from sales.interface.figures import (
    DayFigures,
    Figures,
    HourFigures,
    Indicators,
    LocalStock,
    Performance,
    PeriodFigures,
    ProductQuantity,
    ProductSales,
    SalesReport,
    Statistics,
    StoreIndicators,
    StoreReport,
    StoreStatistics,
    Trend,
)
from sales.interface.refusals import (
    ClientReferenceReused,
    CustomerNotFound,
    InvoiceTooLarge,
    PaymentMismatch,
    ReturnExceedsSale,
    SaleNotFound,
    SoldInFuture,
    TillAlreadyOpen,
    TillSessionClosed,
    TillSessionNotFound,
)
from sales.interface.values import (
    CashDirection,
    CashMovement,
    Channel,
    HistoryLine,
    HistoryResult,
    OfflineItem,
    OfflineResult,
    OfflineSale,
    OfflineStatus,
    OrderedLine,
    Payment,
    PaymentMethod,
    Receipt,
    ReturnedItem,
    Sale,
    SaleFlag,
    SaleLine,
    SaleProblem,
    SaleRecorded,
    SaleReturned,
    SalesDifference,
    SaleSummary,
    SalesVerification,
    SoldItem,
    TaxTotal,
    TillReport,
    TillSession,
)
from shared_kernel.published import published

__all__ = [
    "Backlog",
    "CashDirection",
    "CashMovement",
    "Channel",
    "ClientReferenceReused",
    "CustomerNotFound",
    "DayFigures",
    "Figures",
    "HistoryLine",
    "HistoryResult",
    "HourFigures",
    "Indicators",
    "InvoiceTooLarge",
    "LocalStock",
    "OfflineItem",
    "OfflineResult",
    "OfflineSale",
    "OfflineStatus",
    "OrderedLine",
    "Payment",
    "PaymentMethod",
    "PaymentMismatch",
    "Performance",
    "PeriodFigures",
    "ProductQuantity",
    "ProductSales",
    "Receipt",
    "ReturnExceedsSale",
    "ReturnedItem",
    "Sale",
    "SaleFlag",
    "SaleLine",
    "SaleNotFound",
    "SaleProblem",
    "SaleRecorded",
    "SaleReturned",
    "SaleSummary",
    "Sales",
    "SalesDifference",
    "SalesReport",
    "SalesVerification",
    "SoldInFuture",
    "SoldItem",
    "Statistics",
    "StoreIndicators",
    "StoreReport",
    "StoreStatistics",
    "TaxTotal",
    "TillAlreadyOpen",
    "TillReport",
    "TillSession",
    "TillSessionClosed",
    "TillSessionNotFound",
    "Trend",
    "backlog",
    "sales",
]


class Sales(Protocol):
    """Sales and the reports drawn from them."""

    # --- Sales and returns ------------------------------------------------------------------------------------------

    def record_sale(
        self,
        *,
        sale_id: UUID,
        store_id: UUID,
        items: Sequence[SoldItem],
        returns: Sequence[ReturnedItem] = (),
        payments: Sequence[Payment],
        client_reference: str,
        cashier_id: UUID | None,
        customer_id: UUID | None = None,
        till_session_id: UUID | None = None,
        note: str = "",
        sold_at: datetime,
    ) -> Sale:
        """Sell over a store's counter, take back what it sold, or both on one ticket; all lines, or none.

        What is sold takes its price from the catalogue, what comes back goes at the price that it was sold for; stock
        moves in the same transaction. No payments means paid in cash, exactly; cash beyond the total is change. A total
        below zero is refunded by the methods that the goods were paid with, in their order, and what no payment is
        known of in cash: there are no payments to give then. A receipt number is drawn.

        Idempotent by `sale_id`, and by `client_reference` within the store unless that is empty: the sale made first is
        answered. Raises LocationNotFound and InsufficientStock (of inventory), ProductNotFound, BarcodeNotFound and
        InvalidBarcode (of catalog), SaleNotFound for a return of another store's sale, ReturnExceedsSale,
        PaymentMismatch, ClientReferenceReused, CustomerNotFound, TillSessionNotFound, TillSessionClosed.
        """
        ...

    def record_offline_sales(
        self, *, sales: Sequence[OfflineSale], cashier_id: UUID | None, now: datetime
    ) -> list[OfflineResult]:
        """Write down what tills sold while they were offline, each sale in a transaction of its own, in this order.

        The goods have left: what the stock does not cover, what was archived, and a price other than the catalogue's
        are recorded as they were, and flagged. Idempotent by store and `client_reference`. Refusals are part of the
        result: those of `record_sale`, and SoldInFuture.
        """
        ...

    def record_order(
        self,
        *,
        sale_id: UUID,
        store_id: UUID,
        lines: Sequence[OrderedLine],
        method: PaymentMethod,
        reference: str,
        customer_id: UUID | None,
        sold_at: datetime,
    ) -> Sale:
        """Write down what the web shop sold: at the store where it is picked up, or at the warehouse. No stock moves.

        A receipt number is drawn. Idempotent by `sale_id`. Raises LocationNotFound (of inventory).
        """
        ...

    def record_order_refund(
        self, *, sale_id: UUID, items: Sequence[ReturnedItem], reference: str, sold_at: datetime
    ) -> Sale:
        """Write down that money went back for pieces of one sale of the web shop. No stock moves.

        Idempotent by `sale_id`. Raises SaleNotFound, ReturnExceedsSale.
        """
        ...

    def totals(self, *, sale_ids: Sequence[UUID]) -> dict[UUID, Decimal]:
        """What these tickets came to; an unknown one is left out. Takes one statement."""
        ...

    def sale(self, *, sale_id: UUID) -> Sale:
        """One sale with lines and payments. Raises SaleNotFound."""
        ...

    def store_sales(
        self, *, store_id: UUID, receipt_number: str | None = None, before: UUID | None = None, limit: int = 20
    ) -> list[SaleSummary]:
        """A store's sales, latest first, of ids below `before`; with `receipt_number`, the one that has it.

        Raises LocationNotFound.
        """
        ...

    def customer_sales(self, *, customer_id: UUID, before: UUID | None = None, limit: int = 100) -> list[SaleSummary]:
        """What a customer bought or gave back, latest first, of ids below `before`."""
        ...

    def receipt(self, *, sale_id: UUID) -> Receipt:
        """A sale as its customer is handed it. Raises SaleNotFound."""
        ...

    # --- Tills ------------------------------------------------------------------------------------------------------

    def open_till(
        self, *, session_id: UUID, store_id: UUID, till: str, opening_float: Decimal, actor_id: UUID, now: datetime
    ) -> TillReport:
        """Open a store's till with this cash in it. Idempotent by `session_id`.

        Raises LocationNotFound, TillAlreadyOpen.
        """
        ...

    def move_cash(
        self,
        *,
        movement_id: UUID,
        session_id: UUID,
        direction: CashDirection,
        amount: Decimal,
        reason: str,
        actor_id: UUID,
        now: datetime,
    ) -> TillReport:
        """Note that cash was put into an open till, or taken out. Idempotent by `movement_id`.

        Raises TillSessionNotFound, TillSessionClosed.
        """
        ...

    def close_till(
        self, *, session_id: UUID, counted_cash: Decimal, note: str, actor_id: UUID, now: datetime
    ) -> TillReport:
        """Close a till with the cash that was counted in it, and draw its Z number. Nothing changes in it afterwards.

        Waits for sales that are under way; none slips in after the count. Idempotent by session, person and `now`.
        Raises TillSessionNotFound, and TillSessionClosed when it was closed before.
        """
        ...

    def till_session(self, *, session_id: UUID) -> TillReport:
        """All of one till session. Raises TillSessionNotFound."""
        ...

    def till_sessions(
        self,
        *,
        store_ids: Sequence[UUID] | None = None,
        is_open: bool | None = None,
        before: UUID | None = None,
        limit: int = 20,
    ) -> list[TillSession]:
        """The till sessions of these stores (None: all), latest first, of ids below `before`.

        `is_open` keeps those that are open, or those that are closed.
        """
        ...

    def open_till_sessions(self, *, store_ids: Sequence[UUID] | None = None) -> list[TillSession]:
        """The till sessions that are open in these stores (None: all), by store and till."""
        ...

    # --- Reports ----------------------------------------------------------------------------------------------------

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

        `top` cuts each store's lists of products, most sold first, and of stock (None: no cut). Stock is what
        `keep_stock_health` found last; where that is too long ago, or 50 are not enough, it is read anew. Takes as many
        statements for any number of stores. Raises LocationNotFound for an unknown store.
        """
        ...

    def statistics(self, *, store_ids: Sequence[UUID] | None = None, today: date) -> Statistics:
        """Totals, averages and the most sold products, for these stores (None: all)."""
        ...

    def performance(self, *, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None) -> Performance:
        """How these stores (None: all) are doing over these days, both included, against as many days before.

        How their stock stands is what `keep_stock_health` found last; where that is too long ago, it is looked at anew.
        Takes the same number of statements for any number of stores and products. Raises LocationNotFound for an
        unknown store.
        """
        ...

    def hours(self, *, store_id: UUID, day: date) -> list[HourFigures]:
        """A store's day by the hour, in its own time; an hour without a sale is left out. Raises LocationNotFound."""
        ...

    def product_days(
        self, *, product_id: UUID, first_day: date, last_day: date, store_ids: Sequence[UUID] | None = None
    ) -> list[DayFigures]:
        """What a product brought in on each of these days, in these stores (None: all); every day is there."""
        ...

    # --- The facts --------------------------------------------------------------------------------------------------

    def keep_facts(self, *, today: date) -> None:
        """Fold what was sold since into the sums that are kept, and move their periods on to `today`.

        Changes no figure: only how fast reports are read. Idempotent; twins come one after the other.
        """
        ...

    def keep_stock_health(self, *, now: datetime) -> None:
        """Look at the stock of all stores and of the warehouse, and keep for `performance` and `report` how it stands.

        Idempotent. Five million levels take seconds.
        """
        ...

    def verify(self, *, now: datetime) -> SalesVerification:
        """Prove the books: every sale is its lines and payments, receipts have neither gaps nor doubles, and the facts
        are the sums of the lines.

        Sees one moment of each day, whatever happens meanwhile; keeps the outcome for `last_verification`.
        """
        ...

    def last_verification(self) -> SalesVerification | None:
        """The outcome of the latest `verify`, None before the first."""
        ...

    # --- Another system's past --------------------------------------------------------------------------------------

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


class Backlog(Protocol):
    """What the sales need of whoever keeps the stores' requests, which lies above them: config binds one to the
    other."""

    def pending_by_store(self, *, store_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many requests of each of these stores wait for a decision; a store without any is left out."""
        ...


sales = published(Sales)
backlog = published(Backlog)
