"""One run: Locust as a process of its own, what it found, and the proof that the books agree at the end."""

import contextlib
import csv
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
from django.core.management import CommandError, call_command

from shared_kernel.jobs import queues
from tests.bench.report import circumstances, show
from tests.load import chain, facts
from tests.load.facts import Facts, Notes
from tests.load.installation import DATA, RESULTS, ROOT, say
from tests.load.pictures import draw_requests
from tests.stack.running import Stack

SCENARIOS_FILE = Path(__file__).with_name("scenarios.py")
BOOKS = ["verify_stock", "verify_orders", "verify_sales"]
ARRIVAL_SECONDS = 5  # until everybody is there
STOP_SECONDS = 60  # for what has been begun
SETTLE_SECONDS = 600  # for the worker

Watch = Callable[["subprocess.Popen[bytes]"], None]


@dataclass(frozen=True)
class Scenario:
    """A class of scenarios.py, and unless somebody asks for others: how many people, and requests a second of all.

    At a rate of 0 each sends the next request when the last one is answered.
    """

    name: str
    users: int
    rate: float

    @property
    def user_class(self) -> str:
        """Who comes."""
        return self.name.title().replace("-", "")

    @property
    def pace(self) -> float:
        """How many seconds each lets pass from request to request."""
        return self.users / self.rate if self.rate else 0

    def asked(self, users: int | None, rate: float | None) -> "Scenario":
        """With what somebody asks for."""
        return replace(self, users=self.users if users is None else users, rate=self.rate if rate is None else rate)


SHOP_DAY = Scenario("shop-day", users=50, rate=500)
FLASH_SALE = Scenario("flash-sale", users=300, rate=0)
SCENARIOS = [
    SHOP_DAY,
    FLASH_SALE,
    Scenario("store-morning", users=50, rate=0),
    Scenario("report-storm", users=50, rate=0),
]


@dataclass(frozen=True)
class Outcome:
    """What one run found; times are in milliseconds.

    `cpu` is how busy the machine was, and `generator` the share of the machine that Locust took, each from 0 to 1.
    """

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    failures: int
    served_by: dict[str, int]
    accepted: int
    cpu: float
    generator: float

    @property
    def figures(self) -> list[str]:
        """For a table: requests a second, the times, and the share of errors."""
        answered = sum(self.served_by.values()) or 1
        times = [f"{value:.0f}" for value in (self.p50, self.p95, self.p99)]
        return [f"{self.per_second:,.0f}", *times, f"{self.failures / answered:.2%}"]

    def __str__(self) -> str:
        answered = sum(self.served_by.values()) or 1
        shares = ", ".join(f"{name} {count / answered:.0%}" for name, count in sorted(self.served_by.items()))
        return (
            f"{self.per_second:,.0f} requests/s, p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, p99 {self.p99:.0f} ms, "
            f"{self.failures} of {answered} failed; {shares}; CPU {self.cpu:.0%}, of which Locust {self.generator:.0%}"
        )


def run(
    *,
    scenario: str | None,
    users: int | None,
    seconds: int,
    rate: float | None,
    pieces: int,
    replicas: int,
    redis: bool,
    cache: bool,
) -> None:
    """One scenario, or all in turn, through nginx. Raises SystemExit when something is wrong afterwards."""
    built = chain.build(pieces=pieces)
    options = ["--replicas", str(replicas), *(["--redis"] if redis else []), *(["--cache"] if cache else [])]
    rows, found = [], []
    with started(*options) as stack:
        for each in SCENARIOS:
            if scenario in {None, each.name}:
                wanted = each.asked(users, rate)
                told = Facts(built, [stack.addresses.site], wanted.pace)
                outcome, wrong = measure(wanted, told, each.name, seconds=seconds)
                rows.append((wanted, outcome))
                found += wrong
    if (scenario, users, rate) == (None, None, None):
        beside = f"{', Redis' if redis else ''}{', nginx keeps answers' if cache else ''}; the worker and the sandbox"
        volume = f"1 warehouse, {len(built.stores)} stores, {len(built.products):,} products, of one {pieces:,} pieces"
        facts = circumstances(f"make load SECONDS={seconds}", volume) | {
            "served by": f"nginx and {replicas} replicas (gunicorn, 1 process of 4 threads each){beside} beside them"
        }
        show("load", facts, table(rows))
    finish(found)


def table(rows: Sequence[tuple[Scenario, Outcome]]) -> str:
    """The scenarios in Markdown."""
    columns = ["scenario", "people", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors", "CPU", "Locust"]
    cells = [
        [scenario.name, str(scenario.users), *outcome.figures, f"{outcome.cpu:.0%}", f"{outcome.generator:.0%}"]
        for scenario, outcome in rows
    ]
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def measure(
    scenario: Scenario, told: Facts, name: str, *, seconds: int, meanwhile: Watch | None = None
) -> tuple[Outcome, list[str]]:
    """A scenario under way for so many seconds, and what is wrong when all is done; `meanwhile` may watch it."""
    folder = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    settle()  # what building the chain has left to the worker
    before = chain.pieces_gone(told.chain)
    outcome = drive([scenario.user_class], told, folder, users=scenario.users, seconds=seconds, meanwhile=meanwhile)
    draw_requests(folder, f"{name}, {scenario.users} people")
    say(f"{name}, {scenario.users} people: {outcome}\nResults: {folder.relative_to(ROOT)}")
    settle()
    found = [f"{outcome.failures} requests failed: see report.html there."] if outcome.failures else []
    if (gone := chain.pieces_gone(told.chain) - before) != outcome.accepted:
        found.append(f"{outcome.accepted} pieces of the one product were accepted, and {gone} are gone.")
    return outcome, [f"{name}: {problem}" for problem in found + wrong_books()]


@contextlib.contextmanager
def started(*options: str) -> Iterator[Stack]:
    """The stack, over that database. Raises SystemExit where it does not start."""
    stack = Stack(DATA, {})
    if stack.processes():  # of a run that was killed
        _stack("--down")
    try:
        outcome = _stack("--no-demo", *options)
        if outcome.returncode != 0:
            raise SystemExit(outcome.stdout)
        yield stack
    finally:
        _stack("--down")


def _stack(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", "stack", *options]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def drive(
    user_classes: Sequence[str],
    told: Facts,
    folder: Path,
    *,
    users: int,
    seconds: int,
    arrival_seconds: int = ARRIVAL_SECONDS,
    meanwhile: Watch | None = None,
) -> Outcome:
    """Let Locust work for so many seconds once everybody is there.

    Its report, figures and messages go to the folder. Raises SystemExit where it does not come to its end.
    """
    told.write(folder / "facts.json")
    begun, before, own = time.monotonic(), psutil.cpu_times(), _seconds_of_children()
    process = locust(
        folder,
        *user_classes,
        *("--users", str(users), "--spawn-rate", str(users / arrival_seconds), "--reset-stats"),
        *("--run-time", f"{arrival_seconds + seconds}s", "--stop-timeout", str(STOP_SECONDS)),
    )
    try:
        if meanwhile:
            meanwhile(process)
        process.wait()
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise SystemExit(f"Locust has failed: see {folder / 'locust.log'}.")
    machine = (time.monotonic() - begun) * (os.cpu_count() or 1)
    return _outcome(
        folder, cpu=_busy(before, psutil.cpu_times()) / machine, generator=(_seconds_of_children() - own) / machine
    )


def locust(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Locust, on the facts of this folder, and with all that it tells going there. Failed requests are no failure."""
    with (folder / "locust.log").open("w") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "locust", "--locustfile", SCENARIOS_FILE, "--headless", "--only-summary"),
                *("--csv", folder / "requests", "--csv-full-history", "--html", folder / "report.html"),
                *("--exit-code-on-error", "0", *arguments),
            ],
            cwd=folder,
            env=os.environ
            | {
                "PYTHONPATH": str(ROOT),
                facts.FACTS: str(folder / "facts.json"),
                facts.NOTES: str(folder / "notes.json"),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def settle() -> None:
    """Return when the worker has nothing left to do. Raises SystemExit where that takes too long."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while waiting := sum(queue.due + queue.doing for queue in queues()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{waiting} jobs still wait for the worker.")
        time.sleep(0.5)


def wrong_books() -> list[str]:
    """What the three proofs say that are not in order."""
    found = []
    for name in BOOKS:
        said = StringIO()
        try:
            call_command(name, stdout=said)
        except CommandError as error:
            found.append(f"{name}: {error}\n{said.getvalue()}")
    return found


def finish(found: Sequence[str]) -> None:
    """Say that all is well. Raises SystemExit where it is not."""
    if found:
        raise SystemExit("\n".join(found))
    say("Every request was answered rightly, and stock, orders and sales agree.")


def _outcome(folder: Path, *, cpu: float, generator: float) -> Outcome:
    notes = Notes(**json.loads((folder / "notes.json").read_text()))
    with (folder / "requests_stats.csv").open(newline="") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    return Outcome(
        requests=int(total["Request Count"]),
        per_second=float(total["Requests/s"]),
        p50=float(total["50%"]),
        p95=float(total["95%"]),
        p99=float(total["99%"]),
        failures=notes.failures,
        served_by=notes.served_by,
        accepted=notes.accepted,
        cpu=cpu,
        generator=generator,
    )


def _busy(before: Any, after: Any) -> float:
    idle = {"idle", "iowait", "guest", "guest_nice"}  # what guests use counts as the user's already
    spent = {name: getattr(after, name) - getattr(before, name) for name in after._fields}
    return sum(seconds for name, seconds in spent.items() if name not in idle)


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
