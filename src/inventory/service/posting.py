"""The one place where stock changes: one statement that locks, checks, writes the levels and the ledger.

Locking policy: stock levels are locked here and nowhere else, in the order (location, product), and a reservation's
row is touched only while its level is locked. So two writes that share levels meet at the first one, and never in a
circle. Rows that are missing are made in the same order, before any is locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection
from psycopg.errors import UniqueViolation

from inventory import models
from inventory.interface import InsufficientStock, MovementReason, Shortage, StockChanged, StockRanLow
from inventory.rules import is_low
from inventory.service import figures
from shared_kernel.events import Event
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone

BOOKKEEPING = [reason.value for reason in models.BOOKKEEPING_REASONS]


@dataclass(frozen=True)
class Change:
    """What is to happen to one level: amounts to add, or for a count the number to set on_hand to.

    `reason` is for a change that has another one than its entry.
    """

    location_id: UUID
    product_id: UUID
    on_hand: int = 0
    reserved: int = 0
    in_transit: int = 0
    counted: int | None = None
    reason: MovementReason | None = None


@dataclass(frozen=True)
class Entry:
    """What the ledger is to say of a change; `at` is when it happened, where that was not now."""

    operation_id: UUID
    reason: MovementReason
    actor_id: UUID | None
    document: str = ""
    note: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Posted:
    """What became of one level. `available` is as it was before, with what had run out counted as free."""

    level_id: int
    location_id: UUID
    product_id: UUID
    available: int
    before: int
    after: int
    reserved: int
    reorder_point: int
    fits: bool
    travelled: int
    reason: str | None
    movement_id: int | None

    @property
    def ran_low(self) -> bool:
        was_low = is_low(available=self.available, reorder_point=self.reorder_point)
        return not was_low and is_low(available=self.after - self.reserved, reorder_point=self.reorder_point)


# How it stays right under concurrency, in READ COMMITTED: `level` waits for its rows and then reads their newest
# version; so does `expired`, so that each row is freed once, by one transaction; `applied` writes all levels or, if a
# single one does not fit, none, and `freed` and `moved` follow it. A repeated operation finds itself in the ledger and
# touches nothing.
STATEMENT = """
WITH change AS (
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
        AS c(location_id, product_id, on_hand, reserved, in_transit, counted, reason)
), level AS MATERIALIZED (
    SELECT l.id, l.location_id, l.product_id, l.reorder_point, l.on_hand AS before, l.reserved,
        coalesce(c.counted, l.on_hand + c.on_hand) AS wanted, c.reserved AS reserving,
        c.in_transit AS travelling, l.in_transit + c.in_transit AS in_transit_after, c.reason
    FROM stock_level l JOIN change c USING (location_id, product_id)
    WHERE NOT EXISTS (SELECT FROM stock_movement WHERE operation_id = %s)
    ORDER BY l.location_id, l.product_id
    FOR NO KEY UPDATE OF l
), expired AS (
    SELECT r.id, r.level_id, r.quantity
    FROM reservation r JOIN level ON level.id = r.level_id
    WHERE r.state = 'held' AND r.until <= %s
    FOR NO KEY UPDATE OF r
), freeing AS (
    SELECT level.*, reserved - free + reserving AS reserved_after, before - reserved + free AS available,
        CASE WHEN %s::boolean THEN greatest(wanted, reserved - free) ELSE wanted END AS after
    FROM level, LATERAL (
        SELECT coalesce(sum(quantity), 0)::int AS free FROM expired WHERE expired.level_id = level.id
    ) AS f
), outcome AS (
    SELECT *, after >= reserved_after AND reserved_after >= 0 AND in_transit_after >= 0 AS fits FROM freeing
), applied AS (
    UPDATE stock_level l SET on_hand = o.after, reserved = o.reserved_after, in_transit = o.in_transit_after,
        moved_at = CASE WHEN coalesce(o.reason, %s) <> ALL(%s) THEN greatest(l.moved_at, %s) ELSE l.moved_at END,
        emptied_at = CASE WHEN o.before > 0 AND o.after = 0 THEN greatest(l.emptied_at, %s) ELSE l.emptied_at END
    FROM outcome o
    WHERE l.id = o.id AND (SELECT count(*) = %s AND bool_and(fits) FROM outcome)
    RETURNING l.id
), freed AS (
    UPDATE reservation r SET state = 'expired'
    FROM expired JOIN applied ON applied.id = expired.level_id
    WHERE r.id = expired.id
), moved AS (
    INSERT INTO stock_movement
        (operation_id, level_id, delta, before, after, in_transit, reason, document, note, actor_id, recorded_at)
    SELECT %s, o.id, o.after - o.before, o.before, o.after, o.travelling, coalesce(o.reason, %s), %s, %s, %s, %s
    FROM outcome o JOIN applied USING (id)
    WHERE %s::boolean
    ORDER BY o.location_id, o.product_id
    RETURNING id, level_id
)
SELECT o.id, o.location_id, o.product_id, o.available, o.before, o.after, o.reserved_after, o.reorder_point, o.fits,
    o.travelling, o.reason, moved.id
FROM outcome o LEFT JOIN moved ON moved.level_id = o.id
ORDER BY o.location_id, o.product_id
"""

CREATE_LEVELS = """
INSERT INTO stock_level (location_id, product_id)
SELECT location_id, product_id FROM unnest(%s::uuid[], %s::uuid[]) AS c(location_id, product_id)
WHERE NOT EXISTS (
    SELECT FROM stock_level l WHERE l.location_id = c.location_id AND l.product_id = c.product_id
)
ORDER BY location_id, product_id
ON CONFLICT DO NOTHING
"""


def post(
    changes: Sequence[Change], *, now: datetime, entry: Entry | None, create: bool = False, departed: bool = False
) -> list[Posted]:
    """Carry out all these changes, at most one for each level, or none; with `entry`, write them into the ledger.

    `create` makes the rows that are missing; without it a missing row has nothing available. `departed` is for goods
    that are gone already: of each, only as much is taken as is available. Publishes StockChanged and StockRanLow.
    Returns what became of each level; nothing when the ledger has the entry's operation already. Raises
    InsufficientStock, and AlreadyDone when a twin of this operation was faster.
    """
    if create:
        _create_levels(changes)
    posted = _execute(changes, now=now, entry=entry, departed=departed)
    if len(posted) < len(changes) or not all(row.fits for row in posted):
        # Done before, or by a twin while this one waited for the levels.
        if entry and is_done(entry.operation_id):
            return []
        raise InsufficientStock(lines=_shortages(changes, posted, now=now))
    publish([event for row in posted for event in _events(row)])
    return posted


def is_done(operation_id: UUID) -> bool:
    """Whether the ledger has this operation."""
    return models.StockMovement.objects.filter(operation_id=operation_id).exists()


def _events(row: Posted) -> list[Event]:
    available = row.after - row.reserved
    changed = StockChanged(row.product_id, row.location_id, row.after, row.reserved, available)
    if not row.ran_low:
        return [changed]
    return [changed, StockRanLow(row.product_id, row.location_id, available, row.reorder_point)]


def _execute(changes: Sequence[Change], *, now: datetime, entry: Entry | None, departed: bool) -> list[Posted]:
    at = (entry and entry.at) or now
    parameters = [
        [change.location_id for change in changes],
        [change.product_id for change in changes],
        [change.on_hand for change in changes],
        [change.reserved for change in changes],
        [change.in_transit for change in changes],
        [change.counted for change in changes],
        [change.reason for change in changes],
        entry.operation_id if entry else None,
        now,
        departed,
        # Without an entry nothing moves: of NULL nothing is unlike all of some.
        entry and entry.reason,
        BOOKKEEPING,
        at,
        at,
        len(changes),
        *([entry.operation_id, entry.reason, entry.document, entry.note, entry.actor_id] if entry else [None] * 5),
        at,
        entry is not None,
    ]
    try:
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT, parameters)
            return [Posted(*row) for row in cursor.fetchall()]
    except IntegrityError as error:
        # By the ledger's key, whatever its partition calls it: a twin was faster, and there is enough for both.
        if isinstance(error.__cause__, UniqueViolation):
            raise AlreadyDone from error
        raise


def _create_levels(changes: Sequence[Change]) -> None:
    """Make the rows that are missing; before any is locked, because it waits for others who make the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            CREATE_LEVELS,
            [[change.location_id for change in changes], [change.product_id for change in changes]],
        )


def _shortages(changes: Sequence[Change], posted: Sequence[Posted], *, now: datetime) -> list[Shortage]:
    found = {(row.location_id, row.product_id): row for row in posted}
    short = [
        change
        for change in changes
        if (row := found.get((change.location_id, change.product_id))) is None or not row.fits
    ]
    places = figures.places(product_ids=[change.product_id for change in short], now=now)
    return [
        Shortage(
            product_id=change.product_id,
            location_id=change.location_id,
            requested=change.reserved or max(-change.on_hand, -change.in_transit),
            available=row.available if (row := found.get((change.location_id, change.product_id))) else 0,
            elsewhere=[place for place in places.get(change.product_id, []) if place.location_id != change.location_id],
        )
        for change in short
    ]
