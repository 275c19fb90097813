"""What a sale and a return come to, and what a line of another system's sales means."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from sales.interface import (
    CashDirection,
    CashMovement,
    HistoryLine,
    Payment,
    PaymentMethod,
    PaymentMismatch,
    PeriodFigures,
    ReturnedItem,
    Sale,
    SaleLine,
    SoldInFuture,
    TaxTotal,
    Trend,
)
from shared_kernel.csv_files import Columns, Record, Rejection, decimal_number, whole_number
from shared_kernel.money import ZERO, tax_within, to_cents
from shared_kernel.quantities import MAX_QUANTITY

ONLINE_RETAIL = Columns(
    required=("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "Country"),
    optional=("CustomerID",),
)

# What one line may hold: what the columns of the database hold.
MAX_PRICE = Decimal("99999999.99")
MAX_TOTAL = Decimal("999999999999.99")
YEARS = range(1970, 2100)

# How far the clock of a till that was offline may be ahead.
CLOCK_TOLERANCE = timedelta(minutes=5)

ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", re.ASCII)
US_TIME = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d\d)", re.ASCII)


def priced_line(
    *, position: int, product_id: UUID, name: str, quantity: int, unit_price: Decimal, tax_rate: Decimal
) -> SaleLine:
    """A line with its total and the tax within; a negative quantity gives both a negative sign."""
    total = unit_price * quantity
    return SaleLine(
        position=position,
        product_id=product_id,
        name=name,
        quantity=quantity,
        unit_price=unit_price,
        tax_rate=tax_rate,
        tax=tax_within(total, tax_rate),
        total=total,
    )


def returned_line(origin: SaleLine, item: ReturnedItem, *, position: int, returned_before: int) -> SaleLine:
    """A line that gives back some pieces of `origin`, at its price.

    The tax is the next part of the tax sold, so that several returns add up to it, to the cent.
    """

    def tax_of(pieces: int) -> Decimal:
        return tax_within(origin.unit_price * pieces, origin.tax_rate)

    return SaleLine(
        position=position,
        product_id=origin.product_id,
        name=origin.name,
        quantity=-item.quantity,
        unit_price=origin.unit_price,
        tax_rate=origin.tax_rate,
        tax=tax_of(returned_before) - tax_of(returned_before + item.quantity),
        total=-item.quantity * origin.unit_price,
        origin_sale_id=item.sale_id,
        origin_position=item.position,
        restocked=item.restock,
    )


@dataclass(frozen=True)
class Settlement:
    """How a ticket is settled: what is paid or refunded, and what may still be given back of it by which methods."""

    payments: list[Payment]
    credit: list[Payment]


def settlement(payments: Sequence[Payment], *, total: Decimal, credit: Sequence[Payment]) -> Settlement:
    """How a ticket that comes to `total` is settled, with what its returned goods had been paid with as `credit`.

    A total below zero is refunded out of the credit; otherwise all the credit pays for what is taken away, and the
    customer for the rest. Raises PaymentMismatch.
    """
    if total >= 0:
        return Settlement(settled(payments, total=total), list(credit))
    if payments:
        raise PaymentMismatch(total=total, paid=sum((payment.amount for payment in payments), ZERO))
    refunds = given_back(credit, amount=-total)
    kept = [Payment(had.method, had.amount - back.amount) for had, back in zip(credit, refunds, strict=True)]
    return Settlement([Payment(back.method, -back.amount) for back in by_method(refunds)], by_method(kept))


def settled(payments: Sequence[Payment], *, total: Decimal) -> list[Payment]:
    """The payments of a sale that comes to `total`, zero or more: those given, or cash, exactly.

    Cash beyond the total is change, and does not count; with other methods nobody pays more than the total. Raises
    PaymentMismatch.
    """
    if not payments:
        return [Payment(PaymentMethod.CASH, total)] if total else []
    paid = sum((payment.amount for payment in payments), ZERO)
    due = total - sum((payment.amount for payment in payments if payment.method is not PaymentMethod.CASH), ZERO)
    if not total or due < 0 or paid < total:
        raise PaymentMismatch(total=total, paid=paid)
    kept = []
    for payment in payments:
        if payment.method is PaymentMethod.CASH:
            amount = min(payment.amount, due)
            due -= amount
            kept.append(Payment(payment.method, amount, tendered=payment.amount))
        else:
            kept.append(payment)
    return kept


def change(payments: Iterable[Payment]) -> Decimal:
    """What was handed back of the cash that was handed over."""
    return sum((payment.tendered - payment.amount for payment in payments if payment.tendered is not None), ZERO)


def given_back(refundable: Sequence[Payment], *, amount: Decimal) -> list[Payment]:
    """How `amount` is given back of what was paid: a share of each, in their order, at most the whole of it.

    What is left is given back in cash, as one share more: no payment is known of it.
    """
    shares = []
    for payment in refundable:
        share = min(payment.amount, amount)
        amount -= share
        shares.append(Payment(payment.method, share))
    return [*shares, Payment(PaymentMethod.CASH, amount)] if amount else shares


def by_method(payments: Iterable[Payment]) -> list[Payment]:
    """A sum for each method, in the order of their first use; what comes to nothing is left out."""
    sums: dict[PaymentMethod, Decimal] = {}
    for payment in payments:
        sums[payment.method] = sums.get(payment.method, ZERO) + payment.amount
    return [Payment(method, amount) for method, amount in sums.items() if amount]


def is_repeated(sale: Sale, lines: Sequence[SaleLine], returns: Sequence[ReturnedItem]) -> bool:
    """Whether a sale sells just these lines and takes back just these items."""
    sold = [(line.product_id, line.quantity) for line in sale.lines if line.quantity > 0]
    given = [(line.origin_sale_id, line.origin_position, -line.quantity) for line in sale.lines if line.quantity < 0]
    return sold == [(line.product_id, line.quantity) for line in lines] and given == [
        (item.sale_id, item.position, item.quantity) for item in returns
    ]


def expected_cash(opening_float: Decimal, payments: Iterable[Payment], movements: Iterable[CashMovement]) -> Decimal:
    """What should be in a till: its float, the cash that sales and refunds left there, and what was put in or taken."""
    paid = sum((payment.amount for payment in payments if payment.method is PaymentMethod.CASH), ZERO)
    moved = sum((row.amount if row.direction is CashDirection.IN else -row.amount for row in movements), ZERO)
    return opening_float + paid + moved


def receipt_number(year: int | None, number: int | None) -> str | None:
    """A receipt's number as people write it: 2026-000123."""
    return None if number is None else f"{year}-{number:06d}"


def receipt_key(receipt_number: str) -> tuple[int, int]:
    """The year and the number of a receipt's number as people write it."""
    year, _, number = receipt_number.partition("-")
    return int(year), int(number)


def tax_totals(lines: Iterable[SaleLine]) -> list[TaxTotal]:
    """What these lines come to at each rate of tax, by rate."""
    sums: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        tax, total = sums.get(line.tax_rate, (ZERO, ZERO))
        sums[line.tax_rate] = tax + line.tax, total + line.total
    return [TaxTotal(rate, total - tax, tax, total) for rate, (tax, total) in sorted(sums.items())]


def check_time(sold_at: datetime, *, now: datetime) -> None:
    """Raises SoldInFuture for a time that lies further ahead than a clock may be."""
    if sold_at > now + CLOCK_TOLERANCE:
        raise SoldInFuture(sold_at=sold_at)


def average_basket(*, revenue: Decimal, sales: int) -> Decimal:
    """Revenue ÷ number of sales, to the cent; 0 where there was no sale."""
    return to_cents(revenue / sales) if sales else ZERO


def history_line(record: Record) -> HistoryLine | Rejection:
    """What a line of the public set Online Retail means, or why it cannot be taken over."""
    cells = record.cells
    quantity, unit_price = whole_number(cells["Quantity"]), decimal_number(cells["UnitPrice"])
    sold_at = moment(cells["InvoiceDate"])
    if quantity is None:
        return Rejection(record.line_number, "Quantity is not a whole number")
    if unit_price is None:
        return Rejection(record.line_number, "UnitPrice is not a number")
    if sold_at is None:
        return Rejection(record.line_number, "InvoiceDate is not a date and time")
    code = cells["StockCode"].upper()
    line = HistoryLine(
        line_number=record.line_number,
        invoice=cells["InvoiceNo"],
        product_code=code,
        product_name=cells["Description"],
        stocked=any(map(str.isdigit, code)),
        quantity=quantity,
        sold_at=sold_at,
        unit_price=unit_price,
        store_name=cells["Country"],
    )
    fault = _text_fault(line) or _figure_fault(line)
    return Rejection(record.line_number, fault) if fault else line


def _text_fault(line: HistoryLine) -> str | None:
    if not (line.invoice and line.product_code and line.store_name):
        return "InvoiceNo, StockCode or Country is empty"
    if len(line.invoice) > 50:
        return "InvoiceNo has more than 50 characters"
    if len(line.product_code) > 64:
        return "StockCode has more than 64 characters"
    if len(line.product_name) > 255:
        return "Description has more than 255 characters"
    if len(line.store_name) > 100:
        return "Country has more than 100 characters"
    return None


def _figure_fault(line: HistoryLine) -> str | None:
    is_return = line.invoice.startswith("C")
    if line.quantity == 0:
        return "Quantity is zero"
    if line.quantity < 0 and not is_return:
        return "Quantity is negative outside a return (an invoice that begins with C)"
    if line.quantity > 0 and is_return:
        return "Quantity is positive in a return (an invoice that begins with C)"
    if line.unit_price < 0:
        return "UnitPrice is negative"
    if line.unit_price != to_cents(line.unit_price):
        return "UnitPrice has more than two decimals"
    quantity = abs(line.quantity)
    if quantity > MAX_QUANTITY or line.unit_price > MAX_PRICE or quantity * line.unit_price > MAX_TOTAL:
        return "Quantity or UnitPrice is too large to be true"
    if line.sold_at.year not in YEARS:
        return "InvoiceDate lies before 1970 or after 2099"
    return None


def moment(text: str) -> datetime | None:
    """A time in UTC, written `2010-12-01 08:26:00` or, month first, `12/1/2010 8:26`; None for anything else."""
    try:
        if ISO_TIME.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if parts := US_TIME.fullmatch(text):
            month, day, year, hour, minute = map(int, parts.groups())
            return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        # A thirteenth month, say.
        return None
    return None


# --- How a store is doing -------------------------------------------------------------------------------------------

# Up or down by no more than this is flat.
FLAT_PERCENT = Decimal(5)
# How far back inventory looks for what an empty shelf sold.
SALES_DAYS = 28


@dataclass(frozen=True)
class Period:
    """Some days, from the first to the last, both included."""

    first_day: date
    last_day: date

    @property
    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=number) for number in range((self.last_day - self.first_day).days + 1)]

    @property
    def before(self) -> "Period":
        """As many days, just before."""
        return Period(self.first_day - timedelta(days=len(self.days)), self.first_day - timedelta(days=1))


# Of any length.
ALL_TIME = Period(date.min, date.max)
# How many days back the most sold products of the statistics go.
STATISTICS_DAYS = 30
# The lengths of the periods up to today that people look at most.
KEPT_DAYS = (1, 7, 28, 30, 90)


def statistics_period(today: date) -> Period:
    """Without an end: where the day begins earlier, it may be tomorrow."""
    return Period(today - timedelta(days=STATISTICS_DAYS), date.max)


def kept_periods(today: date) -> dict[int, Period]:
    """The periods of which the sums of each product are kept, by their length; 0: all time."""
    lengths = {days: Period(today - timedelta(days=days - 1), today) for days in KEPT_DAYS}
    return {0: ALL_TIME, STATISTICS_DAYS + 1: statistics_period(today), **lengths}


@dataclass(frozen=True)
class Takings:
    """What was sold and given back: amounts, tickets on which something was sold, pieces sold."""

    gross: Decimal = ZERO
    returned: Decimal = ZERO
    tickets: int = 0
    pieces: int = 0

    @property
    def revenue(self) -> Decimal:
        return self.gross - self.returned


def total(takings: Iterable[Takings]) -> Takings:
    """What takings add up to."""
    found = list(takings)
    return Takings(
        gross=sum((taken.gross for taken in found), ZERO),
        returned=sum((taken.returned for taken in found), ZERO),
        tickets=sum(taken.tickets for taken in found),
        pieces=sum(taken.pieces for taken in found),
    )


def period_figures(takings: Iterable[Takings]) -> PeriodFigures:
    """The figures of a period that took this."""
    taken = total(takings)
    return PeriodFigures(
        revenue=taken.revenue,
        tickets=taken.tickets,
        pieces=taken.pieces,
        average_basket=average_basket(revenue=taken.revenue, sales=taken.tickets),
        refund_rate=refund_rate(gross=taken.gross, returned=taken.returned),
    )


def refund_rate(*, gross: Decimal, returned: Decimal) -> Decimal:
    """What was given back ÷ what was sold, a fraction with four places; 0 where nothing was sold."""
    return (returned / gross).quantize(Decimal("0.0001"), ROUND_HALF_UP) if gross else Decimal("0.0000")


def trend_percent(*, now: Decimal, before: Decimal) -> Decimal | None:
    """By how many per cent revenue changed, with one place: (now − before) ÷ |before|; None where there was none."""
    return ((now - before) / abs(before) * 100).quantize(Decimal("0.1"), ROUND_HALF_UP) if before else None


def trend(*, now: Decimal, before: Decimal) -> Trend:
    """Up or down by more than 5 %, or flat. From nothing, anything is up."""
    change, limit = now - before, abs(before) * FLAT_PERCENT / 100
    if abs(change) <= limit:
        return Trend.FLAT
    return Trend.UP if change > 0 else Trend.DOWN


def days_of_cover(*, available: int, sold: int) -> int | None:
    """For how many whole days the available pieces last, at the rate of the last 28 days; None where nothing sold.

    Days of supply = stock ÷ average daily sales (APICS Dictionary, "days of supply").
    """
    return available * SALES_DAYS // sold if sold > 0 else None


def lost_sales(*, sold: int, days_empty: int, price: Decimal) -> Decimal:
    """What an empty shelf has cost so far: days empty × what sold a day while there was any × the price of now.

    `sold` counts the last 28 days, of which the shelf was empty for `days_empty`. (A stock-out hides demand; sales per
    day in stock is the usual first estimate of it: Silver, Pyke and Thomas, Inventory and Production Management in
    Supply Chains, 4th ed., on forecasting with lost sales.)
    """
    days_in_stock = max(1, SALES_DAYS - days_empty)
    return to_cents(price * sold * days_empty / days_in_stock)
