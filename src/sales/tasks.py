"""What the worker does for sales."""

from datetime import UTC, datetime

from django.utils.timezone import localdate
from procrastinate.contrib.django import app

from sales.interface import sales


@app.periodic(cron="* * * * *")
@app.task(name="keep_sales_facts", queueing_lock="keep_sales_facts", pass_context=False)
def keep_sales_facts(timestamp: int) -> None:
    """Every minute: fold what was sold into the sums that reports read; at midnight, move their periods on."""
    sales.keep_facts(today=localdate())


@app.periodic(cron="* * * * *")
@app.task(name="keep_stock_health", queueing_lock="keep_stock_health", pass_context=False)
def keep_stock_health(timestamp: int) -> None:
    """Every minute: look how the stores' stock stands, for the dashboards."""
    sales.keep_stock_health(now=datetime.now(UTC))


@app.periodic(cron="20 2 * * *")
@app.task(name="verify_sales", queueing_lock="verify_sales", pass_context=False)
def verify_sales(timestamp: int) -> None:
    """Every night: prove the sales' books, for the metric `comptoir_sales_differences`."""
    sales.verify(now=datetime.now(UTC))


@app.periodic(cron="40 3 * * *")
@app.task(name="forget_staged_history", queueing_lock="forget_staged_history", pass_context=False)
def forget_staged_history(timestamp: int) -> None:
    """Every night: drop what imports that died left behind."""
    sales.forget_staged_history(now=datetime.now(UTC))
