"""What the worker does for orders: events of its own and of others, payments, and what the clock asks for."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts.interface import CustomerDeleted
from cart.interface import OrderedLine, carts
from checkout.interface import OrderCreated, OrderPaid, checkout

# Waits of 1, 2, 4 … seconds. What has not come to its end by then, `take_up_payments` goes on with, every minute.
RETRIES = RetryStrategy(max_attempts=5, exponential_wait=2)


def empty_ordered_cart(event: OrderCreated) -> None:
    """What was ordered leaves the cart, where whoever placed the order was cut off before."""
    if event.cart_id:
        order = checkout.order(order_id=event.order_id)
        lines = [OrderedLine(line.product_id, line.quantity) for line in order.lines]
        carts.check_out(cart_id=event.cart_id, order_id=event.order_id, lines=lines, now=datetime.now(UTC))


def report_paid_order(event: OrderPaid) -> None:
    """A paid order is a sale of the web shop."""
    checkout.report_sale(order_id=event.order_id)


def forget_erased_customer(event: CustomerDeleted) -> None:
    """Orders keep their figures, and nothing of an erased person."""
    checkout.forget_customer(customer_id=event.customer_id)


@app.task(name="charge_payment", queue="payments", retry=RETRIES)
def charge_payment(*, payment_id: str) -> None:
    """Have a payment charged that has just begun."""
    checkout.charge(payment_id=UUID(payment_id), now=datetime.now(UTC))


@app.task(name="carry_out_refund", queue="payments", retry=RETRIES)
def carry_out_refund(*, refund_id: str) -> None:
    """Give money back that has just been promised."""
    checkout.carry_out_refund(refund_id=UUID(refund_id), now=datetime.now(UTC))


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
