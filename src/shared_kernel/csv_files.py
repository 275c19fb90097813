"""CSV files from elsewhere: their lines as records, and the numbers in them. And cells of those that go out.

What a record means is for each module's rules to say.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Self, TypeVar

Value = TypeVar("Value")

WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
DECIMAL_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)


class Record(NamedTuple):
    """A line of a CSV file: its number (the header is line 1) and its cells by column, trimmed.

    `fault` says what keeps it from being read at all; the text then stands in the one cell there is.
    """

    line_number: int
    cells: dict[str, str]
    fault: str = ""


@dataclass(frozen=True)
class Rejection:
    """Why a line is not taken over."""

    line_number: int
    reason: str


@dataclass(frozen=True)
class Columns:
    """The columns that a file must have and those that it may have besides, in any order."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


class UnusableFile(Exception):
    """The file as a whole cannot be taken over; the message says why, and goes on from the file's name."""


def header_of(line: str, columns: Columns) -> list[str]:
    """The columns that the first line of a file names. Raises UnusableFile for others than these."""
    if not line:
        raise UnusableFile("is empty.")
    names = [name.strip() for name in line.removeprefix("\ufeff").strip().split(",")]
    header = [name.removeprefix('"').removesuffix('"') for name in names]
    missing = [name for name in columns.required if name not in header]
    unknown = [name for name in header if name not in columns.required + columns.optional]
    if missing or unknown or len(set(header)) < len(header):
        expected = ", ".join(columns.required)
        besides = f" and may name {', '.join(columns.optional)}" if columns.optional else ""
        raise UnusableFile(
            f"is not the CSV file expected here: its first line must name the columns {expected}{besides},"
            f" each once and separated by commas, but reads {line.strip()[:60]!r}."
        )
    return header


def records(lines: Iterator[str], header: list[str]) -> Iterator[Record]:
    """The records that follow the header, sound and faulty ones; blank lines are left out.

    A quotation mark that is never closed costs its own line alone: what it swallowed is read again line by line.
    """
    source = _Lines(lines)
    reader = csv.reader(source, strict=True)
    while True:
        source.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield source.faulty("not readable as CSV")
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            yield source.faulty("not as many columns as the header")
        elif "\0" in "".join(source.taken):
            yield source.faulty("contains a NUL character")
        else:
            yield Record(source.first_number, dict(zip(header, map(str.strip, cells), strict=True)))


def harmless(cell: object) -> object:
    """A spreadsheet would run a text that begins like a formula.

    An apostrophe makes it text again (OWASP, CSV injection).
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


class _Lines:
    """The lines behind the header, counted; those that the reader took for one record can be given back to it."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.taken: list[str] = []
        self._lines = lines
        self._given_back: deque[str] = deque()
        self._number = 1

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        self.taken.append(line)
        self._number += 1
        return line

    @property
    def first_number(self) -> int:
        """The number of the first line taken."""
        return self._number - len(self.taken) + 1

    def faulty(self, fault: str) -> Record:
        """The first line taken, as a record that cannot be read; gives back the others."""
        record = Record(self.first_number, {"": self.taken[0].rstrip("\r\n")}, fault)
        self._given_back.extendleft(reversed(self.taken[1:]))
        self._number = record.line_number
        return record


def whole_number(text: str) -> int | None:
    """A whole number, None for anything else."""
    return int(text) if WHOLE_NUMBER.fullmatch(text) else None


def decimal_number(text: str) -> Decimal | None:
    """A number with or without decimals, behind a point; None for anything else."""
    return Decimal(text) if DECIMAL_NUMBER.fullmatch(text) else None


def each_once(
    parse: Callable[[Record], Value | Rejection], key: Callable[[Value], Hashable]
) -> Callable[[Record], Value | Rejection]:
    """Like `parse`, but rejects a line about something (`key`) that an earlier line is about."""
    seen: set[Hashable] = set()

    def parse_once(record: Record) -> Value | Rejection:
        outcome = parse(record)
        if isinstance(outcome, Rejection):
            return outcome
        if key(outcome) in seen:
            return Rejection(record.line_number, "an earlier line is about the same")
        seen.add(key(outcome))
        return outcome

    return parse_once
