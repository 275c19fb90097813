"""The proof of the sales' books: right whatever happens to a process, and red for every kind of damage."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.test import Client

from catalog.interface import Product
from inventory.interface import Location
from sales import models, tasks
from sales.interface import Sale, SalesDifference, sales
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, put_in_stock, sell
from tests.gunicorn_server import database_url
from tests.sales.actions import give_back
from tests.threads import at_once, empty_queue

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)

OF_DAY = "store_id, channel, gross, returned, sales, returns, pieces"
OF_PRODUCT = "store_id, sold_on, channel, product_id, pieces, gross, returned, tickets"
FIRST = "(SELECT id FROM sale WHERE receipt_number = 1)"


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield
    empty_queue()


def one_store(*, pieces: int = 50) -> tuple[Location, Product]:
    store, tea = make_store(), make_product(price=Decimal("10.00"))
    put_in_stock(tea, store, pieces)
    return store, tea


def two_sales() -> list[Sale]:
    """Two pieces and then one, of one product in one store on one day."""
    store, tea = one_store()
    return [sell(tea, store, pieces, sold_at=NOW) for pieces in (2, 1)]


def plant(damage: str) -> None:
    """Falsify rows behind everybody's back, past triggers and foreign keys."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        cursor.execute(damage)
        cursor.execute("SET LOCAL session_replication_role = origin")


def found() -> set[str]:
    """What the proof finds fault with, the sale or the product called by a word."""
    named = {str(row.id): "one" for row in models.Sale.objects.all()}
    named |= {str(row.product_id): "tea" for row in models.SaleLine.objects.all()}
    figures = [difference.figure for difference in sales.verify(now=NOW).differences]
    return {" ".join(named.get(word.rstrip(","), word.rstrip(",")) for word in figure.split()) for figure in figures}


PRODUCT = {f"{figure} of product tea till" for figure in ("pieces", "gross", "tickets")}
DAY = {f"{figure} of the day till" for figure in ("pieces", "gross", "sales")}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("damage", "figures"),
    [
        (
            f"UPDATE sale SET gross = gross + 1 WHERE id = {FIRST}",
            {"gross of sale one", "paid for sale one", "gross of the day till"},
        ),
        (f"UPDATE sale_line SET tax = tax + 1 WHERE sale_id = {FIRST}", {"tax of sale one"}),
        (
            f"DELETE FROM sale_line WHERE sale_id = {FIRST}",
            PRODUCT | {"gross of sale one", "tax of sale one", "pieces of sale one"},
        ),
        (f"UPDATE sale_payment SET amount = 1, tendered = NULL WHERE sale_id = {FIRST}", {"paid for sale one"}),
        (f"DELETE FROM sale_payment WHERE sale_id = {FIRST}", {"paid for sale one"}),
        ("UPDATE sale SET sold_on = sold_on - 1", PRODUCT | DAY),
        (
            "UPDATE sale SET receipt_number = 3 WHERE receipt_number = 2",
            {"receipt after 2026-000001", "last receipt of 2026"},
        ),
        ("UPDATE receipt_counter SET last = last + 1", {"last receipt of 2026"}),
        ("DELETE FROM receipt_counter", {"last receipt of 2026"}),
        ("UPDATE daily_sales SET returns = 1", {"returns of the day till"}),
        ("DELETE FROM daily_sales", DAY),
        (f"INSERT INTO daily_sales SELECT sold_on + 9, {OF_DAY} FROM daily_sales", DAY),
        ("UPDATE daily_product_sales SET returned = 1", {"returned of product tea till"}),
        (f"INSERT INTO product_sales_change ({OF_PRODUCT}) SELECT {OF_PRODUCT} FROM daily_product_sales", PRODUCT),
        (
            "UPDATE period_product_sales SET pieces = pieces + 1 WHERE days = 7 AND channel = 'till'",
            {"pieces of product tea in the period 7 till"},
        ),
        (
            "UPDATE period_product_sales SET gross = 0 WHERE days = 0 AND channel = ''",
            {"gross of product tea in the period 0 both"},
        ),
        (
            f"DELETE FROM period_product_sales WHERE days = 28 AND store_id = '{models.PeriodProductSales.EVERYWHERE}'",
            {f"{figure} of product tea in the period 28 everywhere" for figure in ("pieces", "gross")},
        ),
    ],
)
def test_every_kind_of_damage_is_found(damage: str, figures: set[str]) -> None:
    two_sales()
    sales.keep_facts(today=NOW.date())
    assert found() == set()

    plant(damage)

    assert found() == figures


@pytest.mark.django_db
def test_a_receipt_number_given_twice_is_found() -> None:
    store, tea = one_store()
    for moment in (NOW - timedelta(days=40), NOW):  # of two months, each of which the database keeps without doubles
        sell(tea, store, sold_at=moment, sale_id=new_id(at=moment))

    plant("UPDATE sale SET receipt_number = 1")

    assert found() == {"receipt after 2026-000001", "last receipt of 2026"}


@pytest.mark.django_db
def test_the_outcome_is_kept_and_told() -> None:
    sale, _ = two_sales()
    assert sales.last_verification() is None
    plant("UPDATE daily_sales SET pieces = 9")

    proof = sales.verify(now=NOW)

    difference = SalesDifference(sale.store_id, NOW.date(), "pieces of the day, till", Decimal(9), Decimal(3))
    assert (proof.sales, proof.differences) == (2, [difference])
    assert sales.last_verification() == proof
    assert b"comptoir_sales_differences 1.0" in Client().get("/metrics").content


@pytest.mark.django_db
def test_the_command_says_each_difference_in_words_and_fails() -> None:
    sale, _ = two_sales()
    right, wrong = StringIO(), StringIO()
    call_command("verify_sales", stdout=right)
    plant("UPDATE daily_sales SET pieces = 9")

    with pytest.raises(CommandError, match=r"^1 differences in 2 sales\.$") as failure:
        call_command("verify_sales", stdout=wrong)

    assert right.getvalue() == "The books agree: 2 sales, no difference.\n"
    assert failure.value.returncode == 1
    said = f"store {sale.store_id} on 2026-11-16: pieces of the day, till is 9, the books say 3\n"
    assert wrong.getvalue() == said


@pytest.mark.django_db
def test_the_clock_keeps_the_facts_and_proves_them() -> None:
    store, tea = one_store()
    sell(tea, store)

    tasks.keep_sales_facts(timestamp=0)
    tasks.verify_sales(timestamp=0)

    assert models.ProductSalesChange.objects.count() == 0
    assert models.DailyProductSales.objects.get().pieces == 1
    proof = sales.last_verification()
    assert proof is not None
    assert (proof.sales, proof.differences) == (1, [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sale SET gross = gross + 1",
        "UPDATE sale SET sold_on = sold_on - 1",
        "UPDATE sale_line SET quantity = 9, total = 90",
    ],
)
def test_what_was_sold_is_not_rewritten(change: str) -> None:
    two_sales()

    with pytest.raises(ProgrammingError, match="What was sold stays as it was written"), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.plain_calls
@pytest.mark.usefixtures("committed")
def test_sales_in_every_store_while_the_facts_are_kept_leave_nothing_out() -> None:
    stores, tea = [make_store() for _ in range(3)], make_product(price=Decimal("10.00"))
    for store in stores:
        put_in_stock(tea, store, 50)
    keep = partial(sales.keep_facts, today=NOW.date())
    writes = [partial(sell, tea, store, sold_at=NOW - timedelta(days=day)) for day in range(3) for store in stores]

    answers = at_once([write for sale in writes for write in (sale, keep)])

    assert sum(isinstance(answer, Sale) for answer in answers) == 9
    assert sales.verify(now=NOW).differences == []
    assert sales.statistics(today=NOW.date()).top_products[0].quantity == 9


KILLED = """
import django
django.setup()
from datetime import date, datetime
from uuid import UUID
from django.db.transaction import atomic
from sales.interface import ReturnedItem, SoldItem, sales
with atomic():
    sales.record_sale(
        sale_id=UUID("{sale_id}"), store_id=UUID("{store_id}"), items=[SoldItem(1, UUID("{product_id}"))],
        returns=[ReturnedItem(UUID("{returned_id}"), 1, 1, True)], payments=[], client_reference="", cashier_id=None,
        sold_at=datetime.fromisoformat("{now}"),
    )
    sales.keep_facts(today=date(2026, 11, 16))
    print("written", flush=True)
    input()
"""


@pytest.mark.plain_calls
@pytest.mark.usefixtures("committed")
def test_a_process_killed_in_mid_transaction_leaves_the_books_right() -> None:
    store, tea = one_store()
    sold = sell(tea, store, 3, sold_at=NOW)
    program = KILLED.format(
        sale_id=new_id(), store_id=store.id, product_id=tea.id, returned_id=sold.id, now=NOW.isoformat()
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"DATABASE_URL": database_url(), "PYTHONPATH": str(settings.BASE_DIR / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()

    sales.keep_facts(today=NOW.date())  # waits for the lock that the dead one held

    proof = sales.verify(now=NOW)
    assert (proof.sales, proof.differences) == (1, [])
    give_back(sold, 3, sold_at=NOW)
    assert sales.verify(now=NOW).differences == []
