"""What the import commands share: a CSV file taken over in batches, a progress bar, and a file of rejected lines."""

import csv
import gzip
import io
import os
import stat
import sys
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from shared_kernel.csv_files import Columns, Record, Rejection, UnusableFile, header_of, records
from shared_kernel.errors import Refusal

Value = TypeVar("Value")

GZIP = b"\x1f\x8b"
BUFFER = 1 << 16
# Longer lines do not occur in CSV files; in a file of another kind they must not fill the memory.
LONGEST_LINE = 1_000_000
# How many reasons the summary names, most frequent first; the rejects file has them all.
MOST_REASONS = 20


class CsvImport:
    """A CSV file that is being taken over, and what has become of its lines so far."""

    def __init__(
        self, lines: Iterator[Record], *, write_reject: Callable[[Iterable[object]], object], bar: "tqdm[Any]"
    ) -> None:
        self.read = 0
        self.reasons: Counter[str] = Counter()
        self._lines = lines
        self._write_reject = write_reject
        self._bar = bar

    def batches(
        self, parse: Callable[[Record], Value | Rejection], *, size: int
    ) -> Iterator[list[tuple[Record, Value]]]:
        """The lines that `parse` makes something of, at most so many at a time; the others are rejected."""
        batch: list[tuple[Record, Value]] = []
        for record in self._lines:
            self.read += 1
            outcome = Rejection(record.line_number, record.fault) if record.fault else parse(record)
            if isinstance(outcome, Rejection):
                self.reject(record, outcome.reason)
                continue
            batch.append((record, outcome))
            if len(batch) == size:
                yield batch
                batch = []
                self._bar.set_postfix_str(f"{self.read:,} lines", refresh=False)
        if batch:
            yield batch
        self._bar.set_postfix_str(f"{self.read:,} lines")
        self._bar.close()

    def reject(self, record: Record, reason: str) -> None:
        """Put a line into the rejects file."""
        self.reasons[reason] += 1
        self._write_reject([record.line_number, reason, *record.cells.values()])

    @property
    def rejected(self) -> int:
        return self.reasons.total()

    @property
    def accepted(self) -> int:
        return self.read - self.rejected


class ImportCommand(BaseCommand, ABC):
    """A command that takes over a CSV file. Its subclasses say which columns, and what becomes of the lines."""

    columns: ClassVar[Columns]
    # What an interruption leaves behind, as a sentence.
    when_interrupted: ClassVar[str]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="A CSV file, plain or gzipped; - reads standard input.")
        parser.add_argument(
            "--rejects",
            type=Path,
            metavar="PATH",
            help="Where the rejected lines go. Default: imports/NAME-rejects.csv in the data folder.",
        )

    @abstractmethod
    def take_over(self, source: CsvImport, options: dict[str, Any]) -> dict[str, int | Decimal]:
        """Carry out the import; returns the figures of the summary by name."""

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["file"]
        rejects: Path = options["rejects"] or _default_rejects(name)
        try:
            with csv_import(name, columns=self.columns, rejects=rejects) as source:
                figures = self.take_over(source, options)
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. {self.when_interrupted}", returncode=130) from None
        except UnusableFile as error:
            raise CommandError(f"{_shown(name)} {error}") from error
        except OSError as error:
            culprit = error.filename or _shown(name)
            raise CommandError(f"{culprit} cannot be used: {error.strerror or error}.") from error
        except Refusal as error:
            raise CommandError(str(error)) from error
        self._report(source, figures, rejects)

    def _report(self, source: CsvImport, figures: dict[str, int | Decimal], rejects: Path) -> None:
        for label, figure in {"accepted": source.accepted, "rejected": source.rejected, **figures}.items():
            self.stdout.write(f"{label:<12}{figure:>16,}")
        self.stdout.write(f"Rejected lines: {rejects}")
        for reason, lines in source.reasons.most_common(MOST_REASONS):
            self.stdout.write(f"{lines:>12,}  {reason}")
        if len(source.reasons) > MOST_REASONS:
            self.stdout.write(f"{'':>12}  and {len(source.reasons) - MOST_REASONS} other reasons")


@contextmanager
def csv_import(name: str, *, columns: Columns, rejects: Path) -> Iterator[CsvImport]:
    """Opens a CSV file (`-`: standard input) and its rejects file. Raises UnusableFile and OSError, now or later."""
    with _opened(name) as file, _progress_bar(name, file) as bar:
        lines = _lines(_unzipped(file, bar))
        header = header_of(next(lines, ""), columns)
        if rejects.exists() and name != "-" and rejects.samefile(name):
            raise UnusableFile("would be overwritten by its rejected lines: name another file with --rejects.")
        rejects.parent.mkdir(parents=True, exist_ok=True)
        with rejects.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(["line", "reason", *header])
            yield CsvImport(records(lines, header), write_reject=writer.writerow, bar=bar)


def _default_rejects(name: str) -> Path:
    stem = "stdin" if name == "-" else Path(name).name.removesuffix(".gz").removesuffix(".csv")
    return Path(settings.COMPTOIR_DATA / "imports" / f"{stem}-rejects.csv")


def _shown(name: str) -> str:
    return "Standard input" if name == "-" else name


def _opened(name: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")


def _progress_bar(name: str, file: BinaryIO) -> "tqdm[Any]":
    """Counts the bytes of the file as it lies there, compressed or not; the time left needs its size."""
    return tqdm(total=_size(file), desc=_shown(name), unit="B", unit_scale=True, mininterval=0.5)


def _size(file: BinaryIO) -> int | None:
    """The size of a file, None for a pipe."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class _Metered(io.RawIOBase):
    """Reads a file and moves the progress bar."""

    def __init__(self, file: BinaryIO, bar: "tqdm[Any]") -> None:
        self._file = file
        self._bar = bar

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._bar.update(len(chunk))
        return len(chunk)


def _unzipped(file: BinaryIO, bar: "tqdm[Any]") -> BinaryIO:
    """The file's text, gzipped or not: its first bytes tell, where a name may be wrong or missing."""
    metered = io.BufferedReader(_Metered(file, bar), BUFFER)
    if not metered.peek(len(GZIP)).startswith(GZIP):
        return metered
    return io.BufferedReader(gzip.GzipFile(fileobj=metered), BUFFER)


def _lines(file: BinaryIO) -> Iterator[str]:
    try:
        for line in iter(partial(file.readline, LONGEST_LINE), b""):
            if len(line) == LONGEST_LINE:
                raise UnusableFile(f"is not a CSV file: it has a line of more than {LONGEST_LINE:,} characters.")
            yield _decoded(line)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnusableFile(f"is damaged ({error}): fetch it again.") from error


def _decoded(line: bytes) -> str:
    """UTF-8, or else what was usual before it: files exist that have both."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")
