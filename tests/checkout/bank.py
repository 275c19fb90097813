"""A payment provider in memory, that does what the test tells it: for what the checkout makes of its answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from checkout.interface import Card, CardInvalid, NoticeForged
from checkout.service.providers import Answer, CardToken, Charge, Notice, Result, Unknown

FORGED = "forged"
CARD = Card("4242424242424242", 12, 2030, "123")


@dataclass
class Bank:
    """Charges every card, unless `says` holds other answers for the next calls: an Answer, or an exception.

    Of an Unknown that `happened`, the charge was made all the same. It knows no cards that end in 1, and is `away` when
    it gives no tokens.
    """

    says: list[Answer | Exception] = field(default_factory=list)
    happened: bool = False
    book: dict[UUID, Charge] = field(default_factory=dict)
    refunds: dict[UUID, Decimal] = field(default_factory=dict)
    calls: int = 0
    away: bool = False

    def tokenise(self, *, card: Card) -> CardToken:
        if self.away:
            raise Unknown
        if card.number.endswith("1"):
            raise CardInvalid(reason="incorrect_number")
        return CardToken(f"tok_{card.number[-4:]}", "Visa", card.number[-4:], f"{card.expiry_month}/{card.expiry_year}")

    def charge(self, *, payment_id: UUID, amount: Decimal, currency: str, token: str) -> Answer:
        self.calls += 1
        answer = self.says.pop(0) if self.says else Answer(Result.DONE, f"ch_{payment_id.hex}")
        if payment_id not in self.book and (answer_is_done(answer) or self.happened):
            self.book[payment_id] = Charge(payment_id, f"ch_{payment_id.hex}", Result.DONE, amount, Decimal("0.00"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def refund(self, *, refund_id: UUID, reference: str, amount: Decimal, currency: str) -> Answer:
        self.calls += 1
        answer = self.says.pop(0) if self.says else Answer(Result.DONE, f"re_{refund_id.hex}")
        if refund_id not in self.refunds and (answer_is_done(answer) or self.happened):
            self.refunds[refund_id] = amount
            [payment_id] = [paid for paid, charge in self.book.items() if charge.reference == reference]
            charge = self.book[payment_id]
            self.book[payment_id] = replace(charge, refunded=charge.refunded + amount)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def charges(self) -> Iterator[Charge]:
        yield from self.book.values()

    def read(self, *, body: bytes, signature: str) -> Notice | None:
        try:
            payment_id = UUID(body.decode().strip('"'))
        except ValueError:
            raise NoticeForged from None
        if signature == FORGED:
            raise NoticeForged
        return Notice(payment_id, Answer(Result.DONE, f"ch_{payment_id.hex}"))


def answer_is_done(answer: Answer | Exception) -> bool:
    return isinstance(answer, Answer) and answer.result is Result.DONE
