"""`make volume`: makes both chains, or takes those that an earlier run has left, and measures them in turns."""

import argparse
import os
import shlex
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    """Measure."""
    options = _options()
    sys.path.insert(0, str(ROOT / "src"))
    from tests.bench import installation
    from tests.volume import chains

    installation.configure(ROOT / "var" / "volume")
    sizes = [chains.Size(lines, options.stores, options.products, options.until) for lines in options.lines]
    urls = [chains.filled(size) for size in sizes]
    os.environ["DATABASE_URL"] = urls[0]  # for what this process asks of the versions
    import django

    django.setup()
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)

    from tests.volume.compare import compare

    command = shlex.join(["python", "-m", "tests.volume", *sys.argv[1:]])
    compare(sizes, urls, options.words, rounds=options.rounds, command=command)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.volume",
        description="Measure the same requests and commands over chains with a short and a long past. Without --cases"
        " the figures go into docs/load-tests.md.",
    )
    parser.add_argument("--lines", type=_two_numbers, default=[100_000, 10_000_000], help="sold (100000,10000000)")
    parser.add_argument("--stores", type=int, default=100, help="(100)")
    parser.add_argument("--products", type=int, default=50_000, help="(50000)")
    parser.add_argument(
        "--until",
        type=date.fromisoformat,
        default=datetime.now(UTC).date() - timedelta(days=1),
        help="the last day on which something was sold (yesterday)",
    )
    parser.add_argument("--rounds", type=int, choices=range(1, 101), default=8, metavar="1 … 100", help="(8)")
    parser.add_argument(
        "--cases", dest="words", type=lambda text: text.split(","), default=[], help="those with these words (all)"
    )
    return parser.parse_args()


def _two_numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if len(numbers) != 2:
        raise argparse.ArgumentTypeError(f"two numbers are wanted, not {text}")
    return numbers


if __name__ == "__main__":
    main()
