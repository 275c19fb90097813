"""Importing products: what is new is made, what differs is changed, what is equal is left alone."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.interface import ProductChanges, ProductDraft, catalog
from catalog.rules import COLUMNS, product_line
from shared_kernel.csv_files import Record, Rejection
from tests.catalog.conftest import Published
from tests.catalog.rows import nothing_changes
from tests.chain import make_product
from tests.imports import Outcome, rejected_rows, run_import

pytestmark = pytest.mark.django_db

HEADER = "sku,name,category,price,barcode,description,tax_rate,image_url,active\n"
COFFEE = "BOI-1,Café,Boissons,15.99,4006381333931,En grains,0.055,https://cdn.example/cafe.jpg,yes\n"
TEA = "BOI-2,Thé,Boissons,8.5,,,,,\n"

Import = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Import:
    """Imports these lines behind a header."""

    def run(*lines: str, header: str = HEADER) -> Outcome:
        file = tmp_path / "products.csv"
        file.write_text(header + "".join(lines))
        return run_import("import_products", file, rejects=tmp_path / "rejects.csv")

    return run


def draft_of(sku: str) -> ProductDraft:
    [product] = catalog.known_products(skus=[sku])
    return product.draft


def summary(outcome: Outcome) -> tuple[int, ...]:
    """How many lines were accepted and rejected, and how many products new, changed and unchanged."""
    return tuple(
        int(outcome.figures[name].replace(",", "")) for name in ("accepted", "rejected", "new", "changed", "unchanged")
    )


def test_unknown_skus_become_products(run: Import, published: Published) -> None:
    outcome = run(COFFEE, TEA)

    assert summary(outcome) == (2, 0, 2, 0, 0)
    assert draft_of("BOI-1") == ProductDraft(
        sku="BOI-1",
        name="Café",
        category="Boissons",
        price=Decimal("15.99"),
        barcode="4006381333931",
        description="En grains",
        tax_rate=Decimal("0.0550"),
        image_url="https://cdn.example/cafe.jpg",
    )
    assert draft_of("BOI-2") == ProductDraft(sku="BOI-2", name="Thé", category="Boissons", price=Decimal("8.50"))
    assert [event for event, _ in published()] == ["product.created", "product.created"]


def test_the_same_file_again_changes_nothing_and_tells_nobody(run: Import) -> None:
    run(COFFEE, TEA)

    with nothing_changes():
        assert summary(run(COFFEE, TEA)) == (2, 0, 0, 0, 2)


def test_only_what_differs_is_changed(run: Import, published: Published) -> None:
    run(COFFEE, TEA)
    coffee = draft_of("BOI-1")
    events = len(published())

    outcome = run(COFFEE, TEA.replace("8.5", "9.90"))

    assert summary(outcome) == (2, 0, 0, 1, 1)
    assert draft_of("BOI-2").price == Decimal("9.90")
    assert draft_of("BOI-1") == coffee
    assert [event for event, _ in published()[events:]] == ["product.updated"]


def test_a_cell_that_is_empty_or_left_out_says_nothing(run: Import) -> None:
    run(COFFEE)
    before = draft_of("BOI-1")

    empty = run("BOI-1,Café,Boissons,15.99,,,,,\n")
    left_out = run("Café,BOI-1,15.99,Boissons\n", header="name,sku,price,category\n")

    assert (summary(empty), summary(left_out)) == ((1, 0, 0, 0, 1), (1, 0, 0, 0, 1))
    assert draft_of("BOI-1") == before


def test_a_product_is_archived_and_brought_back(run: Import, published: Published) -> None:
    run(COFFEE)
    events = len(published())

    archived = run(COFFEE.replace("yes", "no"))
    again = run(COFFEE.replace("yes", ""))
    assert draft_of("BOI-1").active is False
    back = run(COFFEE.replace("yes", "TRUE"))

    assert [summary(outcome)[3] for outcome in (archived, again, back)] == [1, 0, 1]
    assert draft_of("BOI-1").active is True
    assert [event for event, _ in published()[events:]] == ["product.updated", "product.archived", "product.updated"]


def test_a_barcode_that_is_taken_rejects_its_own_line_alone(run: Import) -> None:
    make_product(sku="OLD", barcode="4006381333931")
    make_product(sku="BOI-3", name="Eau", category="Boissons", price=Decimal("1.20"))
    water = draft_of("BOI-3")

    outcome = run(COFFEE, TEA, "BOI-3,Eau,Boissons,1.30,4006381333931,,,,\n")

    taken = "Another product has the barcode 4006381333931: check which product carries it."
    assert outcome.rejected == [(2, taken), (4, taken)]
    assert summary(outcome) == (1, 2, 1, 0, 0)
    assert catalog.known_products(skus=["BOI-1"]) == []
    assert draft_of("BOI-2").name == "Thé"
    assert draft_of("BOI-3") == water


def test_the_summary_names_the_most_frequent_reasons(run: Import, tmp_path: Path) -> None:
    taken = [f"20000000{number:04}" for number in range(10, 40)]
    barcodes = [barcode + check_digit(barcode) for barcode in taken]
    for barcode in barcodes:
        make_product(barcode=barcode)

    outcome = run(*[f"B-{barcode},Bol,Déco,1.20,{barcode},,,,\n" for barcode in barcodes])

    assert summary(outcome)[:2] == (0, 30)
    assert outcome.output.count("Another product has the barcode") == 20
    assert outcome.output.splitlines()[-1].strip() == "and 10 other reasons"
    assert len(rejected_rows(tmp_path / "rejects.csv")) == 30


def check_digit(digits: str) -> str:
    """The last digit of an EAN-13, by the GS1 General Specifications, section 7.9."""
    return str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def test_a_second_line_of_a_sku_is_rejected(run: Import) -> None:
    outcome = run(COFFEE, COFFEE.replace("15.99", "16.99").replace("4006381333931", ""))

    assert outcome.rejected == [(3, "an earlier line is about the same")]
    assert draft_of("BOI-1").price == Decimal("15.99")


def test_a_description_may_have_several_lines(run: Import) -> None:
    run(COFFEE.replace("En grains", '"En grains,\ndoux"'))

    assert draft_of("BOI-1").description == "En grains,\ndoux"


def test_many_products_are_imported(run: Import) -> None:
    outcome = run(*[f"P-{number},Bol,Déco,1.20,,,,,\n" for number in range(1200)])

    assert summary(outcome) == (1200, 0, 1200, 0, 0)


def test_a_column_that_is_not_known_refuses_the_file(run: Import) -> None:
    with (
        nothing_changes(),
        pytest.raises(CommandError, match="must name the columns sku, name, category, price and may"),
    ):
        run("BOI-1,Café,Boissons,15.99,3\n", header="sku,name,category,price,quantity\n")


CELLS = {
    "sku": "BOI-1",
    "name": "Café",
    "category": "Boissons",
    "price": "15.99",
    "barcode": "",
    "description": "",
    "tax_rate": "",
    "image_url": "",
    "active": "",
}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"sku": ""}, "sku: A sku has 1 to 64 characters."),
        ({"sku": "x" * 65}, "sku: A sku has 1 to 64 characters."),
        ({"name": ""}, "name: A name has 1 to 255 characters."),
        ({"category": "x" * 101}, "category: A category has 1 to 100 characters."),
        ({"price": "15,99"}, "price: This is not a number."),
        ({"price": ""}, "price: This is not a number."),
        ({"price": "0"}, "price: A price lies between 0.01 and 99999999.99."),
        ({"price": "1.234"}, "price: A price has at most two decimals."),
        ({"barcode": "123"}, "barcode: A barcode has 13 digits (EAN-13), 12 (UPC) or 8 (EAN-8)."),
        ({"tax_rate": "20 %"}, "tax_rate: This is not a number."),
        ({"tax_rate": "20"}, "tax_rate: A tax rate is a fraction from 0 to below 1: 0.2 for 20 %."),
        ({"active": "perhaps"}, "active: This is neither yes nor no."),
        (
            {"image_url": "javascript:alert(1)"},
            "image_url: An image's address begins with https:// or http:// and has at most 500 characters.",
        ),
        (
            {"image_url": "https://" + "x" * 493},
            "image_url: An image's address begins with https:// or http:// and has at most 500 characters.",
        ),
        (
            {"name": "", "price": "0.001"},
            "name: A name has 1 to 255 characters.; price: A price lies between 0.01 and 99999999.99.",
        ),
    ],
)
def test_what_cannot_be_taken_over_says_why(cells: dict[str, str], reason: str) -> None:
    assert product_line(Record(7, CELLS | cells)) == Rejection(7, reason)


def test_the_columns_are_those_documented() -> None:
    assert set(COLUMNS.required + COLUMNS.optional) == CELLS.keys()


ANY_CELL = st.text() | st.decimals().map(str) | st.sampled_from(["yes", "0", "4006381333931", "0.2", "https://x"])


@settings(deadline=None)
@given(st.fixed_dictionaries({column: ANY_CELL | st.just(cell) for column, cell in CELLS.items()}))
def test_any_line_is_read_or_rejected(cells: dict[str, Any]) -> None:
    outcome = product_line(Record(7, cells))

    assert isinstance(outcome, ProductChanges) or outcome.reason
