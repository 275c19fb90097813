"""What the replenishment speaks of: requests, what becomes of them, suggestions; and the events it tells."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared_kernel.events import Event


class RequestStatus(StrEnum):
    """Where a request stands.

    Pending becomes approved, rejected or cancelled. With transit, approved becomes shipped, and shipped received;
    without, what is approved is on the store's shelf at once.
    """

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    RECEIVED = "received"


class Verdict(StrEnum):
    """What the warehouse may say to a request."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True)
class Request:
    """A store asks the warehouse for so many pieces of a product.

    `approved_quantity` may be smaller than `quantity`; `received_quantity` is what was found on arrival, where goods
    travel. `reason` is the decision's. Names of people are None for the system.
    """

    id: UUID
    product_id: UUID
    product_name: str
    store_id: UUID
    store_name: str
    quantity: int
    approved_quantity: int | None
    received_quantity: int | None
    status: RequestStatus
    reason: str
    requested_by: UUID | None
    requested_by_name: str | None
    requested_at: datetime
    decided_by: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None
    shipped_at: datetime | None
    received_at: datetime | None
    central_available: int | None


@dataclass(frozen=True)
class RequestPage:
    """Some requests of a longer list, latest first, and how many the whole list holds."""

    count: int
    requests: list[Request]


@dataclass(frozen=True)
class Outcome:
    """What became of one request of several: the request as it is now, or the refusal's code and sentence."""

    request_id: UUID
    request: Request | None
    code: str
    detail: str


@dataclass(frozen=True)
class Suggestion:
    """How many pieces of a product a store should ask for, and why.

    `why` says it in words; the figures it stands on: `available` and `on_the_way` to the store,
    `daily_sales` (28 days' average), the `reorder_level` that was reached, and the `order_up_to` that the
    quantity fills up to, as far as the `central` stock goes.
    """

    store_id: UUID
    store_name: str
    product_id: UUID
    product_name: str
    quantity: int
    why: str
    available: int
    on_the_way: int
    daily_sales: Decimal
    lead_time_days: int
    reorder_level: int
    order_up_to: int
    central: int
    computed_at: datetime


@dataclass(frozen=True)
class SuggestionPage:
    """Some suggestions of a longer list, the emptiest shelves first, and how many the whole list holds."""

    count: int
    suggestions: list[Suggestion]


@dataclass(frozen=True)
class SuggestedLine:
    """The suggestion for a product in a store, to be accepted; `quantity` None takes the suggested one."""

    store_id: UUID
    product_id: UUID
    quantity: int | None = None


@dataclass(frozen=True)
class Acceptance:
    """What became of one accepted suggestion: the request made of it, or the refusal's code and sentence."""

    store_id: UUID
    product_id: UUID
    request: Request | None
    code: str
    detail: str


@dataclass(frozen=True)
class ReplenishmentRequested(Event):
    """A store has asked for goods."""

    type: ClassVar[str] = "replenishment.requested"
    request_id: UUID
    product_id: UUID
    store_id: UUID
    quantity: int


@dataclass(frozen=True)
class ReplenishmentApproved(Event):
    """The warehouse has granted a request, in full or in part."""

    type: ClassVar[str] = "replenishment.approved"
    request_id: UUID
    product_id: UUID
    store_id: UUID
    quantity: int


@dataclass(frozen=True)
class ReplenishmentRejected(Event):
    """The warehouse has turned a request down."""

    type: ClassVar[str] = "replenishment.rejected"
    request_id: UUID
    product_id: UUID
    store_id: UUID
