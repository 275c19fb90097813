"""The payment sandbox, for trying things out: test cards, charged by `payment_sandbox`, a program of its own."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import urllib3
from django.conf import settings

from checkout.interface import Card, CardInvalid, NoticeForged
from checkout.service.providers import (
    Answer,
    CardToken,
    Charge,
    Notice,
    Result,
    Unknown,
    from_minor_units,
    to_minor_units,
)

RESULTS = {"succeeded": Result.DONE, "failed": Result.REFUSED, "pending": Result.UNDER_WAY}
# A webhook that is older, in seconds, may have been recorded and sent again.
TOLERANCE = 300


class Sandbox:
    """Speaks to the payment sandbox."""

    def __init__(self) -> None:
        # A call that is repeated by whoever called is repeated once: the pool repeats none by itself.
        self._pool = urllib3.PoolManager(
            maxsize=16,
            retries=False,
            timeout=urllib3.Timeout(connect=settings.COMPTOIR_PAYMENT_TIMEOUT, read=settings.COMPTOIR_PAYMENT_TIMEOUT),
            headers={"Authorization": f"Bearer {settings.COMPTOIR_SANDBOX_SECRET}"},
        )

    def tokenise(self, *, card: Card) -> CardToken:
        sent = {
            "number": card.number,
            "exp_month": card.expiry_month,
            "exp_year": card.expiry_year,
            "cvc": card.security_code,
        }
        said = self._call("POST", "/v1/tokens", {"card": sent})
        if "error" in said:
            raise CardInvalid(reason=said["error"]["code"])
        known = said["card"]
        expiry = f"{known['exp_month']:02}/{known['exp_year']}"
        return CardToken(token=said["id"], brand=known["brand"], last4=known["last4"], expiry=expiry)

    def charge(self, *, payment_id: UUID, amount: Decimal, currency: str, token: str) -> Answer:
        sent = {
            "amount": to_minor_units(amount, currency),
            "currency": currency,
            "source": token,
            "metadata": {"payment_id": str(payment_id)},
        }
        return _answer(self._call("POST", "/v1/charges", sent, key=payment_id))

    def refund(self, *, refund_id: UUID, reference: str, amount: Decimal, currency: str) -> Answer:
        sent = {"charge": reference, "amount": to_minor_units(amount, currency)}
        return _answer(self._call("POST", "/v1/refunds", sent, key=refund_id))

    def charges(self) -> Iterator[Charge]:
        page = self._call("GET", "/v1/charges?limit=100")
        yield from map(_charge, page["data"])
        while page["has_more"]:
            asked = urlencode({"limit": 100, "starting_after": page["data"][-1]["id"]})
            page = self._call("GET", f"/v1/charges?{asked}")
            yield from map(_charge, page["data"])

    def read(self, *, body: bytes, signature: str) -> Notice | None:
        signed = re.fullmatch("t=([0-9]{1,12}),v1=([0-9a-f]{64})", signature)
        if signed is None or abs(time.time() - int(signed[1])) > TOLERANCE:
            raise NoticeForged
        secret = settings.COMPTOIR_SANDBOX_SECRET.encode()
        expected = hmac.new(secret, signed[1].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signed[2], expected):
            raise NoticeForged
        charge = json.loads(body)["data"]["object"]
        payment_id = _payment_id(charge)
        return Notice(payment_id, _answer(charge)) if payment_id else None

    def _call(self, method: str, path: str, sent: dict[str, Any] | None = None, *, key: UUID | None = None) -> Any:
        """What the sandbox says; of what it refuses, an `error`. Raises Unknown."""
        if not settings.COMPTOIR_SANDBOX_URL:
            raise Unknown("There is no payment sandbox: set COMPTOIR_SANDBOX_URL, or begin with `make run`.")
        headers = {**self._pool.headers} | ({"Idempotency-Key": str(key)} if key else {})
        try:
            answer = self._pool.request(method, f"{settings.COMPTOIR_SANDBOX_URL}{path}", json=sent, headers=headers)
            said = answer.json() if answer.status in {200, 400, 402} else None
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unknown(f"The payment sandbox gives no answer: {type(error).__name__}.") from error
        # A key of ours that stands for something else is a mistake, and tells nothing of this call.
        if said is None or said.get("error", {}).get("code") == "idempotency_key_reused":
            raise Unknown(f"The payment sandbox answers with status {answer.status}.")
        return said


def _answer(said: dict[str, Any]) -> Answer:
    """What a charge or a refund as the sandbox shows it means, or an error."""
    if "error" in said:
        return Answer(Result.REFUSED, reference="", code=said["error"]["code"])
    return Answer(RESULTS[said["status"]], said["id"], said.get("failure_code") or "")


def _charge(shown: dict[str, Any]) -> Charge:
    return Charge(
        payment_id=_payment_id(shown),
        reference=shown["id"],
        result=RESULTS[shown["status"]],
        amount=from_minor_units(shown["amount"], shown["currency"]),
        refunded=from_minor_units(shown["amount_refunded"], shown["currency"]),
    )


def _payment_id(shown: dict[str, Any]) -> UUID | None:
    payment_id = shown["metadata"].get("payment_id")
    return UUID(payment_id) if payment_id else None
