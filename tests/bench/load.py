"""The generators of load: wrk and pgbench, compiled, to leave the cores to what is measured; and `shopper`."""

import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from config import embedded_postgres
from tests.bench.cases import Headers, Request
from tests.bench.processor import Times
from tests.bench.statements import Script

WRK_SCRIPT = Path(__file__).with_name("wrk.lua")
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Figures:
    """What one measurement found; the percentiles of the time that a request took are in milliseconds.

    `processor` is the time that a request took of whom; it is not looked at where the database is asked alone.
    """

    requests: int
    errors: int
    per_second: float
    p50: float
    p95: float
    p99: float
    processor: Times | None = None


def ensure_wrk() -> None:
    """Install wrk where that is ours to do. Raises SystemExit, saying how to install it, where it is not."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "wrk"]):
            subprocess.run(
                ["apt-get", "-qq", *command],
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                stdout=subprocess.DEVNULL,
                check=False,
            )
    if shutil.which("wrk") is None:
        raise SystemExit(
            "The load generator wrk is missing: install it (Debian and Ubuntu: apt-get install wrk; macOS: brew"
            " install wrk), then run this again."
        )


def wrk(
    address: str, requests: Sequence[Request], *, headers: Headers, clients: int, seconds: int, once: bool = False
) -> Figures:
    """What wrk finds when so many clients send these requests, each the next one when it has its answer.

    They are chosen at random; or each is sent `once`, and it ends earlier where they do not suffice.
    """
    with _file("\t".join([one.method, one.path, one.body, *_written(one.headers)]) for one in requests) as name:
        output = _run(
            "wrk",
            *("--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "10s"),
            *(part for header in _written({"Content-Type": "application/json", **headers}) for part in ("-H", header)),
            *("--script", str(WRK_SCRIPT), address, "--", name, *(["once"] if once else [])),
        )
    return printed_figures(output)


def shoppers(address: str, requests: Sequence[Request], *, clients: int, seconds: int) -> Figures:
    """What `shopper` finds when so many clients order what these requests put into a cart."""
    with _file(one.body for one in requests) as name:
        command = [sys.executable, "-m", "tests.bench.shopper", address, name, str(clients), str(seconds)]
        return printed_figures(_run(*command, environment={"PYTHONPATH": str(ROOT)}))


def printed_figures(output: str) -> Figures:
    """The figures in the last line that `wrk.lua` or `shopper` printed."""
    found = json.loads(output.strip().splitlines()[-1])
    return Figures(
        requests=found["requests"],
        errors=found["errors"],
        per_second=found["requests"] / found["microseconds"] * 1e6,
        p50=found["p50"] / 1000,
        p95=found["p95"] / 1000,
        p99=found["p99"] / 1000,
    )


def _written(headers: Headers) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


@contextlib.contextmanager
def _file(lines: Iterable[str]) -> Iterator[str]:
    """The name of a file with these lines."""
    with tempfile.NamedTemporaryFile("w", prefix="comptoir-bench-") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        yield file.name


def pgbench(script: Script, *, clients: int, limit: Sequence[str]) -> Figures:
    """What pgbench finds when so many clients run this script; `limit` is its `--time` or `--transactions`."""
    # As Django connects, with its search path.
    parameters = connection.get_connection_params()
    target = {
        name: str(parameters[name]) for name in ("dbname", "user", "host", "port", "sslmode") if parameters.get(name)
    }
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as name:
        folder = Path(name)
        (folder / "script.sql").write_text(script.text)
        output = _run(
            str(embedded_postgres.binary("pgbench")),
            *("--no-vacuum", "--protocol", "prepared", "--file", str(folder / "script.sql")),
            *("--client", str(clients), "--jobs", str(min(clients, os.cpu_count() or 1)), *limit),
            *("--log", "--log-prefix", str(folder / "log")),
            # How the ids of this run's sales start, and where their numbers do.
            *("--define", f"start={time.time_ns() // 1_000_000:012x}70008", "--define", "sale=100000000000"),
            make_conninfo("", **target),
            environment={"PGPASSWORD": parameters.get("password") or "", "PGOPTIONS": parameters["options"]},
        )
        return pgbench_figures(output, list(_logged(folder)))


def pgbench_figures(output: str, milliseconds: Sequence[float]) -> Figures:
    """The figures of pgbench's summary and of the time that each transaction took."""
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    assert rate, output
    ordered = sorted(milliseconds)
    return Figures(
        requests=len(ordered),
        errors=int(failed[1]) if failed else 0,
        per_second=float(rate[1]),
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest of these values, given in their order, that so many per cent do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _logged(folder: Path) -> Iterator[float]:
    """The milliseconds in pgbench's log files: a line is client, number, microseconds, …"""
    for path in folder.glob("log.*"):
        for line in path.read_text().splitlines():
            yield int(line.split()[2]) / 1000


def _run(*command: str, environment: dict[str, str] | None = None) -> str:
    """What the command prints. Raises SystemExit with its complaint when it fails."""
    done = subprocess.run(command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
