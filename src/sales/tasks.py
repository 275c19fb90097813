"""What the worker does for sales."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from sales.interface import sales


@app.periodic(cron="40 3 * * *")
@app.task(name="forget_staged_history", queueing_lock="forget_staged_history", pass_context=False)
def forget_staged_history(timestamp: int) -> None:
    """Every night: drop what imports that died left behind."""
    sales.forget_staged_history(now=datetime.now(UTC))
