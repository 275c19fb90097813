"""The bench's own arithmetic, and that its SQL is the application's."""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from checkout.interface import checkout
from inventory.service import posting
from sales import models
from sales.interface import sales
from sales.service import tickets
from tests.bench import chain, processor, shopper
from tests.bench.__main__ import _between, _list_of
from tests.bench.cases import cases, once, replay
from tests.bench.chain import Chain
from tests.bench.load import Figures, percentile, pgbench, pgbench_figures, printed_figures
from tests.bench.processor import Times
from tests.bench.report import Row, between_markers, table
from tests.bench.statements import Script
from tests.chain import books_agree
from tests.checkout.bank import Bank
from tests.checkout.conftest import bank
from tests.threads import empty_queue

__all__ = ["bank"]

PGBENCH_SUMMARY = """\
number of transactions actually processed: 4
number of failed transactions: 0 (0.000%)
latency average = 0.510 ms
initial connection time = 2.204 ms
tps = 1960.784314 (without initial connection time)
"""


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 201)]

    assert [percentile(values, percent) for percent in (50, 95, 99)] == [100, 190, 198]
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7


def test_the_generators_reports_are_understood() -> None:
    by_wrk = printed_figures(
        "Running 1s test @ http://127.0.0.1:8000\n"
        '{"requests": 500, "errors": 2, "microseconds": 2000000, "p50": 900, "p95": 1500, "p99": 12000}\n'
    )
    by_pgbench = pgbench_figures(PGBENCH_SUMMARY, [0.9, 0.3, 0.4, 0.44])

    assert by_wrk == Figures(requests=500, errors=2, per_second=250, p50=0.9, p95=1.5, p99=12)
    assert by_pgbench == Figures(requests=4, errors=0, per_second=1960.784314, p50=0.4, p95=0.9, p99=0.9)


def test_the_table_shows_both_sides_their_ratio_and_why_one_is_missing() -> None:
    http = Figures(
        requests=5000, errors=0, per_second=1250, p50=0.7, p95=2, p99=30.4, processor=Times(0.8, None, 0, 12)
    )
    sql = Figures(requests=50_000, errors=0, per_second=5000, p50=0.2, p95=0.5, p99=1)

    lines = table([Row("hello", 1, 0, http, None, "it asks nothing"), Row("sale", 1, 7, http, sql)]).splitlines()

    assert lines[2:] == [
        "| hello | 1 | 0 | 1,250 | 0.70 | 2.00 | 30 | 0 | 0.80 | – | 0.00 | 12 | – | – |",
        "| sale | 1 | 7 | 1,250 | 0.70 | 2.00 | 30 | 0 | 0.80 | – | 0.00 | 12 | 5,000 | 0.25 |",
        "",
        "- No pgbench for hello: it asks nothing.",
    ]


def test_new_figures_take_the_place_of_the_old_ones() -> None:
    begin, end = "<!-- make bench: begin -->", "<!-- make bench: end -->"
    document = f"before\n{begin}\nold\n{end}\nafter\n"

    assert between_markers(document, "bench", "new\n") == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"


def test_the_command_line_takes_several_at_once() -> None:
    assert _list_of(_between(1, 256))("1,4,16") == [1, 4, 16]
    assert _list_of(str)("till sale,search") == ["till sale", "search"]


@pytest.fixture
def built(transactional_db: None) -> Iterator[Chain]:
    yield chain.build(stores=1, products=12, sold=3, baskets=2)
    empty_queue()


@pytest.mark.plain_calls
def test_every_case_is_answered_and_writes_what_it_says(built: Chain) -> None:
    for case in cases(built):
        if case.whole:
            continue
        client = Client(headers=dict(case.caller()))
        before = case.written() if case.written else 0
        for request in (list(case.some(2)) * 2)[:2]:
            once(case, client, request)
        if case.written:
            assert case.written() - before == 2, case.name
    assert books_agree()


# What each request asks the database, BEGIN and COMMIT included: whoever makes it more has a reason.
STATEMENTS = {
    "hello": 0,
    "product by id": 1,
    "product list": 2,
    "search": 2,
    "store stock": 6,
    "stock read": 5,
    "availability of 10 lines": 2,
    "till sale of 1 line (spread)": 7,
    "till sale of 1 line (hot item)": 7,
    "till sale of 10 lines (spread)": 7,
    "till sale of 10 lines (hot items)": 7,
    "add to cart": 8,
    # One of them counts how often somebody calls, which the bench lifts.
    "checkout/process": 20,
    "approve a request": 16,
    "consolidated report": 7,
    "chain dashboard": 11,
}


@pytest.mark.plain_calls
def test_each_request_takes_so_many_statements(built: Chain) -> None:
    sales.keep_stock_health(now=datetime.now(UTC))  # as the worker does

    assert {case.name: replay(case, built).statements for case in cases(built) if not case.whole} == STATEMENTS


@pytest.mark.plain_calls
def test_pgbench_sends_the_applications_statements_and_the_books_agree(built: Chain) -> None:
    for case in cases(built):
        if case.not_replayed:
            continue
        script = replay(case, built)
        before = case.written() if case.written else 0
        figures = pgbench(script, clients=2, limit=["--transactions", "5"])
        assert (figures.requests, figures.errors) == (10, 0), case.name
        assert ("\nBEGIN;\n" in script.text) == bool(case.written), case.name
        if case.written:
            assert holds(script, tickets.INSERT_SALE)
            assert holds(script, posting.STATEMENT)
            # Every transaction chooses its products and its sale anew.
            assert not any(one.hex in script.text for one in built.product_ids)
            assert case.written() - before == 10
    assert books_agree()


@pytest.mark.plain_calls
def test_a_hot_item_is_the_only_one_that_is_sold(built: Chain) -> None:
    hot = next(case for case in cases(built) if case.name == "till sale of 1 line (hot item)")
    script = replay(hot, built)
    before = sold(built)

    pgbench(script, clients=2, limit=["--transactions", "5"])

    assert [now - then for now, then in zip(sold(built), before, strict=True)] == [10] + [0] * 11


@pytest.mark.plain_calls
def test_a_whole_order_ends_paid(built: Chain, bank: Bank) -> None:
    whole = next(case for case in cases(built) if case.whole)
    client = Client()

    def call(method: str, path: str, body: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        answer = client.generic(method, path, body, "application/json", headers=dict(headers))
        if path.endswith("/payment/"):
            # As the worker does.
            checkout.charge(payment_id=UUID(answer.json()["job_id"]), now=datetime.now(UTC))
        return answer.status_code, answer.json()

    order = shopper.order(call, whole.requests[0].body)

    assert order["status"] == "paid"
    assert [line["product_id"] for line in order["lines"]] == [str(built.product_ids[0])]
    assert whole.written
    assert whole.written() == bank.calls == 1


@pytest.mark.plain_calls
def test_an_order_that_is_refused_is_an_error(built: Chain) -> None:
    with pytest.raises(shopper.Failed, match="404 to POST /cart/"):
        shopper.order(lambda *_: (404, {}), "{}")


def test_processor_time_is_counted_for_whom_it_was(db: None) -> None:
    before = processor.now([os.getpid()], [])
    while processor.now([os.getpid()], []).since(before, requests=1).web < 20:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM generate_series(1, 100000)")
    spent = processor.now([os.getpid()], []).since(before, requests=2)

    assert spent.web >= 10
    assert spent.database
    assert (spent.others, spent.load) == (0, 0)


def sold(built: Chain) -> list[int]:
    """How many sales there are of each product."""
    return [models.SaleLine.objects.filter(product_id=one).count() for one in built.product_ids]


def holds(script: Script, statement: str) -> bool:
    """Whether the script sends this statement, with something in each of its places."""
    parts = [re.escape(part) for part in statement.strip().split("%s")]
    return bool(re.search(".+?".join(parts), script.text, re.DOTALL))
