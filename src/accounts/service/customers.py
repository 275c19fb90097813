"""Customers: their coming, their details, and their erasure.

Locking policy: whatever changes a customer, their addresses or their password locks the person's row first.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from accounts import models, rules
from accounts.interface import (
    Customer,
    CustomerChanges,
    CustomerCreated,
    CustomerDeleted,
    CustomerDraft,
    CustomerNotFound,
    CustomerUpdated,
    EmailTaken,
    InvalidDetails,
    Language,
    Letter,
    LoginRecord,
    PersonalData,
    TooManyAttempts,
)
from accounts.service.attempts import attempt
from accounts.service.passwords import defer_code, defer_letter, password_errors, require_current
from accounts.service.people import end_all_logins
from shared_kernel.audit import Deed, record
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of
from shared_kernel.rate_limits import Limit, claim


class Customers:
    """The part of the accounts that knows who buys."""

    def customers(self, *, ids: Sequence[UUID]) -> list[Customer]:
        return [row.customer() for row in models.User.objects.customers().filter(id__in=ids)]

    @atomic_write
    def register(self, *, customer_id: UUID, draft: CustomerDraft) -> Customer:
        if known := models.User.objects.customers().filter(id=customer_id).first():
            return known.customer()
        draft = rules.normal_customer(draft, country=settings.COMPTOIR_COUNTRY)
        row = models.User(
            id=customer_id, email=draft.email, name=draft.name, phone=draft.phone, language=draft.language
        )
        if errors := rules.customer_errors(draft) + password_errors(draft.password, row, field="password"):
            raise InvalidDetails(errors=errors)
        row.set_password(draft.password)
        _save(row, force_insert=True)
        publish([CustomerCreated(customer_id=customer_id)])
        defer_code(customer_id, Letter.VERIFY_EMAIL, row.email)
        return row.customer()

    @atomic_write
    def change_customer(self, *, customer_id: UUID, changes: CustomerChanges) -> Customer:
        row = locked_customer(customer_id)
        before = CustomerDraft(row.email, row.name, "", row.phone, Language(row.language))
        given = {name: value for name, value in asdict(changes).items() if value is not None}
        draft = rules.normal_customer(replace(before, **given), country=settings.COMPTOIR_COUNTRY)
        if errors := rules.customer_errors(draft):
            raise InvalidDetails(errors=errors)
        row.email, row.name, row.phone, row.language = draft.email, draft.name, draft.phone, draft.language
        has_new_email = draft.email != before.email
        if has_new_email:
            row.email_verified_at = None
            row.former_emails.append(before.email)
        _save(row)
        if has_new_email:
            end_all_logins(row)
            defer_letter(customer_id, Letter.EMAIL_CHANGED)
            defer_code(customer_id, Letter.VERIFY_EMAIL, row.email)
        publish([CustomerUpdated(customer_id=customer_id)])
        return row.customer()

    def change_own_details(
        self, *, customer_id: UUID, changes: CustomerChanges, current_password: str, address: str
    ) -> Customer:
        row = models.User.objects.customers().filter(id=customer_id, erased_at=None).first()
        if row is None:
            raise CustomerNotFound(customer_id=customer_id)
        if changes.email is None or changes.email.strip().lower() == row.email:
            # Without a proof the e-mail stays what it is, even if it has become another by now.
            return self.change_customer(customer_id=customer_id, changes=replace(changes, email=None))
        if seconds := claim([Limit("changes of an e-mail", rules.EMAIL_CHANGES, str(customer_id))]):
            raise TooManyAttempts(retry_after=seconds)
        with attempt(row.email, address):
            require_current(row, current_password)
        return self.change_customer(customer_id=customer_id, changes=changes)

    @atomic_write
    def erase_customer(self, *, customer_id: UUID, now: datetime) -> None:
        row = models.User.objects.customers().select_for_update().filter(id=customer_id).first()
        if row is None:
            raise CustomerNotFound(customer_id=customer_id)
        if row.erased:
            return
        row.addresses.all().delete()
        end_all_logins(row)
        row.set_unusable_password()
        row.email, row.name, row.phone, row.language = rules.erased_email(customer_id), "", "", Language.EN
        row.is_active, row.email_verified_at, row.last_login, row.erased_at = False, None, None, now
        row.former_emails = []
        row.save()
        publish([CustomerDeleted(customer_id=customer_id)])

    def personal_data(self, *, customer_id: UUID) -> PersonalData:
        row = models.User.objects.customers().filter(id=customer_id, erased_at=None).first()
        if row is None:
            raise CustomerNotFound(customer_id=customer_id)
        record(subject="person", subject_id=str(customer_id), deed=Deed.EXPORTED)
        return PersonalData(
            customer=row.customer(),
            addresses=[address.value() for address in row.addresses.all()],
            logins=[LoginRecord(login.created_at, login.refreshed_at) for login in row.logins.order_by("created_at")],
        )


def locked_customer(customer_id: UUID) -> models.User:
    """A customer's row, locked until the end of the transaction. Raises CustomerNotFound, for an erased one too."""
    row = models.User.objects.customers().select_for_update().filter(id=customer_id, erased_at=None).first()
    if row is None:
        raise CustomerNotFound(customer_id=customer_id)
    return row


def _save(row: models.User, *, force_insert: bool = False) -> None:
    try:
        row.save(force_insert=force_insert)
    except IntegrityError as error:
        match constraint_of(error):
            case "person_email_unique":
                raise EmailTaken(email=row.email) from error
            case "person_pkey":
                raise AlreadyDone from error
        raise
