"""The command line: `run`, `compare` and `soak`, bounded in people and time."""

import argparse
import logging
from typing import Any

NAMES = ["shop-day", "flash-sale", "store-morning", "report-storm"]


def main() -> None:
    """Do what is asked, on an installation of its own."""
    options = vars(_options())
    task = options.pop("task")

    from tests.load.installation import installed

    with installed():
        logging.disable(logging.INFO)  # of the requests made in this process

        from tests.load.compare import compare
        from tests.load.run import run
        from tests.load.soak import soak

        {"run": run, "compare": compare, "soak": soak}[task](**options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Many people at a time, by Locust.")
    tasks = parser.add_subparsers(dest="task", required=True)

    run = tasks.add_parser("run", help="one scenario, or all of them in turn")
    run.add_argument("--scenario", choices=NAMES, help="which one (all)")
    _add_number(run, "users", 1, 1000, default=None, help="people at a time (the scenario's)")
    _add_number(run, "seconds", 1, 900, default=60, help="for each (60)")
    _add_number(run, "rate", 0, 5000, default=None, help="requests a second of all; 0: as fast as answered")
    _add_number(run, "pieces", 0, 1_000_000, default=1000, help="of the product in the flash sale (1000)")
    _add_number(run, "replicas", 1, 16, default=3, help="behind nginx (3)")
    run.add_argument("--redis", action="store_true", help="with a Redis to cache in")
    run.add_argument("--cache", action="store_true", help="nginx keeps public answers, as long as they allow")

    compare = tasks.add_parser("compare", help="the shop day on one installation after the other")
    _add_number(compare, "users", 1, 1000, default=50, help="people at a time (50)")
    _add_number(compare, "seconds", 1, 900, default=60, help="for each (60)")
    _add_number(compare, "rate", 0, 5000, default=0, help="requests a second of all; 0: as fast as answered (0)")

    soak = tasks.add_parser("soak", help="a shop day for long")
    _add_number(soak, "minutes", 1, 24 * 60, default=30, help="(30)")
    _add_number(soak, "users", 1, 1000, default=20, help="people at a time (20)")
    _add_number(soak, "rate", 1, 5000, default=100, help="requests a second of all (100)")
    return parser.parse_args()


def _add_number(parser: argparse.ArgumentParser, name: str, least: int, most: int, **options: Any) -> None:
    parser.add_argument(f"--{name}", type=int, choices=range(least, most + 1), metavar=f"{least} … {most}", **options)


if __name__ == "__main__":
    main()
