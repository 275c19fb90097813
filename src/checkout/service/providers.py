"""What the checkout needs of whoever charges cards; `sandbox` and `stripe` are two of them.

A call may end in four ways: it is done, it is refused, it is told to be under way, or nobody knows: then `Unknown` is
raised, and the same call again, under the same id, tells or does what the first one should have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from checkout.interface import Card
from shared_kernel.money import WITHOUT_CENTS

# Currencies whose amounts have not two decimal places, but none, or three: as card processors count them.
_PLACES = dict.fromkeys(WITHOUT_CENTS, 0) | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3)


class Unknown(Exception):
    """The provider gave no answer, or one that says nothing: the call may have been carried out, or not."""


class Result(StrEnum):
    """How a charge or a refund stands with the provider."""

    DONE = "done"
    REFUSED = "refused"
    UNDER_WAY = "under_way"


@dataclass(frozen=True)
class CardToken:
    """What stands for a card with the provider, and what its owner knows it by. `expiry` is written 12/2030."""

    token: str
    brand: str
    last4: str
    expiry: str


@dataclass(frozen=True)
class Answer:
    """What the provider says of a charge or a refund: its own id for it, and why it was refused."""

    result: Result
    reference: str
    code: str = ""


@dataclass(frozen=True)
class Notice:
    """What the provider tells by itself of a charge."""

    payment_id: UUID
    answer: Answer


@dataclass(frozen=True)
class Charge:
    """A charge as the provider's own books have it. `payment_id` is None for one that nobody here asked for."""

    payment_id: UUID | None
    reference: str
    result: Result
    amount: Decimal
    refunded: Decimal


class PaymentProvider(Protocol):
    """Charges cards, and gives money back. Its webhooks carry their signature in the header `Stripe-Signature`."""

    def tokenise(self, *, card: Card) -> CardToken:
        """Exchange a card for a token. Raises CardInvalid for one that cannot exist or has expired, and Unknown."""
        ...

    def charge(self, *, payment_id: UUID, amount: Decimal, currency: str, token: str) -> Answer:
        """Take this amount from the card; once, however often it is called for one `payment_id`. Raises Unknown."""
        ...

    def refund(self, *, refund_id: UUID, reference: str, amount: Decimal, currency: str) -> Answer:
        """Give back this much of the charge that the provider calls `reference`; once for one `refund_id`.

        Raises Unknown.
        """
        ...

    def charges(self) -> Iterator[Charge]:
        """All charges that the provider has in its books, for a proof of ours. Raises Unknown."""
        ...

    def read(self, *, body: bytes, signature: str) -> Notice | None:
        """What a webhook tells; None for what is of no interest here. Raises NoticeForged."""
        ...


@cache
def provider() -> PaymentProvider:
    """The payment provider of this installation."""
    made: PaymentProvider = import_string(settings.COMPTOIR_PAYMENT_PROVIDER)()
    return made


def to_minor_units(amount: Decimal, currency: str) -> int:
    """The amount as card processors count it: in cents, yens or mils, by the currency."""
    units = amount.scaleb(_places(currency))
    if units != int(units):
        raise ValueError(f"There is no {amount} {currency}: the currency has no such small unit.")
    return int(units)


def from_minor_units(units: int, currency: str) -> Decimal:
    """The amount that card processors count like this; with two places, or three where the currency has them."""
    return Decimal(units).scaleb(-_places(currency)).quantize(Decimal(1).scaleb(-max(2, _places(currency))))


def _places(currency: str) -> int:
    return _PLACES.get(currency.upper(), 2)
