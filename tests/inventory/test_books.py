"""The ledger as it is read, and the proof that the levels agree with it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.interface import Role, accounts
from catalog.interface import Product
from inventory.interface import Location, StockDifference, inventory
from tests.chain import make_person, make_product, make_store, put_in_stock
from tests.inventory.actions import HOUR, NOW, issue, receive, reserve, reserved_and_run_out

pytestmark = pytest.mark.django_db


def plant(column: str, value: int, product: Product, location: Location) -> None:
    """Falsify a level behind the inventory's back."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE stock_level SET {column} = %s WHERE product_id = %s AND location_id = %s",
            [value, product.id, location.id],
        )


# --- The ledger -----------------------------------------------------------------------------------------------------


def test_the_ledger_is_read_newest_first_page_by_page() -> None:
    store, product = make_store(), make_product()
    for quantity in (1, 2, 3):
        put_in_stock(product, store, quantity)

    first = inventory.movements(limit=2)
    rest = inventory.movements(limit=2, before=first[-1].id)

    assert [row.delta for row in first + rest] == [3, 2, 1]


def test_the_ledger_is_filtered_by_place_and_product() -> None:
    one, other, tea, coffee = make_store(), make_store(), make_product(), make_product()
    for place in (one, other):
        receive(place, (tea, 1), (coffee, 2))

    def found(**filters: object) -> set[tuple[str, str]]:
        return {(row.location_name, row.product_name) for row in inventory.movements(**filters)}

    assert found(location_ids=[one.id]) == {(one.name, tea.name), (one.name, coffee.name)}
    assert found(product_id=tea.id) == {(one.name, tea.name), (other.name, tea.name)}
    assert found(location_ids=[one.id, other.id], product_id=coffee.id) == {
        (one.name, coffee.name),
        (other.name, coffee.name),
    }
    assert found(location_ids=[]) == set()


def test_the_ledger_names_whoever_moved_stock() -> None:
    store, product = make_store(), make_product()
    email = make_person(Role.WAREHOUSE)
    clerk = accounts.ids_by_email(emails=[email])[email]
    receive(store, (product, 1), actor_id=clerk)
    receive(store, (product, 1))

    rows = inventory.movements()

    assert [(row.actor_id, row.actor_name) for row in rows] == [(None, None), (clerk, str(Role.WAREHOUSE))]


# --- The proof ------------------------------------------------------------------------------------------------------


def test_books_of_an_empty_chain_agree() -> None:
    proof = inventory.verify(now=NOW)

    assert (proof.levels, proof.differences) == (0, [])


def test_the_books_agree_with_reservations_live_or_run_out() -> None:
    store, one, other = make_store(), make_product(), make_product()
    put_in_stock(one, store, 5)
    put_in_stock(other, store, 5)
    reserve(store, (one, 2))
    reserved_and_run_out(store, (other, 2))
    issue(store, (one, 1))

    proof = inventory.verify(now=NOW)

    assert (proof.verified_at, proof.levels, proof.differences) == (NOW, 2, [])


def test_the_proof_finds_each_planted_difference_and_keeps_it() -> None:
    store, one, other, right = make_store(), make_product(), make_product(), make_product()
    for product in (one, other, right):
        put_in_stock(product, store, 5)
    reserve(store, (other, 2))
    assert inventory.last_verification() is None
    plant("on_hand", 7, one, store)
    plant("reserved", 3, other, store)

    proof = inventory.verify(now=NOW)

    assert proof.levels == 3
    assert sorted(proof.differences, key=lambda difference: difference.figure) == [
        StockDifference(one.id, store.id, "on_hand", level=7, books=5),
        StockDifference(other.id, store.id, "reserved", level=3, books=2),
    ]
    assert inventory.last_verification() == proof


def test_the_last_proof_is_the_latest() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    plant("on_hand", 7, product, store)
    wrong = inventory.verify(now=NOW - HOUR)
    plant("on_hand", 5, product, store)

    right = inventory.verify(now=NOW)

    assert (len(wrong.differences), right.differences) == (1, [])
    assert inventory.last_verification() == right
    assert inventory.verify(now=NOW) == right


def test_verify_stock_says_that_the_books_agree() -> None:
    put_in_stock(make_product(), make_store(), 5)
    output = StringIO()

    call_command("verify_stock", stdout=output)

    assert output.getvalue() == "The books agree: 1 stock levels, no difference.\n"


def test_verify_stock_prints_each_difference_and_fails() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 5)
    plant("on_hand", 7, product, store)
    output = StringIO()

    with pytest.raises(CommandError, match=r"^1 differences in 1 stock levels\.$") as failure:
        call_command("verify_stock", stdout=output)

    assert failure.value.returncode == 1
    assert output.getvalue() == f"product {product.id} at {store.id}: on_hand is 7, the books say 5\n"
    kept = inventory.last_verification()
    assert kept is not None
    assert kept.differences == [StockDifference(product.id, store.id, "on_hand", level=7, books=5)]
    assert kept.verified_at - NOW < timedelta(hours=1)
