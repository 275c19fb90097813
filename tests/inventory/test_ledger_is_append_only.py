"""What the database itself refuses, whoever asks: a changed ledger, an oversold level."""

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.db.transaction import atomic

from tests.chain import make_product, make_store, put_in_stock
from tests.inventory.actions import everything, reserve

pytestmark = pytest.mark.django_db

MOVE = "INSERT INTO stock_movement (operation_id, level_id, delta, before, after, reason, document, note, recorded_at)"
KEEP = "INSERT INTO reservation (order_id, level_id, quantity, until, state, created_at)"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stock_movement SET delta = 6, after = 6",
        "UPDATE stock_movement SET note = 'nothing to see'",
        "UPDATE stock_movement SET note = '' WHERE false",
        "DELETE FROM stock_movement",
    ],
)
def test_a_line_of_the_ledger_is_not_changed_or_removed(statement: str) -> None:
    put_in_stock(make_product(), make_store(), 5)
    before = everything()

    with pytest.raises(DatabaseError, match=r"The ledger is append-only: (UPDATE|DELETE) on stock_movement is refused"):
        execute(statement)

    assert everything() == before


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE stock_level SET on_hand = -1", "stock_level_never_oversold"),
        ("UPDATE stock_level SET on_hand = reserved - 1", "stock_level_never_oversold"),
        ("UPDATE stock_level SET reserved = on_hand + 1", "stock_level_never_oversold"),
        ("UPDATE stock_level SET reserved = -1", "stock_level_never_oversold"),
        ("UPDATE stock_level SET in_transit = -1", "stock_level_thresholds"),
        ("UPDATE stock_level SET reorder_point = -1", "stock_level_thresholds"),
        ("UPDATE stock_level SET target = -1", "stock_level_thresholds"),
        ("UPDATE stock_level SET safety_stock = -1", "stock_level_thresholds"),
        ("UPDATE reservation SET quantity = 0", "reservation_positive"),
        ("UPDATE reservation SET state = 'lost'", "reservation_state_known"),
        ("UPDATE location SET kind = 'van'", "location_kind_known"),
        (
            "INSERT INTO stock_level (location_id, product_id) SELECT location_id, product_id FROM stock_level",
            "stock_level_once",
        ),
        (
            f"{MOVE} SELECT operation_id, level_id, 5, 0, 5, reason, document, note, now() FROM stock_movement",
            "stock_movement_.*_operation_id_level_id_key",
        ),
        (
            f"{MOVE} SELECT gen_random_uuid(), level_id, 2, 5, 8, reason, document, note, now() FROM stock_movement",
            "stock_movement_adds_up",
        ),
        (f"{KEEP} SELECT order_id, level_id, 1, until, 'held', created_at FROM reservation", "reservation_kept_once"),
    ],
)
def test_impossible_figures_are_not_stored(statement: str, constraint: str) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    reserve(store, (product, 3))
    before = everything()

    with pytest.raises(IntegrityError, match=constraint):
        execute(statement)

    assert everything() == before


def execute(statement: str) -> None:
    with atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
