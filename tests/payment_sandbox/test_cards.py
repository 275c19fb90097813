"""What can be a card, what is kept of it, and what each test card does when it is charged."""

import time
from typing import Any

import pytest

from tests.payment_sandbox.running import (
    APPROVED,
    DECLINED,
    EXPIRED,
    LATE,
    SILENT,
    SLOW,
    STUMBLING,
    WITHOUT_FUNDS,
    Running,
    Said,
)
from tests.processes import wait_until


def tokenise(sandbox: Running, **changes: Any) -> Said:
    card = {"number": APPROVED, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    return sandbox.call("POST", "/v1/tokens", {"card": card | changes})


@pytest.mark.parametrize(
    ("number", "brand", "last4"),
    [
        (APPROVED, "visa", "4242"),
        ("5555-5555-5555-4444", "mastercard", "4444"),
        ("2223003122003222", "mastercard", "3222"),
        ("378282246310005", "amex", "0005"),
        ("6011111111111117", "unknown", "1117"),
    ],
)
def test_a_card_becomes_a_token_that_tells_its_brand_and_last_digits(
    standing: Running, number: str, brand: str, last4: str
) -> None:
    said = tokenise(standing, number=number)

    assert said.status == 200
    assert said.body["id"].startswith("tok_")
    assert said.body["card"] == {"brand": brand, "last4": last4, "exp_month": 12, "exp_year": 2040}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "42424242"}, "incorrect_number"),
        ({"number": "no number at all"}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_month": 0}, "invalid_expiry_month"),
        ({"exp_year": 2020}, "expired_card"),
        ({"exp_year": 20}, "expired_card"),
        ({"exp_year": 3000}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
        ({"cvc": "12a"}, "invalid_cvc"),
    ],
)
def test_a_card_that_cannot_be_is_refused(standing: Running, changes: dict[str, Any], code: str) -> None:
    said = tokenise(standing, **changes)

    assert (said.status, said.body["error"]["code"]) == (402, code)


def test_a_card_is_good_until_the_end_of_its_month(standing: Running) -> None:
    now = time.gmtime()

    assert tokenise(standing, exp_month=now.tm_mon, exp_year=now.tm_year).status == 200


def test_a_number_is_kept_nowhere(sandbox: Running) -> None:
    sandbox.charge(sandbox.token("4000 0000 0000 9995"))
    tokenise(sandbox, number="4000000000009995 ", cvc="x")

    kept = b"".join(file.read_bytes() for file in sandbox.data.parent.iterdir() if file.is_file())
    assert b"insufficient_funds" in kept
    assert b"400000000000" not in kept
    assert b"4000 0000 0000" not in kept


def test_a_good_card_is_charged(standing: Running) -> None:
    said = standing.charge(standing.token(), key="one", amount=1999)

    assert (said.status, said.body["status"], said.body["amount"]) == (200, "succeeded", 1999)
    assert said.body["failure_code"] is None
    assert standing.charged("one") == [said.body]


@pytest.mark.parametrize(
    ("number", "code"),
    [(DECLINED, "card_declined"), (WITHOUT_FUNDS, "insufficient_funds"), (EXPIRED, "expired_card")],
)
def test_a_bad_card_is_not(standing: Running, number: str, code: str) -> None:
    said = standing.charge(standing.token(number))

    assert (said.status, said.body["status"], said.body["failure_code"]) == (200, "failed", code)


def test_a_slow_card_takes_three_seconds(standing: Running) -> None:
    token = standing.token(SLOW)
    before = time.monotonic()

    said = standing.charge(token)

    assert said.body["status"] == "succeeded"
    assert 3 <= time.monotonic() - before < 10


def test_a_silent_card_is_charged_though_no_answer_comes(sandbox: Running) -> None:
    token = sandbox.token(SILENT)

    with pytest.raises(TimeoutError):
        sandbox.charge(token, key="one", patience=0.5)

    (charge,) = sandbox.charged("one")
    assert charge["status"] == "succeeded"
    assert sandbox.charge(token, key="one").body == charge
    assert len(sandbox.charged("one")) == 1


def test_a_stumbling_card_fails_twice_without_being_charged(sandbox: Running) -> None:
    token = sandbox.token(STUMBLING)

    assert [sandbox.charge(token, key="one").status for _ in range(2)] == [500, 500]
    assert sandbox.charged("one") == []
    said = sandbox.charge(token, key="one")
    assert (said.status, said.body["status"]) == (200, "succeeded")
    assert sandbox.charged("one") == [said.body]


def test_a_late_card_is_pending_until_it_succeeds(sandbox: Running) -> None:
    token = sandbox.token(LATE)

    said = sandbox.charge(token, key="one")

    assert (said.status, said.body["status"]) == (200, "pending")
    wait_until(lambda: sandbox.charged("one")[0]["status"] == "succeeded")
    assert sandbox.charge(token, key="one").body == said.body | {"status": "succeeded"}
