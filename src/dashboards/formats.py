"""Numbers, money and dates as the reader's language writes them."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import get_language

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CAD": "$", "CHF": "CHF"}
NARROW_SPACE, NO_BREAK_SPACE, MINUS = "\u202f", "\u00a0", "\u2212"
NONE = "–"


def decimal(value: Decimal, places: int) -> str:
    """A number with so many decimals, rounded as on receipts: Django's own `number_format` cuts them off."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return number_format(rounded, decimal_pos=places, force_grouping=True)


def money(amount: Decimal | None, places: int = 2) -> str:
    """An amount in the chain's currency: €1,234.50, or 1 234,50 € in French."""
    if amount is None:
        return NONE
    symbol = SYMBOLS.get(settings.COMPTOIR_CURRENCY, settings.COMPTOIR_CURRENCY)
    figures = decimal(abs(amount), places)
    sign = MINUS if amount < 0 else ""
    return f"{sign}{figures}{NO_BREAK_SPACE}{symbol}" if get_language() == "fr" else f"{sign}{symbol}{figures}"


def number(value: int | None) -> str:
    """A whole number, in groups of three digits."""
    if value is None:
        return NONE
    return f"{MINUS if value < 0 else ''}{number_format(abs(value), force_grouping=True)}"


def signed(value: int) -> str:
    """A whole number that was added or taken away."""
    return f"+{number(value)}" if value > 0 else number(value)


def percent(fraction: Decimal) -> str:
    """A fraction as per cent, with one decimal."""
    return _per_cent(decimal(fraction * 100, 1))


def change(percentage: Decimal | None) -> str:
    """A change in per cent, with its sign; a dash where there was nothing to compare with."""
    if percentage is None:
        return NONE
    sign = "+" if percentage > 0 else MINUS if percentage < 0 else ""
    return sign + _per_cent(decimal(abs(percentage), 1))


def _per_cent(figures: str) -> str:
    return f"{figures}{NARROW_SPACE}%" if get_language() == "fr" else f"{figures}%"


def day(value: date) -> str:
    """A day: 21 Nov 2026, or 21 nov. 2026 in French."""
    return short_date(value, "j M Y")


def moment(value: datetime | None) -> str:
    """A time of a day, in the time zone that the page has set: 21 Nov, 14:05."""
    return short_date(localtime(value), "j M, H:i") if value else NONE


def short_date(value: date, pattern: str) -> str:
    """A date in a pattern of Django's, its month (M) shortened as the language does it."""
    return date_format(value, pattern.replace("M", "N") if get_language() == "fr" else pattern)
