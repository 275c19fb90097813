"""Numbers, money and dates as each language writes them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from dashboards import formats


@pytest.mark.parametrize(
    ("written", "english", "french"),
    [
        (lambda: formats.money(Decimal("1234.50")), "€1,234.50", "1\u00a0234,50\u00a0€"),
        (lambda: formats.money(Decimal("-0.05")), "−€0.05", "−0,05\u00a0€"),
        (lambda: formats.money(Decimal("3346.98"), 0), "€3,347", "3\u00a0347\u00a0€"),
        (lambda: formats.money(None), "–", "–"),
        (lambda: formats.number(12345), "12,345", "12\u00a0345"),
        (lambda: formats.number(-3), "−3", "−3"),
        (lambda: formats.number(None), "–", "–"),
        (lambda: formats.signed(3), "+3", "+3"),
        (lambda: formats.signed(0), "0", "0"),
        (lambda: formats.percent(Decimal("0.0056")), "0.6%", "0,6\u202f%"),
        (lambda: formats.change(Decimal("12.35")), "+12.4%", "+12,4\u202f%"),
        (lambda: formats.change(Decimal("-1234.5")), "−1,234.5%", "−1\u00a0234,5\u202f%"),
        (lambda: formats.change(Decimal(0)), "0.0%", "0,0\u202f%"),
        (lambda: formats.change(None), "–", "–"),
        (lambda: formats.day(date(2026, 11, 21)), "21 Nov 2026", "21 nov. 2026"),
        (lambda: formats.moment(datetime(2026, 8, 1, 9, 5, tzinfo=UTC)), "1 Aug, 11:05", "1 août, 11:05"),
        (lambda: formats.moment(None), "–", "–"),
    ],
)
def test_each_language_writes_it_its_own_way(written: Any, english: str, french: str) -> None:
    with translation.override("en"):
        assert written() == english
    with translation.override("fr"):
        assert written() == french


def test_another_currency_has_its_own_sign_or_its_code(settings: Any) -> None:
    settings.COMPTOIR_CURRENCY = "GBP"
    assert formats.money(Decimal(1)) == "£1.00"
    settings.COMPTOIR_CURRENCY = "XAF"
    assert formats.money(Decimal(1)) == "XAF1.00"
