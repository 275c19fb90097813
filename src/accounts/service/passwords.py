"""Passwords, and the letters that prove whose mail an address is."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.core.mail import send_mail

from accounts import models, rules
from accounts.interface import (
    CustomerNotFound,
    CustomerUpdated,
    InvalidCode,
    InvalidDetails,
    Language,
    Letter,
    PersonNotFound,
)
from accounts.service.attempts import attempt
from accounts.service.people import end_all_logins
from shared_kernel.ids import new_id
from shared_kernel.outbox import later, publish
from shared_kernel.postgres.transactions import atomic_write
from shared_kernel.rate_limits import Limit, claim


class EmailVerification(PasswordResetTokenGenerator):
    """Tokens that hold for one e-mail of one person, however often they are used within their hour."""

    key_salt = "accounts.service.passwords.EmailVerification"

    def _make_hash_value(self, user: models.User, timestamp: int) -> str:
        return f"{user.pk}{user.email}{timestamp}"


GENERATORS = {Letter.VERIFY_EMAIL: EmailVerification(), Letter.RESET_PASSWORD: PasswordResetTokenGenerator()}


class Passwords:
    """The part of the accounts that knows passwords, and writes to people."""

    def change_password(self, *, person_id: UUID, current_password: str, new_password: str, address: str) -> None:
        user = models.User.objects.filter(id=person_id, is_active=True).first()
        if user is None:
            raise PersonNotFound(person_id=person_id)
        # Before the current password is looked at, since a weak new one is no guess.
        _require_strong(new_password, user)
        with attempt(user.email, address):
            _change_password(person_id, current_password, new_password)

    @atomic_write
    def replace_password(self, *, person_id: UUID, new_password: str | None) -> None:
        user = models.User.objects.select_for_update().filter(id=person_id, erased_at=None).first()
        if user is None:
            raise PersonNotFound(person_id=person_id)
        if new_password is not None:
            _require_strong(new_password, user)
        _set_password(user, new_password)

    @atomic_write
    def request_password_reset(self, *, email: str) -> None:
        person = models.User.objects.filter(email=email.lower()).values_list("id", flat=True).first()
        # For an unknown address the same work is done, about nobody: the worker sends nothing then.
        defer_code(person or new_id(), Letter.RESET_PASSWORD, email)

    @atomic_write
    def reset_password(self, *, code: str, new_password: str) -> None:
        user = _locked_by_code(code, Letter.RESET_PASSWORD)
        _require_strong(new_password, user)
        _set_password(user, new_password)

    @atomic_write
    def request_verification(self, *, customer_id: UUID) -> None:
        known = models.User.objects.customers().filter(id=customer_id, erased_at=None)
        email = known.values_list("email", flat=True).first()
        if email is None:
            raise CustomerNotFound(customer_id=customer_id)
        defer_code(customer_id, Letter.VERIFY_EMAIL, email)

    @atomic_write
    def verify_email(self, *, code: str, now: datetime) -> None:
        user = _locked_by_code(code, Letter.VERIFY_EMAIL)
        if not user.email_verified:
            user.email_verified_at = now
            user.save(update_fields=["email_verified_at"])
            publish([CustomerUpdated(customer_id=user.id)])

    def send_letter(self, *, person_id: UUID, letter: Letter) -> None:
        user = models.User.objects.filter(id=person_id, is_active=True).first()
        if user is None or not _may_have(user, letter):
            return
        generator = GENERATORS.get(letter)
        code = rules.code_of(user.id, generator.make_token(user)) if generator else ""
        subject, text = rules.written(letter, Language(user.language), name=user.name, code=code)
        if letter is not Letter.EMAIL_CHANGED:
            send_mail(subject, text, None, [user.email])
            return
        for former in user.former_emails:
            send_mail(subject, text, None, [former])
            _forget_former_email(user.id, former)


def password_errors(password: str, user: models.User, *, field: str) -> list[dict[str, str]]:
    """What Django's validators have against a password of this person: a list of field and message."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [{"field": field, "message": message} for message in error.messages]
    return []


def defer_letter(person_id: UUID, letter: Letter) -> None:
    """Have the worker send a letter, if and only if the transaction commits.

    The job holds no code and no address: both are of the moment in which the letter is sent.
    """
    later("send_letter", queue="mail", person_id=str(person_id), letter=letter.value)


def defer_code(person_id: UUID, letter: Letter, email: str) -> None:
    """The same for a letter with a code, of which nobody has this e-mail sent more than a few."""
    if not claim([Limit("letters with a code", rules.LETTERS_WITH_CODE, email.lower())]):
        defer_letter(person_id, letter)


def require_current(user: models.User, password: str) -> None:
    """Raises InvalidDetails unless this is the person's password."""
    if not user.check_password(password):
        raise InvalidDetails(errors=[{"field": "current_password", "message": "This is not your password."}])


def _may_have(user: models.User, letter: Letter) -> bool:
    """Whether this letter is for the person: a password that the head office took away is not set by mail."""
    return letter is not Letter.RESET_PASSWORD or user.has_usable_password()


def _locked_by_code(code: str, letter: Letter) -> models.User:
    """The person to whom this code was sent, locked. Raises InvalidCode."""
    if parts := rules.parts_of(code):
        user = models.User.objects.select_for_update().filter(id=parts[0], is_active=True).first()
        if user and _may_have(user, letter) and GENERATORS[letter].check_token(user, parts[1]):
            return user
    raise InvalidCode


def _require_strong(password: str, user: models.User) -> None:
    if errors := password_errors(password, user, field="new_password"):
        raise InvalidDetails(errors=errors)


@atomic_write
def _change_password(person_id: UUID, current_password: str, new_password: str) -> None:
    user = models.User.objects.select_for_update().filter(id=person_id, is_active=True).first()
    if user is None:
        raise PersonNotFound(person_id=person_id)
    require_current(user, current_password)
    _set_password(user, new_password)


def _set_password(user: models.User, password: str | None) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    end_all_logins(user)
    if password is not None:
        defer_letter(user.id, Letter.PASSWORD_CHANGED)


@atomic_write
def _forget_former_email(person_id: UUID, email: str) -> None:
    user = models.User.objects.select_for_update().filter(id=person_id).first()
    if user is not None and email in user.former_emails:
        user.former_emails.remove(email)
        user.save(update_fields=["former_emails"])
