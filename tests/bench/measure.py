"""The run: each case over HTTP and by pgbench, in turns, and at the end the proof that the books agree."""

import logging
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from django.core.management import CommandError, call_command
from django.db import connection

from sales import models as sales
from tests.bench import chain, load, report, serving
from tests.bench.cases import Case, cases, replay
from tests.bench.installation import DATA
from tests.bench.load import Figures
from tests.bench.report import Row
from tests.bench.serving import Site
from tests.bench.statements import Script

WARM_UP_SECONDS = 2
# Of what can be sent once, so many a second for the warm-up, and then so many times what it managed.
WARM_UP_RATE = 400
SPARE = 1.5
# How long the worker may take for what a measurement has left to it.
PATIENCE = 600

DUE = """
SELECT count(*) FROM procrastinate_jobs
WHERE status = 'doing' OR (status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))
"""
PROOFS = ["verify_stock", "verify_sales", "verify_orders"]


@dataclass(frozen=True)
class Plan:
    """What somebody asks for: the cases whose name holds one of these words (none: all), and how."""

    words: Sequence[str]
    clients: Sequence[int]
    seconds: int
    rounds: int
    direct: bool
    redis: bool

    def wants(self, name: str) -> bool:
        return not self.words or any(word in name for word in self.words)


def bench(plan: Plan, command: str) -> None:
    """Measure what is asked for; all cases as the page describes them are written into it.

    Raises SystemExit when a request failed, something that was answered is not there, or the books disagree.
    """
    logging.disable(logging.INFO)  # of the requests made in this process; those of the web server go to its file
    load.ensure_wrk()
    call_command("migrate", interactive=False, verbosity=0)
    _say("Building the chain …")
    built = chain.build()
    wanted = [case for case in cases(built) if plan.wants(case.name)]
    rows = []
    try:
        with serving.gunicorn() if plan.direct else serving.replicas(redis=plan.redis) as site:
            _wait_for_worker()
            chain.put_in_order()
            for case in wanted:
                script = replay(case, built)
                for number in plan.clients:
                    _say(f"{case.name}, clients: {number} …")
                    rows.append(_row(site, case, script, plan, clients=number))
            print(report.table(rows))  # noqa: T201 it reports to whoever ran make
            _wait_for_worker()
            _prove(rows)
        if not (plan.words or plan.direct or plan.redis):
            report.write(report.circumstances(command, _volume()), rows)
    finally:
        connection.close()


def _row(site: Site, case: Case, script: Script, plan: Plan, *, clients: int) -> Row:
    http, sql = [], []
    for _ in range(plan.rounds):
        # In turns, so that whatever else the machine does meets both alike.
        http.append(_over_http(site, case, clients=clients, seconds=plan.seconds))
        if not case.not_replayed:
            sql.append(_by_pgbench(case, script, clients=clients, seconds=plan.seconds))
    return Row(case.name, clients, script.statements, _median(http), _median(sql) if sql else None, case.not_replayed)


def _over_http(site: Site, case: Case, *, clients: int, seconds: int) -> Figures:
    warm = _sent(site, case, clients=clients, seconds=WARM_UP_SECONDS, rate=WARM_UP_RATE)
    return _sent(site, case, clients=clients, seconds=seconds, rate=warm.per_second * SPARE)


def _sent(site: Site, case: Case, *, clients: int, seconds: int, rate: float) -> Figures:
    """What comes of so many clients sending the case's requests, of which at most `rate` a second can be made new."""
    requests = case.some(math.ceil(rate * seconds) + clients)
    headers = case.caller()
    _wait_for_worker()
    before, times = _written(case), site.times()
    if case.whole:
        figures = load.shoppers(site.address, requests, clients=clients, seconds=seconds)
    else:
        once = case.new is not None
        figures = load.wrk(site.address, requests, headers=headers, clients=clients, seconds=seconds, once=once)
    figures = replace(figures, processor=site.times().since(times, requests=figures.requests))
    _check_written(case, figures, before=before)
    return figures


def _by_pgbench(case: Case, script: Script, *, clients: int, seconds: int) -> Figures:
    before = _written(case)
    figures = load.pgbench(script, clients=clients, limit=["--time", str(seconds)])
    _check_written(case, figures, before=before)
    return figures


def _check_written(case: Case, figures: Figures, *, before: int) -> None:
    """Raises SystemExit when something that was answered for is not there."""
    answered, written = figures.requests - figures.errors, _written(case) - before
    if case.written and written < answered:
        raise SystemExit(f"{case.name}: {answered} requests were answered, but {written} written down.")


def _written(case: Case) -> int:
    return case.written() if case.written else 0


def _wait_for_worker() -> None:
    """Return when the worker has done what there is to do: no case is to pay for another. Raises SystemExit."""
    deadline = time.monotonic() + PATIENCE
    while _jobs():
        if time.monotonic() > deadline:
            raise SystemExit(f"The worker does not come to the end of its jobs: see its log in {DATA}.")
        time.sleep(0.1)


def _jobs() -> int:
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        return int(cursor.fetchone()[0])


def _median(rounds: Sequence[Figures]) -> Figures:
    """The round in the middle, with the errors of all."""
    middle = sorted(rounds, key=attrgetter("per_second"))[len(rounds) // 2]
    return replace(middle, errors=sum(figures.errors for figures in rounds))


def _prove(rows: Sequence[Row]) -> None:
    """Raises SystemExit when a request failed or the books disagree."""
    for name in PROOFS:
        try:
            call_command(name, stdout=sys.stderr)
        except CommandError as error:
            raise SystemExit(f"{name}: {error}") from error
    if errors := sum(side.errors for row in rows for side in (row.http, row.sql) if side):
        raise SystemExit(f"{errors} requests failed: see the logs in {DATA}.")


def _volume() -> str:
    return (
        f"1 warehouse, {chain.STORES} stores, {chain.PRODUCTS:,} products in each; {sales.Sale.objects.count():,} sales"
        " by the end of the run"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 it tells whoever ran make how far it is
