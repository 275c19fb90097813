"""Plots of a run, as PNG."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

# The lines of a panel by their names, as times in seconds and values.
Panel = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def draw(path: Path, title: str, panels: Mapping[str, Panel]) -> None:
    """Panels one below the other, over the same time; each is named by its axis."""
    figure = Figure(figsize=(10, 3 * len(panels)), layout="tight")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
    for axis, (name, lines) in zip(axes[:, 0], panels.items(), strict=True):
        for label, (times, values) in lines.items():
            axis.plot(times, values, label=label)
        axis.set_ylabel(name)
        axis.set_ylim(bottom=0)
        axis.grid(visible=True, alpha=0.3)
        axis.legend(loc="upper left")
    axes[-1, 0].set_xlabel("seconds")
    figure.suptitle(title)
    figure.savefig(path)


def draw_requests(folder: Path, title: str) -> None:
    """Requests and failures a second, and the times, over a run, from what Locust wrote into the folder."""
    with (folder / "requests_stats_history.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated" and row["95%"] != "N/A"]
    times = [float(row["Timestamp"]) - float(rows[0]["Timestamp"]) for row in rows]

    def line(column: str) -> tuple[Sequence[float], Sequence[float]]:
        return times, [float(row[column]) for row in rows]

    draw(
        folder / "plot.png",
        title,
        {
            "a second": {"requests": line("Requests/s"), "failures": line("Failures/s")},
            "milliseconds": {"p50": line("50%"), "p95": line("95%"), "p99": line("99%")},
            "people": {"people": line("User Count")},
        },
    )
