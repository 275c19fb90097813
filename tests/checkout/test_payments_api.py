"""Paying an order over REST, what became of it, and what the payment provider tells by itself."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from accounts.interface import Role
from checkout.interface import OrderStatus, PaymentState, checkout
from checkout.service import settling
from checkout.service.providers import Answer, Result
from checkout.service.sandbox import Sandbox
from inventory.interface import inventory
from payment_sandbox.webhooks import signature
from shared_kernel.ids import new_id
from tests.chain import client_of, post
from tests.checkout.actions import A_WHILE, NOW, Shop, order, pay
from tests.checkout.bank import FORGED, Bank
from tests.checkout.web import (
    CARD,
    bought,
    call,
    guest,
    invalid_fields,
    nothing_changes,
    once,
    ordered,
    paid,
    refusal_of,
    reseller,
    shopper,
)

pytestmark = pytest.mark.django_db

NOTICES = "/api/v1/payments/notices/"
SECRET = "a secret of this test"


def buyer(who: str, shop: Shop) -> tuple[UUID, Client]:
    """An order, and a client of whoever placed it."""
    if who == "reseller":
        client = reseller()
        return ordered(client, (shop.product, 1)), client
    cart, client = guest((shop.product, 1)) if who == "guest" else shopper((shop.product, 1))
    return bought(cart, client), client


def tell(payment_id: UUID, sign: str = "", content_type: str = "application/json") -> Any:
    """What the bank tells of a payment by itself."""
    headers = {"Stripe-Signature": sign}
    return Client().post(NOTICES, str(payment_id), content_type=content_type, headers=headers)


# --- Paying ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["guest", "customer", "reseller"])
def test_a_buyer_pays_and_asks_what_became_of_it(who: str) -> None:
    shop = Shop()
    order_id, client = buyer(who, shop)

    answer = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD})

    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    assert answer.json() == {"job_id": job_id, "order_id": str(order_id)}
    outcome = {
        "id": job_id,
        "order_id": str(order_id),
        "state": "queued",
        "amount": "10.00",
        "brand": "Visa",
        "last4": "4242",
        "expiry": "12/2030",
        "code": "",
    }
    queued = call(client, "GET", f"/jobs/{job_id}/").json()
    started_at = queued["outcome"].pop("started_at")
    assert queued == {"job_id": job_id, "status": "queued", "outcome": outcome}

    checkout.charge(payment_id=UUID(job_id), now=NOW)

    done = call(client, "GET", f"/jobs/{job_id}/").json()
    expected = outcome | {"state": "succeeded", "started_at": started_at}
    assert done == {"job_id": job_id, "status": "succeeded", "outcome": expected}
    shown = call(client, "GET", f"/orders/{order_id}/").json()
    assert (shown["status"], shown["payments"]) == ("paid", [expected])
    assert shop.shelf() == (9, 0)


def test_a_declined_card_says_why_and_another_pays(bank: Bank) -> None:
    order_id, client = buyer("guest", Shop())
    bank.says = [Answer(Result.REFUSED, "ch_1", "insufficient_funds")]
    job_id = paid(client, order_id)
    checkout.charge(payment_id=job_id, now=NOW)

    job = call(client, "GET", f"/jobs/{job_id}/").json()
    assert (job["status"], job["outcome"]["code"]) == ("failed", "insufficient_funds")
    checkout.charge(payment_id=paid(client, order_id), now=NOW)
    shown = call(client, "GET", f"/orders/{order_id}/").json()
    assert shown["status"] == "paid"
    assert [payment["state"] for payment in shown["payments"]] == ["failed", "succeeded"]


def test_the_office_pays_for_somebody_on_the_telephone() -> None:
    order_id, client = buyer("guest", Shop())

    job_id = paid(client_of(Role.HEAD_OFFICE), order_id)

    assert call(client, "GET", f"/jobs/{job_id}/").status_code == 200


def test_a_job_is_seen_by_whoever_sees_the_order() -> None:
    shop = Shop()
    for who in ("guest", "customer", "reseller"):
        order_id, client = buyer(who, shop)
        job_id = paid(client, order_id)
        seeing = [client, client_of(Role.HEAD_OFFICE), client_of(Role.WAREHOUSE)]
        strangers = [Client(), guest()[1], shopper()[1], reseller(), client_of(Role.CASHIER, shop.lyon)]
        assert [call(each, "GET", f"/jobs/{job_id}/").status_code for each in seeing] == [200, 200, 200]
        for stranger in strangers:
            assert call(stranger, "GET", f"/jobs/{job_id}/").status_code == 404
    assert refusal_of(call(client_of(Role.HEAD_OFFICE), "GET", f"/jobs/{new_id()}/")) == (404, "job_not_found")


# --- Sent twice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["guest", "customer", "reseller"])
def test_a_payment_sent_twice_under_one_key_is_one(who: str, bank: Bank) -> None:
    order_id, client = buyer(who, Shop())
    key, path = once(), f"/orders/{order_id}/payment/"
    first = call(client, "POST", path, {"card": CARD}, **key)

    with nothing_changes():
        again = call(client, "POST", path, {"card": CARD}, **key)
        reused = call(client, "POST", path, {"card": CARD | {"number": "4000056655665556"}}, **key)

    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert refusal_of(reused) == (422, "idempotency_key_reused")
    checkout.charge(payment_id=UUID(first.json()["job_id"]), now=NOW)
    assert call(client, "POST", path, {"card": CARD}, **key).json() == first.json()
    assert len(bank.book) == 1


def test_a_second_payment_waits_and_a_third_is_too_late() -> None:
    order_id, client = buyer("guest", Shop())
    job_id = paid(client, order_id)

    with nothing_changes():
        running = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD}, **once())
    assert refusal_of(running) == (409, "payment_running")
    assert running.json()["job_id"] == str(job_id)
    checkout.charge(payment_id=job_id, now=NOW)
    with nothing_changes():
        late = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD}, **once())
    assert refusal_of(late) == (409, "order_not_pending")
    assert late.json()["order_status"] == "paid"


# --- Refused --------------------------------------------------------------------------------------------------------


def test_a_card_that_cannot_be_is_refused() -> None:
    order_id, client = buyer("guest", Shop())

    with nothing_changes():
        answer = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD | {"number": "4242424242424241"}})
    assert refusal_of(answer) == (422, "card_invalid")
    assert answer.json()["reason"] == "incorrect_number"


def test_when_the_provider_is_away_the_order_stays_as_it_was(bank: Bank) -> None:
    order_id, client = buyer("guest", Shop())
    key, path = once(), f"/orders/{order_id}/payment/"
    bank.away = True

    with nothing_changes():
        answer = call(client, "POST", path, {"card": CARD}, **key)
    assert refusal_of(answer) == (503, "provider_away")
    bank.away = False
    assert call(client, "POST", path, {"card": CARD}, **key).status_code == 202


def test_goods_that_are_gone_are_not_paid_for(bank: Bank) -> None:
    shop = Shop(1)
    order_id, client = buyer("guest", shop)
    late = datetime.now(UTC) + A_WHILE
    inventory.clear_expired(now=late)
    pay(order((shop.product, 1), now=late))

    with nothing_changes():
        answer = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD})
    assert refusal_of(answer) == (409, "insufficient_stock")
    assert len(bank.book) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "4242"}, "card.number"),
        ({"number": "4242-4242-4242-4242"}, "card.number"),
        ({"number": 4242424242424242}, "card.number"),
        ({"expiry_month": 13}, "card.expiry_month"),
        ({"expiry_month": True}, "card.expiry_month"),
        ({"expiry_year": 30}, "card.expiry_year"),
        ({"security_code": "12"}, "card.security_code"),
        ({"security_code": None}, "card.security_code"),
        ({"amount": "0.01"}, "card.amount"),
    ],
)
def test_what_is_no_card_is_refused_without_repeating_it(change: dict[str, Any], field: str) -> None:
    order_id, client = buyer("guest", Shop())

    with nothing_changes():
        answer = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD | change})
    assert invalid_fields(answer) == [field]
    assert "4242" not in answer.content.decode()


@pytest.mark.parametrize("field", ["amount", "status", "total", "customer_id", "token"])
def test_a_payment_is_of_nothing_but_a_card(field: str) -> None:
    order_id, client = buyer("guest", Shop())

    with nothing_changes():
        answer = call(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD, field: "0.01"})
    assert invalid_fields(answer) == [field]


# --- The card is kept nowhere ---------------------------------------------------------------------------------------


def test_no_row_holds_a_cards_number_or_its_code() -> None:
    order_id, client = buyer("guest", Shop())
    card = CARD | {"number": "4000 0566 5566 5556", "security_code": "739"}
    assert call(client, "POST", f"/orders/{order_id}/payment/", {"card": card}, **once()).status_code == 202

    rows = everything_written()

    assert '"Visa"' in rows
    assert '"5556"' in rows
    for secret in ("4000056655665556", "4000 0566", "00566", '"739"'):
        assert secret not in rows


def everything_written() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute(" UNION ALL ".join(f"SELECT to_jsonb(t)::text FROM {table} t" for table in tables))
        return "\n".join(row for (row,) in cursor.fetchall())


# --- What the provider tells by itself ------------------------------------------------------------------------------


def test_what_the_provider_tells_settles_a_payment_once() -> None:
    shop = Shop()
    order_id, client = buyer("guest", shop)
    job_id = paid(client, order_id)

    first = tell(job_id)

    assert (first.status_code, first.content) == (204, b"")
    assert call(client, "GET", f"/jobs/{job_id}/").json()["status"] == "succeeded"
    assert shop.shelf() == (9, 0)
    with nothing_changes():
        assert tell(job_id).status_code == 204
        assert tell(new_id()).status_code == 204


def test_a_notice_may_say_how_its_letters_are_written() -> None:
    order_id, client = buyer("guest", Shop())

    assert tell(paid(client, order_id), content_type="application/json; charset=utf-8").status_code == 204
    assert checkout.order(order_id=order_id).status is OrderStatus.PAID


def test_a_forged_notice_changes_nothing() -> None:
    order_id, client = buyer("guest", Shop())
    job_id = paid(client, order_id)

    with nothing_changes():
        assert refusal_of(tell(job_id, sign=FORGED)) == (403, "notice_forged")


@pytest.fixture
def sandbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notices are read as the real sandbox's are."""
    settings.COMPTOIR_SANDBOX_SECRET = SECRET
    sandbox = Sandbox()
    monkeypatch.setattr(settling, "provider", lambda: sandbox)


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("wrong", ["", "nonsense", "no secret", "another body", "an hour ago"])
def test_a_notice_is_believed_by_its_signature_alone(wrong: str) -> None:
    placed, client = buyer("guest", Shop())
    job_id = paid(client, placed)
    body = notice(job_id)
    signed = {
        "": "",
        "nonsense": "t=1,v1=é",
        "no secret": signature(body, "", time.time()),
        "another body": signature(b"{}", SECRET, time.time()),
        "an hour ago": signature(body, SECRET, time.time() - 3600),
    }[wrong]

    with nothing_changes():
        answer = Client().post(NOTICES, body, content_type="application/json", headers={"Stripe-Signature": signed})
        assert refusal_of(answer) == (403, "notice_forged")
    sound = signature(body, SECRET, time.time())
    answer = Client().post(NOTICES, body, content_type="application/json", headers={"Stripe-Signature": sound})
    assert answer.status_code == 204
    assert checkout.payment(payment_id=job_id).state is PaymentState.SUCCEEDED


def notice(payment_id: UUID) -> bytes:
    charge = {"id": "ch_1", "status": "succeeded", "failure_code": None, "metadata": {"payment_id": str(payment_id)}}
    return json.dumps({"type": "charge.succeeded", "data": {"object": charge}}).encode()


# --- Not too often --------------------------------------------------------------------------------------------------


def test_ten_cards_a_minute_are_tried_out_and_no_more(bank: Bank) -> None:
    shop = Shop()
    order_id, client = buyer("customer", shop)
    other_id, other = buyer("customer", shop)
    false = CARD | {"number": "4242424242424241"}
    tries = [post(client, f"/orders/{order_id}/payment/", {"card": false}).status_code for _ in range(11)]

    assert tries == [422] * 10 + [429]
    assert paid(other, other_id)
    assert checkout.order(order_id=order_id).status is OrderStatus.PENDING
