"""`/metrics`: django-prometheus' figures of this replica, whether the books agree, and what the worker gave up."""

from collections.abc import Iterator
from contextlib import suppress

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from inventory.interface import inventory
from shared_kernel.jobs import parked_jobs
from shared_kernel.webhooks import parked_deliveries


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


class Parked(Collector):
    """What the worker has given up, and somebody is to look at."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("comptoir_parked_jobs", "Jobs that failed for the last time.", parked_jobs())
        yield GaugeMetricFamily(
            "comptoir_parked_webhooks", "Events that did not reach their endpoint in a day.", parked_deliveries()
        )


def metrics(request: HttpRequest) -> HttpResponse:
    """Everything Prometheus scrapes, in its text format."""
    response: HttpResponse = ExportToDjangoView(request)
    told = CollectorRegistry()
    told.register(StockBooks())
    told.register(Parked())
    # Without its database a replica cannot tell of these, but of everything else, and then it matters most.
    with suppress(Error):
        response.content += generate_latest(told)
    return response
