"""Runs an import command and reads what it says."""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

FIGURE = re.compile(r"^([a-z ]+?) +(-?[\d,.]+)$")


@dataclass(frozen=True)
class Outcome:
    """What an import printed, the figures of its summary by name, and the rejected lines with their reasons."""

    output: str
    figures: dict[str, str]
    rejected: list[tuple[int, str]]


def run_import(command: str, file: Path | str, *, rejects: Path, **options: Any) -> Outcome:
    """Import a file through a command, with the rejected lines going to `rejects`."""
    stdout = StringIO()
    call_command(command, str(file), rejects=rejects, stdout=stdout, **options)
    output = stdout.getvalue()
    figures = dict(match.groups() for line in output.splitlines() if (match := FIGURE.match(line)))
    return Outcome(output, figures, [(int(row["line"]), row["reason"]) for row in rejected_rows(rejects)])


def rejected_rows(rejects: Path) -> list[dict[str, str]]:
    """The lines of a rejects file, by column."""
    with rejects.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))
