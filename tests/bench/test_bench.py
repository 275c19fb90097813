"""The bench's own arithmetic, and that its SQL is the application's."""

import re

import pytest

from inventory.service import posting
from sales import models
from sales.service import tickets
from tests.bench import chain
from tests.bench.__main__ import _between, _list_of
from tests.bench.cases import cases
from tests.bench.chain import Chain
from tests.bench.load import Figures, percentile, pgbench, pgbench_figures, wrk_figures
from tests.bench.report import BEGIN, END, Row, between_markers, table
from tests.bench.statements import Script
from tests.chain import books_agree

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
    by_wrk = wrk_figures(
        "Running 1s test @ http://127.0.0.1:8000\n"
        '{"requests": 500, "errors": 2, "microseconds": 2000000, "p50": 900, "p95": 1500, "p99": 12000}\n'
    )
    by_pgbench = pgbench_figures(PGBENCH_SUMMARY, [0.9, 0.3, 0.4, 0.44])

    assert by_wrk == Figures(requests=500, errors=2, per_second=250, p50=0.9, p95=1.5, p99=12)
    assert by_pgbench == Figures(requests=4, errors=0, per_second=1960.784314, p50=0.4, p95=0.9, p99=0.9)


def test_the_table_shows_both_sides_and_their_ratio() -> None:
    http = Figures(requests=5000, errors=0, per_second=1250, p50=0.7, p95=2, p99=30.4)
    sql = Figures(requests=50_000, errors=0, per_second=5000, p50=0.2, p95=0.5, p99=1)

    hello, sale = table([Row("hello", 1, 0, http, None), Row("sale", 1, 7, http, sql)]).splitlines()[2:]

    assert hello == "| hello | 1 | 0 | 1,250 | 0.70 | 2.00 | 30 | 0 | – | – | – | – | – |"
    assert sale == "| sale | 1 | 7 | 1,250 | 0.70 | 2.00 | 30 | 0 | 5,000 | 0.20 | 0.50 | 1.00 | 0.25 |"


def test_new_figures_take_the_place_of_the_old_ones() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert between_markers(document, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_the_command_line_takes_several_numbers_of_clients() -> None:
    assert _list_of(_between(1, 256))("1,4,16") == [1, 4, 16]


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
def test_pgbench_sends_the_applications_statements_and_the_books_agree() -> None:
    built = chain.build(stores=1, products=3)
    scripts = {case.name: case.script for case in cases(built) if case.script}
    read, spread, hot = scripts["stock read"], scripts["till sale, spread"], scripts["till sale, hot item"]

    assert "BEGIN;" not in read.text
    for sale in (spread, hot):
        assert holds(sale, tickets.INSERT_SALE)
        assert holds(sale, posting.STATEMENT)
        assert sale.text.count("\nBEGIN;\n") == sale.text.count("\nCOMMIT;\n") == 1
        # Every transaction chooses its product and its sale anew.
        assert built.product_ids[0].hex not in sale.text
        before = sold(built)
        figures = pgbench(sale, clients=2, limit=["--transactions", "10"])
        assert (figures.requests, figures.errors) == (20, 0)
        assert sum(sold(built)) - sum(before) == 20
    assert sold(built)[1:] == before[1:]  # the hot item is the first one
    assert pgbench(read, clients=1, limit=["--transactions", "5"]).errors == 0
    assert books_agree()


def holds(script: Script, statement: str) -> bool:
    """Whether the script sends this statement, with something in each of its places."""
    parts = [re.escape(part) for part in statement.strip().split("%s")]
    return bool(re.search(".+?".join(parts), script.text, re.DOTALL))


def sold(built: Chain) -> list[int]:
    """How many sales there are of each product."""
    return [models.SaleLine.objects.filter(product_id=one).count() for one in built.product_ids]
