"""What makes a product sound, and what a search looks for."""

from decimal import Decimal

from stdnum import ean
from stdnum.exceptions import ValidationError

from catalog.interface import MIN_PRICE, ProductDraft

MAX_PRICE = Decimal("99999999.99")
BARCODE_LENGTHS = {12, 13}
# More words than this only slow a search down.
MAX_SEARCH_WORDS = 8


def barcode_error(barcode: str) -> str | None:
    """What is wrong with a barcode, or None: UPC-A has 12 digits and EAN-13 has 13, the last of which checks the rest.

    The check digit is that of the GS1 General Specifications, section 7.9.
    """
    if not (barcode.isascii() and barcode.isdigit() and len(barcode) in BARCODE_LENGTHS):
        return "A barcode has 13 digits (EAN-13) or 12 (UPC)."
    try:
        ean.validate(barcode.zfill(13))
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
        "tax_rate": None if 0 <= draft.tax_rate < 1 else "A tax rate is a fraction from 0 to below 1: 0.2 for 20 %.",
        "barcode": barcode_error(draft.barcode) if draft.barcode else None,
    }
    return [{"field": field, "message": message} for field, message in problems.items() if message]


def _price_error(price: Decimal) -> str | None:
    if not MIN_PRICE <= price <= MAX_PRICE:
        return f"A price lies between {MIN_PRICE} and {MAX_PRICE}."
    return "A price has at most two decimals." if price != round(price, 2) else None


def search_words(search: str) -> list[str]:
    """The words to look for; each has to resemble a word of the product's name or description."""
    return search.split()[:MAX_SEARCH_WORDS]
