"""Logins and their tokens.

An access token is signed, and a refresh token is drawn by lot: it names its login, whose row holds the digest of the
one that may be exchanged now, and of the one before: whoever sends that had it from somebody.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from django.contrib.auth.backends import ModelBackend
from django.utils.timezone import now as current_time

from accounts import models, rules
from accounts.interface import Actor, BadCredentials, InvalidToken, PersonNotFound, Tokens
from accounts.service import tokens
from accounts.service.attempts import attempt
from accounts.service.people import actor_where, end_all_logins
from shared_kernel.audit import Deed, record
from shared_kernel.ids import digest_of, new_id
from shared_kernel.postgres.transactions import atomic_write

LIFETIME = timedelta(days=7)


class Logins:
    """The part of the accounts that lets people in."""

    def log_in(self, *, email: str, password: str, address: str) -> Tokens:
        return _begin_login(_recognised(email, password, address))

    def verify_password(self, *, email: str, password: str, address: str) -> UUID:
        return _recognised(email, password, address).id

    @atomic_write
    def refresh(self, *, refresh_token: str) -> Tokens | None:
        named = rules.parts_of(refresh_token)
        login = named and models.Login.objects.filter(id=named[0], refreshed_at__gt=current_time() - LIFETIME).first()
        if not named or not login:
            return None
        digest = digest_of(named[1])
        if secrets.compare_digest(bytes(login.former_digest), digest):
            record(subject="login", subject_id=str(login.id), deed=Deed.REFUSED, about_id=login.person_id)
            login.delete()
            return None
        if not secrets.compare_digest(bytes(login.digest), digest):
            return None
        try:
            actor_where(login.person_id)
        except PersonNotFound:
            return None
        token = _new_token()
        # Of twins with one token, the second waits here for the first and then finds another digest.
        exchanged = models.Login.objects.filter(id=login.id, digest=login.digest).update(
            digest=digest_of(token), former_digest=digest, refreshed_at=current_time()
        )
        return _pair(login.person_id, login.id, token) if exchanged else None

    @atomic_write
    def log_out(self, *, refresh_token: str) -> None:
        if named := rules.parts_of(refresh_token):
            models.Login.objects.filter(id=named[0], digest=digest_of(named[1])).delete()

    def actor_of_token(self, *, access_token: str) -> Actor:
        try:
            person_id, login_id = tokens.read(access_token)
            return actor_where(person_id, login_id=login_id)
        except (jwt.InvalidTokenError, PersonNotFound) as error:
            raise InvalidToken from error

    @atomic_write
    def end_logins(self, *, person_id: UUID) -> int:
        row = models.User.objects.select_for_update().filter(id=person_id).first()
        return end_all_logins(row) if row else 0

    @atomic_write
    def forget_logins(self, *, now: datetime) -> int:
        return models.Login.objects.filter(refreshed_at__lt=now - LIFETIME).delete()[0]


def _recognised(email: str, password: str, address: str) -> models.User:
    with attempt(email, address):
        # Django spends a hash on unknown addresses too, so the time taken does not tell which addresses exist.
        user = ModelBackend().authenticate(None, username=email, password=password)
        if not isinstance(user, models.User) or not user.may_enter:
            _record_refusal(email)
            raise BadCredentials
    return user


def _record_refusal(email: str) -> None:
    # Of an unknown e-mail too, so that the time taken does not tell; the e-mail itself is personal.
    known = models.User.objects.filter(email=email.lower()).values_list("id", flat=True).first()
    record(subject="login", subject_id="", deed=Deed.REFUSED, about_id=known)


@atomic_write
def _begin_login(user: models.User) -> Tokens:
    if not _has_still_this_password(user):
        raise BadCredentials
    login_id, token = new_id(), _new_token()
    models.Login.objects.create(id=login_id, person=user, digest=digest_of(token))
    return _pair(user.id, login_id, token)


def _has_still_this_password(user: models.User) -> bool:
    """Whether the password that was verified is the person's still, who keeps it until the login's row is written.

    Otherwise a login under way would outlive the change of password that ends all logins.
    """
    unchanged = models.User.objects.select_for_update().filter(id=user.id, password=user.password, is_active=True)
    return unchanged.first() is not None


def _pair(person_id: UUID, login_id: UUID, token: str) -> Tokens:
    return Tokens(access=tokens.signed(person_id, login_id), refresh=rules.code_of(login_id, token))


def _new_token() -> str:
    return secrets.token_urlsafe(32)
