"""The payment sandbox as the checkout sees it: real HTTP to a real process."""

import copy
import json
import logging
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checkout.interface import Card, CardInvalid, NoticeForged
from checkout.service.providers import Answer, Charge, Notice, Result, Unknown
from checkout.service.sandbox import Sandbox
from config.ports import free_port
from payment_sandbox.webhooks import signature
from shared_kernel.ids import new_id
from tests.payment_sandbox.running import (
    APPROVED,
    DECLINED,
    LATE,
    SECRET,
    SILENT,
    SLOW,
    STUMBLING,
    WITHOUT_FUNDS,
    Hearer,
    Running,
    running,
)
from tests.processes import wait_until

TEN = Decimal("10.00")


def card(number: str = APPROVED, **changes: Any) -> Card:
    values = {"number": number, "expiry_month": 3, "expiry_year": 2040, "security_code": "123"}
    return Card(**values | changes)


@pytest.fixture(scope="module")
def hearer() -> Iterator[Hearer]:
    hearer = Hearer()
    yield hearer
    hearer.stop()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, hearer: Hearer) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("sandbox"), free_port(), hearer.address) as process:
        yield process


@pytest.fixture
def provider(settings: Any, process: Running) -> Sandbox:
    settings.COMPTOIR_SANDBOX_URL = process.address
    settings.COMPTOIR_SANDBOX_SECRET = SECRET
    settings.COMPTOIR_PAYMENT_TIMEOUT = 5
    return Sandbox()


def charge(provider: Sandbox, number: str = APPROVED, **changes: Any) -> Answer:
    token = provider.tokenise(card=card(number)).token
    values = {"payment_id": new_id(), "amount": TEN, "currency": "EUR", "token": token}
    return provider.charge(**values | changes)


def test_a_card_becomes_a_token(provider: Sandbox) -> None:
    token = provider.tokenise(card=card())

    assert token.token.startswith("tok_")
    assert (token.brand, token.last4, token.expiry) == ("visa", "4242", "03/2040")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"expiry_year": 2020}, "expired_card"),
        ({"security_code": "1"}, "invalid_cvc"),
    ],
)
def test_a_card_that_cannot_be_is_refused_without_its_number(
    provider: Sandbox, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CardInvalid) as refused:
        provider.tokenise(card=card(**changes))

    assert refused.value.reason == reason
    assert "4242" not in str(refused.value) + repr(refused.value)


def test_a_good_card_is_charged_once(provider: Sandbox, process: Running) -> None:
    payment_id, token = new_id(), provider.tokenise(card=card()).token

    answers = [
        provider.charge(payment_id=payment_id, amount=Decimal("19.99"), currency="EUR", token=token) for _ in range(3)
    ]

    (kept,) = process.charged(str(payment_id))
    assert answers == [Answer(Result.DONE, kept["id"])] * 3
    assert (kept["amount"], kept["currency"], kept["metadata"]) == (1999, "eur", {"payment_id": str(payment_id)})


@pytest.mark.parametrize(("currency", "amount", "units"), [("JPY", "1200.00", 1200), ("KWD", "1.50", 1500)])
def test_an_amount_is_counted_in_the_currencys_smallest_unit(
    provider: Sandbox, process: Running, currency: str, amount: str, units: int
) -> None:
    payment_id = new_id()

    answer = charge(provider, payment_id=payment_id, amount=Decimal(amount), currency=currency)
    provider.refund(refund_id=new_id(), reference=answer.reference, amount=Decimal(amount), currency=currency)

    (kept,) = process.charged(str(payment_id))
    assert (kept["amount"], kept["amount_refunded"]) == (units, units)
    (known,) = [known for known in provider.charges() if known.payment_id == payment_id]
    assert (known.amount, known.refunded) == (Decimal(amount), Decimal(amount))


def test_an_amount_that_the_currency_has_not_is_never_sent(provider: Sandbox, process: Running) -> None:
    payment_id = new_id()

    with pytest.raises(ValueError, match=r"There is no 12\.50 JPY"):
        charge(provider, payment_id=payment_id, amount=Decimal("12.50"), currency="JPY")

    assert process.charged(str(payment_id)) == []


@pytest.mark.parametrize(("number", "code"), [(DECLINED, "card_declined"), (WITHOUT_FUNDS, "insufficient_funds")])
def test_a_bad_card_is_refused_with_the_reason(provider: Sandbox, number: str, code: str) -> None:
    answer = charge(provider, number)

    assert (answer.result, answer.code) == (Result.REFUSED, code)
    assert answer.reference.startswith("ch_")


def test_an_unknown_token_is_refused(provider: Sandbox) -> None:
    assert charge(provider, token="tok_unknown") == Answer(Result.REFUSED, "", "resource_missing")


def test_a_slow_answer_is_waited_for(provider: Sandbox) -> None:
    assert charge(provider, SLOW).result is Result.DONE


def test_of_a_charge_without_an_answer_nobody_knows_until_it_is_repeated(
    provider: Sandbox, process: Running, settings: Any
) -> None:
    settings.COMPTOIR_PAYMENT_TIMEOUT = 0.5
    hasty, payment_id = Sandbox(), new_id()
    token = hasty.tokenise(card=card(SILENT)).token

    with pytest.raises(Unknown):
        charge(hasty, payment_id=payment_id, token=token)

    assert charge(provider, payment_id=payment_id, token=token).result is Result.DONE
    assert len(process.charged(str(payment_id))) == 1


def test_a_failure_of_the_provider_tells_nothing(provider: Sandbox, process: Running) -> None:
    payment_id, token = new_id(), provider.tokenise(card=card(STUMBLING)).token

    for _ in range(2):
        with pytest.raises(Unknown, match="status 500"):
            charge(provider, payment_id=payment_id, token=token)
        assert process.charged(str(payment_id)) == []

    assert charge(provider, payment_id=payment_id, token=token).result is Result.DONE
    assert len(process.charged(str(payment_id))) == 1


def test_a_payments_id_cannot_stand_for_something_else(provider: Sandbox, process: Running) -> None:
    payment_id, token = new_id(), provider.tokenise(card=card()).token
    charge(provider, payment_id=payment_id, token=token)

    with pytest.raises(Unknown):
        charge(provider, payment_id=payment_id, token=token, amount=Decimal("10.01"))

    assert [kept["amount"] for kept in process.charged(str(payment_id))] == [1000]


def test_a_late_charge_is_under_way_until_it_is_done(provider: Sandbox) -> None:
    payment_id, token = new_id(), provider.tokenise(card=card(LATE)).token

    answer = charge(provider, payment_id=payment_id, token=token)

    assert answer.result is Result.UNDER_WAY
    done = Answer(Result.DONE, answer.reference)
    wait_until(lambda: charge(provider, payment_id=payment_id, token=token) == done)


def test_without_a_provider_nobody_knows(provider: Sandbox, settings: Any) -> None:
    settings.COMPTOIR_SANDBOX_URL = f"http://127.0.0.1:{free_port()}"

    for call in [
        lambda: provider.tokenise(card=card()),
        lambda: provider.charge(payment_id=new_id(), amount=TEN, currency="EUR", token="tok_1"),
        lambda: provider.refund(refund_id=new_id(), reference="ch_1", amount=TEN, currency="EUR"),
        lambda: list(provider.charges()),
    ]:
        with pytest.raises(Unknown):
            call()


def test_with_another_secret_nobody_knows(provider: Sandbox, settings: Any) -> None:
    settings.COMPTOIR_SANDBOX_SECRET = "another"

    with pytest.raises(Unknown, match="status 401"):
        Sandbox().tokenise(card=card())


def test_after_a_restart_the_next_call_is_answered(provider: Sandbox, process: Running) -> None:
    payment_id, token = new_id(), provider.tokenise(card=card()).token
    answer = charge(provider, payment_id=payment_id, token=token)
    process.kill()
    process.start()

    assert charge(provider, payment_id=payment_id, token=token) == answer


def test_money_goes_back_once(provider: Sandbox, process: Running) -> None:
    payment_id, refund_id = new_id(), new_id()
    reference = charge(provider, payment_id=payment_id).reference

    answers = [
        provider.refund(refund_id=refund_id, reference=reference, amount=Decimal("4.00"), currency="EUR")
        for _ in range(2)
    ]

    assert answers == [Answer(Result.DONE, answers[0].reference)] * 2
    assert [kept["amount_refunded"] for kept in process.charged(str(payment_id))] == [400]


def test_no_more_goes_back_than_came_in(provider: Sandbox, process: Running) -> None:
    payment_id = new_id()
    reference = charge(provider, payment_id=payment_id).reference

    answer = provider.refund(refund_id=new_id(), reference=reference, amount=Decimal("10.01"), currency="EUR")

    assert answer == Answer(Result.REFUSED, "", "amount_too_large")
    assert [kept["amount_refunded"] for kept in process.charged(str(payment_id))] == [0]


def test_all_charges_are_there_page_after_page(provider: Sandbox, process: Running) -> None:
    payment_ids, token = [new_id() for _ in range(101)], provider.tokenise(card=card()).token
    for payment_id in payment_ids:
        charge(provider, payment_id=payment_id, token=token)
    reference = charge(provider, DECLINED, payment_id=(declined := new_id())).reference
    stranger = process.charge(token, amount=700).body["id"]

    known = {charge.reference: charge for charge in provider.charges()}

    mine = [charge for charge in known.values() if charge.payment_id in payment_ids]
    assert {charge.payment_id for charge in mine} == set(payment_ids)
    assert {(charge.result, charge.amount, charge.refunded) for charge in mine} == {(Result.DONE, TEN, Decimal("0.00"))}
    assert known[reference] == Charge(declined, reference, Result.REFUSED, TEN, Decimal("0.00"))
    assert known[stranger] == Charge(None, stranger, Result.DONE, Decimal("7.00"), Decimal("0.00"))


def test_a_webhook_tells_of_a_charge(provider: Sandbox, hearer: Hearer) -> None:
    payment_id = new_id()
    answer = charge(provider, DECLINED, payment_id=payment_id)
    wait_until(lambda: answer.reference in hearer.times())

    (told,) = [heard for heard in hearer.heard if answer.reference.encode() in heard[0]]

    assert provider.read(body=told[0], signature=told[1]) == Notice(payment_id, answer)


def notice(payment_id: str = "") -> bytes:
    metadata = {"payment_id": payment_id} if payment_id else {}
    shown = {"id": "ch_1", "status": "succeeded", "failure_code": None, "metadata": metadata}
    return json.dumps({"type": "charge.succeeded", "data": {"object": shown}}).encode()


def test_a_webhook_about_somebody_elses_charge_is_of_no_interest(provider: Sandbox) -> None:
    assert provider.read(body=notice(), signature=signature(notice(), SECRET, time.time())) is None


def test_without_an_address_nobody_knows(settings: Any) -> None:
    settings.COMPTOIR_SANDBOX_URL = ""

    with pytest.raises(Unknown, match="There is no payment sandbox"):
        Sandbox().tokenise(card=Card("4242424242424242", 12, 2030, "123"))


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "t=1,v1=1",
        "é",
        signature(notice(str(new_id())), SECRET, time.time()),
        signature(notice(), "another", time.time()),
        signature(notice(), SECRET, time.time() - 400),
        signature(notice(), SECRET, time.time()).replace("t=1", "t=2"),
    ],
    ids=["empty", "guess", "no ASCII", "of another body", "by another", "too old", "of another time"],
)
def test_a_webhook_that_is_not_signed_like_this_is_forged(provider: Sandbox, forged: str) -> None:
    with pytest.raises(NoticeForged):
        provider.read(body=notice(), signature=forged)


def test_a_cards_number_is_in_no_text(
    provider: Sandbox, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="")
    texts = [repr(card())]
    provider.tokenise(card=card())
    settings.COMPTOIR_SANDBOX_URL = "http://127.0.0.1:9"
    with pytest.raises(Unknown) as unknown:
        provider.tokenise(card=card())
    error: BaseException | None = copy.copy(unknown.value)
    while error:
        texts += [str(error), repr(error)]
        error = error.__cause__ or error.__context__

    assert "4242" not in "".join(texts) + caplog.text
