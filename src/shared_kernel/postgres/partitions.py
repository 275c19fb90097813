"""Tables that grow for ever, cut into months by an id that carries its time (docs/adr/0007 and 0019).

Each has a partition for every month, and a DEFAULT partition that takes whatever has no month, so that nothing is ever
refused for its date. The DEFAULT partition is also the pattern of all others: what each month holds beyond its parent's
indexes is made there.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.transaction import atomic
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Composable, Identifier, Literal

from shared_kernel.ids import EPOCH, MILLISECOND

log = structlog.get_logger()

# How far ahead partitions are made.
AHEAD = timedelta(days=90)
# Where the months lie that were taken out of their tables.
ARCHIVE = "archive"
# How long a change of partitions waits for those who use the table, while others wait behind it.
PATIENCE = "SET LOCAL lock_timeout = '5s'"
# Whoever makes a partition holds what others wait for, and waits for what they hold. It gives way long before Postgres
# looks for a deadlock, in which somebody's sale could be given up; and tries again.
GIVE_WAY = "SET LOCAL lock_timeout = '100ms'"
ATTEMPTS = 200
PAUSE_SECONDS = 0.2
# Two who make partitions at the same time do so one after the other.
TURN = "SELECT pg_advisory_xact_lock(hashtext('shared_kernel.postgres.partitions'))"

PARTITIONED = """
SELECT n.nspname, c.relname, a.attname
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
ORDER BY n.nspname, c.relname
"""

PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %s::regclass AND c.relname <> %s ORDER BY c.relname
"""

# What a table has beyond its columns and checks, as statements that make it, in an order in which they can be run.
BELONGINGS = """
SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'u'
UNION ALL
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid = %(table)s::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
UNION ALL
SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE %(table)s::regclass IN (conrelid, confrelid) AND contype = 'f' AND conparentid = 0
UNION ALL
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
"""

PRIMARY_KEY = """
SELECT k.conname, a.attname FROM pg_constraint k, unnest(k.conkey) WITH ORDINALITY AS c(number, place), pg_attribute a
WHERE k.conrelid = %s::regclass AND k.contype = 'p' AND a.attrelid = k.conrelid AND a.attnum = c.number
ORDER BY c.place
"""

# A foreign key has children where its table, or the one it refers to, has partitions.
REFERRING = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE confrelid = %s::regclass AND contype = 'f' AND conparentid = 0
"""
FOREIGN_KEYS = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f' AND conparentid = 0"
IDENTITY = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> ''"

# The months of the rows, by the first 48 bits of their ids: milliseconds since 1970. Of some, made by hand, they say
# nothing.
MONTHS = """
SELECT DISTINCT date_trunc('month', to_timestamp(milliseconds / 1000.0), 'UTC')::date FROM (
    SELECT ('x' || left(replace({key}::text, '-', ''), 12))::bit(48)::bigint AS milliseconds FROM {table}
) AS row WHERE milliseconds < 4102444800000 ORDER BY 1
"""


@dataclass(frozen=True)
class Table:
    """A table that is cut into months."""

    schema: str
    name: str
    key: str

    @property
    def itself(self) -> Identifier:
        return Identifier(self.schema, self.name)

    @property
    def rest(self) -> Identifier:
        """The DEFAULT partition."""
        return Identifier(self.schema, f"{self.name}_default")

    def partition(self, month: date) -> Identifier:
        return Identifier(self.schema, self.partition_name(month))

    def partition_name(self, month: date) -> str:
        return f"{self.name}_{month:%Y_%m}"

    def months(self) -> list[date]:
        """The months that have a partition, oldest first."""
        names = _column(PARTITIONS, [f"{self.schema}.{self.name}", f"{self.name}_default"])
        return [datetime.strptime(name[-7:], "%Y_%m").replace(tzinfo=UTC).date() for name in names]


def tables() -> list[Table]:
    """All tables that are cut into months."""
    return [Table(*row) for row in _rows(PARTITIONED)]


def start_of(day: date) -> UUID:
    """The bound that the ids of a day, in UTC, begin at."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return UUID(int=(moment - EPOCH) // MILLISECOND << 80)


def following(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def months_between(first: date, last: date) -> Iterator[date]:
    """The first day of each month from that of `first` to that of `last`."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = following(month)


def make_partitions(*, first: date, last: date) -> list[str]:
    """Make what is missing of the partitions of these months, of every table; returns their names.

    Each comes in a transaction of its own, for which those who write wait a tenth of a second at most, as often as it
    takes. A month of which the DEFAULT partition holds rows already stays there, and the log says so. For the tables'
    owner. Safe to repeat, to kill, and beside itself. Raises OperationalError for a table that is in use for minutes.
    """
    wanted = [(table, month) for table in tables() for month in months_between(first, last)]
    return [table.partition_name(month) for table, month in wanted if _make_partition(table, month)]


def make_partitions_ahead(*, now: datetime) -> list[str]:
    """The same for this month and those to come."""
    return make_partitions(first=now.date(), last=(now + AHEAD).date())


def detach(table: Table, month: date, *, drop: bool) -> str:
    """Take a month out of its table, into the schema `archive`, where it stands alone; or drop it. Returns its name.

    In the caller's transaction, which keeps everybody from the table until it ends. What refers to the month's rows has
    to be gone before.
    """
    partition, name = table.partition(month), table.partition_name(month)
    _run(SQL("ALTER TABLE {} DETACH PARTITION {}").format(table.itself, partition))
    if drop:
        _run(SQL("DROP TABLE {}").format(partition))
        return name
    for foreign_key in _column(FOREIGN_KEYS, [f"{table.schema}.{name}"]):
        _run(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(partition, Identifier(foreign_key)))
    _run(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(ARCHIVE)))
    _run(SQL("ALTER TABLE {} SET SCHEMA {}").format(partition, Identifier(ARCHIVE)))
    return name


class PartitionByMonth(Operation):
    """Cut a table, with its rows, into months by an id that carries its time.

    Its indexes, constraints, triggers and foreign keys stay as they were, and those that refer to it. The primary key
    takes the id in if it does not hold it; what else is unique has to hold it, or is given as `once`: columns that are
    unique within each month. There will be partitions for the months of the rows, for this month and the next. Grants
    are to be given anew (`manage.py apply_roles`).
    """

    reversible = False

    def __init__(self, table: str, key: str, once: Sequence[str] = ()) -> None:
        self.table = table
        self.key = key
        self.once = once

    def state_forwards(self, app_label: str, state: Any) -> None:
        """What the model says of its table stays true."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        _cut(Table(app_label, self.table, self.key), self.once)

    def describe(self) -> str:
        return f"Cut {self.table} into months by {self.key}"


def _make_partition(table: Table, month: date) -> bool:
    """Whether it was missing and is there now."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _make_at_once(table, month)
        except IntegrityError:
            log.warning("month_stays_in_default_partition", table=table.name, month=f"{month:%Y-%m}")
            return False
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("The last attempt returns or raises.")


@atomic
def _make_at_once(table: Table, month: date) -> bool:
    _run(SQL(GIVE_WAY))
    _run(SQL(TURN))
    is_missing = month not in table.months()
    if is_missing:
        # Attached, unlike made in its place, it leaves those alone who read and write the other months.
        partition = table.partition(month)
        _run(SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING IDENTITY)").format(partition, table.rest))
        _run(SQL("ALTER TABLE {} ATTACH PARTITION {} {}").format(table.itself, partition, _bounds(month)))
    # What a caller's transaction does afterwards may wait longer.
    _run(SQL("SET LOCAL lock_timeout TO DEFAULT"))
    return is_missing


def _bounds(month: date) -> Composable:
    first, end = Literal(start_of(month)), Literal(start_of(following(month)))
    return SQL("FOR VALUES FROM ({}) TO ({})").format(first, end)


def _cut(table: Table, once: Sequence[str]) -> None:
    name, uncut = f"{table.schema}.{table.name}", Identifier(table.schema, f"{table.name}_uncut")
    belongings = _column(BELONGINGS, {"table": name})
    primary_key = _rows(PRIMARY_KEY, [name])
    columns = dict.fromkeys([*(column for _, column in primary_key), table.key])
    today = datetime.now(UTC).date()
    months = {*_column(SQL(MONTHS).format(key=Identifier(table.key), table=table.itself))}
    months |= set(months_between(today, following(today)))

    for referring, foreign_key in _rows(REFERRING, [name]):
        _run(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(SQL(referring), Identifier(foreign_key)))
    _run(SQL("ALTER TABLE {} RENAME TO {}").format(table.itself, Identifier(f"{table.name}_uncut")))
    _run(
        SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE ({})").format(
            table.itself, uncut, Identifier(table.key)
        )
    )
    _run(SQL("CREATE TABLE {} PARTITION OF {} DEFAULT").format(table.rest, table.itself))
    for month in sorted(months):
        _run(SQL("CREATE TABLE {} PARTITION OF {} {}").format(table.partition(month), table.itself, _bounds(month)))
    _run(SQL("INSERT INTO {} SELECT * FROM {}").format(table.itself, uncut))
    for column in _column(IDENTITY, [name]):
        _run(
            SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({}) + 1, false) FROM {} HAVING count(*) > 0").format(
                Literal(name), Literal(column), Identifier(column), table.itself
            )
        )
    _run(SQL("DROP TABLE {}").format(uncut))

    _run(
        SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY ({})").format(
            table.itself, Identifier(primary_key[0][0]), _names(columns)
        )
    )
    for partition in [table.rest, *(table.partition(month) for month in sorted(months))] if once else []:
        _run(SQL("CREATE UNIQUE INDEX ON {} ({})").format(partition, _names(once)))
    for statement in belongings:
        _run(SQL(statement))


def _names(columns: Iterable[str]) -> Composable:
    return SQL(", ").join(map(Identifier, columns))


def _run(statement: Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rows(query: str | Composable, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _column(query: str | Composable, parameters: Any = None) -> list[Any]:
    return [value for (value,) in _rows(query, parameters)]
