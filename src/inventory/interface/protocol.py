"""What other modules may ask of places and stock.

Every write takes `operation_id`, a UUIDv7 that the caller chose: sending the same write twice moves stock once, and
gives the same answer. `actor_id` is who did it (None: the system), `now` when.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from inventory.interface.values import (
    ArrivedLine,
    Availability,
    Demand,
    Discrepancy,
    HeldStock,
    KnownLocation,
    LedgerRow,
    Location,
    LocationDraft,
    LocationPage,
    Movement,
    OnlineStock,
    PlacedLine,
    Promise,
    Reservation,
    StockHealth,
    StockLine,
    StockPage,
    StockRow,
    Thresholds,
    Verification,
)


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
        over: bool = False,
        offset: int = 0,
        limit: int = 20,
    ) -> StockPage:
        """The stock of one place, for all stocked products on sale, by product name (the best matches first with
        `search`).

        `low` keeps the rows at or below their reorder point, `out` those that were held once and have nothing
        available; such rows are ordered by what is available. `over` keeps those of which there are too many
        (`rules.is_over`), the most first. Raises LocationNotFound.
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

    def online_stock(self, *, product_ids: Sequence[UUID]) -> list[OnlineStock]:
        """What the web shop may promise of these products, by place: warehouses first, then the oldest place.

        At a warehouse that is what is available, at a store what is available beyond its safety stock; a place with
        nothing to promise is left out. Takes one statement.
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

    # --- How it stands ----------------------------------------------------------------------------------------------

    def health(self, *, location_ids: Sequence[UUID], now: datetime) -> list[StockHealth]:
        """How the stock of each of these places stands, in the order given.

        Archived products do not count. Takes two statements for any number of places, which read each level of theirs:
        a second and more for some millions.
        """
        ...

    def demand(
        self,
        *,
        location_id: UUID,
        product_ids: Sequence[UUID] | None = None,
        after: UUID | None = None,
        limit: int = 1000,
        now: datetime,
    ) -> list[Demand]:
        """What a place needs to know to order: for these products, by product id, of ids above `after`.

        None stands for all of which there may be something to order: what came or went in the last 28 days, and what
        has a reorder point or a target and is down to its reorder point or its safety stock.

        Takes the same number of statements for any number of products. Raises LocationNotFound, also where there is no
        warehouse.
        """
        ...

    def unsettled_shelves(self, *, location_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Of how many products there are open discrepancies at each of these places; a place without is left out."""
        ...

    def discrepancies(
        self,
        *,
        location_ids: Sequence[UUID] | None = None,
        settled: bool = False,
        after: int | None = None,
        limit: int = 20,
    ) -> list[Discrepancy]:
        """Sales that the books did not cover, at these places (None: all), oldest first, of ids above `after`.

        Those that are open, or those that a count has settled. Takes two statements for any number of rows.
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
        returned: Sequence[StockLine] = (),
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        """Take sold goods out of a place's stock, and put `returned` ones back onto its shelf: all lines, or none.

        In one step, because a ticket's goods have to be locked together; what is sold and returned of one product is
        set off. Meant to be called in the transaction of the sale. The caller vouches for products and place: an
        unknown one has nothing available. Raises InsufficientStock.
        """
        ...

    def issue_departed(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[StockLine],
        document: str,
        actor_id: UUID | None,
        departed_at: datetime,
        now: datetime,
    ) -> list[Discrepancy]:
        """Take goods out of a place's books that have left it already, whether the books hold them or not.

        What is available now is taken; the rest is kept as discrepancies, which are returned, until somebody counts the
        shelf. A shelf that was counted after `departed_at` was counted without the goods: nothing is taken from it. The
        caller vouches for products and place. Idempotent by `operation_id`.
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

        A count that finds no difference is in the ledger too. It settles the product's discrepancies there. Raises
        LocationNotFound, ProductNotFound, NotStocked, CountBelowReserved.
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

    def ship(
        self, *, operation_id: UUID, order_id: UUID, to_location_id: UUID, actor_id: UUID | None, now: datetime
    ) -> list[Movement]:
        """Send an order's reserved pieces to another place: they leave their own, and are in transit to that one.

        Idempotent by `operation_id`. Raises ReservationNotFound, ReservationExpired, LocationNotFound.
        """
        ...

    def receive_shipment(
        self,
        *,
        operation_id: UUID,
        location_id: UUID,
        lines: Sequence[ArrivedLine],
        document: str,
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Movement]:
        """Put onto a place's shelf what arrived of the pieces in transit to it. What was sent is in transit no more.

        The caller vouches for place and products. Raises InsufficientStock when less is in transit than was sent.
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
        self, *, order_id: UUID, lines: Sequence[PlacedLine], until: datetime | None, now: datetime
    ) -> list[Reservation]:
        """Keep these pieces for an order until `until` (None: until they are released): all lines, or none.

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

    def promises(self, *, order_ids: Sequence[UUID], now: datetime) -> dict[UUID, Promise]:
        """What was done for each of these orders; one for which nothing was is left out. Takes two statements."""
        ...

    # --- The books --------------------------------------------------------------------------------------------------

    def verify(self, *, now: datetime) -> Verification:
        """Prove the books: for every level, the ledger's sums are on_hand and in_transit, and the live reservations'
        sum is reserved.

        Sees one moment, whatever happens meanwhile; keeps the outcome for `last_verification`.
        """
        ...

    def last_verification(self) -> Verification | None:
        """The outcome of the latest proof, None where there was none."""
        ...
