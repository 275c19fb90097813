"""Who acts, who is who, and who works here."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Q

from accounts import models, rules
from accounts.interface import Actor, InvalidDetails, NewStaff, PersonNotFound, Role
from shared_kernel.postgres.transactions import atomic_write

MOST_MATCHES = 100

# Asked by every call of the API: the ORM would take six times as long to put it together as to have it answered.
ACTOR = """
SELECT person.name, person.email, membership.role, membership.store_id
FROM person LEFT JOIN membership ON membership.person_id = person.id
WHERE person.id = %(person_id)s AND person.is_active AND (
    %(login_id)s::uuid IS NULL
    OR EXISTS (SELECT FROM login WHERE login.id = %(login_id)s AND login.person_id = person.id)
)
"""


class People:
    """The part of the accounts that knows people by what they may do."""

    def actor(self, *, person_id: UUID) -> Actor:
        return actor_where(person_id)

    def ids_by_email(self, *, emails: Sequence[str]) -> dict[str, UUID]:
        addresses = [email.lower() for email in emails]
        return dict(models.User.objects.filter(email__in=addresses).values_list("email", "id"))

    def names(self, *, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        people = models.User.objects.filter(id__in=person_ids, erased_at=None).values_list("id", "name")
        machines = models.ApiKey.objects.filter(id__in=person_ids).values_list("id", "name")
        return dict(people.union(machines, all=True))

    def matching_ids(self, *, search: str) -> list[UUID]:
        found = Q(name__icontains=search) | Q(email__icontains=search)
        people = models.User.objects.filter(found, erased_at=None).values_list("id", flat=True)
        machines = models.ApiKey.objects.filter(name__icontains=search).values_list("id", flat=True)
        return list(people.union(machines, all=True)[:MOST_MATCHES])

    @atomic_write
    def ensure_staff(self, *, staff: Sequence[NewStaff]) -> list[UUID]:
        return [_ensure_member(member) for member in staff]


def actor_where(person_id: UUID, *, login_id: UUID | None = None) -> Actor:
    """This person, active and still logged in by this login where one is named. Raises PersonNotFound."""
    with connection.cursor() as cursor:
        cursor.execute(ACTOR, {"person_id": person_id, "login_id": login_id})
        rows = cursor.fetchall()
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


def end_all_logins(row: models.User) -> int:
    """End the logins of a person whose row is locked, with tokens and in browsers; how many there were with tokens."""
    row.logins_ended += 1
    row.save(update_fields=["logins_ended"])
    return row.logins.all().delete()[0]


def _ensure_member(member: NewStaff) -> UUID:
    stores = member.store_ids if member.role in rules.STORE_ROLES else (None,)
    if not stores:
        raise InvalidDetails(errors=[{"field": "store_ids", "message": f"A {member.role} works in a store: name it."}])
    email = member.email.lower()
    if not models.User.objects.filter(email=email).exists():
        # Whoever makes the same account at this moment may be faster: then theirs counts.
        new = models.User(email=email, name=member.name, password=make_password(member.password))
        models.User.objects.bulk_create([new], ignore_conflicts=True)
    user = models.User.objects.get(email=email)
    for store_id in stores:
        models.Membership.objects.get_or_create(person=user, role=member.role, store_id=store_id)
    return user.id
