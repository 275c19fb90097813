"""Rows of plain statements are what Django makes of them, with what they hold besides."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from checkout.interface import checkout
from checkout.models import Order
from shared_kernel.postgres.rows import rows_of
from tests.chain import make_product, make_store, put_in_stock
from tests.checkout.actions import order

pytestmark = pytest.mark.django_db


def fields_of(row: Product | Order) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_has_the_values_that_django_reads() -> None:
    product = make_product(name="Lamp")
    put_in_stock(product, make_store(), 1)
    placed = order((product, 1))

    [row] = rows_of(Order, "SELECT * FROM customer_order WHERE id = %s", [placed.id])

    assert fields_of(row) == fields_of(Order.objects.get(id=placed.id))
    assert row.sent_to() == placed.address


def test_what_else_a_statement_gives_is_an_attribute_and_what_it_does_not_give_is_read_later() -> None:
    product = make_product(name="Lamp", category="Light")
    statement = "SELECT c.name AS kind, p.name, p.id FROM product p JOIN category c ON c.id = p.category_id"

    [row] = rows_of(Product, f"{statement} WHERE p.id = %s", [product.id])

    assert (row.id, row.name, vars(row)["kind"]) == (product.id, "Lamp", "Light")
    with CaptureQueriesContext(connection) as asked:
        assert row.sku == product.sku
    assert len(asked) == 1


def test_a_row_that_is_changed_is_saved_in_its_place() -> None:
    product = make_product(name="Lamp")
    [row] = rows_of(Product, "SELECT * FROM product WHERE id = %s", [product.id])

    row.name = "Lantern"
    row.save(update_fields=["name"])

    assert list(Product.objects.filter(id=product.id).values_list("name", flat=True)) == ["Lantern"]


@pytest.mark.plain_calls
def test_a_column_that_a_migration_adds_breaks_no_plan_of_those_who_run_on() -> None:
    product = make_product(name="Lamp")
    put_in_stock(product, make_store(), 1)
    placed = order((product, 1))
    # So often that the connection has the statements prepared.
    seen = [checkout.order(order_id=placed.id) for _ in range(10)]

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("customer_order", "order_line", "order_piece", "order_step", "payment", "refund"):
            # As by somebody else: psycopg forgets what it has prepared when it sees an ALTER itself.
            cursor.execute(f"DO 'BEGIN ALTER TABLE {table} ADD COLUMN of_tomorrow integer; END'")

    assert checkout.order(order_id=placed.id) == seen[0]
