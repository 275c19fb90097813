"""The ledger and its proof: what moved, and that the levels agree with it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from pydantic import TypeAdapter

from accounts.interface import accounts
from catalog.interface import catalog
from inventory import models
from inventory.interface import LedgerRow, Movement, MovementReason, StockDifference, Verification
from inventory.service.posting import Change, Entry, post
from shared_kernel.postgres.transactions import atomic_write

DIFFERENCES = TypeAdapter(list[StockDifference])

# One statement, so one snapshot: sales may go on meanwhile. What has run out stays in `reserved` until it is tidied up.
PROOF = """
WITH ledger AS (
    SELECT level_id, sum(delta)::int AS pieces, sum(in_transit)::int AS in_transit FROM stock_movement GROUP BY level_id
),
held AS (SELECT level_id, sum(quantity)::int AS pieces FROM reservation WHERE state = 'held' GROUP BY level_id),
compared AS (
    SELECT l.product_id, l.location_id, l.on_hand, l.reserved, l.in_transit,
        coalesce(ledger.pieces, 0) AS moved, coalesce(held.pieces, 0) AS held,
        coalesce(ledger.in_transit, 0) AS travelling
    FROM stock_level l
    LEFT JOIN ledger ON ledger.level_id = l.id
    LEFT JOIN held ON held.level_id = l.id
), difference AS (
    SELECT product_id, location_id, 'on_hand' AS figure, on_hand AS level, moved AS books FROM compared
    WHERE on_hand <> moved
    UNION ALL
    SELECT product_id, location_id, 'reserved', reserved, held FROM compared WHERE reserved <> held
    UNION ALL
    SELECT product_id, location_id, 'in_transit', in_transit, travelling FROM compared WHERE in_transit <> travelling
)
SELECT (SELECT count(*) FROM compared), d.* FROM (SELECT 1) AS always LEFT JOIN difference d ON true
ORDER BY d.location_id, d.product_id, d.figure
"""

# The latest of each level, and of these the latest: a product's few moves lie far apart in the whole ledger.
LATEST = """
SELECT latest.id FROM stock_level l, LATERAL (
    SELECT m.id FROM stock_movement m WHERE m.level_id = l.id AND m.id < %(before)s ORDER BY m.id DESC LIMIT %(limit)s
) AS latest
WHERE l.product_id = %(product_id)s
    AND (%(location_ids)s::uuid[] IS NULL OR l.location_id = ANY(%(location_ids)s::uuid[]))
ORDER BY latest.id DESC LIMIT %(limit)s
"""
NEWEST = 2**63 - 1


class Ledger:
    """The part of the inventory that remembers and proves."""

    def movements(
        self,
        *,
        location_ids: Sequence[UUID] | None = None,
        product_id: UUID | None = None,
        before: int | None = None,
        limit: int = 20,
    ) -> list[LedgerRow]:
        rows = models.StockMovement.objects.order_by("-id")
        if product_id is not None:
            return _with_names(rows.filter(id__in=_latest(product_id, location_ids, before, limit)).values_of())
        if location_ids is not None:
            rows = rows.filter(level__location_id__in=location_ids)
        if before is not None:
            rows = rows.filter(id__lt=before)
        return _with_names(rows[:limit].values_of())

    @atomic_write
    def verify(self, *, now: datetime) -> Verification:
        with connection.cursor() as cursor:
            cursor.execute(PROOF)
            rows = cursor.fetchall()
        result = Verification(
            verified_at=now,
            levels=rows[0][0],
            differences=[StockDifference(*row[1:]) for row in rows if row[1] is not None],
        )
        models.StockVerification.objects.update_or_create(
            verified_at=now,
            defaults={
                "levels": result.levels,
                "differences": DIFFERENCES.dump_python(result.differences, mode="json"),
            },
        )
        return result

    def last_verification(self) -> Verification | None:
        row = models.StockVerification.objects.order_by("-verified_at").first()
        if row is None:
            return None
        return Verification(row.verified_at, row.levels, DIFFERENCES.validate_python(row.differences))


def _latest(product_id: UUID, location_ids: Sequence[UUID] | None, before: int | None, limit: int) -> list[int]:
    """The ids of a product's latest moves before this one, at these places."""
    parameters = {
        "product_id": product_id,
        "location_ids": None if location_ids is None else list(location_ids),
        "before": NEWEST if before is None else before,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(LATEST, parameters)
        return [row[0] for row in cursor.fetchall()]


def _with_names(movements: list[Movement]) -> list[LedgerRow]:
    products = {product.id: product.name for product in catalog.products(ids=[row.product_id for row in movements])}
    places = dict(models.Location.objects.values_list("id", "name"))
    people = accounts.names(person_ids=[row.actor_id for row in movements if row.actor_id])
    return [
        LedgerRow(
            **vars(row),
            product_name=products[row.product_id],
            location_name=places[row.location_id],
            actor_name=people.get(row.actor_id) if row.actor_id else None,
        )
        for row in movements
    ]


def recorded(operation_id: UUID) -> list[Movement]:
    """What an operation moved."""
    return models.StockMovement.objects.filter(operation_id=operation_id).order_by("id").values_of()


def record(changes: Sequence[Change], *, now: datetime, entry: Entry, create: bool = False) -> list[Movement]:
    """Carry these changes out as `post` does, with its refusals. Returns what the operation moved, now or before."""
    posted = post(changes, now=now, entry=entry, create=create)
    if not posted:
        return recorded(entry.operation_id)
    return [
        Movement(
            id=row.movement_id,
            operation_id=entry.operation_id,
            product_id=row.product_id,
            location_id=row.location_id,
            delta=row.after - row.before,
            before=row.before,
            after=row.after,
            in_transit=row.travelled,
            reason=MovementReason(row.reason or entry.reason),
            document=entry.document,
            note=entry.note,
            actor_id=entry.actor_id,
            recorded_at=entry.at or now,
        )
        for row in posted
        if row.movement_id is not None
    ]
