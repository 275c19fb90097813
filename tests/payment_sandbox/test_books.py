"""A key does one thing once, no more goes back than came in, and whoever does not know the secret gets nothing."""

from typing import Any

import pytest

from tests.payment_sandbox.running import APPROVED, DECLINED, LATE, Running
from tests.threads import at_once


def test_a_key_is_charged_once_and_gets_the_same_answer(sandbox: Running) -> None:
    token = sandbox.token()

    answers = [sandbox.charge(token, key="one") for _ in range(3)]

    assert answers == [answers[0]] * 3
    assert sandbox.charged("one") == [answers[0].body]


def test_equal_calls_at_one_moment_charge_once(sandbox: Running) -> None:
    token = sandbox.token()

    answers = at_once([lambda: sandbox.charge(token, key="one")] * 16)

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(sandbox.call("GET", "/v1/charges").body["data"]) == 1


def test_a_key_cannot_stand_for_something_else(sandbox: Running) -> None:
    token = sandbox.token()
    first = sandbox.charge(token, key="one", amount=1000)

    said = sandbox.charge(token, key="one", amount=1001)

    assert (said.status, said.body["error"]["code"]) == (400, "idempotency_key_reused")
    assert sandbox.charged("one") == [first.body]


def test_all_charges_are_listed_in_pages(sandbox: Running) -> None:
    token = sandbox.token()
    made = [sandbox.charge(token).body["id"] for _ in range(5)]

    first = sandbox.call("GET", "/v1/charges?limit=3").body
    second = sandbox.call("GET", f"/v1/charges?limit=3&starting_after={made[2]}").body

    assert [charge["id"] for charge in first["data"]] == made[:3]
    assert [charge["id"] for charge in second["data"]] == made[3:]
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_money_goes_back_in_parts_and_each_once(sandbox: Running) -> None:
    charge = sandbox.charge(sandbox.token(), key="one", amount=1000).body["id"]

    first = sandbox.refund(charge, 400, key="first")
    again = sandbox.refund(charge, 400, key="first")
    rest = sandbox.refund(charge, 600, key="rest")

    assert first == again
    assert (first.status, first.body["status"], first.body["amount"]) == (200, "succeeded", 400)
    assert rest.status == 200
    assert sandbox.charged("one")[0]["amount_refunded"] == 1000


def test_no_more_goes_back_than_came_in(sandbox: Running) -> None:
    charge = sandbox.charge(sandbox.token(), key="one", amount=1000).body["id"]
    sandbox.refund(charge, 400)

    said = sandbox.refund(charge, 601)

    assert (said.status, said.body["error"]["code"]) == (400, "amount_too_large")
    assert sandbox.charged("one")[0]["amount_refunded"] == 400


def test_refunds_at_one_moment_do_not_exceed_the_charge(sandbox: Running) -> None:
    charge = sandbox.charge(sandbox.token(), key="one", amount=1000).body["id"]

    answers = at_once([lambda: sandbox.refund(charge, 300)] * 8)

    assert sorted(answer.status for answer in answers) == [200] * 3 + [400] * 5
    assert sandbox.charged("one")[0]["amount_refunded"] == 900


def test_a_refunds_key_cannot_stand_for_something_else(sandbox: Running) -> None:
    charge = sandbox.charge(sandbox.token(), key="one", amount=1000).body["id"]
    sandbox.refund(charge, 300, key="back")

    said = sandbox.refund(charge, 301, key="back")

    assert (said.status, said.body["error"]["code"]) == (400, "idempotency_key_reused")
    assert sandbox.charged("one")[0]["amount_refunded"] == 300


@pytest.mark.parametrize("number", [DECLINED, LATE])
def test_what_took_no_money_gives_none_back(sandbox: Running, number: str) -> None:
    charge = sandbox.charge(sandbox.token(number)).body["id"]

    said = sandbox.refund(charge, 1)

    assert (said.status, said.body["error"]["code"]) == (400, "charge_not_succeeded")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/charges"), ("POST", "/v1/tokens"), ("POST", "/v1/charges"), ("POST", "/v1/refunds")],
)
@pytest.mark.parametrize("secret", ["", "another", "é"])
def test_whoever_does_not_know_the_secret_gets_nothing(standing: Running, method: str, path: str, secret: str) -> None:
    said = standing.call(method, path, {}, secret=secret, key="one")

    assert (said.status, said.body["error"]["code"]) == (401, "authentication_required")


CHARGE = {"amount": 1000, "currency": "eur", "source": "tok_unknown"}
CARD = {"number": APPROVED, "exp_month": 12, "exp_year": 2040, "cvc": "123"}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/charges", CHARGE, "resource_missing"),
        ("/v1/charges", CHARGE | {"amount": 0}, "invalid_amount"),
        ("/v1/charges", CHARGE | {"amount": 100_000_000}, "invalid_amount"),
        ("/v1/charges", CHARGE | {"amount": 9.99}, "invalid_request"),
        ("/v1/charges", CHARGE | {"amount": True}, "invalid_request"),
        ("/v1/charges", CHARGE | {"currency": "euros"}, "invalid_currency"),
        ("/v1/charges", CHARGE | {"metadata": []}, "invalid_request"),
        ("/v1/refunds", {"charge": "ch_unknown", "amount": 1}, "resource_missing"),
        ("/v1/tokens", {"card": CARD | {"number": 4242424242424242}}, "invalid_request"),
        ("/v1/tokens", {}, "invalid_request"),
        ("/v1/charges", b"not JSON", "invalid_json"),
        ("/v1/charges", b"[" * 60_000, "invalid_json"),
        ("/v1/charges", b'{"source": "\\ud800"}', "invalid_json"),
        ("/v1/charges", [1], "invalid_json"),
    ],
)
def test_what_makes_no_sense_is_refused(standing: Running, path: str, body: Any, code: str) -> None:
    said = standing.call("POST", path, body, key="one")

    assert (said.status, said.body["error"]["code"]) == (400, code)
    assert standing.call("GET", "/v1/charges").body["data"] == []


def test_a_charge_needs_a_key(standing: Running) -> None:
    said = standing.call("POST", "/v1/charges", CHARGE | {"source": standing.token()})

    assert (said.status, said.body["error"]["code"]) == (400, "idempotency_key_required")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many"])
def test_a_page_has_up_to_a_hundred_charges(standing: Running, query: str) -> None:
    said = standing.call("GET", f"/v1/charges?{query}")

    assert (said.status, said.body["error"]["code"]) == (400, "invalid_limit")


def test_a_page_begins_after_a_charge_that_is_known(standing: Running) -> None:
    said = standing.call("GET", "/v1/charges?starting_after=ch_unknown")

    assert (said.status, said.body["error"]["code"]) == (400, "resource_missing")


def test_there_is_nothing_elsewhere(standing: Running) -> None:
    assert standing.call("GET", "/v1/tokens").status == 404


def test_a_body_that_is_too_large_is_not_read(standing: Running) -> None:
    assert standing.call("POST", "/v1/tokens", b" " * 65_537).status == 413
