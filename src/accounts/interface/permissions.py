"""Who may do what: roles, actions, and the one who acts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared_kernel.errors import Forbidden


class Role(StrEnum):
    """A job in the chain. What each may do stands in `accounts.rules.POLICY`."""

    CASHIER = "cashier"
    STORE_MANAGER = "store_manager"
    WAREHOUSE = "warehouse"
    CATALOG_MANAGER = "catalog_manager"
    HEAD_OFFICE = "head_office"


class Action(StrEnum):
    """Something that not everybody may do."""

    READ_PEOPLE = "people.read"
    EDIT_PEOPLE = "people.edit"
    MANAGE_KEYS = "keys.manage"
    READ_AUDIT = "audit.read"
    EDIT_CATALOG = "catalog.edit"
    EDIT_STORES = "stores.edit"
    READ_STOCK = "stock.read"
    COUNT_STOCK = "stock.count"
    RECEIVE_STOCK = "stock.receive"
    TRANSFER_STOCK = "stock.transfer"
    ADJUST_STOCK = "stock.adjust"
    REQUEST_STOCK = "replenishment.request"
    DECIDE_REQUESTS = "replenishment.decide"
    SELL = "sales.record"
    REFUND = "sales.refund"
    RUN_TILL = "till.run"
    SUPERVISE_TILL = "till.supervise"
    READ_SALES = "sales.read"
    READ_REPORTS = "reports.read"
    PLACE_ORDERS = "orders.place"
    READ_ORDERS = "orders.read"
    FULFIL_ORDERS = "orders.fulfil"
    MANAGE_ORDERS = "orders.manage"


class Scope(StrEnum):
    """Where an action is allowed."""

    OWN_STORES = "own_stores"
    CHAIN = "chain"


@dataclass(eq=False)
class NotAllowed(Forbidden):
    """Whoever acts may not do this, or not in this place."""

    code: ClassVar[str] = "not_allowed"
    action: Action
    location_id: UUID | None = None

    def __str__(self) -> str:
        if self.location_id is None:
            return f"Your role does not allow {self.action}: ask the head office for a role that does."
        return f"You may not do {self.action} at location {self.location_id}: act in a store of your own."


@dataclass(frozen=True)
class Actor:
    """Who acts: a person or a machine with what they may do, worked out when they identified themselves.

    `everywhere` holds the actions allowed in the whole chain, `in_stores` those allowed in some stores, with these.
    """

    id: UUID
    name: str
    roles: frozenset[Role]
    everywhere: frozenset[Action]
    in_stores: Mapping[Action, frozenset[UUID]]

    @property
    def is_customer(self) -> bool:
        """Whether this is somebody who buys: whoever works here, and every machine, may do something."""
        return not (self.roles or self.everywhere or self.in_stores)

    def may(self, action: Action, *, at: UUID | None = None) -> bool:
        """Whether the actor may do this: at the location `at`, or anywhere at all when that is None."""
        if action in self.everywhere:
            return True
        stores = self.in_stores.get(action, frozenset())
        return bool(stores) if at is None else at in stores

    def require(self, action: Action, *, at: UUID | None = None) -> None:
        """Raises NotAllowed unless the actor may do this at `at` (anywhere at all when that is None)."""
        if not self.may(action, at=at):
            raise NotAllowed(action=action, location_id=at)

    def may_in(self, action: Action, places: Collection[UUID]) -> bool:
        """Whether the actor may do this with something that these places share: in one of them, or everywhere."""
        return action in self.everywhere or any(self.may(action, at=place) for place in places)

    def require_in(self, action: Action, places: Collection[UUID]) -> None:
        """Raises NotAllowed unless the actor may do this with something that these places share."""
        if not self.may_in(action, places):
            raise NotAllowed(action=action)

    def stores_for(self, action: Action) -> frozenset[UUID] | None:
        """The stores in which the actor may do this; None means all of them."""
        return None if action in self.everywhere else self.in_stores.get(action, frozenset())
