"""What the replenishment refuses, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from replenishment.interface.values import RequestStatus
from shared_kernel.errors import Conflict, Invalid, NotFound


@dataclass(eq=False)
class NoCentralStock(Conflict):
    """The warehouse does not carry the product."""

    code: ClassVar[str] = "no_central_stock"
    product_id: UUID

    def __str__(self) -> str:
        return f"The warehouse does not carry product {self.product_id}: ask the head office to order it."


@dataclass(eq=False)
class CentralStockTooLow(Conflict):
    """The warehouse has fewer pieces available than were asked for."""

    code: ClassVar[str] = "central_stock_too_low"
    product_id: UUID
    requested: int
    available: int

    def __str__(self) -> str:
        return (
            f"{self.requested} pieces of product {self.product_id} were asked for, but the warehouse has"
            f" {self.available} available: ask for fewer."
        )


@dataclass(eq=False)
class StoreUnknown(Conflict):
    """The store that is to get the goods does not exist."""

    code: ClassVar[str] = "store_unknown"
    store_id: UUID

    def __str__(self) -> str:
        return f"There is no store {self.store_id}: see /api/v1/stores/ for the stores."


@dataclass(eq=False)
class InvalidQuantity(Invalid):
    """The quantity is not one that can be asked for, approved or received."""

    code: ClassVar[str] = "invalid_quantity"
    quantity: int
    smallest: int
    largest: int

    def __str__(self) -> str:
        return f"The quantity is {self.quantity}, but must lie between {self.smallest} and {self.largest}."


@dataclass(eq=False)
class RequestNotFound(NotFound):
    """The request does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "request_not_found"
    replenishment_request_id: UUID

    def __str__(self) -> str:
        return f"There is no request {self.replenishment_request_id}."


@dataclass(eq=False)
class AlreadyDecided(Conflict):
    """The request is pending no more."""

    code: ClassVar[str] = "already_decided"
    replenishment_request_id: UUID
    request_status: RequestStatus
    decided_by_name: str | None
    decided_at: datetime | None

    def __str__(self) -> str:
        request = f"Request {self.replenishment_request_id}"
        return f"{request} is {self.request_status} already: make a new request if more is needed."


@dataclass(eq=False)
class NotOnItsWay(Conflict):
    """The step does not follow from where the request stands."""

    code: ClassVar[str] = "not_on_its_way"
    replenishment_request_id: UUID
    request_status: RequestStatus
    needed: RequestStatus

    def __str__(self) -> str:
        request = f"Request {self.replenishment_request_id}"
        if self.request_status is self.needed:
            return f"{request} was not for goods that travel: they are on the store's shelf already."
        return f"{request} is {self.request_status}, and this step needs one that is {self.needed}."


@dataclass(eq=False)
class SuggestionGone(Conflict):
    """There is no such suggestion (any more)."""

    code: ClassVar[str] = "suggestion_gone"
    store_id: UUID
    product_id: UUID

    def __str__(self) -> str:
        return f"Nothing is suggested (any more) for product {self.product_id} in store {self.store_id}."


@dataclass(eq=False)
class AlreadyRequested(Conflict):
    """The store has an open request for the product."""

    code: ClassVar[str] = "already_requested"
    store_id: UUID
    product_id: UUID
    replenishment_request_id: UUID

    def __str__(self) -> str:
        request = f"Request {self.replenishment_request_id} for this product"
        return f"{request} is open already: wait for it, or cancel it first."
