"""What makes a customer's details and addresses sound, and what the chain writes to them."""

import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.interface import Language, Letter
from accounts.rules import (
    address_errors,
    code_of,
    customer_errors,
    e164,
    normal_address,
    normal_customer,
    parts_of,
    written,
)
from tests.accounts.actions import draft, home

TEXTS = st.text(max_size=30)


def fields_in_error(**values: str) -> list[str]:
    return [error["field"] for error in address_errors(normal_address(home(**values)))]


@pytest.mark.parametrize(
    ("phone", "country", "kept"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "FR", "+33612345678"),
        ("0033 6 12 34 56 78", "FR", "+33612345678"),
        ("+49 30 901820", "FR", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("12", "FR", None),
        ("+33 9", "FR", None),
        ("+999 12345678", "FR", None),
        ("call me", "FR", None),
        ("", "FR", None),
    ],
)
def test_a_phone_is_kept_as_the_world_dials_it(phone: str, country: str, kept: str | None) -> None:
    assert e164(phone, country=country) == kept


@given(phone=TEXTS, country=st.sampled_from(["FR", "DE", "US", "ZZ", ""]))
def test_a_kept_phone_stays_as_it_is(phone: str, country: str) -> None:
    kept = e164(phone, country=country)

    assert kept is None or e164(kept, country="") == kept


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("FR", "69002"),
        ("fr", " 69002 "),
        ("US", "95014"),
        ("US", "22162-1010"),
        ("GB", "ec1y 8sy"),
        ("CA", "H3Z 2Y7"),
        ("DE", "26133"),
        ("NL", "1234 AB"),
        ("IE", ""),
        ("HK", ""),
        ("AE", "anything"),
    ],
)
def test_a_postal_code_of_its_country_is_taken(country: str, code: str) -> None:
    assert fields_in_error(country=country, postal_code=code) == []


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("FR", ""),
        ("FR", "6900"),
        ("FR", "690021"),
        ("FR", "69002x"),
        ("FR", "٦٩٠٠٢"),
        ("US", "9501"),
        ("GB", "EC1Y"),
        ("GB", "GIR 0AA and more"),
        ("DE", "D-26133"),
        ("AE", "x" * 21),
    ],
)
def test_a_postal_code_of_another_country_is_not(country: str, code: str) -> None:
    assert fields_in_error(country=country, postal_code=code) == ["postal_code"]


def test_a_wrong_postal_code_is_told_with_an_example() -> None:
    assert address_errors(home(postal_code="6900")) == [
        {"field": "postal_code", "message": "This is not a postal code of France, such as 33380."}
    ]


@pytest.mark.parametrize("country", ["", "F", "XX", "ZZ", "FRA", "../x", "é1", "33"])
def test_a_country_is_one_that_exists(country: str) -> None:
    assert fields_in_error(country=country) == ["country"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 201),
        ("name", "Camille\nBcc: everybody"),
        ("name", "Win at https://example.com"),
        ("line1", ""),
        ("line1", "\x00"),
        ("line2", "x" * 201),
        ("city", ""),
        ("city", "x" * 101),
        ("region", "Rhône\u2028Alpes"),
        ("phone", "12"),
        ("email", "nobody"),
    ],
)
def test_an_address_is_sound(field: str, value: str) -> None:
    assert fields_in_error(**{field: value}) == [field]


@given(values=st.fixed_dictionaries(dict.fromkeys(["name", "line1", "city", "postal_code", "country", "phone"], TEXTS)))
def test_whatever_is_written_there_is_an_address_or_is_not(values: dict[str, str]) -> None:
    address = normal_address(home(**values))

    assert {error["field"] for error in address_errors(address)} <= values.keys()
    assert normal_address(address) == address


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "camille"),
        ("email", "camille@éxample.com"),
        ("email", "camille@erased.invalid"),
        ("email", f"{'x' * 250}@example.com"),
        ("name", ""),
        ("name", "x" * 201),
        ("name", "Camille\r\nMartin"),
        ("name", "Win at https://example.com"),
        ("phone", "12"),
    ],
)
def test_details_are_sound(field: str, value: str) -> None:
    details = normal_customer(draft(**{field: value}), country="FR")

    assert [error["field"] for error in customer_errors(details)] == [field]


@given(name=TEXTS, email=TEXTS, phone=TEXTS)
def test_details_in_normal_form_stay_as_they_are(name: str, email: str, phone: str) -> None:
    details = normal_customer(draft(name=name, email=email, phone=phone), country="FR")

    if not customer_errors(details):
        assert normal_customer(details, country="DE") == details


# --- Codes and letters -----------------------------------------------------------------------------------------------


@given(owner=st.uuids(), token=st.text(string.ascii_letters + string.digits + "-_."))
def test_a_code_is_taken_apart_as_it_was_put_together(owner: UUID, token: str) -> None:
    assert parts_of(code_of(owner, token)) == (owner, token)


@pytest.mark.parametrize("code", ["", ".", "nonsense", "nonsense.token", "0190.token", "\x00"])
def test_what_names_nobody_is_no_code(code: str) -> None:
    assert parts_of(code) is None


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("letter", Letter)
def test_every_letter_is_written_in_every_language(letter: Letter, language: Language) -> None:
    subject, text = written(letter, language, name="Camille {x}", code="CODE")

    assert "\n" not in subject
    assert text.startswith(("Hello Camille {x},\n", "Bonjour Camille {x},\n"))
    assert ("CODE" in text) is (letter in {Letter.VERIFY_EMAIL, Letter.RESET_PASSWORD})
