"""What the worker does for what every module stands on."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from shared_kernel.rest.idempotency import forget_old_keys


@app.periodic(cron="25 * * * *")
@app.task(name="forget_old_idempotency_keys", queueing_lock="forget_old_idempotency_keys", pass_context=False)
def forget_old_idempotency_keys(timestamp: int) -> None:
    """Every hour: drop the answers that nobody may ask for again."""
    forget_old_keys(now=datetime.now(UTC))
