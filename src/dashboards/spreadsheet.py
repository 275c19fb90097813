"""The sales report as a spreadsheet (Office Open XML)."""

import io
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from dashboards.wording import CHANNELS
from sales.interface import SalesReport

FIGURES = ("gross", "returned", "total", "sales", "returns", "pieces")


def workbook(report: SalesReport) -> bytes:
    """Two sheets: a line per store and channel with the total below them, and a line per product that each sold."""
    book = Workbook(write_only=True)
    stores = book.create_sheet(_("Stores"))
    products = book.create_sheet(_("Products"))
    stores.freeze_panes = products.freeze_panes = "A2"
    amounts = [_("Sold"), _("Given back"), _("Revenue"), _("Tickets"), _("Returns"), _("Pieces")]
    stores.append(_cells(stores, [_("Store"), _("Address"), _("Channel"), *amounts], bold=True))
    products.append(_cells(products, [_("Store"), _("Channel"), _("Sku"), _("Product"), _("Pieces")], bold=True))
    for store in report.stores:
        channel = str(CHANNELS[store.channel])
        figures = [getattr(store, name) for name in FIGURES]
        stores.append(_cells(stores, [store.name, store.address, channel, *figures]))
        for product in store.products:
            products.append(_cells(products, [store.name, channel, product.sku, product.name, product.quantity]))
    total = [getattr(report.total, name) for name in FIGURES]
    stores.append(_cells(stores, [_("Total"), "", "", *total], bold=True))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cells(sheet: Any, values: Iterable[Any], *, bold: bool = False) -> list[Cell]:
    cells = []
    for value in values:
        # Only numbers stay what they are: a text that begins like a formula must not become one.
        text = ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
        cell = WriteOnlyCell(sheet, text)
        if isinstance(text, str):
            cell.data_type = "s"
        if bold:
            cell.font = Font(bold=True)
        cells.append(cell)
    return cells
