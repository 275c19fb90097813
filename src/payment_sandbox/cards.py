"""The test cards: which numbers can be, and what each does when it is charged."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import cycle

from payment_sandbox.refused import Refused


class Behaviour(StrEnum):
    """What a card does when it is charged."""

    APPROVED = "approved"
    DECLINED = "card_declined"
    WITHOUT_FUNDS = "insufficient_funds"
    EXPIRED = "expired_card"
    SLOW = "slow"
    SILENT = "silent"
    STUMBLING = "stumbling"
    TOLD_TWICE = "told_twice"
    LATE = "late"


# Of these, the behaviour's name is the code of the failure.
FAILING = {Behaviour.DECLINED, Behaviour.WITHOUT_FUNDS, Behaviour.EXPIRED}

# Any other number that could exist is approved.
NUMBERS = {
    "4000000000000002": Behaviour.DECLINED,
    "4000000000009995": Behaviour.WITHOUT_FUNDS,
    "4000000000000069": Behaviour.EXPIRED,
    "4000000000003030": Behaviour.SLOW,
    "4000000000000408": Behaviour.SILENT,
    "4000000000005050": Behaviour.STUMBLING,
    "4000000000002222": Behaviour.TOLD_TWICE,
    "4000000000007007": Behaviour.LATE,
}

_BRANDS = [("visa", "4"), ("mastercard", "5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), ("amex", "3[47]")]


@dataclass(frozen=True)
class KnownCard:
    """All that is kept of a card: never its number."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    behaviour: Behaviour


def read_card(number: str, exp_month: int, exp_year: int, cvc: str, *, now: datetime) -> KnownCard:
    """What is known of a card by its number. Refuses, naming none of its values, a card that cannot be used."""
    digits = re.sub("[ -]", "", number)
    year = exp_year + 2000 if exp_year < 100 else exp_year
    if not re.fullmatch("[0-9]{12,19}", digits) or not _adds_up(digits):
        raise Refused(402, "incorrect_number", "There is no card with this number.")
    if not 1 <= exp_month <= 12:
        raise Refused(402, "invalid_expiry_month", "The month of expiry is not one.")
    if year > now.year + 50:
        raise Refused(402, "invalid_expiry_year", "The year of expiry is too far away.")
    if (year, exp_month) < (now.year, now.month):
        raise Refused(402, "expired_card", "The card has expired.")
    if not re.fullmatch("[0-9]{3,4}", cvc):
        raise Refused(402, "invalid_cvc", "The security code has three or four digits.")
    brand = next((name for name, beginning in _BRANDS if re.match(beginning, digits)), "unknown")
    return KnownCard(brand, digits[-4:], exp_month, year, NUMBERS.get(digits, Behaviour.APPROVED))


def _adds_up(digits: str) -> bool:
    """The check of Luhn: of every second digit from the right, doubled, the digits count."""
    return sum(sum(divmod(int(digit) * times, 10)) for digit, times in zip(digits[::-1], cycle([1, 2]))) % 10 == 0
