"""What a sale comes to, and what a line of another system's sales means."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sales.interface import HistoryLine, Payment, PaymentMethod, PaymentMismatch, SaleLine
from shared_kernel.csv_files import Columns, Record, Rejection, decimal_number, whole_number
from shared_kernel.money import ZERO, tax_within, to_cents

ONLINE_RETAIL = Columns(
    required=("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "Country"),
    optional=("CustomerID",),
)

# What one line may hold: what the columns of the database hold, and no quantity that must be a slip.
MAX_QUANTITY = 1_000_000
MAX_PRICE = Decimal("99999999.99")
MAX_TOTAL = Decimal("999999999999.99")
YEARS = range(1970, 2100)

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


def settled(payments: Sequence[Payment], *, total: Decimal) -> list[Payment]:
    """The payments of a sale that comes to `total`: those given, or cash, exactly. Raises PaymentMismatch."""
    if not payments:
        return [Payment(PaymentMethod.CASH, total)]
    paid = sum((payment.amount for payment in payments), ZERO)
    if paid != total:
        raise PaymentMismatch(total=total, paid=paid)
    return list(payments)


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
