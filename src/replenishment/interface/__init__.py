"""What other modules may know of requests from a store to the warehouse, and ask of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from replenishment.interface.refusals import (
    AlreadyDecided,
    AlreadyRequested,
    CentralStockTooLow,
    InvalidQuantity,
    NoCentralStock,
    NotOnItsWay,
    RequestNotFound,
    StoreUnknown,
    SuggestionGone,
)
from replenishment.interface.values import (
    Acceptance,
    Outcome,
    ReplenishmentApproved,
    ReplenishmentRejected,
    ReplenishmentRequested,
    Request,
    RequestPage,
    RequestStatus,
    SuggestedLine,
    Suggestion,
    SuggestionPage,
    Verdict,
)
from shared_kernel.published import published

__all__ = [
    "Acceptance",
    "AlreadyDecided",
    "AlreadyRequested",
    "CentralStockTooLow",
    "InvalidQuantity",
    "NoCentralStock",
    "NotOnItsWay",
    "Outcome",
    "Replenishment",
    "ReplenishmentApproved",
    "ReplenishmentRejected",
    "ReplenishmentRequested",
    "Request",
    "RequestNotFound",
    "RequestPage",
    "RequestStatus",
    "StoreUnknown",
    "SuggestedLine",
    "Suggestion",
    "SuggestionGone",
    "SuggestionPage",
    "Verdict",
    "replenishment",
]


class Replenishment(Protocol):
    """Requests from stores to the warehouse, and suggestions.

    Writes take a key that the caller chose (`request_id`, `decision_id` …, UUIDv7): the same write sent again under its
    key changes nothing and gives the same answer. `actor_id` is who did it (None: the system), `now` when.
    """

    def request(
        self, *, request_id: UUID, product_id: UUID, store_id: UUID, quantity: int, actor_id: UUID | None, now: datetime
    ) -> Request:
        """Ask for so many pieces; it is pending then, and nothing moves or is kept. Idempotent by `request_id`.

        Checked in this order: raises NoCentralStock, CentralStockTooLow, StoreUnknown; and before all, InvalidQuantity.
        A suggestion for the product in the store is done with.
        """
        ...

    def requests(
        self,
        *,
        statuses: Sequence[RequestStatus] | None = None,
        travels: bool | None = None,
        store_ids: Sequence[UUID] | None = None,
        product_id: UUID | None = None,
        offset: int = 0,
        limit: int = 20,
    ) -> RequestPage:
        """Requests, latest first: in these states (None: all), of these stores (None: all), for this product.

        `travels` keeps those whose goods are shipped and received, or those whose goods are not, as far as is known.
        Takes the same number of statements for any number of requests. `central_available` is what the warehouse has
        available now.
        """
        ...

    def find(self, *, request_id: UUID) -> Request:
        """One request. Raises RequestNotFound."""
        ...

    def approve(
        self,
        *,
        decision_id: UUID,
        request_id: UUID,
        quantity: int | None = None,
        reason: str = "",
        actor_id: UUID | None,
        now: datetime,
    ) -> Request:
        """Grant a pending request, or with `quantity` a smaller part of it.

        Moves the stock from the warehouse to the store in the same transaction; where the warehouse uses transit, keeps
        it in the warehouse for `ship`. Idempotent by `decision_id`. Raises RequestNotFound, AlreadyDecided,
        InvalidQuantity, CentralStockTooLow.
        """
        ...

    def reject(
        self, *, decision_id: UUID, request_id: UUID, reason: str = "", actor_id: UUID | None, now: datetime
    ) -> Request:
        """Turn a pending request down; nothing moves. Idempotent by `decision_id`.

        Raises RequestNotFound, AlreadyDecided.
        """
        ...

    def cancel(self, *, decision_id: UUID, request_id: UUID, actor_id: UUID | None, now: datetime) -> Request:
        """Take back a request that the warehouse has not decided on. Idempotent by `decision_id`.

        Raises RequestNotFound, AlreadyDecided.
        """
        ...

    def decide_all(
        self,
        *,
        decision_id: UUID,
        request_ids: Sequence[UUID],
        verdict: Verdict,
        reason: str = "",
        actor_id: UUID | None,
        now: datetime,
    ) -> list[Outcome]:
        """Approve or reject each of these requests, each in a transaction of its own, in the order given.

        One that is refused does not keep the others. Idempotent by `decision_id`.
        """
        ...

    def ship(self, *, shipment_id: UUID, request_id: UUID, actor_id: UUID | None, now: datetime) -> Request:
        """Send an approved request's goods: they leave the warehouse and are in transit to the store.

        Idempotent by `shipment_id`. Raises RequestNotFound, NotOnItsWay.
        """
        ...

    def receive(
        self,
        *,
        receipt_id: UUID,
        request_id: UUID,
        quantity: int | None = None,
        actor_id: UUID | None,
        now: datetime,
    ) -> Request:
        """Put a shipped request's goods onto the store's shelf: all (`quantity` None), or as many as were found.

        A difference stays on the request and in the ledger. Idempotent by `receipt_id`. Raises RequestNotFound,
        NotOnItsWay, InvalidQuantity.
        """
        ...

    def suggestions(
        self, *, store_ids: Sequence[UUID] | None = None, offset: int = 0, limit: int = 20
    ) -> SuggestionPage:
        """What these stores (None: all) should ask for, the emptiest shelves first."""
        ...

    def accept(
        self, *, acceptance_id: UUID, lines: Sequence[SuggestedLine], actor_id: UUID | None, now: datetime
    ) -> list[Acceptance]:
        """Make requests of suggestions, each in a transaction of its own; never one beside an open request (one
        that waits for its decision, or for its goods to be sent).

        Idempotent by `acceptance_id`.
        """
        ...

    def suggest(self, *, store_ids: Sequence[UUID] | None = None, now: datetime) -> int:
        """Work out anew what these stores (None: all) should ask for; returns how many suggestions there are.

        Idempotent.
        """
        ...

    def suggest_product(self, *, store_id: UUID, product_id: UUID, now: datetime) -> Suggestion | None:
        """Work out anew whether a store should ask for one product. Idempotent.

        Raises LocationNotFound (of inventory) where there is no such store.
        """
        ...

    def pending_by_store(self, *, store_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many requests of each of these stores wait for a decision; a store without any is left out."""
        ...


replenishment = published(Replenishment)
