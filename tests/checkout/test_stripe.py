"""Stripe as the checkout sees it: its own library, against a local server that answers as Stripe's documents show."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.core.exceptions import ImproperlyConfigured
from stripe import WebhookSignature

from checkout.interface import Card, CardInvalid, NoticeForged
from checkout.service.providers import Answer, Charge, Notice, Result, Unknown
from checkout.service.stripe import SEARCH_LAG, Stripe
from config.ports import free_port
from shared_kernel.ids import new_id

TEN = Decimal("10.00")
SECRET = "whsec_of_a_test"
NUMBER = "4242424242424242"
CARD = Card(number="4242 4242 4242 4242", expiry_month=3, expiry_year=2040, security_code="123")
PAYMENT_ID = new_id()
REFUND_ID = new_id()

CREATE = ("POST", "/v1/payment_intents")
SEARCH = ("GET", "/v1/payment_intents/search")
LIST = ("GET", "/v1/payment_intents")
RETRIEVE = ("GET", "/v1/payment_intents/pi_1")
TOKENISE = ("POST", "/v1/payment_methods")
REFUNDS = ("GET", "/v1/refunds")
REFUND = ("POST", "/v1/refunds")

NOTHING_FOUND = {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False, "data": []}
NONE = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": []}


@dataclass(frozen=True)
class Asked:
    """A call as the server heard it, with the fields of its form or its query."""

    call: tuple[str, str]
    fields: dict[str, str]
    headers: dict[str, str]


class Recorded:
    """Answers each call with the next of the answers recorded for it; an answer of None never comes."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[tuple[int, Any] | None]] = {}
        self.asked: list[Asked] = []
        recorded = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                self._answer(path, query)

            def do_POST(self) -> None:
                self._answer(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

            def _answer(self, path: str, fields: str) -> None:
                call = (self.command, path)
                recorded.asked.append(Asked(call, dict(parse_qsl(fields)), dict(self.headers)))
                answer = recorded.answers[call].pop(0)
                if answer is None:
                    time.sleep(1)
                    self.close_connection = True
                    return
                text = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(text)))
                self.send_header("Request-Id", "req_1")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's own name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=[0.05])
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, call: tuple[str, str], *answers: tuple[int, Any] | None) -> None:
        self.answers[call] = list(answers)

    def calls(self) -> list[tuple[str, str]]:
        return [asked.call for asked in self.asked]

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[Recorded]:
    recorded = Recorded()
    yield recorded
    recorded.stop()


@pytest.fixture
def provider(settings: Any, api: Recorded) -> Stripe:
    settings.COMPTOIR_STRIPE_KEY = "sk_test_of_a_test"
    settings.COMPTOIR_STRIPE_WEBHOOK_SECRET = SECRET
    settings.COMPTOIR_PAYMENT_TIMEOUT = 0.5
    return Stripe(api.address)


def intent(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A PaymentIntent as Stripe shows it."""
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1000,
        "amount_received": 1000 if status == "succeeded" else 0,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": 1_790_000_000,
        "currency": "eur",
        "customer": None,
        "last_payment_error": None,
        "latest_charge": "ch_1",
        "livemode": False,
        "metadata": {"comptoir_payment_id": str(PAYMENT_ID)},
        "next_action": None,
        "payment_method": "pm_1",
        "payment_method_types": ["card"],
        "status": status,
    } | changes


def refund(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 400,
        "charge": "ch_1",
        "currency": "eur",
        "metadata": {"comptoir_refund_id": str(REFUND_ID)},
        "payment_intent": "pi_1",
        "reason": None,
        "status": status,
    } | changes


def listed(*shown: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "url": "/v1/payment_intents", "has_more": more, "data": list(shown)}


def found(*shown: dict[str, Any]) -> dict[str, Any]:
    return NOTHING_FOUND | {"data": list(shown)}


def error(kind: str, **values: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "A message of Stripe's.", **values}}


def declined(code: str, **values: Any) -> dict[str, Any]:
    failed = intent("requires_payment_method", last_payment_error={"code": code, "type": "card_error", **values})
    return error("card_error", code=code, payment_intent=failed, **values)


def charge(provider: Stripe, amount: Decimal = TEN, currency: str = "EUR") -> Answer:
    return provider.charge(payment_id=PAYMENT_ID, amount=amount, currency=currency, token="pm_1")


def give_back(provider: Stripe) -> Answer:
    return provider.refund(refund_id=REFUND_ID, reference="pi_1", amount=Decimal("4.00"), currency="EUR")


def test_a_card_becomes_a_payment_method(provider: Stripe, api: Recorded) -> None:
    known = {"brand": "visa", "exp_month": 3, "exp_year": 2040, "funding": "credit", "last4": "4242"}
    api.on(TOKENISE, (200, {"id": "pm_1", "object": "payment_method", "type": "card", "card": known}))

    token = provider.tokenise(card=CARD)

    assert (token.token, token.brand, token.last4, token.expiry) == ("pm_1", "visa", "4242", "03/2040")
    (asked,) = api.asked
    assert asked.fields == {
        "type": "card",
        "card[number]": NUMBER,
        "card[exp_month]": "3",
        "card[exp_year]": "2040",
        "card[cvc]": "123",
    }
    assert asked.headers["Authorization"] == "Bearer sk_test_of_a_test"


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        (402, error("card_error", code="incorrect_number", param="number"), "incorrect_number"),
        (402, error("card_error", code="expired_card", param="exp_year"), "expired_card"),
        (
            400,
            error("invalid_request_error", code="parameter_invalid_empty", param="card[cvc]"),
            "parameter_invalid_empty",
        ),
    ],
)
def test_a_card_that_cannot_be_is_refused(provider: Stripe, api: Recorded, status: int, said: Any, reason: str) -> None:
    api.on(TOKENISE, (status, said))

    with pytest.raises(CardInvalid) as refused:
        provider.tokenise(card=CARD)

    assert refused.value.reason == reason


def test_an_account_that_may_not_take_numbers_is_not_the_cards_fault(provider: Stripe, api: Recorded) -> None:
    api.on(TOKENISE, (402, error("card_error", code="card_declined")), (400, error("invalid_request_error")))

    with pytest.raises(CardInvalid):
        provider.tokenise(card=CARD)
    with pytest.raises(Unknown, match="InvalidRequestError"):
        provider.tokenise(card=CARD)


def test_a_good_card_is_charged_at_once(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, (200, intent()))

    assert charge(provider) == Answer(Result.DONE, "pi_1")

    (asked,) = api.asked
    assert asked.headers["Idempotency-Key"] == str(PAYMENT_ID)
    assert asked.fields == {
        "amount": "1000",
        "currency": "eur",
        "payment_method": "pm_1",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "confirm": "true",
        "metadata[comptoir_payment_id]": str(PAYMENT_ID),
    }


@pytest.mark.parametrize(("currency", "amount", "units"), [("JPY", "1200.00", "1200"), ("KWD", "1.50", "1500")])
def test_an_amount_is_counted_in_the_currencys_smallest_unit(
    provider: Stripe, api: Recorded, currency: str, amount: str, units: str
) -> None:
    api.on(CREATE, (200, intent()))

    charge(provider, Decimal(amount), currency)

    assert (api.asked[0].fields["amount"], api.asked[0].fields["currency"]) == (units, currency.lower())


def test_an_amount_that_the_currency_has_not_is_never_sent(provider: Stripe, api: Recorded) -> None:
    with pytest.raises(ValueError, match=r"There is no 12\.50 JPY"):
        charge(provider, Decimal("12.50"), "JPY")

    assert api.asked == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (declined("card_declined", decline_code="insufficient_funds"), "insufficient_funds"),
        (declined("expired_card"), "expired_card"),
    ],
)
def test_a_bad_card_is_refused_with_the_reason(provider: Stripe, api: Recorded, said: Any, code: str) -> None:
    api.on(CREATE, (402, said))

    assert charge(provider) == Answer(Result.REFUSED, "pi_1", code)


def test_a_card_whose_bank_wants_to_know_who_pays_is_refused(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, (200, intent("requires_action", next_action={"type": "use_stripe_sdk"})))

    assert charge(provider) == Answer(Result.REFUSED, "pi_1", "authentication_required")


@pytest.mark.parametrize(
    ("status", "result"),
    [("processing", Result.UNDER_WAY), ("succeeded", Result.DONE), ("requires_payment_method", Result.REFUSED)],
)
def test_of_a_charge_under_way_stripe_is_asked_how_it_stands_now(
    provider: Stripe, api: Recorded, status: str, result: Result
) -> None:
    api.on(CREATE, (200, intent("processing")))
    api.on(RETRIEVE, (200, intent(status)))

    assert charge(provider).result is result


def test_an_amount_that_stripe_does_not_take_is_refused(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, (400, error("invalid_request_error", code="amount_too_small", param="amount")))
    api.on(SEARCH, (200, NOTHING_FOUND))
    api.on(LIST, (200, listed()))

    assert charge(provider) == Answer(Result.REFUSED, "", "amount_too_small")


def test_a_token_that_was_used_up_by_this_very_payment_tells_of_it(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, (400, error("invalid_request_error", param="payment_method")))
    api.on(SEARCH, (200, found(intent())))

    assert charge(provider) == Answer(Result.DONE, "pi_1")


def test_a_failure_of_stripes_tells_nothing(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, (500, error("api_error")))
    api.on(SEARCH, (200, NOTHING_FOUND))
    api.on(LIST, (200, listed()))

    with pytest.raises(Unknown, match="APIError"):
        charge(provider)


def test_a_failure_of_stripes_behind_which_the_charge_was_made_is_seen_through(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, (500, error("api_error")))
    api.on(SEARCH, (200, found(intent())))

    assert charge(provider) == Answer(Result.DONE, "pi_1")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, error("idempotency_error")),
        (401, error("invalid_request_error")),
        (403, error("invalid_request_error")),
        (429, error("rate_limit_error", code="rate_limit")),
    ],
)
def test_what_stripe_does_not_carry_out_now_tells_nothing(
    provider: Stripe, api: Recorded, status: int, said: Any
) -> None:
    api.on(CREATE, (status, said))

    with pytest.raises(Unknown):
        charge(provider)


def test_of_a_call_without_an_answer_nobody_knows(provider: Stripe, api: Recorded) -> None:
    api.on(CREATE, None, (200, intent()))

    with pytest.raises(Unknown):
        charge(provider)

    assert charge(provider) == Answer(Result.DONE, "pi_1")
    assert [asked.headers["Idempotency-Key"] for asked in api.asked] == [str(PAYMENT_ID)] * 2


@pytest.mark.parametrize(
    "call",
    [
        lambda provider: provider.tokenise(card=CARD),
        charge,
        lambda provider: provider.charged(payment_id=PAYMENT_ID),
        give_back,
        lambda provider: list(provider.charges()),
    ],
)
def test_without_stripe_nobody_knows(provider: Stripe, call: Callable[[Stripe], Any]) -> None:
    with pytest.raises(Unknown, match="APIConnectionError"):
        call(Stripe(f"http://127.0.0.1:{free_port()}"))


def test_without_a_key_nobody_knows(provider: Stripe, api: Recorded, settings: Any) -> None:
    settings.COMPTOIR_STRIPE_KEY = ""
    api.on(CREATE, (401, error("invalid_request_error")))

    with pytest.raises(Unknown):
        charge(Stripe(api.address))


def test_a_charge_is_found_by_our_id(provider: Stripe, api: Recorded) -> None:
    api.on(SEARCH, (200, found(intent())))

    assert provider.charged(payment_id=PAYMENT_ID) == Answer(Result.DONE, "pi_1")
    assert api.asked[0].fields["query"] == f"metadata['comptoir_payment_id']:'{PAYMENT_ID}'"


def test_of_several_the_one_that_succeeded_counts(provider: Stripe, api: Recorded) -> None:
    failed = intent("requires_payment_method", id="pi_0")
    api.on(SEARCH, (200, found(failed, intent())))

    assert provider.charged(payment_id=PAYMENT_ID) == Answer(Result.DONE, "pi_1")


def test_a_charge_too_young_to_be_found_is_looked_for_among_the_last_ones(provider: Stripe, api: Recorded) -> None:
    others = [intent(id="pi_2", metadata={"comptoir_payment_id": str(new_id())}), intent(id="pi_3", metadata={})]
    api.on(SEARCH, (200, NOTHING_FOUND))
    api.on(LIST, (200, listed(*others, more=True)), (200, listed(intent("processing"))))

    assert provider.charged(payment_id=PAYMENT_ID) == Answer(Result.UNDER_WAY, "pi_1")
    assert api.calls() == [SEARCH, LIST, LIST]
    assert abs(int(api.asked[1].fields["created[gte]"]) - (time.time() - SEARCH_LAG)) < 30
    assert api.asked[2].fields["starting_after"] == "pi_3"


def test_a_charge_that_stripe_never_heard_of_is_none(provider: Stripe, api: Recorded) -> None:
    api.on(SEARCH, (200, NOTHING_FOUND))
    api.on(LIST, (200, listed(intent(metadata={}))))

    assert provider.charged(payment_id=PAYMENT_ID) is None


def test_money_goes_back(provider: Stripe, api: Recorded) -> None:
    other = refund(id="re_0", metadata={"comptoir_refund_id": str(new_id())})
    api.on(REFUNDS, (200, NONE | {"data": [other, refund(id="re_9", metadata={})]}))
    api.on(REFUND, (200, refund()))

    assert give_back(provider) == Answer(Result.DONE, "re_1")

    asked = api.asked[1]
    assert asked.headers["Idempotency-Key"] == str(REFUND_ID)
    assert asked.fields == {
        "payment_intent": "pi_1",
        "amount": "400",
        "metadata[comptoir_refund_id]": str(REFUND_ID),
    }


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        (refund(), Answer(Result.DONE, "re_1")),
        (refund("pending"), Answer(Result.UNDER_WAY, "re_1")),
        (refund("failed", failure_reason="lost_or_stolen_card"), Answer(Result.REFUSED, "re_1", "lost_or_stolen_card")),
    ],
)
def test_a_refund_that_was_made_is_not_made_again(provider: Stripe, api: Recorded, shown: Any, answer: Answer) -> None:
    api.on(REFUNDS, (200, NONE | {"data": [shown]}))

    assert give_back(provider) == answer
    assert api.calls() == [REFUNDS]


def test_no_more_goes_back_than_came_in(provider: Stripe, api: Recorded) -> None:
    api.on(REFUNDS, (200, NONE))
    api.on(REFUND, (400, error("invalid_request_error", code="charge_already_refunded")))

    assert give_back(provider) == Answer(Result.REFUSED, "", "charge_already_refunded")


def test_all_charges_are_there_page_after_page(provider: Stripe, api: Recorded) -> None:
    other = new_id()
    part_back = intent(latest_charge={"id": "ch_1", "object": "charge", "amount_refunded": 400})
    failed = intent(
        "requires_payment_method", id="pi_2", metadata={"comptoir_payment_id": str(other)}, latest_charge=None
    )
    foreign = intent(id="pi_3", metadata={}, currency="jpy", latest_charge={"amount_refunded": 0})
    api.on(LIST, (200, listed(part_back, failed, more=True)), (200, listed(foreign)))

    assert list(provider.charges()) == [
        Charge(PAYMENT_ID, "pi_1", Result.DONE, TEN, Decimal("4.00")),
        Charge(other, "pi_2", Result.REFUSED, TEN, Decimal("0.00")),
        Charge(None, "pi_3", Result.DONE, Decimal("1000.00"), Decimal("0.00")),
    ]
    assert api.asked[1].fields == {"limit": "100", "expand[0]": "data.latest_charge", "starting_after": "pi_2"}


def event(kind: str, shown: dict[str, Any]) -> bytes:
    return json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": 1_790_000_000,
            "data": {"object": shown},
            "livemode": False,
            "type": kind,
        }
    ).encode()


def signed(body: bytes, *, secret: str = SECRET, age: int = 0) -> str:
    header: str = WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age)
    return header


FAILED = intent(
    "requires_payment_method",
    last_payment_error={"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"},
)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (event("payment_intent.succeeded", intent()), Answer(Result.DONE, "pi_1")),
        (event("payment_intent.payment_failed", FAILED), Answer(Result.REFUSED, "pi_1", "insufficient_funds")),
        (event("payment_intent.canceled", intent("canceled")), Answer(Result.REFUSED, "pi_1")),
    ],
)
def test_a_webhook_tells_of_a_charge(provider: Stripe, body: bytes, answer: Answer) -> None:
    assert provider.read(body=body, signature=signed(body)) == Notice(PAYMENT_ID, answer)


@pytest.mark.parametrize(
    "body",
    [
        event("payment_intent.created", intent("requires_confirmation")),
        event("payment_intent.succeeded", intent(metadata={})),
        event("customer.created", {"id": "cus_1", "object": "customer"}),
    ],
)
def test_other_webhooks_are_of_no_interest(provider: Stripe, body: bytes) -> None:
    assert provider.read(body=body, signature=signed(body)) is None


BODY = event("payment_intent.succeeded", intent())


@pytest.mark.parametrize(
    "forged",
    ["", "t=1,v1=1", "é", "t=1,v1=é", signed(b"{}"), signed(BODY, secret="another"), signed(BODY, age=400)],
    ids=["empty", "guess", "no ASCII", "half a guess", "of another body", "by another", "too old"],
)
def test_a_webhook_that_is_not_signed_like_this_is_forged(provider: Stripe, forged: str) -> None:
    with pytest.raises(NoticeForged):
        provider.read(body=BODY, signature=forged)


def test_a_webhook_that_is_no_text_is_forged(provider: Stripe) -> None:
    with pytest.raises(NoticeForged):
        provider.read(body=b"\xff", signature=signed(b"{}"))


def test_without_a_secret_every_webhook_is_forged(provider: Stripe, settings: Any) -> None:
    settings.COMPTOIR_STRIPE_WEBHOOK_SECRET = ""

    with pytest.raises(NoticeForged):
        provider.read(body=BODY, signature=signed(BODY, secret=""))


def test_a_cards_number_is_in_no_text(
    provider: Stripe, api: Recorded, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="")
    repeated = error("invalid_request_error", param="card") | {"sent": NUMBER}
    repeated["error"]["message"] = f"{NUMBER} is not to be sent like this."
    api.on(TOKENISE, (400, repeated), (402, error("card_error", code="invalid_number", param=NUMBER)))

    with pytest.raises(Unknown) as unknown:
        provider.tokenise(card=CARD)
    with pytest.raises(CardInvalid) as invalid:
        provider.tokenise(card=CARD)
    logging.getLogger("comptoir.test").error("refused", exc_info=unknown.value)
    logging.getLogger("comptoir.test").error("refused", exc_info=invalid.value)

    assert "req_1" in str(unknown.value)
    assert "4242" not in caplog.text + capfd.readouterr().err + repr(CARD) + repr(unknown.value) + repr(invalid.value)


def test_a_library_that_would_print_numbers_is_not_started(monkeypatch: pytest.MonkeyPatch, provider: Stripe) -> None:
    monkeypatch.setenv("STRIPE_LOG", "debug")

    with pytest.raises(ImproperlyConfigured, match="STRIPE_LOG"):
        Stripe()
