"""What other modules may know of places and stock, and ask of them.

Every write takes `operation_id`, a UUIDv7 that the caller chose: sending the same write twice moves stock once, and
gives the same answer. `actor_id` is who did it (None: the system), `now` when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.events import Event
from shared_kernel.published import published


class LocationKind(StrEnum):
    """What a place is for."""

    WAREHOUSE = "warehouse"
    STORE = "store"


class MovementReason(StrEnum):
    """Why stock moved."""

    SALE = "sale"
    ORDER = "order"
    RECEIPT = "receipt"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
    COUNT = "count"


@dataclass(frozen=True)
class Location:
    """A warehouse or a store."""

    id: UUID
    kind: LocationKind
    name: str
    address: str
    time_zone: str


@dataclass(frozen=True)
class LocationDraft:
    """All that a person decides about a place. `time_zone` is an IANA name (`Europe/Paris`)."""

    kind: LocationKind
    name: str
    address: str
    time_zone: str


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
    """A line of the ledger: what happened to one product at one place. `delta` = after − before, in pieces."""

    id: int
    operation_id: UUID
    product_id: UUID
    location_id: UUID
    delta: int
    before: int
    after: int
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
    """Pieces kept for an order at a place until a time, after which they are free again by themselves."""

    order_id: UUID
    product_id: UUID
    location_id: UUID
    quantity: int
    until: datetime


@dataclass(frozen=True)
class StockDifference:
    """A stock level that does not agree with the books: `figure` is on_hand or reserved."""

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


@dataclass(eq=False)
class InsufficientStock(Conflict):
    """Fewer pieces are available than were asked for."""

    code: ClassVar[str] = "insufficient_stock"
    lines: list[Shortage]

    def __str__(self) -> str:
        lines = [f"product {line.product_id}: {line.requested} asked, {line.available} there" for line in self.lines]
        return f"Not enough stock for {'; '.join(lines)}. Ask for fewer, or take them from another place."


@dataclass(eq=False)
class CountBelowReserved(Conflict):
    """Fewer pieces were counted than are promised to orders."""

    code: ClassVar[str] = "count_below_reserved"
    product_id: UUID
    location_id: UUID
    counted: int
    reserved: int

    def __str__(self) -> str:
        return (
            f"{self.counted} pieces of product {self.product_id} were counted, but {self.reserved} are reserved"
            " for orders: count again, or cancel orders first."
        )


@dataclass(eq=False)
class LocationNotFound(NotFound):
    """A place that was named does not exist, or is not of the kind asked for."""

    code: ClassVar[str] = "location_not_found"
    location_ids: list[UUID]

    def __str__(self) -> str:
        return f"There is no such place: {', '.join(map(str, self.location_ids))}. See /api/v1/stores/ for the stores."


@dataclass(eq=False)
class InvalidLocation(Invalid):
    """A value breaks one of the rules for places."""

    code: ClassVar[str] = "invalid"
    errors: list[dict[str, str]]

    def __str__(self) -> str:
        return "; ".join(f"{error['field']}: {error['message']}" for error in self.errors)


@dataclass(eq=False)
class LocationNameTaken(Conflict):
    """Another place has this name."""

    code: ClassVar[str] = "location_name_taken"
    name: str

    def __str__(self) -> str:
        return f"Another place is called {self.name}: choose a different name."


@dataclass(eq=False)
class NotStocked(Conflict):
    """A service is not counted."""

    code: ClassVar[str] = "not_stocked"
    product_ids: list[UUID]

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.product_ids))} is a service, of which there is no stock: leave it out."


@dataclass(eq=False)
class ReservationNotFound(NotFound):
    """The order holds no reservation."""

    code: ClassVar[str] = "reservation_not_found"
    order_id: UUID

    def __str__(self) -> str:
        return f"Nothing is reserved for order {self.order_id}: reserve again."


@dataclass(eq=False)
class ReservationExpired(Conflict):
    """The order's reservation has run out, and its pieces may be somebody else's by now."""

    code: ClassVar[str] = "reservation_expired"
    order_id: UUID

    def __str__(self) -> str:
        return f"The reservation for order {self.order_id} has run out: reserve again."


@dataclass(frozen=True)
class StockRanLow(Event):
    """A product has come down to its reorder point at a place."""

    type: ClassVar[str] = "stock.low"
    product_id: UUID
    location_id: UUID
    available: int
    reorder_point: int


class Inventory(Protocol):
    """Places and stock."""

    # --- Places -----------------------------------------------------------------------------------------------------

    def locations(self, *, ids: Sequence[UUID]) -> list[Location]:
        """These places, in no particular order; an unknown id is left out."""
        ...

    def locations_by_name(self, *, names: Sequence[str]) -> list[Location]:
        """The places with these names, in no particular order; an unknown name is left out."""
        ...

    def stores(self) -> list[Location]:
        """All stores, by name."""
        ...

    def store_page(self, *, offset: int, limit: int) -> LocationPage:
        """Some of the stores, by name."""
        ...

    def store(self, *, store_id: UUID) -> Location:
        """One store. Raises LocationNotFound, for a warehouse too."""
        ...

    def central(self) -> Location:
        """The warehouse that serves the stores: the oldest. Raises LocationNotFound where there is none yet."""
        ...

    def save_location(self, *, location_id: UUID, draft: LocationDraft) -> Location:
        """Make a place, or give it these values. Idempotent. Raises InvalidLocation, LocationNameTaken."""
        ...

    def ensure_locations(self, *, locations: Sequence[KnownLocation]) -> dict[str, UUID]:
        """Make those of these places whose name is unknown. One transaction; idempotent by name.

        Returns the id of every name given. Raises InvalidLocation.
        """
        ...

    # --- What is where ----------------------------------------------------------------------------------------------

    def location_stock(
        self,
        *,
        location_id: UUID,
        search: str = "",
        low: bool = False,
        out: bool = False,
        offset: int = 0,
        limit: int = 20,
    ) -> StockPage:
        """The stock of one place, for all stocked products on sale, by product name (the best matches first with
        `search`).

        `low` keeps the rows at or below their reorder point, `out` those that were held once and have nothing
        available; such rows are ordered by what is available. Raises LocationNotFound.
        """
        ...

    def product_stock(self, *, product_id: UUID) -> list[StockRow]:
        """One product at every place, warehouses first, then by name. Raises ProductNotFound (of catalog)."""
        ...

    def stock_levels(self, *, product_ids: Sequence[UUID], location_ids: Sequence[UUID]) -> list[StockRow]:
        """Each of these products at each of these places; an unknown product or place is left out."""
        ...

    def availability(self, *, lines: Sequence[StockLine], location_id: UUID | None = None) -> list[Availability]:
        """Whether each line can be had at the place, or anywhere without one, and where each product is.

        Lines of one product count together. Answers in the order asked; takes two statements for any number of lines.
        Raises LocationNotFound, ProductNotFound.
        """
        ...

    def held_stock(self, *, location_ids: Sequence[UUID], top: int | None = None) -> list[HeldStock]:
        """What these places hold, by place and then most pieces first; at most `top` products of each place.

        Takes one statement for any number of places.
        """
        ...

    def products_in_stock(self) -> list[UUID]:
        """The ids of all products of which at least one piece is available somewhere."""
        ...

    def movements(
        self,
        *,
        location_ids: Sequence[UUID] | None = None,
        product_id: UUID | None = None,
        before: int | None = None,
        limit: int = 20,
    ) -> list[LedgerRow]:
        """The ledger, newest first: at these places (None: all), of this product, of ids below `before`.

        Takes four statements for any number of rows.
        """
        ...

    # --- Stock moves ------------------------------------------------------------------------------------------------

    def receive(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        """Put goods that arrived into a place's stock. `document` is the delivery note or the like.

        Raises LocationNotFound, ProductNotFound, NotStocked.
        """
        ...

    def issue(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        """Take sold goods out of a place's stock: all lines, or none.

        Meant to be called in the transaction of the sale. The caller vouches for products and place: an unknown one has
        nothing available. Raises InsufficientStock.
        """
        ...

    def adjust(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        note: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        """Add each line's quantity, which may be negative, to a place's stock: damage, loss, something found.

        Raises LocationNotFound, ProductNotFound, NotStocked, InsufficientStock.
        """
        ...

    def count(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        product_id: UUID,
        quantity: int,
        thresholds: Thresholds,
        note: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> StockRow:
        """Set a place's stock of a product to what was counted, whatever it was, and its thresholds.

        A count that finds no difference is in the ledger too. Raises LocationNotFound, ProductNotFound, NotStocked,
        CountBelowReserved.
        """
        ...

    def transfer(
        self,
        *,
        operation_id: UUID,
        from_location_id: UUID,
        to_location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        """Move goods from one place to another, at once: all lines, or none.

        Raises LocationNotFound (also for a transfer to the same place), ProductNotFound, NotStocked, InsufficientStock.
        """
        ...

    def carry(self, *, product_ids: Sequence[UUID]) -> None:
        """Let every warehouse hold a row for these products, at zero where there is none. Idempotent."""
        ...

    def stop_reordering(self, *, product_ids: Sequence[UUID]) -> None:
        """Take away these products' reorder points and targets everywhere, so that none counts as low. Idempotent."""
        ...

    # --- Reservations -----------------------------------------------------------------------------------------------

    def reserve(
        self, *, order_id: UUID, lines: Sequence[PlacedLine], until: datetime, now: datetime
    ) -> list[Reservation]:
        """Keep these pieces for an order until `until`: all lines, or none.

        Idempotent by `order_id` while the reservation is live or confirmed; after that it reserves anew. The caller
        vouches for products and places. Raises InsufficientStock.
        """
        ...

    def extend(self, *, order_id: UUID, until: datetime, now: datetime) -> list[Reservation]:
        """Keep an order's pieces until a later time. Raises ReservationNotFound, ReservationExpired."""
        ...

    def confirm(self, *, order_id: UUID, actor_id: UUID | None, now: datetime) -> list[Movement]:
        """Take an order's reserved pieces out of stock for good: they are sold. Idempotent.

        Raises ReservationNotFound, ReservationExpired.
        """
        ...

    def release(self, *, order_id: UUID, now: datetime) -> None:
        """Free an order's reserved pieces. Nothing reserved (any more): nothing happens."""
        ...

    def clear_expired(self, *, now: datetime, limit: int = 1000) -> int:
        """Tidy up reservations that have run out (they count as free already); returns how many."""
        ...

    # --- The books --------------------------------------------------------------------------------------------------

    def verify(self, *, now: datetime) -> Verification:
        """Prove the books: for every level, the ledger's sum is on_hand and the live reservations' sum is reserved.

        Sees one moment, whatever happens meanwhile; keeps the outcome for `last_verification`.
        """
        ...

    def last_verification(self) -> Verification | None:
        """The outcome of the latest proof, None where there was none."""
        ...


inventory = published(Inventory)
