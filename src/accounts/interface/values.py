"""What the accounts tell and are told."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from accounts.interface.permissions import Action, Role
from shared_kernel.events import Event

API_KEY_PREFIX_LENGTH = 12


class Language(StrEnum):
    """In which the chain writes to somebody."""

    EN = "en"
    FR = "fr"


class Letter(StrEnum):
    """Something that the chain writes to a person by mail."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 the letter's name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 the letter's name
    EMAIL_CHANGED = "email_changed"


@dataclass(frozen=True)
class Tokens:
    """Proof of identity: `access` for ten minutes of calls, `refresh` to get the next pair, once."""

    access: str
    refresh: str


@dataclass(frozen=True)
class NewStaff:
    """A member of staff to be; a role whose scope is the person's own stores holds in `store_ids`, any other in all."""

    email: str
    name: str
    password: str
    role: Role
    store_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class CustomerDraft:
    """What somebody says of themselves to become a customer. A phone without its country's code is a local one."""

    email: str
    name: str
    password: str
    phone: str = ""
    language: Language = Language.EN


@dataclass(frozen=True)
class CustomerChanges:
    """New values for some of a customer's details; None leaves one as it is, an empty phone removes it."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    language: Language | None = None


@dataclass(frozen=True)
class Customer:
    """A person who buys, and does not work here. `phone` is in E.164, or empty.

    Of one who was `erased` nothing is left but the id, for whatever refers to it.
    """

    id: UUID
    email: str
    name: str
    phone: str
    language: Language
    email_verified: bool
    erased: bool
    created_at: datetime


@dataclass(frozen=True)
class AddressDraft:
    """A postal address as somebody gives it. `country` is an ISO 3166 code of two letters.

    One that is the default takes that from another.
    """

    name: str
    line1: str
    city: str
    country: str
    line2: str = ""
    postal_code: str = ""
    region: str = ""
    phone: str = ""
    email: str = ""
    default_billing: bool = False
    default_delivery: bool = False


@dataclass(frozen=True)
class Address:
    """An address in a customer's book. A customer has at most one default of each kind."""

    id: UUID
    customer_id: UUID
    name: str
    line1: str
    line2: str
    city: str
    postal_code: str
    region: str
    country: str
    phone: str
    email: str
    default_billing: bool
    default_delivery: bool


@dataclass(frozen=True)
class LoginRecord:
    """A login that goes on: since when, and when its tokens were last refreshed."""

    started_at: datetime
    refreshed_at: datetime


@dataclass(frozen=True)
class PersonalData:
    """Everything that the accounts hold about a customer."""

    customer: Customer
    addresses: list[Address]
    logins: list[LoginRecord]


@dataclass(frozen=True)
class ApiKeyDraft:
    """What a machine may do: these actions in this store, or in the whole chain, for ever or until it expires."""

    name: str
    scopes: frozenset[Action]
    store_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class ApiKey:
    """A machine's key, as it can be shown: by its prefix. The key itself is known to the machine alone."""

    id: UUID
    prefix: str
    name: str
    scopes: frozenset[Action]
    store_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def new_secret_key() -> str:
    """A fresh key for a machine: 256 random bits, behind a prefix by which people and secret scanners know it."""
    return f"cpt_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True)
class CustomerCreated(Event):
    """Somebody became a customer."""

    type: ClassVar[str] = "customer.created"
    customer_id: UUID


@dataclass(frozen=True)
class CustomerUpdated(Event):
    """A customer's details or addresses changed."""

    type: ClassVar[str] = "customer.updated"
    customer_id: UUID


@dataclass(frozen=True)
class CustomerDeleted(Event):
    """A customer was erased: whoever keeps their name, mail, phone or address forgets it now."""

    type: ClassVar[str] = "customer.deleted"
    customer_id: UUID
