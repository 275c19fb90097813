"""CSV files as records: what is read, what is faulty, and under which line number."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_kernel.csv_files import (
    Columns,
    Record,
    Rejection,
    UnusableFile,
    decimal_number,
    each_once,
    header_of,
    records,
    whole_number,
)

COLUMNS = Columns(required=("sku", "name"), optional=("price",))
HEADER = ["sku", "name"]


def read(*lines: str) -> list[Record]:
    """The records of a file with these lines behind its header."""
    return list(records(iter(lines), HEADER))


def test_a_line_is_a_record_with_its_number_and_its_trimmed_cells() -> None:
    assert read("A, Bowl \n", "\n", 'B,"Cup, ""small"""\r\n') == [
        Record(2, {"sku": "A", "name": "Bowl"}),
        Record(4, {"sku": "B", "name": 'Cup, "small"'}),
    ]


def test_a_record_over_several_lines_goes_by_its_first() -> None:
    assert read('A,"Bowl\n', 'of clay"\n', "B,Cup") == [
        Record(2, {"sku": "A", "name": "Bowl\nof clay"}),
        Record(4, {"sku": "B", "name": "Cup"}),
    ]


def test_too_few_and_too_many_cells_are_faults() -> None:
    assert read("A\n", "A,Bowl,3\n", "B,Cup\n") == [
        Record(2, {"": "A"}, "not as many columns as the header"),
        Record(3, {"": "A,Bowl,3"}, "not as many columns as the header"),
        Record(4, {"sku": "B", "name": "Cup"}),
    ]


def test_a_nul_character_is_a_fault() -> None:
    assert read("A,Bo\0wl\n", "B,Cup\n") == [
        Record(2, {"": "A,Bo\0wl"}, "contains a NUL character"),
        Record(3, {"sku": "B", "name": "Cup"}),
    ]


@pytest.mark.parametrize("bad", ['A,"Bowl\n', 'A,"Bo"wl\n', '"A,Bowl\n'])
def test_a_stray_quotation_mark_costs_its_own_line_alone(bad: str) -> None:
    others = [f"B{number},Cup\n" for number in range(5000)]

    found = read(*others[:10], bad, *others[10:])

    assert [record for record in found if record.fault] == [Record(12, {"": bad.rstrip()}, "not readable as CSV")]
    assert [record.cells["sku"] for record in found if not record.fault] == [f"B{number}" for number in range(5000)]
    assert [record.line_number for record in found] == list(range(2, 5003))


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from('A,"\n\r\0 é'), max_size=12).map(lambda text: text.replace("\n", "") + "\n")))
def test_every_line_that_is_not_blank_is_read_or_faulty(lines: list[str]) -> None:
    found = read(*lines)

    numbers = [record.line_number for record in found]
    assert numbers == sorted(set(numbers))
    assert all(record.fault or record.cells.keys() == set(HEADER) for record in found)
    assert len(found) <= len(lines)


def test_the_header_names_the_columns_in_any_order() -> None:
    assert header_of('\ufeff"name", sku,price\r\n', COLUMNS) == ["name", "sku", "price"]
    assert header_of("sku,name", COLUMNS) == ["sku", "name"]


@pytest.mark.parametrize("line", ["sku\n", "sku;name\n", "sku,name,prise\n", "sku,name,sku\n", "PK\x03\x04\n", "\n"])
def test_another_header_is_refused_with_what_is_expected(line: str) -> None:
    with pytest.raises(UnusableFile) as refusal:
        header_of(line, COLUMNS)

    assert str(refusal.value) == (
        "is not the CSV file expected here: its first line must name the columns sku, name and may name price,"
        f" each once and separated by commas, but reads {line.strip()!r}."
    )


def test_a_header_without_optional_columns_is_not_asked_for_any() -> None:
    with pytest.raises(
        UnusableFile, match=r"must name the columns sku, each once and separated by commas, but reads 'x'"
    ):
        header_of("x", Columns(required=("sku",)))


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UnusableFile, match=r"^is empty\.$"):
        header_of("", COLUMNS)


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-3", -3), ("+4", 4), ("007", 7)])
def test_a_whole_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "1.0", "1e3", "1_000", "1,000", "٣", "x", "-", "9" * 19])
def test_not_a_whole_number(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("2.1", "2.1"), ("4", "4"), ("-0.50", "-0.50"), ("0.001", "0.001")])
def test_a_decimal_number(text: str, number: str) -> None:
    assert decimal_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "2,50", "1e3", "NaN", "Infinity", ".5", "5.", "£3", "9" * 19, "1." + "9" * 19])
def test_not_a_decimal_number(text: str) -> None:
    assert decimal_number(text) is None


def test_a_second_line_about_the_same_is_rejected() -> None:
    def sku(record: Record) -> str | Rejection:
        return record.cells["sku"] or Rejection(record.line_number, "no sku")

    parse = each_once(sku, key=str.lower)

    assert [parse(record) for record in read("A,1", "B,2", "a,3", ",4", ",5")] == [
        "A",
        "B",
        Rejection(4, "an earlier line is about the same"),
        Rejection(5, "no sku"),
        Rejection(6, "no sku"),
    ]
