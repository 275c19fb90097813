"""Amounts to the cent, and the tax inside them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_kernel.money import CENT, tax_within, to_cents

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6)
prices = st.decimals(min_value=0, max_value=10**9, places=2)
rates = st.decimals(min_value=0, max_value=Decimal("0.9999"), places=4)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("1", "1.00"),
        ("1.004", "1.00"),
        ("1.005", "1.01"),
        ("1.015", "1.02"),
        ("-1.005", "-1.01"),
        ("-0.004", "0.00"),
        ("2.675", "2.68"),
        ("1E+3", "1000.00"),
    ],
)
def test_half_a_cent_goes_away_from_zero(amount: str, cents: str) -> None:
    assert to_cents(Decimal(amount)) == Decimal(cents)
    assert to_cents(Decimal(amount)).as_tuple().exponent == -2


@given(amounts)
def test_rounding_moves_an_amount_by_half_a_cent_at_most(amount: Decimal) -> None:
    rounded = to_cents(amount)

    assert abs(rounded - amount) <= CENT / 2
    assert to_cents(rounded) == rounded
    assert to_cents(-amount) == -rounded


@pytest.mark.parametrize(
    ("gross", "rate", "tax"),
    [
        ("120.00", "0.2", "20.00"),
        ("269.97", "0.2000", "45.00"),
        ("15.99", "0.0550", "0.83"),
        ("0.01", "0.2", "0.00"),
        ("10.00", "0", "0.00"),
        ("-120.00", "0.2", "-20.00"),
    ],
)
def test_the_tax_is_a_part_of_the_price(gross: str, rate: str, tax: str) -> None:
    assert tax_within(Decimal(gross), Decimal(rate)) == Decimal(tax)


@given(prices, rates)
def test_net_and_tax_make_the_price_again(gross: Decimal, rate: Decimal) -> None:
    tax = tax_within(gross, rate)

    assert 0 <= tax <= gross
    assert abs((gross - tax) * rate - tax) <= CENT


@given(prices, rates, rates)
def test_a_higher_rate_never_makes_less_tax(gross: Decimal, one: Decimal, other: Decimal) -> None:
    low, high = sorted([one, other])

    assert tax_within(gross, low) <= tax_within(gross, high)
