"""What a chart shows, for the script that draws it and for the table that says the same in words."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboards.formats import short_date
from sales.interface import DayFigures


@dataclass(frozen=True)
class Series:
    """One line or row of bars, by name."""

    name: str
    values: list[Decimal]


@dataclass(frozen=True)
class Chart:
    """Amounts of money over labels. The first series is the one to look at; the others stay in the background."""

    kind: str
    title: str
    heading: str
    labels: list[str]
    series: list[Series]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for line in self.series for value in line.values)

    def drawn(self) -> str:
        """For the script, in JSON; it draws with floats."""
        series = [{"name": line.name, "values": [float(value) for value in line.values]} for line in self.series]
        return json.dumps({"kind": self.kind, "labels": self.labels, "series": series})

    def rows(self) -> Iterator[tuple[str, list[Decimal]]]:
        """For the table: each label with its values."""
        columns = [line.values for line in self.series]
        return ((label, list(values)) for label, *values in zip(self.labels, *columns, strict=True))


def day_labels(days: Sequence[DayFigures]) -> list[str]:
    """The days as an axis names them: with their weekday while there are few."""
    return [short_date(day.day, "D j M" if len(days) <= 14 else "j M") for day in days]
