"""Importing stock as a count: what is there is what the file says, and a second time changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.interface import Thresholds, inventory
from inventory.rules import COLUMNS, CountedLine, counted_line
from shared_kernel.csv_files import Record, Rejection
from tests.chain import books_agree, level, make_product, make_store, make_warehouse, on_hand, put_in_stock
from tests.imports import Outcome, run_import
from tests.inventory.actions import everything, ledger, reserve

pytestmark = pytest.mark.django_db

HEADER = "location,sku,quantity,reorder_point,target,safety_stock\n"

Import = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Import:
    """Imports these lines behind a header."""

    def run(*lines: str, header: str = HEADER) -> Outcome:
        file = tmp_path / "stock.csv"
        file.write_text(header + "".join(lines))
        return run_import("import_stock", file, rejects=tmp_path / "rejects.csv")

    return run


def summary(outcome: Outcome) -> tuple[int, ...]:
    """How many lines were accepted, rejected, counted and unchanged."""
    return tuple(
        int(outcome.figures[name].replace(",", "")) for name in ("accepted", "rejected", "counted", "unchanged")
    )


def test_a_line_sets_what_is_there_and_when_to_reorder(run: Import) -> None:
    store, warehouse, bowl, cup = (
        make_store("Lyon"),
        make_warehouse("Central"),
        make_product(sku="B"),
        make_product(sku="C"),
    )
    put_in_stock(bowl, store, 3)

    outcome = run("Lyon,B,20,5,40,2\n", "Lyon,C,7,,,\n", "Central,B,100,,,\n")

    assert summary(outcome) == (3, 0, 3, 0)
    row = level(bowl, store)
    assert (row.on_hand, row.reorder_point, row.target, row.safety_stock) == (20, 5, 40, 2)
    assert (on_hand(cup, store), on_hand(bowl, warehouse)) == (7, 100)
    assert ledger(bowl, store)[1:] == [(17, 3, 20, "count")]
    [movement] = inventory.movements(product_id=cup.id)
    assert (movement.note, movement.actor_id) == ("import of stock.csv", None)
    assert books_agree()


def test_the_same_file_again_changes_nothing(run: Import) -> None:
    make_store("Lyon")
    make_product(sku="B")
    lines = ["Lyon,B,20,5,40,2\n"]
    run(*lines)
    before = everything()

    again = run(*lines)

    assert summary(again) == (1, 0, 0, 1)
    assert everything() == before


def test_thresholds_alone_may_differ_and_empty_ones_stay(run: Import) -> None:
    store, bowl = make_store("Lyon"), make_product(sku="B")
    run("Lyon,B,20,5,40,2\n")

    changed = run("Lyon,B,20,6,,\n")
    without = run("20,B,Lyon\n", header="quantity,sku,location\n")

    row = level(bowl, store)
    assert (summary(changed), summary(without)) == ((1, 0, 1, 0), (1, 0, 0, 1))
    assert (row.on_hand, row.reorder_point, row.target, row.safety_stock) == (20, 6, 40, 2)


def test_names_that_nothing_goes_by_are_rejected(run: Import) -> None:
    store, bowl = make_store("Lyon"), make_product(sku="B")

    outcome = run("Atlantis,B,1,,,\n", "Lyon,ZZZ,1,,,\n", "Lyon,B,4,,,\n")

    assert outcome.rejected == [(2, "there is no location of this name"), (3, "there is no product with this sku")]
    assert summary(outcome) == (1, 2, 1, 0)
    assert on_hand(bowl, store) == 4


def test_a_file_of_unknown_names_changes_nothing(run: Import) -> None:
    before = everything()

    outcome = run("Atlantis,B,1,,,\n")

    assert summary(outcome) == (0, 1, 0, 0)
    assert everything() == before


def test_a_service_has_no_stock(run: Import) -> None:
    make_store("Lyon")
    service = make_product(sku="POST", stocked=False)
    before = everything()

    outcome = run("Lyon,POST,1,,,\n")

    assert outcome.rejected == [(2, f"{service.id} is a service, of which there is no stock: leave it out.")]
    assert everything() == before


def test_fewer_than_are_reserved_are_rejected_and_the_next_line_is_counted(run: Import) -> None:
    store, bowl, cup = make_store("Lyon"), make_product(sku="B"), make_product(sku="C")
    put_in_stock(bowl, store, 10)
    reserve(store, (bowl, 4))

    outcome = run("Lyon,B,3,,,\n", "Lyon,C,5,,,\n")

    [(line, reason)] = outcome.rejected
    assert line == 2
    assert reason.startswith(f"3 pieces of product {bowl.id} were counted, but 4 are reserved")
    assert (on_hand(bowl, store), on_hand(cup, store)) == (10, 5)
    assert books_agree()


def test_a_second_line_of_the_same_place_and_product_is_rejected(run: Import) -> None:
    store, other, bowl = make_store("Lyon"), make_store("Lille"), make_product(sku="B")

    outcome = run("Lyon,B,3,,,\n", "Lille,B,4,,,\n", "Lyon,B,5,,,\n")

    assert outcome.rejected == [(4, "an earlier line is about the same")]
    assert (on_hand(bowl, store), on_hand(bowl, other)) == (3, 4)


def test_a_column_that_is_not_known_refuses_the_file(run: Import) -> None:
    before = everything()

    with pytest.raises(CommandError, match="must name the columns location, sku, quantity and may name reorder_point"):
        run("Lyon,B,1\n", header="store,sku,quantity\n")

    assert everything() == before


CELLS = {"location": "Lyon", "sku": "B", "quantity": "20", "reorder_point": "5", "target": "", "safety_stock": ""}


def test_a_line_is_read() -> None:
    assert counted_line(Record(7, CELLS)) == CountedLine("Lyon", "B", 20, Thresholds(reorder_point=5))
    assert set(COLUMNS.required + COLUMNS.optional) == CELLS.keys()


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"location": ""}, "location, sku or quantity is empty"),
        ({"sku": ""}, "location, sku or quantity is empty"),
        ({"quantity": ""}, "location, sku or quantity is empty"),
        ({"quantity": "1.5"}, "quantity is not a whole number from 0 to 1,000,000"),
        ({"quantity": "-1"}, "quantity is not a whole number from 0 to 1,000,000"),
        ({"quantity": "1000001"}, "quantity is not a whole number from 0 to 1,000,000"),
        ({"reorder_point": "few"}, "reorder_point is not a whole number from 0 to 1,000,000"),
        ({"target": "-1"}, "target is not a whole number from 0 to 1,000,000"),
        ({"safety_stock": "x"}, "safety_stock is not a whole number from 0 to 1,000,000"),
    ],
)
def test_what_cannot_be_taken_over_says_why(cells: dict[str, str], reason: str) -> None:
    assert counted_line(Record(7, CELLS | cells)) == Rejection(7, reason)


ANY_CELL = st.text() | st.integers().map(str)


@settings(deadline=None)
@given(st.fixed_dictionaries({column: ANY_CELL | st.just(cell) for column, cell in CELLS.items()}))
def test_any_line_is_read_or_rejected(cells: dict[str, str]) -> None:
    outcome = counted_line(Record(7, cells))

    assert isinstance(outcome, Rejection) or 0 <= outcome.quantity <= 1_000_000
