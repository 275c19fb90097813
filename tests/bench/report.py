"""The figures as a Markdown table and as JSON, with the machine they were found on."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path

import django
from django.db import connection

from config import gunicorn
from tests.bench.load import Figures
from tests.bench.serving import REPLICAS

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "load-tests.md"

COLUMNS = (
    *("case", "clients", "SQL per request"),
    *("requests/s", "p50 ms", "p95 ms", "p99 ms", "errors"),
    *("CPU ms: web", "database", "others", "load"),
    *("pgbench/s", "ratio"),
)


@dataclass(frozen=True)
class Row:
    """One case at a number of clients: over HTTP, and its SQL alone, or why not."""

    case: str
    clients: int
    statements: int
    http: Figures
    sql: Figures | None
    not_replayed: str = ""

    @property
    def ratio(self) -> float | None:
        """HTTP to pgbench, in requests per second."""
        return self.http.per_second / self.sql.per_second if self.sql else None


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, and below them what is not replayed."""
    lines = [COLUMNS, ["---", *["---:"] * (len(COLUMNS) - 1)], *(_cells(row) for row in rows)]
    reasons = dict.fromkeys(f"- No pgbench for {row.case}: {row.not_replayed}.\n" for row in rows if row.not_replayed)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n" * bool(reasons) + "".join(reasons)


def as_json(circumstances: dict[str, str], rows: Sequence[Row]) -> str:
    """Everything, for programs."""
    cases = [asdict(row) | {"ratio": row.ratio} for row in rows]
    return json.dumps({**circumstances, "cases": cases}, indent=2) + "\n"


def write(circumstances: dict[str, str], rows: Sequence[Row]) -> None:
    """Put the table between its markers in the document, and the JSON beside it."""
    show("bench", circumstances, table(rows))
    DOCUMENT.with_suffix(".json").write_text(as_json(circumstances, rows))


def show(target: str, circumstances: dict[str, str], found: str) -> None:
    """Put what a target of make has found into the document."""
    facts = "".join(f"- {name}: {value}\n" for name, value in circumstances.items())
    DOCUMENT.write_text(between_markers(DOCUMENT.read_text(), target, f"{facts}\n{found}"))


def between_markers(document: str, target: str, text: str) -> str:
    """The document with this text between the target's markers."""
    begin, end = (f"<!-- make {target}: {side} -->" for side in ("begin", "end"))
    before, _, rest = document.partition(begin)
    return f"{before}{begin}\n\n{text}\n{end}{rest.partition(end)[2]}"


def circumstances(command: str, volume: str) -> dict[str, str]:
    """Where and with what the figures were found."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        postgres, fsync = cursor.fetchone()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "command": f"`{command}`",
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, shared by the load, the application and "
        "the database",
        "versions": f"Python {platform.python_version()}, Django {django.__version__}, "
        f"Postgres {postgres.split()[0]} (fsync {fsync})",
        "served by": f"nginx and {REPLICAS} replicas (gunicorn, 1 process of {gunicorn.threads} threads each), no"
        " cache; the worker and the payment sandbox beside them",
        "data": volume,
    }


def _cells(row: Row) -> list[str]:
    http, sql = row.http, row.sql
    times = astuple(http.processor) if http.processor else [None] * 4
    return [
        *(row.case, str(row.clients), str(row.statements)),
        *(f"{http.per_second:,.0f}", *map(_short, (http.p50, http.p95, http.p99)), str(http.errors)),
        *map(_short, times),
        *(f"{sql.per_second:,.0f}" if sql else "–", "–" if row.ratio is None else f"{row.ratio:.2f}"),
    ]


def _short(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", path.read_text(), re.MULTILINE) if path.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    return f"{commit} with changes" if _git("status", "--porcelain", "--", "src") else commit


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
