"""`/metrics`: django-prometheus' figures of this replica, and what the database tells every replica alike: whether the
books agree, what waits for the worker and what it gave up, and how the database itself is.
"""

from collections.abc import Iterator
from contextlib import suppress

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from inventory.interface import inventory
from sales.interface import sales
from shared_kernel.jobs import parked_jobs, queues
from shared_kernel.webhooks import parked_deliveries

CONNECTIONS = """
SELECT coalesce(state, 'starting'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1
"""
DATABASE = """
SELECT
    pg_database_size(datname), current_setting('max_connections')::int,
    xact_commit, xact_rollback, deadlocks, blks_hit, blks_read
FROM pg_stat_database WHERE datname = current_database()
"""


class StockBooks(Collector):
    """The outcome of the latest `verify_stock`, read from the database, so that every replica tells the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        proof = inventory.last_verification()
        if proof is None:
            return
        differences = len(proof.differences)
        yield GaugeMetricFamily("comptoir_stock_differences", "Levels that differ from the ledger.", differences)
        yield GaugeMetricFamily("comptoir_stock_levels", "Stock levels that were compared.", proof.levels)
        yield GaugeMetricFamily(
            "comptoir_stock_verified_timestamp_seconds", "When the books were proved.", proof.verified_at.timestamp()
        )


class SalesBooks(Collector):
    """The outcome of the latest `verify_sales`."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        proof = sales.last_verification()
        if proof is None:
            return
        differences = len(proof.differences)
        yield GaugeMetricFamily("comptoir_sales_differences", "Figures that differ from the sales.", differences)
        yield GaugeMetricFamily(
            "comptoir_sales_verified_timestamp_seconds", "When the sales were proved.", proof.verified_at.timestamp()
        )


class Parked(Collector):
    """What the worker has given up, and somebody is to look at."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("comptoir_parked_jobs", "Jobs that failed for the last time.", parked_jobs())
        yield GaugeMetricFamily(
            "comptoir_parked_webhooks", "Events that did not reach their endpoint in a day.", parked_deliveries()
        )


class Queues(Collector):
    """What waits for the worker."""

    def collect(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("comptoir_jobs", "Jobs that are not done.", labels=["queue", "state"])
        waiting = GaugeMetricFamily(
            "comptoir_jobs_waiting_seconds", "For how long the first job that is due has been so.", labels=["queue"]
        )
        for queue in queues():
            jobs.add_metric([queue.name, "due"], queue.due)
            jobs.add_metric([queue.name, "later"], queue.later)
            jobs.add_metric([queue.name, "doing"], queue.doing)
            waiting.add_metric([queue.name], queue.seconds)
        yield from (jobs, waiting)


class Database(Collector):
    """How the database is."""

    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(CONNECTIONS)
            states = cursor.fetchall()
            cursor.execute(DATABASE)
            size, most, commits, rollbacks, deadlocks, hits, reads = cursor.fetchone()
        connections = GaugeMetricFamily(
            "comptoir_database_connections", "Connections to this database.", labels=["state"]
        )
        for state, count in states:
            connections.add_metric([state], count)
        yield connections
        yield GaugeMetricFamily("comptoir_database_connections_most", "Connections that the server allows.", most)
        yield GaugeMetricFamily("comptoir_database_bytes", "The size of this database.", size)
        transactions = CounterMetricFamily(
            "comptoir_database_transactions", "Transactions that have ended.", labels=["outcome"]
        )
        transactions.add_metric(["commit"], commits)
        transactions.add_metric(["rollback"], rollbacks)
        yield transactions
        yield CounterMetricFamily("comptoir_database_deadlocks", "Deadlocks that the server has ended.", deadlocks)
        blocks = CounterMetricFamily("comptoir_database_blocks", "Blocks that were read.", labels=["source"])
        blocks.add_metric(["memory"], hits)
        blocks.add_metric(["disk"], reads)
        yield blocks


def metrics(request: HttpRequest) -> HttpResponse:
    """Everything Prometheus scrapes, in its text format."""
    response: HttpResponse = ExportToDjangoView(request)
    told = CollectorRegistry()
    told.register(StockBooks())
    told.register(SalesBooks())
    told.register(Parked())
    told.register(Queues())
    told.register(Database())
    # Without its database a replica cannot tell of these, but of everything else, and then it matters most.
    with suppress(Error):
        response.content += generate_latest(told)
    return response
