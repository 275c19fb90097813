import random
from argparse import ArgumentTypeError
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.transaction import atomic
from django.utils.timezone import localdate
from tqdm import tqdm

from config import history
from config.management.commands.load_demo import barcode
from inventory.interface import KnownLocation, LocationDraft, LocationKind, inventory
from sales.interface import sales
from shared_kernel.ids import part_of
from shared_kernel.postgres.partitions import following, make_partitions, start_of

ZONE = ZoneInfo("Europe/Paris")
# A customer for so many lines.
LINES_PER_CUSTOMER = 200
# How long after its sale something is brought back.
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Shift:
    """What a store sells on a day: so many lines, which are numbered through."""

    day: date
    store: int
    first: int
    lines: int


class Command(BaseCommand):
    help = (
        "Fill an empty installation with the past of a large chain, to measure with: categories, products, a warehouse,"
        " stores, customers, stock with its ledger, sales with payments and receipts, at tills and of the web shop, and"
        " about one return for thirty sales. A few products make most of the sales. The same arguments give the same"
        " rows. Interrupted, it has to be started anew, in an empty database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sale-lines", type=count, default=1_000_000, help="Lines sold; returns come on top.")
        parser.add_argument("--stores", type=count, default=100)
        parser.add_argument("--products", type=count, default=50_000)
        parser.add_argument("--days", type=count, default=365, help="Over how many days, up to the last.")
        parser.add_argument("--until", type=date.fromisoformat, help="The last day. Default: yesterday.")
        parser.add_argument("--seed", type=int, default=1, help="Another seed gives another history.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.COMPTOIR_PRODUCTION:
            raise CommandError("This is a production installation: invented sales must not get among its own.")
        last: date = options["until"] or datetime.now(ZONE).date() - timedelta(days=1)
        first = last - timedelta(days=options["days"] - 1)
        with connection.cursor() as cursor:
            check_empty(cursor)
            # Its first goods were delivered the day before.
            make_partitions(first=first - timedelta(days=1), last=last)
            lots = random.Random(options["seed"])  # noqa: S311 sales to measure with, not secrets
            shifts = draw_shifts(lots, first=first, last=last, stores=options["stores"], lines=options["sale_lines"])
            numbers = {
                "seed": options["seed"],
                "products": options["products"],
                "customers": options["sale_lines"] // LINES_PER_CUSTOMER + 1,
                "currency": settings.COMPTOIR_CURRENCY,
            }
            with atomic():
                open_chain(cursor, lots, numbers, stores=options["stores"], opened=first - timedelta(days=1))
            with tqdm(total=options["sale_lines"], unit="line", unit_scale=True, mininterval=1) as bar:
                for month, of_month in groupby(shifts, key=lambda shift: shift.day.replace(day=1)):
                    bar.set_description(f"{month:%Y-%m}")
                    with atomic():
                        write_month(cursor, numbers, list(of_month), bar)
            # Or the worker's first minute would be a long one.
            self.stdout.write("Adding up what was sold …")
            sales.keep_facts(today=localdate())
            cursor.execute("ANALYZE")
        self.stdout.write(
            f"{options['stores']:,} stores sold {options['sale_lines']:,} lines from {first} to {last}."
            " verify_stock and verify_sales prove the books."
        )


def count(text: str) -> int:
    """A whole number of at least one."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return number


def check_empty(cursor: CursorWrapper) -> None:
    cursor.execute("SELECT EXISTS (SELECT FROM sale) OR EXISTS (SELECT FROM product) OR EXISTS (SELECT FROM location)")
    if cursor.fetchone()[0]:
        raise CommandError("There is a chain in this database already: this needs an empty one.")


def draw_shifts(lots: random.Random, *, first: date, last: date, stores: int, lines: int) -> list[Shift]:
    """All days of all stores, in order; their lines add up."""
    busy = sorted((lots.uniform(0.4, 2.0) for _ in range(stores)), reverse=True)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    places = [(day, store) for day in days for store in range(stores)]
    weights = [
        busy[store] * history.WEEKDAYS[day.weekday()] * history.SEASONS[day.month - 1] * lots.uniform(0.85, 1.15)
        for day, store in places
    ]
    share, passed, shifts = lines / sum(weights), 0.0, [Shift(first, 0, 0, 0)]
    for (day, store), weight in zip(places, weights, strict=True):
        passed += weight * share
        begin = shifts[-1].first + shifts[-1].lines
        shifts.append(Shift(day, store, begin, round(passed) - begin))
    return shifts[1:]


def open_chain(
    cursor: CursorWrapper, lots: random.Random, numbers: dict[str, Any], *, stores: int, opened: date
) -> None:
    """Everything that is there before the first sale."""
    moment = datetime.combine(opened, time(6), ZONE)
    key = start_of(opened)
    inventory.ensure_locations(locations=[place_of(key, number, lots) for number in range(stores + 1)])
    categories = {name: part_of(key, "category", name) for name, *_ in history.ASSORTMENT}
    copy(cursor, "category", ["id", "name"], ((key, name) for name, key in categories.items()))
    products = (draw_product(lots, key, number, categories) for number in range(numbers["products"]))
    copy(cursor, "product", history.PRODUCT, ((*product, "", "", True, True, moment, moment) for product in products))
    people = (draw_customer(lots, key, number) for number in range(numbers["customers"]))
    copy(cursor, "person", history.PERSON, ((*person, "!", "", "fr", False, True, moment) for person in people))
    cursor.execute(history.PREPARE.format(seed=numbers["seed"]))
    cursor.execute(history.OPEN, numbers | {"moment": moment})


def place_of(key: UUID, number: int, lots: random.Random) -> KnownLocation:
    """The warehouse is the first; stores have names in the order of their numbers."""
    town, street = history.TOWNS[number % len(history.TOWNS)], lots.choice(history.STREETS)
    address = f"{lots.randrange(1, 90)} rue {street}, {town}"
    if number == 0:
        return KnownLocation(
            part_of(key, "place", 0), LocationDraft(LocationKind.WAREHOUSE, "Entrepôt central", address, ZONE.key)
        )
    name = f"Comptoir {number:04} {town}"
    return KnownLocation(part_of(key, "place", number), LocationDraft(LocationKind.STORE, name, address, ZONE.key))


def draw_product(lots: random.Random, key: UUID, number: int, categories: dict[str, UUID]) -> tuple[Any, ...]:
    category, tax_rate, kinds = lots.choice(history.ASSORTMENT)
    kind, usual = lots.choice(list(kinds.items()))
    price = Decimal(max(1, round(usual * lots.uniform(0.6, 1.8)))) - lots.choice([Decimal("0.01"), Decimal("0.10")])
    name = f"{kind} {lots.choice(history.MAKERS)} {lots.randrange(100, 1000)}"
    own = part_of(key, "product", number)
    return own, f"P{number:07}", barcode(number), name, price, tax_rate, categories[category]


def draw_customer(lots: random.Random, key: UUID, number: int) -> tuple[Any, ...]:
    name = f"{lots.choice(history.FIRST_NAMES)} {lots.choice(history.LAST_NAMES)}"
    return part_of(key, "customer", number), f"customer-{number:07}@example.com", name


def copy(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as target:
        for row in rows:
            target.write_row(row)


def write_month(cursor: CursorWrapper, numbers: dict[str, Any], shifts: Sequence[Shift], bar: "tqdm[Any]") -> None:
    # Or they would be remembered until the end of the transaction, every line.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for day, of_day in groupby(shifts, key=lambda shift: shift.day):
        stores, firsts, lines = zip(*((shift.store, shift.first, shift.lines) for shift in of_day), strict=True)
        earlier = {"from": start_of(day - KEPT_FOR), "to": start_of(day - KEPT_FOR + timedelta(days=1))}
        sold = {"day": day, "stores": list(stores), "firsts": list(firsts), "lines": list(lines)}
        cursor.execute(history.SELL, numbers | earlier | sold)
        bar.update(sum(lines))
    month = shifts[0].day.replace(day=1)
    delivered = datetime.combine(shifts[0].day, time(6), ZONE)
    bounds = {"from": start_of(month), "to": start_of(following(month))}
    bar.set_postfix_str("ledger")
    # Or the planner would take the month for a few rows.
    cursor.execute(f"ANALYZE sale_{month:%Y_%m}, sale_line_{month:%Y_%m}, stock_level")
    cursor.execute(history.DELIVER, bounds | {"moment": delivered})
    cursor.execute(history.ISSUE, bounds)
    bar.set_postfix_str("")
