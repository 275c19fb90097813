"""What makes a barcode, a price and a tax rate sound."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.interface import ProductDraft
from catalog.rules import barcode_error, errors_of, search_words

SOUND = ProductDraft("INF-1", "Clavier", "Informatique", Decimal("89.99"), barcode="4006381333931")

twelve_digits = st.text("0123456789", min_size=12, max_size=12)
eleven_digits = st.text("0123456789", min_size=11, max_size=11)
seven_digits = st.text("0123456789", min_size=7, max_size=7)


def with_check_digit(digits: str) -> str:
    """The digits and the one that makes them a barcode: from the right, they weigh 3, 1, 3, 1 …"""
    weighed = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-weighed % 10}"


def fields_in_error(**values: object) -> list[str]:
    return [error["field"] for error in errors_of(replace(SOUND, **values))]


@pytest.mark.parametrize(
    "barcode", ["4006381333931", "2000000000015", "0036000291452", "036000291452", "12345670", "000000000000"]
)
def test_a_printed_barcode_is_sound(barcode: str) -> None:
    assert barcode_error(barcode) is None


@pytest.mark.parametrize(
    "barcode",
    [
        "400638133393",  # one digit short, so another code's check digit
        "40063813339311",
        "12345671",
        "4006381333930",
        "4006381333391",  # two digits swapped
        "036000291453",
        "400638133393X",
        "4006381 333931",
        "-400638133393",
        "４００６３８１３３３９３１",  # full width
        "²006381333931",
        "",
    ],
)
def test_anything_else_is_not(barcode: str) -> None:
    assert barcode_error(barcode)


@given(twelve_digits | eleven_digits | seven_digits)
def test_the_right_check_digit_is_accepted(digits: str) -> None:
    assert barcode_error(with_check_digit(digits)) is None


@given(twelve_digits | eleven_digits | seven_digits, st.data())
def test_one_wrong_digit_is_noticed(digits: str, data: st.DataObject) -> None:
    barcode = with_check_digit(digits)
    place = data.draw(st.integers(0, len(barcode) - 1))
    wrong = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != barcode[place]))

    assert barcode_error(barcode[:place] + wrong + barcode[place + 1 :])


def test_a_sound_product_has_no_errors() -> None:
    assert errors_of(SOUND) == []


@pytest.mark.parametrize("price", ["0.01", "1", "89.90", "1E+1", "99999999.99"])
def test_a_price_of_whole_cents_is_sound(price: str) -> None:
    assert fields_in_error(price=Decimal(price)) == []


@pytest.mark.parametrize("price", ["0", "0.00", "-1", "0.009", "1.005", "100000000", "NaN", "Infinity", "-Infinity"])
def test_no_other_price_is(price: str) -> None:
    assert fields_in_error(price=Decimal(price)) == ["price"]


@pytest.mark.parametrize("rate", ["0", "0.055", "0.2000", "0.9999"])
def test_a_tax_rate_is_a_fraction(rate: str) -> None:
    assert fields_in_error(tax_rate=Decimal(rate)) == []


@pytest.mark.parametrize("rate", ["-0.01", "1", "20", "0.99999", "NaN", "Infinity"])
def test_a_percentage_is_not_a_tax_rate(rate: str) -> None:
    assert fields_in_error(tax_rate=Decimal(rate)) == ["tax_rate"]


@pytest.mark.parametrize(("field", "longest"), [("sku", 64), ("name", 255), ("category", 100)])
def test_names_are_there_and_fit(field: str, longest: int) -> None:
    assert fields_in_error(**{field: "x" * longest}) == []
    assert fields_in_error(**{field: "x" * (longest + 1)}) == [field]
    assert fields_in_error(**{field: "  "}) == [field]


@pytest.mark.parametrize("url", ["", "https://images.example/a.jpg", "http://a", "https://" + "x" * 492])
def test_an_image_has_an_address_of_the_web(url: str) -> None:
    assert fields_in_error(image_url=url) == []


@pytest.mark.parametrize("url", ["images.example/a.jpg", "javascript:alert(1)", "ftp://a", "https://" + "x" * 493])
def test_any_other_address_is_refused(url: str) -> None:
    assert fields_in_error(image_url=url) == ["image_url"]


def test_every_error_is_told_at_once() -> None:
    assert fields_in_error(sku="", price=Decimal(0), barcode="1") == ["sku", "price", "barcode"]


def test_a_product_needs_no_barcode() -> None:
    assert fields_in_error(barcode=None) == fields_in_error(barcode="") == []


def test_a_search_looks_for_its_first_eight_words() -> None:
    assert search_words("  clavier \t mécanique\n") == ["clavier", "mécanique"]
    assert search_words("a b c d e f g h i j") == list("abcdefgh")
