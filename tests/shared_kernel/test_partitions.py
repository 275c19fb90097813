"""Months of the tables that grow for ever: made ahead, made for the past, and taken out again."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic

from inventory.interface import StockLine, inventory
from sales.interface import ReturnedItem, Sale, SaleNotFound, sales
from shared_kernel.ids import new_id
from shared_kernel.postgres.partitions import (
    PartitionByMonth,
    detach,
    make_partitions,
    make_partitions_ahead,
    start_of,
    tables,
)
from shared_kernel.postgres.roles import apply_roles
from tests.chain import books_agree, make_product, make_store, put_in_stock, sell
from tests.threads import with_own_connection

pytestmark = pytest.mark.django_db

MARCH = datetime(2024, 3, 31, 12, tzinfo=UTC)
APRIL = datetime(2024, 4, 1, 12, tzinfo=UTC)


def rows(sql: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def execute(sql: str) -> None:
    with atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def partition_of(table: str, key: str, value: UUID) -> str:
    return rows(f"SELECT tableoid::regclass::text FROM {table} WHERE {key} = %s", value)[0][0]


def test_sales_and_the_ledger_are_cut_into_months() -> None:
    assert [(table.name, table.key) for table in tables()] == [
        ("stock_movement", "operation_id"),
        ("sale", "id"),
        ("sale_line", "sale_id"),
        ("sale_payment", "sale_id"),
    ]


def test_a_month_begins_with_the_first_id_of_its_first_millisecond() -> None:
    first = datetime(2024, 4, 1, tzinfo=UTC)

    assert new_id(at=first - timedelta(milliseconds=1)) < start_of(date(2024, 4, 1)) < new_id(at=first)


def test_months_are_made_once_across_the_end_of_a_year() -> None:
    made = make_partitions(first=date(2023, 12, 31), last=date(2024, 1, 1))

    assert made == [
        f"{table}_{month}"
        for table in ["stock_movement", "sale", "sale_line", "sale_payment"]
        for month in ("2023_12", "2024_01")
    ]
    assert make_partitions(first=date(2023, 12, 31), last=date(2024, 1, 1)) == []


def test_this_month_and_three_more_have_partitions() -> None:
    make_partitions_ahead(now=datetime(2031, 1, 15, tzinfo=UTC))

    assert tables()[1].months()[-4:] == [date(2031, month, 1) for month in (1, 2, 3, 4)]


@pytest.mark.django_db(transaction=True)
def test_whoever_sells_meanwhile_is_never_given_up_for_a_month() -> None:
    may = date(2033, 5, 1)
    made = [f"{table}_2033_05" for table in ["stock_movement", "sale", "sale_line", "sale_payment"]]
    till = connection.copy()
    try:
        with ThreadPoolExecutor(1) as pool, till.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE stock_level IN ROW EXCLUSIVE MODE")
            making = pool.submit(with_own_connection, partial(make_partitions, first=may, last=may))
            time.sleep(0.3)
            # What is to be attached keeps everybody from the ledger, and waits for the levels.
            cursor.execute("SELECT count(*) FROM stock_movement")
            assert not making.done()
            cursor.execute("COMMIT")
        assert making.result() == made
    finally:
        till.close()
        with atomic():
            for table in reversed(tables()):
                detach(table, may, drop=True)


def sale_at(moment: datetime, **values: Any) -> Sale:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    return sell(product, store, 2, sale_id=new_id(at=moment), sold_at=moment, **values)


def test_a_sale_lies_in_its_month_with_all_that_belongs_to_it() -> None:
    make_partitions(first=MARCH.date(), last=MARCH.date())

    sale = sale_at(MARCH)

    assert partition_of("sale", "id", sale.id) == "sale_2024_03"
    assert partition_of("sale_line", "sale_id", sale.id) == "sale_line_2024_03"
    assert partition_of("sale_payment", "sale_id", sale.id) == "sale_payment_2024_03"
    assert partition_of("stock_movement", "operation_id", sale.id) == "stock_movement_2024_03"


def test_a_sale_of_a_month_without_a_partition_is_not_refused_and_stays_where_it_is() -> None:
    sale = sale_at(MARCH)

    assert partition_of("sale", "id", sale.id) == "sale_default"
    assert make_partitions(first=MARCH.date(), last=MARCH.date()) == []
    assert sales.sale(sale_id=sale.id) == sale


def test_a_receipts_number_is_given_once_in_a_month() -> None:
    make_partitions(first=MARCH.date(), last=MARCH.date())
    sale_at(MARCH)
    columns = (
        "store_id, receipt_year, receipt_number, channel, sold_at, sold_on, recorded_at, client_reference, currency,"
        " gross, returned, tax, pieces, pieces_returned"
    )

    with pytest.raises(IntegrityError, match="sale_2024_03_store_id_receipt_year_receipt_number"):
        execute(f"INSERT INTO sale (id, {columns}) SELECT '{new_id(at=MARCH)}', {columns} FROM sale")


@pytest.mark.parametrize("statement", ["UPDATE {} SET note = 'nothing to see'", "DELETE FROM {}"])
def test_a_line_of_the_ledger_is_not_changed_through_its_partition(statement: str) -> None:
    make_partitions(first=MARCH.date(), last=MARCH.date())
    sale_at(MARCH)

    with pytest.raises(DatabaseError, match=r"The ledger is append-only: (UPDATE|DELETE) on stock_movement_2024_03"):
        execute(statement.format("stock_movement_2024_03"))


def test_no_module_touches_a_partition_but_by_its_table() -> None:
    make_partitions(first=MARCH.date(), last=MARCH.date())
    apply_roles()

    with pytest.raises(ProgrammingError, match="permission denied for table sale_2024_03"), atomic():
        execute("SET LOCAL ROLE sales; INSERT INTO sale_2024_03 SELECT * FROM sale")


def test_a_table_is_cut_with_its_rows_and_all_that_belongs_to_it() -> None:
    execute(
        """
        CREATE TABLE sales.thing (
            id uuid PRIMARY KEY, size int CHECK (size > 0), number int GENERATED BY DEFAULT AS IDENTITY
        );
        CREATE INDEX thing_by_size ON sales.thing (size);
        CREATE TABLE sales.part (thing_id uuid CONSTRAINT part_of_thing REFERENCES thing, name text);
        """
    )
    march, april, odd = new_id(at=MARCH), new_id(at=APRIL), UUID(int=2**128 - 1)
    for size, one in enumerate([march, april, odd], start=1):
        rows("INSERT INTO thing (id, size) VALUES (%s, %s) RETURNING id", one, size)
    rows("INSERT INTO part VALUES (%s, 'wheel') RETURNING name", march)
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    PartitionByMonth("thing", "id", once=["number"]).database_forwards("sales", None, ProjectState(), ProjectState())  # type: ignore[arg-type]

    assert rows("SELECT tableoid::regclass::text, id, size, number FROM thing ORDER BY size") == [
        ("thing_2024_03", march, 1, 1),
        ("thing_2024_04", april, 2, 2),
        ("thing_default", odd, 3, 3),
    ]
    assert rows("INSERT INTO thing (id, size) VALUES (%s, 4) RETURNING number", new_id(at=MARCH)) == [(4,)]
    for refused in [
        f"INSERT INTO thing VALUES ('{march}', 1)",
        f"INSERT INTO thing VALUES ('{new_id(at=MARCH)}', 0)",
        f"INSERT INTO thing VALUES ('{new_id(at=MARCH)}', 1, 1)",
        f"DELETE FROM thing WHERE id = '{march}'",
    ]:
        with pytest.raises(IntegrityError):
            execute(refused)
    assert rows("SELECT indexname FROM pg_indexes WHERE tablename = 'thing' ORDER BY 1") == [
        ("thing_by_size",),
        ("thing_pkey",),
    ]


# --- Taken out again --------------------------------------------------------------------------------------------------


@pytest.fixture
def march_and_april() -> tuple[Sale, Sale]:
    """A sale of each, of two pieces of one product out of the five that a store had got in March."""
    make_partitions(first=MARCH.date(), last=APRIL.date())
    store, product = make_store(), make_product()
    delivered = MARCH - timedelta(days=1)
    inventory.receive(
        operation_id=new_id(at=delivered),
        location_id=store.id,
        lines=[StockLine(product.id, 5)],
        document="",
        actor_id=None,
        now=delivered,
    )
    march = sell(product, store, 2, sale_id=new_id(at=MARCH), sold_at=MARCH, client_reference="T1-1")
    return march, sell(product, store, 2, sale_id=new_id(at=APRIL), sold_at=APRIL)


def archive(*, drop: bool = False) -> list[str]:
    """Run the command up to March; returns the partitions that it names."""
    said = io.StringIO()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    call_command("archive_history", "--before=2024-04", *(["--drop"] if drop else []), stdout=said)
    return said.getvalue().split()


ALL_OF_MARCH = ["sale_payment_2024_03", "sale_line_2024_03", "sale_2024_03", "stock_movement_2024_03"]


def test_archived_months_are_taken_out_and_kept_apart(march_and_april: tuple[Sale, Sale]) -> None:
    march, april = march_and_april

    assert archive() == ALL_OF_MARCH

    with pytest.raises(SaleNotFound):
        sales.sale(sale_id=march.id)
    assert sales.sale(sale_id=april.id) == april
    assert rows("SELECT id, gross FROM archive.sale_2024_03") == [(march.id, march.gross)]
    assert rows("SELECT sale_id, quantity FROM archive.sale_line_2024_03") == [(march.id, 2)]
    assert rows("SELECT delta FROM archive.stock_movement_2024_03 ORDER BY id") == [(5,), (-2,)]
    assert rows("SELECT reference FROM till_reference") == []
    assert archive() == []


def test_the_books_go_on_from_what_was_archived(march_and_april: tuple[Sale, Sale]) -> None:
    archive(drop=True)

    assert rows("SELECT delta, before, after, reason, document FROM stock_movement ORDER BY operation_id") == [
        (3, 0, 3, "receipt", "carried forward"),
        (-2, 3, 1, "sale", f"sale {march_and_april[1].id}"),
    ]
    assert rows("SELECT on_hand FROM stock_level") == [(1,)]
    assert books_agree()
    assert sales.verify(now=datetime.now(UTC)).differences == []
    assert rows("SELECT to_regclass('archive.sale_2024_03'), to_regclass('sales.sale_2024_03')") == [(None, None)]


def test_reports_still_know_what_archived_sales_added_up_to(march_and_april: tuple[Sale, Sale]) -> None:
    march, april = march_and_april
    asked = {"first_day": march.sold_on, "last_day": april.sold_on}
    sales.keep_stock_health(now=datetime.now(UTC))  # or each report would look at the stock at its own moment
    before = sales.report(**asked)

    archive(drop=True)

    assert sales.report(**asked) == before


def test_what_was_archived_is_not_brought_back(march_and_april: tuple[Sale, Sale]) -> None:
    march, _ = march_and_april
    archive()

    with pytest.raises(SaleNotFound):
        sell_back(march)
    assert rows("SELECT count(*) FROM sale") == [(1,)]


def test_the_last_thirteen_months_are_not_archived(march_and_april: tuple[Sale, Sale]) -> None:
    now = datetime.now(UTC)

    with pytest.raises(CommandError, match="The last 13 months have to stay"):
        call_command("archive_history", f"--before={now.year - 1}-{now.month:02}")

    assert rows("SELECT count(*) FROM sale") == [(2,)]


def sell_back(sale: Sale) -> Sale:
    return sales.record_sale(
        sale_id=new_id(),
        store_id=sale.store_id,
        items=[],
        returns=[ReturnedItem(sale.id, position=1, quantity=1, restock=True)],
        payments=[],
        client_reference="",
        cashier_id=None,
        sold_at=datetime.now(UTC),
    )
