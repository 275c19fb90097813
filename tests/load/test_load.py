"""The load test's own judgement, and that its people ask for what there is and accept what is right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory import models
from tests.chain import make_product, make_store, put_in_stock
from tests.checkout.conftest import bank
from tests.config.conftest import folder
from tests.journeys.installation import Installation, installed
from tests.load import chain, facts, run
from tests.load.__main__ import NAMES
from tests.load.compare import SHAPES, table
from tests.load.facts import Chain, Facts
from tests.load.run import SCENARIOS, Outcome, drive, finish, wrong_books
from tests.load.soak import Sample, grows, leaks

__all__ = ["bank", "folder"]

OUTCOME = Outcome(
    requests=990,
    per_second=498.7,
    p50=12,
    p95=44,
    p99=80.4,
    failures=10,
    served_by={"replica-1": 300, "replica-2": 500, "nginx": 200},
    accepted=3,
    cpu=0.876,
    generator=0.2,
)


@pytest.fixture
def installation(transactional_db: None, folder: Path) -> Iterator[Installation]:
    # Without it pages need their static files collected.
    with installed(folder, DEBUG="true") as installation:
        yield installation


@pytest.fixture
def built(installation: Installation) -> Chain:
    return chain.build(pieces=4, stores=2, products=12, sold=5)


@pytest.mark.plain_calls
def test_everybody_is_answered_and_the_last_pieces_go_once(
    installation: Installation, built: Chain, tmp_path: Path
) -> None:
    told = Facts(built, [installation.server.address], pace=0)

    outcome = drive(
        [scenario.user_class for scenario in SCENARIOS], told, tmp_path, users=8, seconds=4, arrival_seconds=1
    )

    assert outcome.failures == 0, (tmp_path / "locust.log").read_text()
    assert outcome.requests > 20
    assert sum(outcome.served_by.values()) >= outcome.requests
    assert chain.pieces_gone(built) == outcome.accepted > 0
    assert (tmp_path / "report.html").exists()


def test_another_machine_is_refused(tmp_path: Path) -> None:
    told = Facts(Chain([], [], [], "", 0, "", ""), ["http://127.0.0.1:8080", "http://shop.example"], pace=0)
    told.write(tmp_path / "facts.json")

    with pytest.raises(SystemExit, match="is another machine"):
        facts.read(tmp_path / "facts.json")


def test_the_load_generator_refuses_another_machine_by_itself(tmp_path: Path) -> None:
    Facts(Chain([], [], [], "", 0, "", ""), ["http://127.0.0.1:8080"], pace=0).write(tmp_path / "facts.json")

    outcome = run.locust(tmp_path, "ShopDay", "--users", "1", "--run-time", "1s", "--host", "http://shop.example")

    assert outcome.wait() != 0
    assert "http://shop.example is another machine" in (tmp_path / "locust.log").read_text()
    assert not (tmp_path / "notes.json").exists()


@pytest.mark.plain_calls
@pytest.mark.django_db
def test_wrong_books_fail_the_run() -> None:
    put_in_stock(make_product(), make_store(), 5)
    assert wrong_books() == []
    models.StockLevel.objects.filter(on_hand=5).update(on_hand=6)

    [problem] = wrong_books()

    assert problem.startswith("verify_stock: 1 differences")
    with pytest.raises(SystemExit, match="verify_stock"):
        finish([problem])


def test_what_grows_steadily_is_a_leak_and_what_comes_and_goes_is_not() -> None:
    warming_up = [50, 80, 95, *[100] * 9]

    assert grows(range(12), allowance=2)
    assert not grows(warming_up, allowance=2)
    assert not grows([100, 130, 90, 120, 100, 130, 90, 120, 100, 130, 90, 120], allowance=2)
    assert not grows([100, 100, 100, 100, 101, 100, 102, 101, 102], allowance=5)


def test_a_leak_is_named() -> None:
    samples = [
        Sample(number * 10.0, {"replica-1": 100 + 5.0 * number, "worker": 80}, connections=9, jobs=20 * number)
        for number in range(12)
    ]

    assert leaks(samples) == [
        "The memory of replica-1 grows: from 115 to 155 MB.",
        "The queue grows: from 60 to 220 jobs.",
    ]


def test_the_table_shows_who_answered() -> None:
    [row] = table([(SHAPES[-1], OUTCOME)]).splitlines()[2:]

    assert row == "| … with Redis and nginx's cache | 499 | 12 | 44 | 80 | 1.00% | 30% / 50% | 20% | 88% | 20% |"


def test_the_scenarios_stand_in_a_table() -> None:
    [row] = run.table([(SCENARIOS[1], OUTCOME)]).splitlines()[2:]

    assert row == "| flash-sale | 300 | 499 | 12 | 44 | 80 | 1.00% | 88% | 20% |"


def test_the_command_line_knows_the_scenarios() -> None:
    assert [scenario.name for scenario in SCENARIOS] == NAMES
    assert {scenario.user_class for scenario in SCENARIOS} == {"ShopDay", "FlashSale", "StoreMorning", "ReportStorm"}
