"""Paying an order over REST: `/orders/{id}/payment/`, `/jobs/{id}/`, and what the payment provider tells by itself."""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status
from ninja.params.functions import Header

from checkout.api.callers import TOKEN, buyer_of, required_buyer, visible
from checkout.interface import Card, OrderPayment, checkout
from shared_kernel.rest.bodies import Body, Whole, example
from shared_kernel.rest.idempotency import operation_of, resumable

router = Router(tags=["payments"])

# The sandbox signs as Stripe does, and in the same place.
SIGNATURE: Any = Header(
    "", alias="Stripe-Signature", description="The time and the signature of the body at that time."
)


class CardBody(Body):
    number: str = Field(min_length=12, max_length=23, pattern=r"^[0-9 ]+$", description="Spaces do not matter.")
    expiry_month: Whole = Field(ge=1, le=12, description="1 to 12.")
    expiry_year: Whole = Field(ge=2000, le=2099, description="With four digits.")
    security_code: str = Field(pattern=r"^[0-9]{3,4}$", description="The three or four digits beside it.")


class CardPaymentBody(Body):
    card: CardBody = Field(description="Goes to the payment provider; its number is kept nowhere here.")

    model_config = example(
        card={"number": "4242 4242 4242 4242", "expiry_month": 12, "expiry_year": 2030, "security_code": "123"}
    )


class StartedAnswer(Schema):
    job_id: UUID = Field(description="What to ask `/jobs/{job_id}/` about.")
    order_id: UUID = Field(description="The order that is paid.")


class JobAnswer(Schema):
    job_id: UUID = Field(description="What was asked about.")
    status: Literal["queued", "running", "succeeded", "failed"] = Field(
        description="Queued until the worker asks the payment provider, running until the order is paid or it failed."
    )
    outcome: OrderPayment = Field(description="What became of the payment so far; `code` says why it failed.")


@router.post("/orders/{uuid:order_id}/payment/", response={202: StartedAnswer}, auth=None, operation_id="pay_order")
@resumable
def pay(request: HttpRequest, order_id: UUID, body: CardPaymentBody, token: str | None = TOKEN) -> Any:
    """Pay a pending order by card. The answer comes before the money: ask `/jobs/{job_id}/`, or look at the order.

    Its goods are kept anew meanwhile. 409 `payment_running` while it is being paid, `order_not_pending` afterwards,
    `insufficient_stock` when its goods were free again and are gone; 422 `card_invalid`.
    """
    buyer = buyer_of(request, token)
    payment = checkout.pay(
        payment_id=operation_of(request),
        order_id=order_id,
        card=Card(
            number=body.card.number.replace(" ", ""),
            expiry_month=body.card.expiry_month,
            expiry_year=body.card.expiry_year,
            security_code=body.card.security_code,
        ),
        holder=buyer,
        actor_id=buyer.customer_id if buyer else required_buyer(request, visible(request, order_id)),
        now=datetime.now(UTC),
    )
    return Status(202, StartedAnswer(job_id=payment.id, order_id=order_id))


@router.get("/jobs/{uuid:job_id}/", response=JobAnswer, auth=None, operation_id="job")
def job(request: HttpRequest, job_id: UUID, token: str | None = TOKEN) -> Any:
    """What became of a payment. Somebody else's is not found."""
    buyer = buyer_of(request, token)
    payment = checkout.payment(payment_id=job_id, holder=buyer)
    if buyer is None:
        visible(request, payment.order_id)
    return JobAnswer(job_id=job_id, status=payment.state.value, outcome=payment)


@router.post("/payments/notices/", response={204: None}, auth=None, operation_id="hear_provider")
def hear_provider(request: HttpRequest, signature: str = SIGNATURE) -> Any:
    """For the payment provider alone: what it tells of a charge by itself, signed. Again, and in any order: the same.

    403 `notice_forged` for a signature that is not the provider's, or too old.
    """
    checkout.hear(body=request.body, signature=signature, now=datetime.now(UTC))
    return Status(204, None)
