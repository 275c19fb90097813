"""Machines and their keys."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q

from accounts import models, rules
from accounts.interface import (
    API_KEY_PREFIX_LENGTH,
    Actor,
    ApiKey,
    ApiKeyDraft,
    ApiKeyEnded,
    ApiKeyNotFound,
    InvalidApiKey,
    InvalidDetails,
)
from shared_kernel.ids import digest_of
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

# A till calls many times a minute: to note every call would write as often as it sells.
NOTED_AFTER = timedelta(minutes=1)


class Machines:
    """The part of the accounts that lets machines in."""

    def actor_of_key(self, *, key: str, now: datetime) -> Actor:
        row = models.ApiKey.objects.filter(digest=digest_of(key), revoked_at=None).exclude(expires_at__lte=now).first()
        if row is None:
            raise InvalidApiKey
        if row.last_used_at is None or row.last_used_at <= now - NOTED_AFTER:
            _note_use(row.id, now)
        scopes = row.value().scopes
        return Actor(
            id=row.id,
            name=row.name,
            roles=frozenset(),
            everywhere=scopes if row.store_id is None else frozenset(),
            in_stores={} if row.store_id is None else dict.fromkeys(scopes, frozenset({row.store_id})),
        )

    def api_keys(self) -> list[ApiKey]:
        return [row.value() for row in models.ApiKey.objects.order_by("-created_at", "-id")]

    @atomic_write
    def create_api_key(self, *, key_id: UUID, key: str, draft: ApiKeyDraft) -> ApiKey:
        return _create(key_id, key, draft)

    @atomic_write
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
        old = _locked(key_id)
        if known := models.ApiKey.objects.filter(id=successor_id).first():
            return known.value()
        if old.revoked_at or (old.expires_at and old.expires_at <= now):
            raise ApiKeyEnded(key_id=key_id)
        old.expires_at = min(old.expires_at or old_until, old_until)
        old.save(update_fields=["expires_at"])
        draft = ApiKeyDraft(name=old.name, scopes=old.value().scopes, store_id=old.store_id, expires_at=expires_at)
        return _create(successor_id, key, draft)

    @atomic_write
    def revoke_api_key(self, *, key_id: UUID, now: datetime) -> ApiKey:
        row = _locked(key_id)
        if row.revoked_at is None:
            row.revoked_at = now
            row.save(update_fields=["revoked_at"])
        return row.value()


def _create(key_id: UUID, key: str, draft: ApiKeyDraft) -> ApiKey:
    if known := models.ApiKey.objects.filter(id=key_id).first():
        return known.value()
    if errors := rules.api_key_errors(draft):
        raise InvalidDetails(errors=errors)
    row = models.ApiKey(
        id=key_id,
        prefix=key[:API_KEY_PREFIX_LENGTH],
        digest=digest_of(key),
        name=draft.name.strip(),
        scopes=sorted(draft.scopes),
        store_id=draft.store_id,
        expires_at=draft.expires_at,
    )
    try:
        row.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) == "api_key_pkey":
            raise AlreadyDone from error
        raise
    return row.value()


def _locked(key_id: UUID) -> models.ApiKey:
    row = models.ApiKey.objects.select_for_update().filter(id=key_id).first()
    if row is None:
        raise ApiKeyNotFound(key_id=key_id)
    return row


@atomic_write
def _note_use(key_id: UUID, now: datetime) -> None:
    """Note that the key is in use, unless another call has just done so."""
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_AFTER)
    models.ApiKey.objects.filter(due, id=key_id).update(last_used_at=now)
