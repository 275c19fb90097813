"""What the worker does for carts: what becomes of customers and products, and what the clock asks for."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from accounts.interface import CustomerCreated, CustomerDeleted
from cart.interface import carts
from catalog.interface import ProductArchived


def open_cart_of_new_customer(event: CustomerCreated) -> None:
    """A new customer gets their cart."""
    carts.open_customers_cart(customer_id=event.customer_id, now=datetime.now(UTC))


def forget_cart_of_erased_customer(event: CustomerDeleted) -> None:
    """What an erased customer meant to buy is forgotten."""
    carts.forget_customer(customer_id=event.customer_id)


def withdraw_archived_product(event: ProductArchived) -> None:
    """What is not sold any more leaves all carts."""
    while carts.withdraw(product_id=event.product_id):
        pass


@app.periodic(cron="50 * * * *")
@app.task(name="abandon_carts", queueing_lock="abandon_carts", pass_context=False)
def abandon_carts(timestamp: int) -> None:
    """Every hour: remove the carts that nobody has touched for long."""
    while carts.abandon(now=datetime.now(UTC)):
        pass


@app.periodic(cron="55 * * * *")
@app.task(name="forget_cart_changes", queueing_lock="forget_cart_changes", pass_context=False)
def forget_cart_changes(timestamp: int) -> None:
    """Every hour: forget the keys of writes that nobody sends again any more."""
    carts.forget_changes(now=datetime.now(UTC))
