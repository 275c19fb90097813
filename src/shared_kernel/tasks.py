"""What the worker does for what every module stands on."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from procrastinate.contrib.django import app

from shared_kernel import jobs
from shared_kernel.audit import forget_old_entries
from shared_kernel.postgres.partitions import make_partitions_ahead
from shared_kernel.rate_limits import forget_ended_windows
from shared_kernel.rest.idempotency import forget_old_keys
from shared_kernel.webhooks import forget_deliveries


@app.periodic(cron="25 * * * *")
@app.task(name="forget_old_idempotency_keys", queueing_lock="forget_old_idempotency_keys", pass_context=False)
def forget_old_idempotency_keys(timestamp: int) -> None:
    """Every hour: drop the answers that nobody may ask for again."""
    forget_old_keys(now=datetime.now(UTC))


@app.periodic(cron="35 * * * *")
@app.task(name="forget_ended_rate_limits", queueing_lock="forget_ended_rate_limits", pass_context=False)
def forget_ended_rate_limits(timestamp: int) -> None:
    """Every hour: drop the counters whose windows have ended."""
    forget_ended_windows(now=datetime.now(UTC))


@app.periodic(cron="45 4 * * *")
@app.task(name="forget_old_audit_entries", queueing_lock="forget_old_audit_entries", pass_context=False)
def forget_old_audit_entries(timestamp: int) -> None:
    """Every night: drop the entries of the audit trail that are older than may be kept."""
    forget_old_entries(now=datetime.now(UTC))


@app.periodic(cron="55 4 * * *")
@app.task(name="forget_ended_sessions", queueing_lock="forget_ended_sessions", pass_context=False)
def forget_ended_sessions(timestamp: int) -> None:
    """Every night: drop the browsers' sessions that have ended."""
    SessionStore.clear_expired()


@app.periodic(cron="5 1,13 * * *")
@app.task(name="make_partitions", queueing_lock="make_partitions", pass_context=False)
def make_partitions(timestamp: int) -> None:
    """Twice a day: see to it that the months to come have their partitions."""
    make_partitions_ahead(now=datetime.now(UTC))


@app.periodic(cron="* * * * *")
@app.task(name="give_back_lost_jobs", queueing_lock="give_back_lost_jobs", pass_context=False)
def give_back_lost_jobs(timestamp: int) -> None:
    """Every minute: let other workers do what a worker that is dead had begun."""
    jobs.give_back_lost_jobs()


@app.periodic(cron="15 * * * *")
@app.task(name="forget_finished_jobs", queueing_lock="forget_finished_jobs", pass_context=False)
def forget_finished_jobs(timestamp: int) -> None:
    """Every hour: drop the jobs that ended days ago, and what is known of webhooks of that time.

    And, at once, the failed ones that the clock has asked for again with success.
    """
    before = datetime.now(UTC) - timedelta(days=settings.COMPTOIR_JOB_DAYS)
    while jobs.forget_finished_jobs(before=before):
        pass
    jobs.forget_repeated_jobs()
    while forget_deliveries(before=before):
        pass
