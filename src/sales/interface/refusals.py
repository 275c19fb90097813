"""What the sales refuse, and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from shared_kernel.errors import Conflict, Invalid, NotFound


@dataclass(eq=False)
class SaleNotFound(NotFound):
    """The sale does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "sale_not_found"
    sale_id: UUID

    def __str__(self) -> str:
        return f"There is no sale {self.sale_id} in your stores."


@dataclass(eq=False)
class PaymentMismatch(Invalid):
    """The payments do not add up to the sale's total."""

    code: ClassVar[str] = "payment_mismatch"
    total: Decimal
    paid: Decimal

    def __str__(self) -> str:
        return f"The sale comes to {self.total}, but the payments add up to {self.paid}: correct the payments."


@dataclass(eq=False)
class ClientReferenceReused(Conflict):
    """Another sale of the store has this reference."""

    code: ClassVar[str] = "client_reference_reused"
    client_reference: str
    sale_id: UUID

    def __str__(self) -> str:
        return (
            f"The reference {self.client_reference} belongs to sale {self.sale_id}, which has other lines: "
            "use a new reference for a new sale."
        )


@dataclass(eq=False)
class InvoiceTooLarge(Invalid):
    """An invoice of a sales history holds more than a sale can."""

    code: ClassVar[str] = "invoice_too_large"
    invoice: str
    lines: int

    def __str__(self) -> str:
        return (
            f"Invoice {self.invoice}, of {self.lines:,} lines, is larger than a sale can be: look for a slip in its"
            " quantities and prices, or split it."
        )


@dataclass(eq=False)
class ReturnExceedsSale(Conflict):
    """More is brought back of a line than was sold on it and has not come back yet."""

    code: ClassVar[str] = "return_exceeds_sale"
    sale_id: UUID
    position: int
    sold: int
    returned_before: int
    asked: int

    def __str__(self) -> str:
        return (
            f"Line {self.position} of sale {self.sale_id} sold {self.sold}, of which {self.returned_before} came back"
            f" before: {self.asked} more cannot. Take back what is left, or look for the right sale."
        )


@dataclass(eq=False)
class CustomerNotFound(NotFound):
    """A sale's customer is not a person that is known."""

    code: ClassVar[str] = "customer_not_found"
    customer_id: UUID

    def __str__(self) -> str:
        return f"There is no customer {self.customer_id}: look them up, or sell without naming one."


@dataclass(eq=False)
class SoldInFuture(Invalid):
    """A sale is said to have happened at a time that has not come yet."""

    code: ClassVar[str] = "sold_in_future"
    sold_at: datetime

    def __str__(self) -> str:
        return f"{self.sold_at.isoformat()} has not come yet: set the till's clock, and correct the time of the sale."


@dataclass(eq=False)
class TillSessionNotFound(NotFound):
    """The till session does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "till_session_not_found"
    session_id: UUID

    def __str__(self) -> str:
        return f"There is no till session {self.session_id} in your stores."


@dataclass(eq=False)
class TillSessionClosed(Conflict):
    """The till session has been counted, or is another store's: nothing is added to it."""

    code: ClassVar[str] = "till_session_closed"
    session_id: UUID

    def __str__(self) -> str:
        return f"Till session {self.session_id} is closed, or is not this store's: open a new one."


@dataclass(eq=False)
class TillAlreadyOpen(Conflict):
    """The till has a session that is not closed yet."""

    code: ClassVar[str] = "till_already_open"
    till: str
    session_id: UUID

    def __str__(self) -> str:
        return f"Till {self.till} is open already, in session {self.session_id}: go on with it, or close it first."
