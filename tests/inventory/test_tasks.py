"""What the worker does for stock: events of the catalogue, and what the clock asks for."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection

from catalog.interface import ProductArchived, ProductCreated, catalog
from inventory import tasks
from inventory.interface import inventory
from tests.chain import level, make_product, make_store, make_warehouse, put_in_stock
from tests.inventory.actions import reserved_and_run_out, stored


@pytest.mark.django_db
def test_warehouses_carry_a_new_product_however_often_they_are_told() -> None:
    warehouse, store, product = make_warehouse(), make_store(), make_product()

    for _ in range(2):
        tasks.carry_new_product(ProductCreated(product_id=product.id, stocked=True))

    held = inventory.held_stock(location_ids=[warehouse.id, store.id])
    assert [(row.location_id, row.available) for row in held] == [(warehouse.id, 0)]


@pytest.mark.django_db
def test_warehouses_carry_no_service() -> None:
    warehouse, service = make_warehouse(), make_product(stocked=False)

    tasks.carry_new_product(ProductCreated(product_id=service.id, stocked=False))

    assert inventory.held_stock(location_ids=[warehouse.id]) == []


@pytest.mark.django_db
def test_an_archived_product_is_not_reordered_however_often_it_is_told() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 2)

    for _ in range(2):
        tasks.stop_reordering_archived_product(ProductArchived(product_id=product.id))

    assert (level(product, store).reorder_point, level(product, store).low) == (0, False)


@pytest.mark.django_db
def test_the_clock_tidies_up_all_that_has_run_out() -> None:
    store, one, other = make_store(), make_product(), make_product()
    for product in (one, other):
        put_in_stock(product, store, 5)
        reserved_and_run_out(store, (product, 2))

    tasks.clear_expired_reservations(timestamp=0)

    assert (stored(one, store), stored(other, store)) == ((5, 0), (5, 0))


@pytest.mark.django_db
def test_the_clock_proves_the_books() -> None:
    put_in_stock(make_product(), make_store(), 5)
    before = datetime.now(UTC)

    tasks.verify_stock(timestamp=0)

    proof = inventory.last_verification()
    assert proof is not None
    assert (proof.levels, proof.differences) == (1, [])
    assert before <= proof.verified_at <= datetime.now(UTC)


# --- The whole way, from the catalogue's transaction through the queue ----------------------------------------------


def queue() -> list[tuple[str, str]]:
    """What the queue of events holds for the inventory: subscriber and state of each job."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'subscriber', status::text FROM procrastinate_jobs"
            " WHERE queue_name = 'events' AND args ->> 'subscriber' LIKE 'inventory.%' ORDER BY id"
        )
        return cursor.fetchall()


def test_a_product_of_the_catalogue_reaches_the_warehouses_and_leaves_reordering(work: Callable[[str], None]) -> None:
    warehouse = make_warehouse()
    product = make_product()
    assert queue() == [("inventory.tasks.carry_new_product", "todo")]
    assert inventory.held_stock(location_ids=[warehouse.id]) == []

    work("events")

    assert [row.product_id for row in inventory.held_stock(location_ids=[warehouse.id])] == [product.id]
    assert level(product, warehouse).low

    catalog.archive_product(product_id=product.id)
    work("events")

    assert not level(product, warehouse).low
    assert queue() == [
        ("inventory.tasks.carry_new_product", "succeeded"),
        ("inventory.tasks.stop_reordering_archived_product", "succeeded"),
    ]
