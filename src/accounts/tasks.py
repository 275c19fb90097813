"""What the worker does for people."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts.interface import Letter, accounts

# Waits of 2, 4, 8 … seconds: the last try comes about half an hour after the first.
RETRIES = RetryStrategy(max_attempts=10, exponential_wait=2)


@app.task(name="send_letter", queue="mail", retry=RETRIES)
def send_letter(*, person_id: str, letter: str) -> None:
    """Send one letter by mail. Raises what the mail server's answer raises, and is then tried again later."""
    accounts.send_letter(person_id=UUID(person_id), letter=Letter(letter))


@app.periodic(cron="5 * * * *")
@app.task(name="forget_old_logins", queueing_lock="forget_old_logins", pass_context=False)
def forget_old_logins(timestamp: int) -> None:
    """Every hour: drop the logins whose tokens have all expired."""
    accounts.forget_logins(now=datetime.now(UTC))
