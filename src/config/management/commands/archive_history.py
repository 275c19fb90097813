from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, OperationalError, connection
from django.db.transaction import atomic
from psycopg.sql import SQL

from shared_kernel.ids import part_of
from shared_kernel.postgres.partitions import PATIENCE, Table, detach, following, start_of, tables

# What is younger is compared with, brought back and asked for.
KEPT_MONTHS = 13

# In the order in which a till's sale takes them: taken otherwise, the two would wait for each other.
SALES = ["sale", "sale_line", "sale_payment"]
HOLD_SALES = f"LOCK TABLE {', '.join(SALES)} IN ACCESS EXCLUSIVE MODE"

FORGET_REFERENCES = "DELETE FROM till_reference WHERE sale_id >= %s AND sale_id < %s"
REMEMBER = "INSERT INTO archived_sales (before) VALUES (%s) ON CONFLICT DO NOTHING"

# The books go on from what the archived lines add up to.
CARRY = """
INSERT INTO stock_movement
    (operation_id, level_id, delta, before, after, in_transit, reason, document, note, recorded_at)
SELECT %s, level_id, sum(delta), 0, sum(delta), sum(in_transit), 'receipt', 'carried forward', '', %s
FROM ({archived}) AS archived GROUP BY level_id HAVING sum(delta) <> 0 OR sum(in_transit) <> 0
ORDER BY level_id
"""


class Command(BaseCommand):
    help = (
        "Take the months before another out of the sales, and out of the stock's ledger, into the schema `archive`,"
        " from where they can be dumped and dropped. What these sales added up to stays in the reports; they themselves"
        " are found no more, and nothing of them can be brought back. The ledger goes on from each level's sum. A month"
        " of sales goes as a whole or not at all; interrupted, run it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", type=month, required=True, help="The first month to stay, as 2024-01.")
        parser.add_argument("--drop", action="store_true", help="Drop the months, for good, instead of archiving them.")

    def handle(self, *args: Any, **options: Any) -> None:
        before: date = options["before"]
        today = datetime.now(UTC).date()
        if (today.year - before.year) * 12 + today.month - before.month < KEPT_MONTHS:
            raise CommandError(f"The last {KEPT_MONTHS} months have to stay.")
        by_name = {table.name: table for table in tables()}
        try:
            for one in by_name["sale"].months():
                if one < before:
                    self.report(archive_sales([by_name[name] for name in SALES], one, drop=options["drop"]))
            self.report(archive_ledger(by_name["stock_movement"], before, drop=options["drop"]))
        except (OperationalError, IntegrityError) as error:
            raise CommandError(f"Not all could be archived, run it again: {error}") from error

    def report(self, partitions: Sequence[str]) -> None:
        for partition in partitions:
            self.stdout.write(partition)


def month(text: str) -> date:
    """The first day of a month, written as 2024-01."""
    return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()


@atomic
def archive_sales(sales: Sequence[Table], one: date, *, drop: bool) -> list[str]:
    """Take one month out of the sales' tables, those that refer to others first."""
    with connection.cursor() as cursor:
        cursor.execute(PATIENCE)
        cursor.execute(FORGET_REFERENCES, [start_of(one), start_of(following(one))])
        cursor.execute(REMEMBER, [following(one)])
        cursor.execute(HOLD_SALES)
    return [detach(table, one, drop=drop) for table in reversed(sales)]


@atomic
def archive_ledger(ledger: Table, before: date, *, drop: bool) -> list[str]:
    """Take all months before another out of the ledger, and carry forward what they add up to."""
    months = [one for one in ledger.months() if one < before]
    if not months:
        return []
    moment = datetime(before.year, before.month, 1, tzinfo=UTC)
    partitions = [ledger.partition(one) for one in months]
    archived = SQL(" UNION ALL ").join(SQL("SELECT * FROM {}").format(partition) for partition in partitions)
    with connection.cursor() as cursor:
        cursor.execute(PATIENCE)
        # No line may slip in after they are added up.
        cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(SQL(", ").join(partitions)))
        cursor.execute(SQL(CARRY).format(archived=archived), [part_of(start_of(before), *map(str, months)), moment])
    return [detach(ledger, one, drop=drop) for one in months]
