"""Carries out what `accounts.interface` publishes."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import models, rules
from accounts.interface import Actor, BadCredentials, InvalidToken, NewStaff, PersonNotFound, Role, Tokens
from shared_kernel.postgres.transactions import atomic_write


class AccountsService:
    def log_in(self, *, email: str, password: str) -> Tokens:
        # Django spends a hash on unknown addresses too, so the time taken does not tell which addresses exist.
        user = authenticate(username=email, password=password)
        if not isinstance(user, models.User) or not user.may_enter:
            raise BadCredentials
        return _tokens(user.id)

    def refresh(self, *, refresh_token: str) -> Tokens:
        try:
            token = RefreshToken(refresh_token)  # type: ignore[arg-type]  # the library annotates its own class
            return _tokens(self.actor(person_id=UUID(token["user_id"])).id)
        except (TokenError, PersonNotFound) as error:
            raise InvalidToken from error

    def actor_of_token(self, *, access_token: str) -> Actor:
        try:
            token = AccessToken(access_token)  # type: ignore[arg-type]  # the library annotates its own class
            return self.actor(person_id=UUID(token["user_id"]))
        except (TokenError, PersonNotFound) as error:
            raise InvalidToken from error

    def actor(self, *, person_id: UUID) -> Actor:
        rows = list(
            models.User.objects.filter(id=person_id, is_active=True).values_list(
                "name", "email", "memberships__role", "memberships__store_id"
            )
        )
        if not rows or not rules.may_enter(rows[0][1], in_production=settings.COMPTOIR_PRODUCTION):
            raise PersonNotFound(person_id=person_id)
        memberships = [(Role(role), store_id) for _, _, role, store_id in rows if role]
        roles = frozenset(role for role, _ in memberships)
        return Actor(
            id=person_id,
            name=rows[0][0],
            roles=roles,
            everywhere=rules.everywhere(roles),
            in_stores=rules.in_stores(memberships),
        )

    def ids_by_email(self, *, emails: Sequence[str]) -> dict[str, UUID]:
        addresses = [email.lower() for email in emails]
        return dict(models.User.objects.filter(email__in=addresses).values_list("email", "id"))

    def names(self, *, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        return dict(models.User.objects.filter(id__in=person_ids).values_list("id", "name"))

    @atomic_write
    def ensure_staff(self, *, staff: Sequence[NewStaff]) -> list[UUID]:
        return [_ensure_member(member) for member in staff]


def _tokens(person_id: UUID) -> Tokens:
    refresh = RefreshToken()
    refresh["user_id"] = str(person_id)
    return Tokens(access=str(refresh.access_token), refresh=str(refresh))


def _ensure_member(member: NewStaff) -> UUID:
    email = member.email.lower()
    if not models.User.objects.filter(email=email).exists():
        # Whoever makes the same account at this moment may be faster: then theirs counts.
        new = models.User(email=email, name=member.name, password=make_password(member.password))
        models.User.objects.bulk_create([new], ignore_conflicts=True)
    user = models.User.objects.get(email=email)
    for store_id in member.store_ids or (None,):
        models.Membership.objects.get_or_create(person=user, role=member.role, store_id=store_id)
    return user.id
