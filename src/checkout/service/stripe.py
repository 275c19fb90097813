"""Stripe, through its own library: a payment is a PaymentIntent that is confirmed at once.

Stripe forgets an idempotency key after a day, so what was done under one is also found by our id in its metadata.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

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

PAYMENT, REFUND = "comptoir_payment_id", "comptoir_refund_id"

# What else there is, `processing` and the like, is under way.
PAYMENT_RESULTS = {
    "succeeded": Result.DONE,
    "canceled": Result.REFUSED,
    "requires_payment_method": Result.REFUSED,
    # The bank wants to know who pays; by then the buyer is gone, and nobody else can go on with it.
    "requires_action": Result.REFUSED,
}
REFUND_RESULTS = {"succeeded": Result.DONE, "failed": Result.REFUSED, "canceled": Result.REFUSED}
ENDS = {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"}

# Stripe finds by metadata what is older than a minute or so; what is younger than this, in seconds, is looked through.
SEARCH_LAG = 600

# The library logs what it sends, and what Stripe says to it: cards' numbers may stand in both.
logging.getLogger("stripe").setLevel(logging.WARNING)


class Stripe:
    """Speaks to Stripe."""

    def __init__(self, address: str = stripe.DEFAULT_API_BASE) -> None:
        if os.environ.get("STRIPE_LOG"):
            raise ImproperlyConfigured("With STRIPE_LOG, the library prints what it sends, card numbers too: unset it.")
        timeout = settings.COMPTOIR_PAYMENT_TIMEOUT
        self._client = stripe.StripeClient(
            settings.COMPTOIR_STRIPE_KEY,
            # Keeps its connections, for each thread its own.
            http_client=stripe.RequestsClient(timeout=(timeout, timeout)),
            max_network_retries=0,
            base_addresses={"api": address},
        )

    def tokenise(self, *, card: Card) -> CardToken:
        with _told():
            try:
                made = self._client.v1.payment_methods.create(
                    {
                        "type": "card",
                        "card": {
                            "number": card.number.replace(" ", "").replace("-", ""),
                            "exp_month": card.expiry_month,
                            "exp_year": card.expiry_year,
                            "cvc": card.security_code,
                        },
                    }
                )
            except (stripe.CardError, stripe.InvalidRequestError) as error:
                if isinstance(error, stripe.InvalidRequestError) and not (error.param or "").startswith("card["):
                    raise
                raise CardInvalid(reason=error.code or "invalid") from None
        known = made.to_dict()["card"]
        expiry = f"{known['exp_month']:02}/{known['exp_year']}"
        return CardToken(token=made.id, brand=known["brand"], last4=known["last4"], expiry=expiry)

    def charge(self, *, payment_id: UUID, amount: Decimal, currency: str, token: str) -> Answer:
        with _told():
            try:
                intent = self._client.v1.payment_intents.create(
                    {
                        "amount": to_minor_units(amount, currency),
                        "currency": currency.lower(),
                        "payment_method": token,
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "confirm": True,
                        "metadata": {PAYMENT: str(payment_id)},
                    },
                    {"idempotency_key": str(payment_id)},
                )
            except stripe.CardError as error:
                return _refused(error)
            except (stripe.InvalidRequestError, stripe.APIError) as error:
                # Where the key is forgotten, the token is used up; and a failure on Stripe's side is repeated for as
                # long as the key is not: in both cases the charge may have been made.
                found = self.charged(payment_id=payment_id)
                if found is None and isinstance(error, stripe.APIError):
                    raise
                return found or _refused(error)
            # A repeated call is told how things stood after the first one.
            if intent.status == "processing":
                intent = self._client.v1.payment_intents.retrieve(intent.id)
            return _payment_answer(intent.to_dict())

    def charged(self, *, payment_id: UUID) -> Answer | None:
        """How the charge of this payment stands; None when Stripe never heard of it. Raises Unknown."""
        query = f"metadata['{PAYMENT}']:'{payment_id}'"
        recent = int(time.time()) - SEARCH_LAG
        with _told():
            found = [intent.to_dict() for intent in self._client.v1.payment_intents.search({"query": query}).data]
            if not found:
                young = self._client.v1.payment_intents.list(
                    {"created": {"gte": recent}, "limit": 100}
                ).auto_paging_iter()
                found = [intent.to_dict() for intent in young if _id(intent.to_dict(), PAYMENT) == payment_id]
        # A declined one may stand beside it, from before its key was forgotten.
        best = max(found, key=lambda intent: intent["status"] == "succeeded", default=None)
        return _payment_answer(best) if best else None

    def refund(self, *, refund_id: UUID, reference: str, amount: Decimal, currency: str) -> Answer:
        with _told():
            try:
                made = self._client.v1.refunds.list({"payment_intent": reference, "limit": 100}).auto_paging_iter()
                refund = next((known for known in made if _id(known.to_dict(), REFUND) == refund_id), None)
                if refund is None:
                    refund = self._client.v1.refunds.create(
                        {
                            "payment_intent": reference,
                            "amount": to_minor_units(amount, currency),
                            "metadata": {REFUND: str(refund_id)},
                        },
                        {"idempotency_key": str(refund_id)},
                    )
            except stripe.InvalidRequestError as error:
                return _refused(error)
        said = refund.to_dict()
        result = REFUND_RESULTS.get(said["status"], Result.UNDER_WAY)
        return Answer(result, said["id"], said.get("failure_reason") or "")

    def charges(self) -> Iterator[Charge]:
        with _told():
            intents = self._client.v1.payment_intents.list({"limit": 100, "expand": ["data.latest_charge"]})
            for intent in intents.auto_paging_iter():
                yield _charge(intent.to_dict())

    def read(self, *, body: bytes, signature: str) -> Notice | None:
        try:
            # The library stumbles over letters that no signature has.
            signature.encode("ascii")
            event = self._client.construct_event(body, signature, settings.COMPTOIR_STRIPE_WEBHOOK_SECRET).to_dict()
        except (stripe.SignatureVerificationError, ValueError):
            raise NoticeForged from None
        intent = event["data"]["object"]
        payment_id = _id(intent, PAYMENT) if event["type"] in ENDS else None
        return Notice(payment_id, _payment_answer(intent)) if payment_id else None


@contextmanager
def _told() -> Iterator[None]:
    """Raises Unknown where Stripe does not tell; of its words only the code, since they may repeat what was sent."""
    try:
        yield
    except stripe.StripeError as error:
        text = f"Stripe gives no answer: {type(error).__name__} {error.code or ''}, request {error.request_id}."
        raise Unknown(text) from None


def _payment_answer(intent: dict[str, Any]) -> Answer:
    result = PAYMENT_RESULTS.get(intent["status"], Result.UNDER_WAY)
    if intent["status"] == "requires_action":
        return Answer(result, intent["id"], "authentication_required")
    return Answer(result, intent["id"], _code(intent["last_payment_error"] or {}) if result is Result.REFUSED else "")


def _refused(error: stripe.StripeError) -> Answer:
    """A refusal that Stripe answered as an error; the PaymentIntent is there all the same, if a card was asked."""
    told: dict[str, Any] = error.json_body["error"] if isinstance(error.json_body, dict) else {}
    return Answer(Result.REFUSED, told.get("payment_intent", {}).get("id", ""), _code(told) or "invalid_request")


def _code(error: dict[str, Any]) -> str:
    """What the bank gave as its reason, or else Stripe."""
    return error.get("decline_code") or error.get("code") or ""


def _charge(intent: dict[str, Any]) -> Charge:
    charge, currency = intent.get("latest_charge") or {}, intent["currency"]
    return Charge(
        payment_id=_id(intent, PAYMENT),
        reference=intent["id"],
        result=PAYMENT_RESULTS.get(intent["status"], Result.UNDER_WAY),
        amount=from_minor_units(intent["amount"], currency),
        refunded=from_minor_units(charge.get("amount_refunded", 0), currency),
    )


def _id(shown: dict[str, Any], name: str) -> UUID | None:
    """Our id of a payment or a refund; None for what somebody else made in the same account."""
    known = (shown.get("metadata") or {}).get(name)
    return UUID(known) if known else None
