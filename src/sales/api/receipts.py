"""Receipts over REST, in JSON, and to print: `/sales/{id}/receipt/`."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from accounts.interface import Action, actor_of
from sales.interface import PaymentMethod, Receipt, SaleNotFound, sales

router = Router(tags=["sales"])

# A roll of paper: as wide as receipt printers take, as long as it has to be.
WIDTH, MARGIN, LEADING = 80 * mm, 4 * mm, 4 * mm
ROOM = WIDTH - 2 * MARGIN
SIZE = 8
PLAIN, BOLD = "Vera", "VeraBd"

# A row of the paper: its font, what stands on the left, and what stands on the right.
Row = tuple[str, str, str]

# Part of reportlab; unlike the fonts that every PDF reader has, they know more than the letters of Western Europe.
for font in (PLAIN, BOLD):
    registerFont(TTFont(font, f"{font}.ttf"))


class ReceiptFilters(Schema):
    format: Literal["json", "html", "pdf"] = Field("json", description="html and pdf are to be printed.")


@dataclass(frozen=True)
class PrintedLine:
    """A line of goods as it is printed: with a negative total, it came back."""

    name: str
    pieces: str
    total: str


@dataclass(frozen=True)
class Printed:
    """What is printed on a receipt, in the reader's language; `taxes` and `sums` are a label and an amount each."""

    store: str
    address: str
    number: str
    time: str
    returns_of: list[str]
    lines: list[PrintedLine]
    total: str
    sums: list[tuple[str, str]]
    taxes: list[tuple[str, str]]


@router.get(
    "/sales/{uuid:sale_id}/receipt/",
    response=Receipt,
    operation_id="receipt",
    openapi_extra={
        "responses": {
            200: {
                "content": {
                    "text/html": {"schema": {"type": "string"}},
                    "application/pdf": {"schema": {"type": "string", "format": "binary"}},
                }
            }
        }
    },
)
def receipt(request: HttpRequest, sale_id: UUID, filters: Query[ReceiptFilters]) -> Any:
    """The receipt of a sale or a return, as data, as a page, or as a PDF for 80 mm paper.

    What is to be printed is in the language of `Accept-Language`, English or French.
    """
    actor = actor_of(request)
    actor.require(Action.READ_SALES)
    found = sales.receipt(sale_id=sale_id)
    if not actor.may(Action.READ_SALES, at=found.sale.store_id):
        raise SaleNotFound(sale_id=sale_id)
    if filters.format == "html":
        return render(request, "sales/receipt.html", {"receipt": printed(found)})
    if filters.format == "pdf":
        response = HttpResponse(pdf(printed(found)), content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{found.sale.receipt_number or sale_id}.pdf"'
        return response
    return found


def printed(receipt: Receipt) -> Printed:
    """The receipt in words, in the language of the request."""
    sale = receipt.sale

    def money(amount: Decimal) -> str:
        return f"{number_format(amount, 2)} {sale.currency}"

    methods = {
        PaymentMethod.CASH: _("Cash"),
        PaymentMethod.CARD: _("Card"),
        PaymentMethod.VOUCHER: _("Voucher"),
        PaymentMethod.OTHER: _("Other payment"),
    }
    sums = [(methods[payment.method], money(payment.amount)) for payment in sale.payments]
    if receipt.tendered:
        sums += [(_("Cash tendered"), money(receipt.tendered)), (_("Change"), money(sale.change))]
    return Printed(
        store=receipt.store_name,
        address=receipt.store_address,
        number=sale.receipt_number or str(sale.id),
        time=date_format(receipt.issued_at, "DATETIME_FORMAT"),
        returns_of=receipt.returns_of,
        lines=[
            PrintedLine(line.name, f"{line.quantity} × {number_format(line.unit_price, 2)}", money(line.total))
            for line in sale.lines
        ],
        total=money(sale.total),
        sums=sums,
        taxes=[
            (
                _("Tax %(rate)s %% of %(net)s") % {"rate": number_format(tax.rate * 100, 1), "net": money(tax.net)},
                money(tax.tax),
            )
            for tax in receipt.taxes
        ],
    )


def pdf(receipt: Printed) -> bytes:
    """The receipt on a roll of paper."""
    rows = list(_rows(receipt))
    height = 2 * MARGIN + len(rows) * LEADING
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(WIDTH, height))
    canvas.setTitle(receipt.number)
    for number, (font, left, right) in enumerate(rows, start=1):
        canvas.setFont(font, SIZE)
        baseline = height - MARGIN - number * LEADING + (LEADING - SIZE) / 2
        canvas.drawString(MARGIN, baseline, left)
        canvas.drawRightString(WIDTH - MARGIN, baseline, right)
    canvas.save()
    return file.getvalue()


def _rows(receipt: Printed) -> Iterator[Row]:
    yield from _wrapped(BOLD, receipt.store)
    yield from _wrapped(PLAIN, receipt.address)
    yield PLAIN, "", ""
    yield from _wrapped(BOLD, _("Receipt %(number)s") % {"number": receipt.number})
    yield from _wrapped(PLAIN, receipt.time)
    for number in receipt.returns_of:
        yield from _wrapped(PLAIN, _("Return of receipt %(number)s") % {"number": number})
    yield PLAIN, "", ""
    for line in receipt.lines:
        yield from _wrapped(PLAIN, line.name)
        yield from _beside(PLAIN, line.pieces, line.total)
    yield PLAIN, "", ""
    yield from _beside(BOLD, _("Total"), receipt.total)
    for label, amount in receipt.sums:
        yield from _beside(PLAIN, label, amount)
    yield PLAIN, "", ""
    for label, amount in receipt.taxes:
        yield from _beside(PLAIN, label, amount)


def _wrapped(font: str, text: str) -> Iterator[Row]:
    """A text in rows that fit onto the paper; a word that does not fit into one is cut."""
    for words in simpleSplit(text, font, SIZE, ROOM):
        rest = words
        while rest:
            fitting = next(end for end in range(len(rest), 0, -1) if stringWidth(rest[:end], font, SIZE) <= ROOM)
            yield font, rest[:fitting], ""
            rest = rest[fitting:]


def _beside(font: str, left: str, right: str) -> Iterator[Row]:
    """Two texts at the ends of one row, or of two where they would touch."""
    if stringWidth(f"{left} {right}", font, SIZE) <= ROOM:
        yield font, left, right
    else:
        yield from _wrapped(font, left)
        yield font, "", right
