"""`/metrics`: django-prometheus' figures of this replica, and whether the books agree."""

from collections.abc import Iterator
from contextlib import suppress

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from inventory.interface import inventory


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


def metrics(request: HttpRequest) -> HttpResponse:
    """Everything Prometheus scrapes, in its text format."""
    response: HttpResponse = ExportToDjangoView(request)
    books = CollectorRegistry()
    books.register(StockBooks())
    # Without its database a replica cannot tell of the books, but of everything else, and then it matters most.
    with suppress(Error):
        response.content += generate_latest(books)
    return response
