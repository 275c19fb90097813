"""Both sides in turns, request by request and command by command, as a table in `docs/load-tests.md`."""

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import median

from django.db import connection

from tests.bench.load import percentile
from tests.bench.report import circumstances, show
from tests.volume.chains import COMMAND, ROOT, Size
from tests.volume.side import serve

# What people do not wait for, in its order: suggestions are shown by what is measured after them.
COMMANDS = ["suggest", "verify_stock", "verify_sales"]
REQUESTS = 3  # of a side, before it is the other's turn
WARM_UP = 2
# Nothing that somebody waits for may take longer by more than this.
FLAT = 1.5

MEMORY_OF = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


@dataclass
class Taken:
    """The milliseconds that one side took for a case."""

    times: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return median(self.times)

    @property
    def p95(self) -> float:
        return percentile(sorted(self.times), 95)


@dataclass(frozen=True)
class Command:
    """What a command took on one side."""

    seconds: float
    megabytes: float


Row = tuple[str, list[Taken]]
Commands = tuple[str, list[Command]]


def compare(sizes: Sequence[Size], urls: Sequence[str], words: Sequence[str], *, rounds: int, command: str) -> None:
    """Measure all that is wanted; all cases with all commands are written into the page.

    Raises SystemExit when a command fails; a request that fails ends it, too.
    """
    logging.disable(logging.INFO)

    def wanted(name: str) -> bool:
        return not words or any(word in name for word in words)

    commands = [(name, [_run(name, url) for url in urls]) for name in COMMANDS if wanted(name)]
    rows: list[Row] = []
    with _side(urls[0]) as one, _side(urls[1]) as other:
        names, _ = one.recv(), other.recv()
        for name in filter(wanted, names):
            rows.append((name, _in_turns([one, other], name, rounds=rounds)))
            _say(f"{name}: {' and '.join(f'{taken.p50:.0f}' for taken in rows[-1][1])} ms")
    found = f"{table(sizes, rows)}\n{table_of_commands(sizes, commands)}"
    print(found)  # noqa: T201 it reports to whoever ran make
    if not words:
        with closing(connection):
            facts = circumstances(command, _volume(sizes))
        facts["served by"] = "one process, one request at a time, without a server in between and without a cache"
        show("volume", facts, found)


def table(sizes: Sequence[Size], rows: Sequence[Row]) -> str:
    """The requests in Markdown; those that are not flat have their ratio in bold."""
    columns = [f"{size.lines:,} lines: {figure} ms" for size in sizes for figure in ("p50", "p95")]
    lines = [["request", *columns, "ratio"], ["---", *["---:"] * (len(columns) + 1)]]
    for name, sides in rows:
        ratio = sides[1].p50 / sides[0].p50
        shown = f"{ratio:.2f}" if ratio <= FLAT else f"**{ratio:.2f}**"
        lines.append([name, *(f"{figure:.1f}" for side in sides for figure in (side.p50, side.p95)), shown])
    return _markdown(lines)


def table_of_commands(sizes: Sequence[Size], commands: Sequence[Commands]) -> str:
    """The commands in Markdown."""
    columns = [f"{size.lines:,} lines: {figure}" for size in sizes for figure in ("seconds", "MiB")]
    lines = [["command", *columns], ["---", *["---:"] * len(columns)]]
    for name, sides in commands:
        lines.append([name, *(f"{figure:,.0f}" for side in sides for figure in (side.seconds, side.megabytes))])
    return _markdown(lines)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@contextmanager
def _side(url: str) -> Iterator[Connection]:
    """One of the chains, ready to answer."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, url), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(timeout=10)
        process.kill()


def _in_turns(sides: Sequence[Connection], name: str, *, rounds: int) -> list[Taken]:
    """So many rounds of some requests each, so that whatever else the machine does meets both sides alike."""
    found = [Taken() for _ in sides]
    for turn in range(rounds + 1):
        for side, taken in zip(sides, found, strict=True):
            side.send((name, REQUESTS if turn else WARM_UP))
            try:
                times = side.recv()
            except EOFError:
                raise SystemExit(f"{name} failed: see above.") from None
            if turn:
                taken.times += times
    return found


def _run(name: str, url: str) -> Command:
    _say(f"{name} …")
    begun = time.monotonic()
    # By a small process in between: what is forked from this one has its memory at first.
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_OF, *COMMAND, name],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed.")
    return Command(time.monotonic() - begun, int(done.stdout) / 1024)


def _volume(sizes: Sequence[Size]) -> str:
    short, long = sizes
    return (
        f"{long.stores:,} stores and a warehouse, {long.products:,} products in each; sold in a year until"
        f" {long.until}: {short.lines:,} and {long.lines:,} lines"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 it tells whoever ran make how far it is
