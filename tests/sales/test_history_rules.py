"""What a line of the public set Online Retail means, and each reason not to take it over."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales.interface import HistoryLine
from sales.rules import MAX_PRICE, MAX_QUANTITY, MAX_TOTAL, ONLINE_RETAIL, history_line, moment
from shared_kernel.csv_files import Record, Rejection

CELLS = {
    "InvoiceNo": "536365",
    "StockCode": "85123a",
    "Description": "WHITE HANGING HEART T-LIGHT HOLDER",
    "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850.0",
    "Country": "United Kingdom",
}


def parsed(**cells: str) -> HistoryLine | Rejection:
    return history_line(Record(7, CELLS | cells))


def test_a_line_is_read() -> None:
    assert parsed() == HistoryLine(
        line_number=7,
        invoice="536365",
        product_code="85123A",
        product_name="WHITE HANGING HEART T-LIGHT HOLDER",
        stocked=True,
        quantity=6,
        sold_at=datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
        unit_price=Decimal("2.55"),
        store_name="United Kingdom",
    )


@pytest.mark.parametrize("text", ["2.1", "2.10", "4.0", "4", "0", "0.0", "-0.0", "2.100", "38970"])
def test_prices_without_a_third_decimal_are_fine(text: str) -> None:
    line = parsed(UnitPrice=text)

    assert isinstance(line, HistoryLine)
    assert line.unit_price == Decimal(text)


@pytest.mark.parametrize("code", ["POST", "m", "BANK CHARGES"])
def test_a_code_without_digits_is_a_service(code: str) -> None:
    line = parsed(StockCode=code)

    assert isinstance(line, HistoryLine)
    assert (line.product_code, line.stocked) == (code.upper(), False)


@pytest.mark.parametrize(
    ("invoice", "quantity"), [("C536379", "-1"), ("A563185", "1"), ("536414", "80995"), ("C1", f"-{MAX_QUANTITY}")]
)
def test_returns_are_negative_and_everything_else_is_positive(invoice: str, quantity: str) -> None:
    line = parsed(InvoiceNo=invoice, Quantity=quantity)

    assert isinstance(line, HistoryLine)
    assert (line.invoice, line.quantity) == (invoice, int(quantity))


def test_a_name_may_be_missing() -> None:
    line = parsed(Description="")

    assert isinstance(line, HistoryLine)
    assert line.product_name == ""


TOO_LARGE = "Quantity or UnitPrice is too large to be true"
OUT_OF_RANGE = "InvoiceDate lies before 1970 or after 2099"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Quantity": "six"}, "Quantity is not a whole number"),
        ({"Quantity": "1.5"}, "Quantity is not a whole number"),
        ({"Quantity": ""}, "Quantity is not a whole number"),
        ({"UnitPrice": "2,55"}, "UnitPrice is not a number"),
        ({"UnitPrice": "NaN"}, "UnitPrice is not a number"),
        ({"UnitPrice": ""}, "UnitPrice is not a number"),
        ({"InvoiceDate": "yesterday"}, "InvoiceDate is not a date and time"),
        ({"InvoiceDate": "2010-12-32 08:26:00"}, "InvoiceDate is not a date and time"),
        ({"InvoiceNo": ""}, "InvoiceNo, StockCode or Country is empty"),
        ({"StockCode": ""}, "InvoiceNo, StockCode or Country is empty"),
        ({"Country": ""}, "InvoiceNo, StockCode or Country is empty"),
        ({"InvoiceNo": "5" * 51}, "InvoiceNo has more than 50 characters"),
        ({"StockCode": "5" * 65}, "StockCode has more than 64 characters"),
        ({"StockCode": "ß" * 33}, "StockCode has more than 64 characters"),
        ({"Description": "x" * 256}, "Description has more than 255 characters"),
        ({"Country": "x" * 101}, "Country has more than 100 characters"),
        ({"Quantity": "0"}, "Quantity is zero"),
        ({"Quantity": "-6"}, "Quantity is negative outside a return (an invoice that begins with C)"),
        ({"InvoiceNo": "C536365"}, "Quantity is positive in a return (an invoice that begins with C)"),
        ({"InvoiceNo": "A563186", "UnitPrice": "-11062.06"}, "UnitPrice is negative"),
        ({"UnitPrice": "0.001"}, "UnitPrice has more than two decimals"),
        ({"UnitPrice": "2.555"}, "UnitPrice has more than two decimals"),
        ({"Quantity": "1000001"}, TOO_LARGE),
        ({"InvoiceNo": "C1", "Quantity": "-1000001"}, TOO_LARGE),
        ({"UnitPrice": "100000000"}, TOO_LARGE),
        ({"Quantity": "1000000", "UnitPrice": "1000000"}, TOO_LARGE),
        ({"InvoiceDate": "1969-12-31 23:59:59"}, OUT_OF_RANGE),
        ({"InvoiceDate": "2100-01-01 00:00:00"}, OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_taken_over_says_why(cells: dict[str, str], reason: str) -> None:
    assert parsed(**cells) == Rejection(7, reason)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2010-12-01 08:26:00", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01T08:26:59", datetime(2010, 12, 1, 8, 26, 59, tzinfo=UTC)),
        ("2010-12-01 08:26", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("12/1/2010 8:26", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("1/13/2011 16:05", datetime(2011, 1, 13, 16, 5, tzinfo=UTC)),
    ],
)
def test_times_are_utc_and_may_be_written_in_two_ways(text: str, time: datetime) -> None:
    assert moment(text) == time


@pytest.mark.parametrize(
    "text", ["", "2010-12-01", "13/1/2010 8:26", "2010-02-30 08:26:00", "2010-12-01 24:26:00", "8:26"]
)
def test_what_is_no_time(text: str) -> None:
    assert moment(text) is None


NUMBERS = st.integers().map(str) | st.decimals().map(str) | st.floats().map(str)
ANY_CELL = st.text() | NUMBERS | st.datetimes().map(str) | st.sampled_from(sorted(CELLS.values()))


@settings(deadline=None)
@given(st.fixed_dictionaries({column: ANY_CELL | st.just(cell) for column, cell in CELLS.items()}))
def test_any_line_is_read_so_that_the_books_can_hold_it_or_rejected(cells: dict[str, str]) -> None:
    line = history_line(Record(7, {column: cell.strip() for column, cell in cells.items()}))

    if isinstance(line, Rejection):
        assert line.line_number == 7
        assert line.reason
        return
    assert 0 < len(line.invoice) <= 50
    assert 0 < len(line.product_code) <= 64
    assert len(line.product_name) <= 255
    assert 0 < len(line.store_name) <= 100
    assert 0 < abs(line.quantity) <= MAX_QUANTITY
    assert (line.quantity < 0) == line.invoice.startswith("C")
    assert 0 <= line.unit_price <= MAX_PRICE
    assert line.unit_price == round(line.unit_price, 2)
    assert abs(line.quantity) * line.unit_price <= MAX_TOTAL
    assert 1970 <= line.sold_at.year < 2100


def test_the_customer_is_not_needed() -> None:
    assert set(ONLINE_RETAIL.required + ONLINE_RETAIL.optional) == CELLS.keys()
    assert ONLINE_RETAIL.optional == ("CustomerID",)
