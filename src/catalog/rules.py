"""What makes a product sound, what a line of a file of products means, and what a search looks for."""

from dataclasses import asdict, replace
from decimal import Decimal

from stdnum import ean
from stdnum.exceptions import ValidationError

from catalog.interface import MIN_PRICE, ProductChanges, ProductDraft, full_barcode
from shared_kernel.csv_files import Columns, Record, Rejection, decimal_number

MAX_PRICE = Decimal("99999999.99")
BARCODE_LENGTHS = {8, 12, 13}
MAX_URL_LENGTH = 500
# More words than this only slow a search down.
MAX_SEARCH_WORDS = 8

COLUMNS = Columns(
    required=("sku", "name", "category", "price"),
    optional=("barcode", "description", "tax_rate", "image_url", "active"),
)
YES_AND_NO = {"": None, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# A new product, before anything is said of it.
BLANK = ProductDraft(sku="", name="", category="", price=Decimal(0))


def barcode_error(barcode: str) -> str | None:
    """What is wrong with a barcode, or None: EAN-13, UPC-A and EAN-8 have 13, 12 and 8 digits, the last of which checks
    the rest.

    The check digit is that of the GS1 General Specifications, section 7.9.
    """
    if not (barcode.isascii() and barcode.isdigit() and len(barcode) in BARCODE_LENGTHS):
        return "A barcode has 13 digits (EAN-13), 12 (UPC) or 8 (EAN-8)."
    try:
        ean.validate(full_barcode(barcode))
    except ValidationError:
        return "The last digit of this barcode does not fit the others: check for a typing error."
    return None


def errors_of(draft: ProductDraft) -> list[dict[str, str]]:
    """What is wrong with a product's values: a list of field and message, empty when all is well."""
    problems = {
        "sku": "A sku has 1 to 64 characters." if not 0 < len(draft.sku.strip()) <= 64 else None,
        "name": "A name has 1 to 255 characters." if not 0 < len(draft.name.strip()) <= 255 else None,
        "category": "A category has 1 to 100 characters." if not 0 < len(draft.category.strip()) <= 100 else None,
        "price": _price_error(draft.price),
        "tax_rate": _tax_rate_error(draft.tax_rate),
        "barcode": barcode_error(draft.barcode) if draft.barcode else None,
        "image_url": _url_error(draft.image_url) if draft.image_url else None,
    }
    return [{"field": field, "message": message} for field, message in problems.items() if message]


def _price_error(price: Decimal) -> str | None:
    if not (price.is_finite() and MIN_PRICE <= price <= MAX_PRICE):
        return f"A price lies between {MIN_PRICE} and {MAX_PRICE}."
    return "A price has at most two decimals." if price != round(price, 2) else None


def _tax_rate_error(rate: Decimal) -> str | None:
    if not (rate.is_finite() and 0 <= rate < 1):
        return "A tax rate is a fraction from 0 to below 1: 0.2 for 20 %."
    return "A tax rate has at most four decimals." if rate != round(rate, 4) else None


def _url_error(url: str) -> str | None:
    if len(url) > MAX_URL_LENGTH or not url.startswith(("http://", "https://")):
        return f"An image's address begins with https:// or http:// and has at most {MAX_URL_LENGTH} characters."
    return None


def changed(draft: ProductDraft, changes: ProductChanges) -> ProductDraft:
    """A product with these new values."""
    return replace(draft, **{name: value for name, value in asdict(changes).items() if value is not None})


def product_line(record: Record) -> ProductChanges | Rejection:
    """What a line of a file of products says of its product, or why it cannot be taken over.

    An empty cell says nothing.
    """
    cells = record.cells
    price = decimal_number(cells["price"])
    if price is None:
        return Rejection(record.line_number, "price: This is not a number.")
    rate = cells.get("tax_rate") or None
    tax_rate = decimal_number(rate) if rate else None
    if rate and tax_rate is None:
        return Rejection(record.line_number, "tax_rate: This is not a number.")
    active = cells.get("active", "").lower()
    if active not in YES_AND_NO:
        return Rejection(record.line_number, "active: This is neither yes nor no.")
    changes = ProductChanges(
        sku=cells["sku"],
        name=cells["name"],
        category=cells["category"],
        price=price,
        barcode=cells.get("barcode") or None,
        description=cells.get("description") or None,
        tax_rate=tax_rate,
        image_url=cells.get("image_url") or None,
        active=YES_AND_NO[active],
    )
    errors = errors_of(changed(BLANK, changes))
    reason = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    return Rejection(record.line_number, reason) if reason else changes


def search_words(search: str) -> list[str]:
    """The words to look for; each has to resemble a word of the product's name or description."""
    return search.split()[:MAX_SEARCH_WORDS]
