"""What other modules may know of people: who acts, and what they may do where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from shared_kernel.errors import Forbidden, NotFound, Unauthenticated
from shared_kernel.published import published


class Role(StrEnum):
    """A job in the chain. What each may do stands in `accounts.rules.POLICY`."""

    CASHIER = "cashier"
    STORE_MANAGER = "store_manager"
    WAREHOUSE = "warehouse"
    CATALOG_MANAGER = "catalog_manager"
    HEAD_OFFICE = "head_office"


class Action(StrEnum):
    """Something that not everybody may do."""

    EDIT_PEOPLE = "people.edit"
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


@dataclass(eq=False)
class BadCredentials(Unauthenticated):
    """No person has this e-mail and password together; which of the two is wrong stays unsaid."""

    code: ClassVar[str] = "bad_credentials"

    def __str__(self) -> str:
        return "No active account has this e-mail and password: check both and try again."


@dataclass(eq=False)
class InvalidToken(Unauthenticated):
    """The token is malformed, forged, expired, of the wrong kind, or its account is closed."""

    code: ClassVar[str] = "invalid_token"

    def __str__(self) -> str:
        return "The token is not valid or has expired: refresh it, or log in again."


@dataclass(eq=False)
class PersonNotFound(NotFound):
    """A person that was named does not exist."""

    code: ClassVar[str] = "person_not_found"
    person_id: UUID

    def __str__(self) -> str:
        return f"There is no person {self.person_id}."


@dataclass(frozen=True)
class Actor:
    """Who acts: a person with what they may do, worked out when they identified themselves.

    `everywhere` holds the actions allowed in the whole chain, `in_stores` those allowed in some stores, with these.
    """

    id: UUID
    name: str
    roles: frozenset[Role]
    everywhere: frozenset[Action]
    in_stores: Mapping[Action, frozenset[UUID]]

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

    def stores_for(self, action: Action) -> frozenset[UUID] | None:
        """The stores in which the actor may do this; None means all of them."""
        return None if action in self.everywhere else self.in_stores.get(action, frozenset())


@dataclass(frozen=True)
class Tokens:
    """Proof of identity: `access` for ten minutes of calls, `refresh` to get the next pair."""

    access: str
    refresh: str


@dataclass(frozen=True)
class NewStaff:
    """A member of staff to be; a role whose scope is the person's own stores holds in `store_ids`."""

    email: str
    name: str
    password: str
    role: Role
    store_ids: tuple[UUID, ...] = ()


class Accounts(Protocol):
    """People and what they may do."""

    def log_in(self, *, email: str, password: str) -> Tokens:
        """Give tokens to whoever knows this e-mail (in any case) and password. Changes nothing.

        Raises BadCredentials.
        """
        ...

    def refresh(self, *, refresh_token: str) -> Tokens:
        """Give fresh tokens for a valid refresh token. Raises InvalidToken."""
        ...

    def actor_of_token(self, *, access_token: str) -> Actor:
        """Who this access token speaks for, with the permissions they have at this moment. Raises InvalidToken."""
        ...

    def actor(self, *, person_id: UUID) -> Actor:
        """This person with the permissions they have now. Raises PersonNotFound when unknown or inactive."""
        ...

    def ids_by_email(self, *, emails: Sequence[str]) -> dict[str, UUID]:
        """The people with these e-mails (in any case); an unknown one is left out."""
        ...

    def names(self, *, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        """The names of these people; an unknown id is left out."""
        ...

    def ensure_staff(self, *, staff: Sequence[NewStaff]) -> list[UUID]:
        """Make these staff accounts where their e-mail is unknown, and give each its role and stores.

        One transaction. Idempotent by e-mail: an account that exists keeps its id, name and password. Returns the ids
        in the order given.
        """
        ...


accounts = published(Accounts)
