"""The two generators of load, both compiled, so that they leave the cores to what is measured: wrk and pgbench."""

import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from config import embedded_postgres
from tests.bench.cases import Request
from tests.bench.statements import Script

WRK_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Figures:
    """What one measurement found; the percentiles of the time that a request took are in milliseconds."""

    requests: int
    errors: int
    per_second: float
    p50: float
    p95: float
    p99: float


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


def wrk(address: str, requests: Sequence[Request], *, token: str, clients: int, seconds: int) -> Figures:
    """What wrk finds when so many clients send these requests, each the next one when it has its answer."""
    with tempfile.NamedTemporaryFile("w", prefix="comptoir-bench-") as file:
        file.writelines(f"{' '.join(request).rstrip()}\n" for request in requests)
        file.flush()
        headers = [f"Authorization: Bearer {token}", "Content-Type: application/json"]
        output = _run(
            "wrk",
            *("--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "10s"),
            *(part for header in headers for part in ("--header", header)),
            *("--script", str(WRK_SCRIPT), address, "--", file.name),
        )
    return wrk_figures(output)


def wrk_figures(output: str) -> Figures:
    """The figures in the last line that `wrk.lua` printed."""
    found = json.loads(output.strip().splitlines()[-1])
    return Figures(
        requests=found["requests"],
        errors=found["errors"],
        per_second=found["requests"] / found["microseconds"] * 1e6,
        p50=found["p50"] / 1000,
        p95=found["p95"] / 1000,
        p99=found["p99"] / 1000,
    )


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
