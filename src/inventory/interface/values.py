"""What the inventory speaks of: places, stock, moves, promises; and the events it tells."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared_kernel.events import Event

DEFAULT_LEAD_TIME_DAYS = 2


class LocationKind(StrEnum):
    """What a place is for."""

    WAREHOUSE = "warehouse"
    STORE = "store"


class MovementReason(StrEnum):
    """Why stock moved."""

    SALE = "sale"
    RETURN = "return"
    ORDER = "order"
    RECEIPT = "receipt"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
    COUNT = "count"


@dataclass(frozen=True)
class Location:
    """A warehouse or a store.

    `uses_transit` says that a warehouse's goods to the stores are shipped and received, and not moved at once;
    `lead_time_days` is how long goods take from a store's request until they are on its shelf.
    """

    id: UUID
    kind: LocationKind
    name: str
    address: str
    time_zone: str
    uses_transit: bool
    lead_time_days: int


@dataclass(frozen=True)
class LocationDraft:
    """All that a person decides about a place. `time_zone` is an IANA name (`Europe/Paris`)."""

    kind: LocationKind
    name: str
    address: str
    time_zone: str
    uses_transit: bool = False
    lead_time_days: int = DEFAULT_LEAD_TIME_DAYS


@dataclass(frozen=True)
class KnownLocation:
    """A place that comes with its id, from an import or the demonstration data."""

    id: UUID
    draft: LocationDraft


@dataclass(frozen=True)
class LocationPage:
    """Some places of a longer list, and how many the whole list holds."""

    count: int
    locations: list[Location]


@dataclass(frozen=True)
class StockRow:
    """One product at one place, in pieces. A product that the place never held is there too, at zero.

    `reserved` counts the reservations that are live now; `available` is on_hand − reserved. `low` says that available
    has come down to the reorder point, where there is one.
    """

    product_id: UUID
    sku: str
    product_name: str
    location_id: UUID
    location_name: str
    location_kind: LocationKind
    on_hand: int
    reserved: int
    available: int
    in_transit: int
    reorder_point: int
    target: int | None
    safety_stock: int
    low: bool


@dataclass(frozen=True)
class HeldStock:
    """What is available of a product at a place that holds it."""

    location_id: UUID
    product_id: UUID
    available: int


@dataclass(frozen=True)
class OnlineStock:
    """What the web shop may promise of a product at a place."""

    location_id: UUID
    product_id: UUID
    available: int
    in_warehouse: bool


@dataclass(frozen=True)
class StockPage:
    """Some stock rows of a longer list, and how many the whole list holds."""

    count: int
    rows: list[StockRow]


@dataclass(frozen=True)
class Thresholds:
    """When and up to what a place reorders a product, in pieces; None leaves a value as it is."""

    reorder_point: int | None = None
    target: int | None = None
    safety_stock: int | None = None


@dataclass(frozen=True)
class StockLine:
    """So many pieces of a product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class ArrivedLine:
    """So many pieces of a product as were sent, and as were found on arrival."""

    product_id: UUID
    sent: int
    arrived: int


@dataclass(frozen=True)
class PlacedLine:
    """So many pieces of a product, at a place."""

    location_id: UUID
    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Place:
    """Where a product is, and how many pieces are available there."""

    location_id: UUID
    location_name: str
    available: int


@dataclass(frozen=True)
class Availability:
    """Whether so many pieces of a product can be had: at the place asked about, or anywhere when none was."""

    product_id: UUID
    requested: int
    available: int
    sufficient: bool
    places: list[Place]


@dataclass(frozen=True)
class Movement:
    """A line of the ledger: what happened to one product at one place. `delta` = after − before, in pieces.

    `in_transit` is what was added to the pieces that are on their way to the place; negative when they arrive.
    """

    id: int
    operation_id: UUID
    product_id: UUID
    location_id: UUID
    delta: int
    before: int
    after: int
    in_transit: int
    reason: MovementReason
    document: str
    note: str
    actor_id: UUID | None
    recorded_at: datetime


@dataclass(frozen=True)
class LedgerRow(Movement):
    """A line of the ledger with the names a reader wants; `actor_name` is None for the system."""

    product_name: str
    location_name: str
    actor_name: str | None


@dataclass(frozen=True)
class Reservation:
    """Pieces kept for an order at a place until a time, after which they are free again by themselves.

    `until` is None for those that are kept until they are released.
    """

    order_id: UUID
    product_id: UUID
    location_id: UUID
    quantity: int
    until: datetime | None


@dataclass(frozen=True)
class Promise:
    """What was done for an order: pieces that are kept for it now, and pieces that have left the stock for good."""

    reserved: int
    sold: int


@dataclass(frozen=True)
class Discrepancy:
    """Pieces that left a place although its books did not hold them: somebody has to count the shelf.

    A count of the product there settles it.
    """

    id: int
    location_id: UUID
    location_name: str
    product_id: UUID
    product_name: str
    missing: int
    document: str
    found_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class Demand:
    """What a place holds of a product, and how it sells there: what it takes to judge how much to order.

    `sold` counts the pieces sold on each weekday, Monday first, within the last 28 whole days of the place; `central`
    is what the warehouse has available.
    """

    location_id: UUID
    product_id: UUID
    available: int
    in_transit: int
    reorder_point: int
    target: int | None
    safety_stock: int
    sold: tuple[int, int, int, int, int, int, int]
    central: int


@dataclass(frozen=True)
class EmptyShelf:
    """A product that sells, and of which a place has nothing left: `sold` in the last 28 days, empty for `days`."""

    product_id: UUID
    sold: int
    days: int


@dataclass(frozen=True)
class StockHealth:
    """How a place's stock stands: how many of its products are low, too many or dead (`inventory.rules` says what these
    mean), the pieces available and sold in the last 28 days, and for how many days they last at that rate.
    """

    location_id: UUID
    low: int
    over: int
    dead: int
    available: int
    sold: int
    empty_shelves: list[EmptyShelf]


@dataclass(frozen=True)
class StockDifference:
    """A stock level that does not agree with the books: `figure` is on_hand, reserved or in_transit."""

    product_id: UUID
    location_id: UUID
    figure: str
    level: int
    books: int


@dataclass(frozen=True)
class Verification:
    """The outcome of proving the books at a time."""

    verified_at: datetime
    levels: int
    differences: list[StockDifference]


@dataclass(frozen=True)
class Shortage:
    """A line that cannot be served: what was asked at the place, what is there, and where else there is some."""

    product_id: UUID
    location_id: UUID
    requested: int
    available: int
    elsewhere: list[Place]


@dataclass(frozen=True)
class StockChanged(Event):
    """How many pieces of a product are at a place, or are reserved there, has changed to these numbers."""

    type: ClassVar[str] = "stock.changed"
    product_id: UUID
    location_id: UUID
    on_hand: int
    reserved: int
    available: int


@dataclass(frozen=True)
class StockRanLow(Event):
    """A product has come down to its reorder point at a place."""

    type: ClassVar[str] = "stock.low"
    product_id: UUID
    location_id: UUID
    available: int
    reorder_point: int
