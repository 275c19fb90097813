"""Request bodies: what counts as JSON here, and as a number, a day, or a field."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared_kernel.rest.bodies import MAX_DEPTH, Amount, Body, Day, Whole, parse_json

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_sane_json_is_read_as_it_was_written(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_number_is_read_exactly(number: Decimal) -> None:
    read = parse_json(str(number).encode())

    assert read == number
    assert type(read) is (Decimal if set(str(number)) & set(".E") else int)


def test_a_price_is_not_a_float() -> None:
    assert repr(parse_json(b'{"price": 0.1}')) == "{'price': Decimal('0.1')}"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not JSON: Expecting value: line 1 column 1 (char 0)."),
        (b"{'a': 1}", "The body is not JSON: Expecting property name enclosed in double quotes"),
        (b'{"a": 1} x', "The body is not JSON: Extra data"),
        (b'{"a": 01}', "The body is not JSON"),
        (b'"line\nbreak"', "The body is not JSON: Invalid control character"),
        (b"\xef\xbb\xbf{}", "The body is not JSON: Unexpected UTF-8 BOM"),
        (b"\xff", "The body is not UTF-8 text."),
        ('{"a": "é"}'.encode("latin-1"), "The body is not UTF-8 text."),
        ("{}".encode("utf-16"), "The body is not UTF-8 text."),
        (b'"\xed\xa0\x80"', "The body is not UTF-8 text."),
        (b'{"a": NaN}', "NaN is not a JSON number."),
        (b"[Infinity]", "Infinity is not a JSON number."),
        (b"-Infinity", "-Infinity is not a JSON number."),
        (b'{"a": 1, "b": 2, "a": 1}', "The key 'a' is given twice."),
        (b'[{"a": {"b": 1, "b": 2}}]', "The key 'b' is given twice."),
        (b'"a\\u0000b"', "A text holds a NUL character or half a surrogate pair."),
        (b'["\\ud800"]', "A text holds a NUL character or half a surrogate pair."),
        (b'{"a": "\\udc00\\ud800"}', "A text holds a NUL character or half a surrogate pair."),
        (b'{"\\u0000": 1}', "A text holds a NUL character or half a surrogate pair."),
        (b"1e9999999999999999999", "A number is out of range."),
        (b"[-1e-9999999999999999999]", "A number is out of range."),
        (b"1" * 5000, "A number is out of range."),
        (b"[" * 100_000, "The body is nested too deeply."),
    ],
)
def test_what_readers_of_json_disagree_about_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 the sentence is looked at below
        parse_json(body)

    assert str(error.value).startswith(sentence)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse_json(b'"\\ud83e\\udd84"') == "🦄"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_body_may_be_nested_so_deeply_and_no_deeper(opening: str, closing: str) -> None:
    def nested(depth: int) -> bytes:
        return (opening * depth + "1" + closing * depth).encode()

    assert parse_json(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match=r"^The body is nested too deeply\.$"):
        parse_json(nested(MAX_DEPTH + 1))


def accepted(kind: Any, value: Any) -> Any:
    """What a field of this kind makes of a value; None where it refuses it."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def test_a_number_is_neither_true_nor_false() -> None:
    assert accepted(Whole, 3) == 3
    assert [accepted(Whole, value) for value in (True, False, "x", Decimal("1.5"))] == [None] * 4
    assert accepted(Amount, Decimal("1.50")) == accepted(Amount, "1.50") == Decimal("1.50")
    assert [accepted(Amount, value) for value in (True, False, "x", "NaN")] == [None] * 4


def test_a_day_is_written_as_one() -> None:
    assert accepted(Day, "2026-12-31") == date(2026, 12, 31)
    assert [accepted(Day, value) for value in ("0", "1735603200", "2026-12-31T00:00:00", "2026-02-30")] == [None] * 4


def test_a_field_that_is_not_part_of_the_body_is_refused() -> None:
    class Line(Body):
        quantity: Whole

    assert accepted(Line, {"quantity": 2}) == Line(quantity=2)
    assert accepted(Line, {"quantity": 2, "price": 1}) is None
