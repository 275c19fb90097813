"""What other modules may ask about people and machines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from accounts.interface.permissions import Actor
from accounts.interface.values import (
    Address,
    AddressDraft,
    ApiKey,
    ApiKeyDraft,
    Customer,
    CustomerChanges,
    CustomerDraft,
    Letter,
    NewStaff,
    PersonalData,
    Tokens,
)


class Accounts(Protocol):
    """People and machines, and what they may do."""

    # --- Logins -----------------------------------------------------------------------------------------------------

    def log_in(self, *, email: str, password: str, address: str) -> Tokens:
        """Begin a login for whoever knows this e-mail (in any case) and password, and give its first tokens.

        Every call begins one of its own. Raises BadCredentials and TooManyAttempts like `verify_password`.
        """
        ...

    def verify_password(self, *, email: str, password: str, address: str) -> UUID:
        """The person who has this e-mail (in any case) and password; `address` is where the guess comes from.

        Raises BadCredentials, after the same time whichever of both is wrong. Every wrong guess counts, for the account
        and for the address, before it is checked: guesses at the same moment all count; the audit trail is told, with
        the person if there is one. Raises TooManyAttempts when there were too many, for unknown e-mails alike, and then
        checks nothing. To be called outside a transaction, whose end could undo the count.
        """
        ...

    def refresh(self, *, refresh_token: str) -> Tokens | None:
        """Exchange a refresh token, once, for the next pair; None for one that is not valid.

        The token that was exchanged last has been stolen from somebody when it comes again: its login is ended, whoever
        holds it now, and the audit trail is told. That is why None is told and nothing raised: a refusal would have
        changed nothing. Of two calls with one token at the same moment one gets the pair, and the other None.
        """
        ...

    def log_out(self, *, refresh_token: str) -> None:
        """End the login of this refresh token: its access tokens do not hold any more either.

        Nothing happens for a token that is not valid.
        """
        ...

    def end_logins(self, *, person_id: UUID) -> int:
        """End all logins of a person: none of their tokens holds any more, nor any browser's session.

        Returns how many there were with tokens. Safe to repeat.
        """
        ...

    def forget_logins(self, *, now: datetime) -> int:
        """Remove the logins that nobody refreshed in time. Returns how many. Safe to repeat."""
        ...

    # --- Who acts ---------------------------------------------------------------------------------------------------

    def actor_of_token(self, *, access_token: str) -> Actor:
        """Who this access token speaks for, with the permissions they have at this moment. Raises InvalidToken."""
        ...

    def actor_of_key(self, *, key: str, now: datetime) -> Actor:
        """Which machine this API key speaks for: its scopes are its permissions, in its store or in the chain.

        The use is noted, at most once a minute. Raises InvalidApiKey.
        """
        ...

    def actor(self, *, person_id: UUID) -> Actor:
        """This person with the permissions they have now. Raises PersonNotFound when unknown or inactive."""
        ...

    # --- People -----------------------------------------------------------------------------------------------------

    def ids_by_email(self, *, emails: Sequence[str]) -> dict[str, UUID]:
        """The people with these e-mails (in any case); an unknown one is left out."""
        ...

    def names(self, *, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        """The names of these people, or machines that acted; an unknown id, or one of somebody erased, is left out."""
        ...

    def matching_ids(self, *, search: str) -> list[UUID]:
        """The people whose name or e-mail, and the machines whose name, holds `search` in any case; some if many do."""
        ...

    def ensure_staff(self, *, staff: Sequence[NewStaff]) -> list[UUID]:
        """Make these staff accounts where their e-mail is unknown, and give each its role and stores.

        One transaction. Idempotent by e-mail: an account that exists keeps its id, name and password. Returns the ids
        in the order given. Raises InvalidDetails for a role that is held in stores, and none is named.
        """
        ...

    # --- Customers --------------------------------------------------------------------------------------------------

    def customers(self, *, ids: Sequence[UUID]) -> list[Customer]:
        """These customers, erased ones included, in no particular order; an id that is no customer's is left out."""
        ...

    def register(self, *, customer_id: UUID, draft: CustomerDraft) -> Customer:
        """Make somebody a customer, publish CustomerCreated, and have a code sent to verify their e-mail.

        Idempotent by `customer_id`. Raises InvalidDetails, for a weak password too, and EmailTaken.
        """
        ...

    def change_customer(self, *, customer_id: UUID, changes: CustomerChanges) -> Customer:
        """Give a customer these new details, and publish CustomerUpdated. Idempotent.

        A new e-mail has to be verified again: a code is sent there, the former e-mail is told, and all logins end.
        Raises CustomerNotFound, for an erased customer too, InvalidDetails and EmailTaken.
        """
        ...

    def change_own_details(
        self, *, customer_id: UUID, changes: CustomerChanges, current_password: str, address: str
    ) -> Customer:
        """The same by the customers themselves, who have to know their password to have another e-mail.

        Raises InvalidDetails where it is wrong, which counts as in `verify_password`: raises TooManyAttempts, after too
        many changes of the e-mail too. To be called outside a transaction, whose end could undo the count.
        """
        ...

    def erase_customer(self, *, customer_id: UUID, now: datetime) -> None:
        """Remove everything about a customer but the id, end their logins, and publish CustomerDeleted.

        There is no way back. Again: nothing happens. Raises CustomerNotFound.
        """
        ...

    def personal_data(self, *, customer_id: UUID) -> PersonalData:
        """Everything held about a customer; that it was given out goes into the audit trail.

        Raises CustomerNotFound, for an erased customer too.
        """
        ...

    def addresses(self, *, customer_ids: Sequence[UUID]) -> list[Address]:
        """The address books of these customers, in the order in which addresses came in."""
        ...

    def sound_address(self, *, draft: AddressDraft) -> AddressDraft:
        """An address in its normal form, for whoever keeps one that is in nobody's book. Raises InvalidDetails."""
        ...

    def add_address(self, *, customer_id: UUID, address_id: UUID, draft: AddressDraft) -> Address:
        """Put an address into a customer's book, and publish CustomerUpdated. The first is the default for everything.

        Idempotent by `address_id`. Raises CustomerNotFound, InvalidDetails and TooManyAddresses.
        """
        ...

    def change_address(self, *, customer_id: UUID, address_id: UUID, draft: AddressDraft) -> Address:
        """Give an address all its values anew, and publish CustomerUpdated. Idempotent.

        Raises CustomerNotFound, AddressNotFound and InvalidDetails.
        """
        ...

    def remove_address(self, *, customer_id: UUID, address_id: UUID) -> None:
        """Take an address out of a customer's book, and publish CustomerUpdated. Again: nothing happens.

        Raises CustomerNotFound.
        """
        ...

    # --- Passwords and mail -----------------------------------------------------------------------------------------

    def change_password(self, *, person_id: UUID, current_password: str, new_password: str, address: str) -> None:
        """Give a person who knows their password a new one, end all their logins, and have them told by mail.

        Raises PersonNotFound, and InvalidDetails for a wrong or a weak password; so the same call again is refused.
        A wrong one counts as in `verify_password`: raises TooManyAttempts.
        """
        ...

    def replace_password(self, *, person_id: UUID, new_password: str | None) -> None:
        """Give a person a new password, end all their logins, and have them told by mail; None lets nobody in with one.

        Whoever has none is sent no code to set one, and no letter. Raises PersonNotFound, and InvalidDetails for a weak
        one.
        """
        ...

    def request_password_reset(self, *, email: str) -> None:
        """Have a code sent to this address that sets a new password, if somebody has it, and a password.

        Nothing tells whether that is so: neither an answer nor the time it takes. More than five letters with a code
        an hour are not sent there.
        """
        ...

    def reset_password(self, *, code: str, new_password: str) -> None:
        """Set a new password with a code from a mail, once, end all logins, and have the person told by mail.

        Raises InvalidCode, and InvalidDetails for a weak password, after which the code is good still.
        """
        ...

    def request_verification(self, *, customer_id: UUID) -> None:
        """Have another code sent to a customer to verify their e-mail, unless five letters with one were in the hour.

        Raises CustomerNotFound.
        """
        ...

    def verify_email(self, *, code: str, now: datetime) -> None:
        """Note that the code came to the person's e-mail, and publish CustomerUpdated. Again: nothing happens.

        Raises InvalidCode, for a code that was sent to an earlier e-mail too.
        """
        ...

    def send_letter(self, *, person_id: UUID, letter: Letter) -> None:
        """Send this letter now, in the person's language; none to somebody unknown, inactive or erased.

        That the e-mail was changed is told to each that was the person's, once, unless two calls come at once.
        """
        ...

    # --- Machines ---------------------------------------------------------------------------------------------------

    def api_keys(self) -> list[ApiKey]:
        """All API keys, revoked ones included, the newest first."""
        ...

    def create_api_key(self, *, key_id: UUID, key: str, draft: ApiKeyDraft) -> ApiKey:
        """Let a machine in that sends this key, made by `new_secret_key`; only its digest is kept.

        Idempotent by `key_id`. Raises InvalidDetails.
        """
        ...

    def rotate_api_key(
        self,
        *,
        key_id: UUID,
        successor_id: UUID,
        key: str,
        old_until: datetime,
        expires_at: datetime | None,
        now: datetime,
    ) -> ApiKey:
        """Give a machine a new key, with the permissions of its old one, which holds until `old_until` at most.

        Idempotent by `successor_id`. Returns the new one. Raises ApiKeyNotFound, ApiKeyEnded and InvalidDetails.
        """
        ...

    def revoke_api_key(self, *, key_id: UUID, now: datetime) -> ApiKey:
        """Let nobody in with this key from now on. Again: nothing happens. Raises ApiKeyNotFound."""
        ...
