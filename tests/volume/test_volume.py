"""What is compared is there, and what is found is said."""

from collections.abc import Iterator
from datetime import date

import pytest

from tests.bench import chain
from tests.bench.chain import Chain
from tests.threads import empty_queue
from tests.volume.chains import Size
from tests.volume.compare import Command, Taken, table, table_of_commands
from tests.volume.side import Asker, cases_of

SIZES = [Size(lines, 2, 30, date(2026, 11, 20)) for lines in (100, 20_000)]


def test_what_a_long_past_makes_slower_stands_out() -> None:
    short, twice, flat = Taken([10.0, 10.0, 12.0]), Taken([20.0, 20.0, 30.0]), Taken([15.0])

    assert table(SIZES, [("report", [short, twice]), ("stock", [short, flat])]) == (
        "| request | 100 lines: p50 ms | 100 lines: p95 ms | 20,000 lines: p50 ms | 20,000 lines: p95 ms | ratio |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| report | 10.0 | 12.0 | 20.0 | 30.0 | **2.00** |\n"
        "| stock | 10.0 | 12.0 | 15.0 | 15.0 | 1.50 |\n"
    )
    assert table_of_commands(SIZES, [("suggest", [Command(1.4, 80.2), Command(61, 1080)])]) == (
        "| command | 100 lines: seconds | 100 lines: MiB | 20,000 lines: seconds | 20,000 lines: MiB |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| suggest | 1 | 80 | 61 | 1,080 |\n"
    )


@pytest.fixture
def built(transactional_db: None) -> Iterator[Chain]:
    yield chain.build(stores=1, products=12, sold=3, baskets=2)
    empty_queue()


@pytest.mark.plain_calls
def test_every_request_is_answered(built: Chain) -> None:
    for case in cases_of(built):
        assert len(Asker(case).measured(2)) == 2, case.name
