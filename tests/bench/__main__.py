"""`make bench`: prepares a database and Django as in production, and measures."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    """Run the bench."""
    options = _options()
    sys.path.insert(0, str(ROOT / "src"))

    from tests.bench import installation

    installation.configure()
    with installation.fresh_database():
        import django

        django.setup()

        from tests.bench.measure import bench

        bench(seconds=options.seconds, clients=options.clients, rounds=options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure requests over HTTP, and their SQL by pgbench, side by side.",
    )
    parser.add_argument("--seconds", type=_between(1, 300), default=10, help="for each measurement (10)")
    parser.add_argument("--clients", type=_list_of(_between(1, 256)), default=[1, 16], help="at a time (1,16)")
    parser.add_argument("--rounds", type=_between(1, 20), default=1, help="of which the median is shown (1)")
    return parser.parse_args()


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a number from {least} to {most} is wanted, not {text}")
        return int(text)

    return number


def _list_of(number: Callable[[str], int]) -> Callable[[str], list[int]]:
    return lambda text: [number(part) for part in text.split(",")]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
