"""`make bench`: prepares a database and Django as in production, and measures."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent.parent

Value = TypeVar("Value")


def main() -> None:
    """Run the bench."""
    options = _options()
    sys.path.insert(0, str(ROOT / "src"))

    from tests.bench import installation

    installation.configure()
    with installation.fresh_database():
        import django

        django.setup()

        from tests.bench.measure import Plan, bench

        plan = Plan(
            words=options.cases,
            clients=options.clients,
            seconds=options.seconds,
            rounds=options.rounds,
            direct=options.direct,
            redis=options.redis,
        )
        bench(plan, shlex.join(["python", "-m", "tests.bench", *sys.argv[1:]]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure requests over HTTP, and their SQL by pgbench, side by side. Without --cases, --direct and"
        " --redis the figures go into docs/load-tests.md.",
    )
    parser.add_argument("--seconds", type=_between(1, 300), default=10, help="for each measurement (10)")
    parser.add_argument(
        "--clients", type=_list_of(_between(1, 256)), default=[1, 4, 16, 64], help="at a time (1,4,16,64)"
    )
    parser.add_argument("--rounds", type=_between(1, 20), default=1, help="of which the median is shown (1)")
    parser.add_argument(
        "--cases", type=_list_of(str), default=[], help='those whose name holds one of these: "till sale,search" (all)'
    )
    served = parser.add_mutually_exclusive_group()
    served.add_argument("--direct", action="store_true", help="gunicorn by itself, rather than replicas behind nginx")
    served.add_argument("--redis", action="store_true", help="the replicas cache in a Redis")
    return parser.parse_args()


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a number from {least} to {most} is wanted, not {text}")
        return int(text)

    return number


def _list_of(kind: Callable[[str], Value]) -> Callable[[str], list[Value]]:
    return lambda text: [kind(part) for part in text.split(",")]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
