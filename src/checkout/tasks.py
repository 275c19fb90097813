"""What the worker does for orders: events of its own and of others, payments, and what the clock asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import structlog
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from accounts.interface import CustomerDeleted
from catalog.interface import ProductArchived
from checkout.interface import OrderCreated, OrderPaid, ProviderAway, checkout

# Waits of 2, 4, 8 … seconds. What has not come to its end by then, `take_up_payments` goes on with, every minute.
MOST_RETRIES = 5
RETRIES = RetryStrategy(max_attempts=MOST_RETRIES, exponential_wait=2)

log = structlog.get_logger("comptoir.checkout")


def follow_up_order(event: OrderCreated) -> None:
    """What was ordered leaves its cart, and the order tells of what left the catalogue while it was placed."""
    checkout.follow_up(order_id=event.order_id, cart_id=event.cart_id, now=datetime.now(UTC))


def note_archived_product(event: ProductArchived) -> None:
    """Orders that are under way tell of a product that is not sold any more."""
    while checkout.note_archived(product_ids=[event.product_id]):
        pass


def report_paid_order(event: OrderPaid) -> None:
    """A paid order is a sale of the web shop."""
    checkout.report_sale(order_id=event.order_id)


def forget_erased_customer(event: CustomerDeleted) -> None:
    """Orders keep their figures, and once they have ended nothing of an erased person."""
    checkout.forget_customer(customer_id=event.customer_id)


@app.task(name="charge_payment", queue="payments", retry=RETRIES, pass_context=True)
def charge_payment(context: JobContext, *, payment_id: str) -> None:
    """Have a payment charged that has just begun."""
    with _left_after(context):
        checkout.charge(payment_id=UUID(payment_id), now=datetime.now(UTC))


@app.task(name="carry_out_refund", queue="payments", retry=RETRIES, pass_context=True)
def carry_out_refund(context: JobContext, *, refund_id: str) -> None:
    """Give money back that has just been promised."""
    with _left_after(context):
        checkout.carry_out_refund(refund_id=UUID(refund_id), now=datetime.now(UTC))


@contextmanager
def _left_after(context: JobContext) -> Iterator[None]:
    """Leave it to `take_up_payments` where the provider is away at the last try, too: there is nothing to be mended."""
    try:
        yield
    except ProviderAway as error:
        if context.job.attempts < MOST_RETRIES:
            raise
        log.warning("payment provider away", order_id=str(error.order_id))


@app.periodic(cron="* * * * *")
@app.task(name="take_up_payments", queueing_lock="take_up_payments", pass_context=False)
def take_up_payments(timestamp: int) -> None:
    """Every minute: go on with payments and refunds that nobody goes on with."""
    checkout.take_up(now=datetime.now(UTC))


@app.periodic(cron="* * * * *")
@app.task(name="expire_orders", queueing_lock="expire_orders", pass_context=False)
def expire_orders(timestamp: int) -> None:
    """Every minute: cancel the orders that nobody has paid in time."""
    while checkout.expire(now=datetime.now(UTC)):
        pass


@app.periodic(cron="15 4 * * *")
@app.task(name="forget_buyers", queueing_lock="forget_buyers", pass_context=False)
def forget_buyers(timestamp: int) -> None:
    """Every night: remove from orders that have ended whom nobody needs to know any more."""
    while checkout.forget_buyers(now=datetime.now(UTC)):
        pass
