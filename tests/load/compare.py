"""The same shop day on one installation after the other, as a table in `docs/load-tests.md`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.report import circumstances, show
from tests.load import chain
from tests.load.facts import Facts
from tests.load.installation import say
from tests.load.run import SHOP_DAY, Outcome, finish, measure, started

COLUMNS = ("installation", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors", "replicas", "nginx", "CPU", "Locust")


@dataclass(frozen=True)
class Shape:
    """An installation: how its stack is started, and whether people come through nginx."""

    name: str
    options: tuple[str, ...]
    through_nginx: bool = True


SHAPES = [
    Shape("1 replica, direct", ("--replicas", "1"), through_nginx=False),
    Shape("3 replicas, direct", ("--replicas", "3"), through_nginx=False),
    Shape("3 replicas behind nginx", ("--replicas", "3")),
    Shape("… with Redis", ("--replicas", "3", "--redis")),
    Shape("… with Redis and nginx's cache", ("--replicas", "3", "--redis", "--cache")),
]


def compare(*, users: int, seconds: int, rate: float) -> None:
    """Measure all shapes and write the table. Raises SystemExit when a request failed or the books disagree."""
    built = chain.build(pieces=0)
    rows, found = [], []
    scenario = SHOP_DAY.asked(users, rate)
    for number, shape in enumerate(SHAPES, 1):
        with started(*shape.options) as stack:
            sites = [stack.addresses.site] if shape.through_nginx else list(stack.addresses.replicas.values())
            told = Facts(built, sites, scenario.pace)
            say(f"{shape.name} …")
            outcome, wrong = measure(scenario, told, f"compare-{number}", seconds=seconds)
        rows.append((shape, outcome))
        found += wrong
    command = f"make load-compare USERS={users} SECONDS={seconds}{f' RATE={rate:g}' if rate else ''}"
    servers = {
        "served by": "replicas of gunicorn, 1 process of 4 threads each; the worker and the payment sandbox beside them"
    }
    facts = (
        circumstances(command, f"1 warehouse, {len(built.stores)} stores, {len(built.products):,} products") | servers
    )
    show("load-compare", facts, table(rows))
    finish(found)


def table(rows: Sequence[tuple[Shape, Outcome]]) -> str:
    """The rows in Markdown."""
    lines = [COLUMNS, ["---", *["---:"] * (len(COLUMNS) - 1)], *(_cells(shape, outcome) for shape, outcome in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(shape: Shape, outcome: Outcome) -> list[str]:
    answered = sum(outcome.served_by.values()) or 1
    shares = {name: count / answered for name, count in sorted(outcome.served_by.items())}
    nginx = shares.pop("nginx", 0)
    return [
        *(shape.name, *outcome.figures),
        " / ".join(f"{share:.0%}" for share in shares.values()),
        f"{nginx:.0%}" if shape.through_nginx else "–",
        *(f"{outcome.cpu:.0%}", f"{outcome.generator:.0%}"),
    ]
