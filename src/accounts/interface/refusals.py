"""What the accounts refuse, and why."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from shared_kernel.errors import Conflict, Invalid, InvalidFields, NotFound, TooMany, Unauthenticated


@dataclass(eq=False)
class BadCredentials(Unauthenticated):
    """No person has this e-mail and password together; which of the two is wrong stays unsaid."""

    code: ClassVar[str] = "bad_credentials"

    def __str__(self) -> str:
        return "No active account has this e-mail and password: check both and try again."


@dataclass(eq=False)
class TooManyAttempts(TooMany):
    """A password was tried too often, for one account or from one address: no more is checked for a while."""

    code: ClassVar[str] = "too_many_attempts"

    def __str__(self) -> str:
        return f"Too many attempts: try again in {self.retry_after} seconds."


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


@dataclass(eq=False)
class InvalidApiKey(Unauthenticated):
    """The API key is unknown, revoked or expired; which of these stays unsaid."""

    code: ClassVar[str] = "invalid_api_key"

    def __str__(self) -> str:
        return "The API key is not valid: check X-API-Key, or ask the head office for a new key."


@dataclass(eq=False)
class CustomerNotFound(NotFound):
    """A customer does not exist, or is not the caller's to see."""

    code: ClassVar[str] = "customer_not_found"
    customer_id: UUID

    def __str__(self) -> str:
        return f"There is no customer {self.customer_id}."


@dataclass(eq=False)
class AddressNotFound(NotFound):
    """A customer has no such address."""

    code: ClassVar[str] = "address_not_found"
    address_id: UUID

    def __str__(self) -> str:
        return f"There is no address {self.address_id} in this customer's book."


@dataclass(eq=False)
class TooManyAddresses(Conflict):
    """A customer's address book is full."""

    code: ClassVar[str] = "too_many_addresses"
    limit: int

    def __str__(self) -> str:
        return f"An address book holds {self.limit} addresses: remove one that is not needed any more."


@dataclass(eq=False)
class EmailTaken(Conflict):
    """Another account has this e-mail."""

    code: ClassVar[str] = "email_taken"
    email: str

    def __str__(self) -> str:
        return f"An account with the e-mail {self.email} exists: log in, or have its password reset."


class InvalidDetails(InvalidFields):
    """What somebody says of themselves, or of an address, breaks a rule; or their password is too weak."""


@dataclass(eq=False)
class InvalidCode(Invalid):
    """A code that was sent by mail is wrong, used or too old."""

    code: ClassVar[str] = "invalid_code"

    def __str__(self) -> str:
        return "This code is wrong, used, or too old: ask for a new one."


@dataclass(eq=False)
class ApiKeyNotFound(NotFound):
    """An API key that was named does not exist."""

    code: ClassVar[str] = "api_key_not_found"
    key_id: UUID

    def __str__(self) -> str:
        return f"There is no API key {self.key_id}."


@dataclass(eq=False)
class ApiKeyEnded(Conflict):
    """The API key is revoked or has expired, so nothing can take its place without a break."""

    code: ClassVar[str] = "api_key_ended"
    key_id: UUID

    def __str__(self) -> str:
        return f"The API key {self.key_id} is revoked or has expired: create a new one."
