"""Money: exact decimal amounts with two places, in the chain's one currency. Never floats."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

# Currencies that our amounts cannot be of: they have no hundredth part.
WITHOUT_CENTS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)


def to_cents(amount: Decimal) -> Decimal:
    """Round an amount to the cent, half a cent away from zero, as receipts do."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def tax_within(gross: Decimal, rate: Decimal) -> Decimal:
    """The tax that a tax-inclusive amount contains, to the cent: gross − gross / (1 + rate).

    `rate` is a fraction: 0.2 for 20 %. (EU VAT directive 2006/112/EC, article 78: the taxable amount excludes VAT
    itself.)
    """
    return to_cents(gross - gross / (1 + rate))
