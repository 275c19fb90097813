"""The run: each case over HTTP and by pgbench, in turns, and at the end the proof that the books agree."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter

from django.core.management import call_command
from django.db import connection

from inventory.interface import inventory
from sales import models
from tests.bench import chain, load, report
from tests.bench.cases import Case, cases
from tests.bench.chain import Chain
from tests.bench.installation import DATA, web_server
from tests.bench.load import Figures
from tests.bench.report import Row
from tests.bench.statements import Script

WARM_UP_SECONDS = 2


def bench(*, seconds: int, clients: Sequence[int], rounds: int) -> None:
    """Measure everything and write the document.

    Raises SystemExit when a request failed, a sale is missing or the books disagree.
    """
    logging.disable(logging.INFO)  # of the requests made in this process; those of the web server go to its file
    load.ensure_wrk()
    _say("Building the chain …")
    call_command("migrate", interactive=False, verbosity=0)
    built = chain.build()
    rows = []
    try:
        with web_server() as address:
            for case in cases(built):
                for number in clients:
                    _say(f"{case.name}, clients: {number} …")
                    rows.append(_row(address, case, built, clients=number, seconds=seconds, rounds=rounds))
        print(report.table(rows))  # noqa: T201 it reports to whoever ran make
        _prove(rows)
        command = f"python -m tests.bench --seconds {seconds} --clients {','.join(map(str, clients))} --rounds {rounds}"
        report.write(report.circumstances(command, _volume()), rows)
    finally:
        connection.close()


def _row(address: str, case: Case, built: Chain, *, clients: int, seconds: int, rounds: int) -> Row:
    http, sql = [], []
    for _ in range(rounds):
        # In turns, so that whatever else the machine does meets both alike.
        http.append(_over_http(address, case, built, clients=clients, seconds=seconds))
        if case.script:
            sql.append(_by_pgbench(case, case.script, clients=clients, seconds=seconds))
    statements = case.script.statements if case.script else 0
    return Row(case.name, clients, statements, _median(http), _median(sql) if sql else None)


def _over_http(address: str, case: Case, built: Chain, *, clients: int, seconds: int) -> Figures:
    token = built.token()
    load.wrk(address, case.requests, token=token, clients=clients, seconds=WARM_UP_SECONDS)
    before = _sales()
    figures = load.wrk(address, case.requests, token=token, clients=clients, seconds=seconds)
    _check_written(case, figures, before=before)
    return figures


def _by_pgbench(case: Case, script: Script, *, clients: int, seconds: int) -> Figures:
    before = _sales()
    figures = load.pgbench(script, clients=clients, limit=["--time", str(seconds)])
    _check_written(case, figures, before=before)
    return figures


def _check_written(case: Case, figures: Figures, *, before: int) -> None:
    """Raises SystemExit when a sale that was answered for is not there."""
    answered, written = figures.requests - figures.errors, _sales() - before
    if case.sells and written < answered:
        raise SystemExit(f"{case.name}: {answered} sales were answered, but {written} were written down.")


def _sales() -> int:
    return models.Sale.objects.count()


def _median(rounds: Sequence[Figures]) -> Figures:
    """The round in the middle, with the errors of all."""
    middle = sorted(rounds, key=attrgetter("per_second"))[len(rounds) // 2]
    return replace(middle, errors=sum(figures.errors for figures in rounds))


def _prove(rows: Sequence[Row]) -> None:
    """Raises SystemExit when a request failed or the books disagree."""
    proof = inventory.verify(now=datetime.now(UTC))
    if proof.differences:
        raise SystemExit(f"The books disagree on {len(proof.differences)} of {proof.levels} stock levels.")
    _say(f"The books agree: {proof.levels:,} stock levels, no difference.")
    if errors := sum(side.errors for row in rows for side in (row.http, row.sql) if side):
        raise SystemExit(f"{errors} requests failed: see {DATA / 'gunicorn.log'}.")


def _volume() -> str:
    return (
        f"1 warehouse, {chain.STORES} stores, {chain.PRODUCTS:,} products in each; {_sales():,} sales by the end of the"
        " run"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 it tells whoever ran make how far it is
