"""What the worker does for stock."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from catalog.interface import ProductArchived, ProductCreated
from inventory.interface import inventory


def carry_new_product(event: ProductCreated) -> None:
    """A new product gets its rows in the warehouses."""
    if event.stocked:
        inventory.carry(product_ids=[event.product_id])


def stop_reordering_archived_product(event: ProductArchived) -> None:
    """What is not sold any more is not reordered."""
    inventory.stop_reordering(product_ids=[event.product_id])


@app.periodic(cron="* * * * *")
@app.task(name="clear_expired_reservations", queueing_lock="clear_expired_reservations", pass_context=False)
def clear_expired_reservations(timestamp: int) -> None:
    """Every minute: tidy up reservations that have run out."""
    while inventory.clear_expired(now=datetime.now(UTC)):
        pass


@app.periodic(cron="17 * * * *")
@app.task(name="verify_stock", queueing_lock="verify_stock", pass_context=False)
def verify_stock(timestamp: int) -> None:
    """Every hour: prove the books, for the metric `comptoir_stock_differences`."""
    inventory.verify(now=datetime.now(UTC))
