"""The generated past of a large chain: as large as asked, the same each time, and right in all its books."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.transaction import atomic, set_rollback

from inventory.interface import inventory
from sales.interface import sales
from tests.chain import make_store

pytestmark = pytest.mark.django_db

ASKED = {"sale_lines": 900, "stores": 2, "products": 60, "days": 45, "seed": 7}


WRITTEN = {
    "product": "id, sku, barcode, name, price, tax_rate, category_id",
    "sale": "*",
    "sale_line": "*",
    "sale_payment": "*",
    "stock_movement": "operation_id, delta, before, after, reason, recorded_at",
}


def generate() -> str:
    said = io.StringIO()
    options = [f"--{name.replace('_', '-')}={value}" for name, value in ASKED.items()]
    call_command("generate_history", *options, "--until=2025-03-10", stdout=said)
    return said.getvalue()


def fetched(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def one(sql: str) -> Any:
    return fetched(sql)[0][0]


def digest_of_a_generation() -> list[Any]:
    """All that it writes, digested; it is taken back."""
    with atomic():
        generate()
        digests = [
            one(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM (SELECT {columns} FROM {table}) AS t")
            for table, columns in WRITTEN.items()
        ]
        set_rollback(True)
    return digests


@pytest.fixture
def said() -> str:
    return generate()


def test_the_past_is_as_large_as_asked(said: str) -> None:
    assert "2 stores sold 900 lines from 2025-01-25 to 2025-03-10." in said
    assert one("SELECT count(*) FROM sale_line WHERE quantity > 0") == 900
    assert fetched("SELECT kind, count(*) FROM location GROUP BY 1 ORDER BY 1") == [("store", 2), ("warehouse", 1)]
    assert one("SELECT count(*) FROM product") == 60
    assert one("SELECT count(*) FROM stock_level") == 180
    assert fetched("SELECT min(sold_on)::text, max(sold_on)::text FROM sale") == [("2025-01-25", "2025-03-10")]
    assert fetched("SELECT DISTINCT tableoid::regclass::text FROM sale ORDER BY 1") == [
        ("sale_2025_01",),
        ("sale_2025_02",),
        ("sale_2025_03",),
    ]


def test_its_books_agree(said: str) -> None:
    now = datetime.now(UTC)

    assert inventory.verify(now=now).differences == []
    assert sales.verify(now=now).differences == []


def test_it_has_returns_web_sales_and_customers_and_a_few_products_make_most_of_it(said: str) -> None:
    assert one("SELECT count(*) FROM sale WHERE pieces_returned > 0") == 6
    assert one("SELECT count(*) FROM sale WHERE channel = 'online'") == 19
    assert one("SELECT count(*) FROM sale WHERE customer_id IS NOT NULL") == 44
    assert one(
        "SELECT sum(quantity) FROM (SELECT sum(quantity) AS quantity FROM sale_line WHERE quantity > 0"
        " GROUP BY product_id ORDER BY 1 DESC LIMIT 12) AS top"
    ) > 0.5 * one("SELECT sum(pieces) FROM sale")


def test_what_is_brought_back_was_sold_a_week_before_and_is_paid_back(said: str) -> None:
    assert fetched(
        """
        SELECT DISTINCT s.sold_on - o.sold_on, -l.quantity = k.quantity_returned, p.amount = l.total,
            q.refundable = o.gross + l.total
        FROM sale_line l JOIN sale s ON s.id = l.sale_id JOIN sale_payment p ON p.sale_id = s.id
        JOIN sale o ON o.id = l.origin_sale_id JOIN sale_payment q ON q.sale_id = o.id
        JOIN sale_line k ON k.sale_id = o.id AND k.position = l.origin_position
        """
    ) == [(7, True, True, True)]


def test_the_same_arguments_give_the_same_rows() -> None:
    assert digest_of_a_generation() == digest_of_a_generation()


def test_a_chain_that_is_there_is_left_alone() -> None:
    make_store()

    with pytest.raises(CommandError, match="There is a chain in this database already"):
        generate()

    assert one("SELECT count(*) FROM sale") == 0
    assert one("SELECT count(*) FROM location") == 1


def test_a_production_installation_is_left_alone(settings: Any) -> None:
    settings.COMPTOIR_PRODUCTION = True

    with pytest.raises(CommandError, match="invented sales must not get among its own"):
        generate()

    assert one("SELECT count(*) FROM location") == 0
