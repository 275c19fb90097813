"""What figures of stock mean, what makes a place sound, and what a line of a file of stock means."""

from dataclasses import dataclass
from zoneinfo import available_timezones

from inventory.interface import LocationDraft, StockRow, Thresholds
from shared_kernel.csv_files import Columns, Record, Rejection, whole_number
from shared_kernel.quantities import MAX_QUANTITY

COLUMNS = Columns(
    required=("location", "sku", "quantity"),
    optional=("reorder_point", "target", "safety_stock"),
)
MAX_LEAD_TIME_DAYS = 365

# How far back sales tell how a product sells: four weeks, so that each weekday counts as often.
SALES_DAYS = 28
MANY_DAYS_OF_COVER = 90
DEAD_AFTER_DAYS = 90


@dataclass(frozen=True)
class CountedLine:
    """What a line of a file of stock says: the names of a place and of a product, and how much of it is there."""

    location: str
    sku: str
    quantity: int
    thresholds: Thresholds


def is_low(*, available: int, reorder_point: int) -> bool:
    """Whether a product has come down to its reorder point; a reorder point of 0 means that it is not reordered."""
    return reorder_point > 0 and available <= reorder_point


def is_over(*, available: int, sold: int, target: int | None) -> bool:
    """Whether there is too much of a product: it lasts more than 90 days, or is more than twice its target."""
    lasts_too_long = sold > 0 and available * SALES_DAYS > MANY_DAYS_OF_COVER * sold
    return available > 0 and (lasts_too_long or (target is not None and available > 2 * target))


def is_dead(*, available: int, days_since_move: int) -> bool:
    """Whether a product only takes up room: some are there, and for 90 days none was sold, returned or delivered."""
    return available > 0 and days_since_move >= DEAD_AFTER_DAYS


def location_errors(draft: LocationDraft) -> list[dict[str, str]]:
    """What is wrong with a place's values: a list of field and message, empty when all is well."""
    problems = {
        "name": None if 0 < len(draft.name.strip()) <= 100 else "A name has 1 to 100 characters.",
        "address": None if len(draft.address) <= 300 else "An address has at most 300 characters.",
        "time_zone": None if draft.time_zone in available_timezones() else "Not an IANA time zone, like Europe/Paris.",
        "lead_time_days": None if 0 <= draft.lead_time_days <= MAX_LEAD_TIME_DAYS else "A lead time has 0 to 365 days.",
    }
    return [{"field": field, "message": message} for field, message in problems.items() if message]


def counted_line(record: Record) -> CountedLine | Rejection:
    """What a line of a file of stock means, or why it cannot be taken over. An empty threshold says nothing."""
    cells = record.cells
    if not (cells["location"] and cells["sku"] and cells["quantity"]):
        return Rejection(record.line_number, "location, sku or quantity is empty")
    figures: dict[str, int | None] = {}
    for column in ("quantity", "reorder_point", "target", "safety_stock"):
        cell = cells.get(column)
        figure = whole_number(cell) if cell else None
        if cell and (figure is None or not 0 <= figure <= MAX_QUANTITY):
            return Rejection(record.line_number, f"{column} is not a whole number from 0 to {MAX_QUANTITY:,}")
        figures[column] = figure
    quantity = figures.pop("quantity") or 0
    return CountedLine(cells["location"], cells["sku"], quantity, Thresholds(**figures))


def agrees(line: CountedLine, row: StockRow) -> bool:
    """Whether a place holds what the line says already."""
    said = {"on_hand": line.quantity, **vars(line.thresholds)}
    return all(value is None or value == getattr(row, name) for name, value in said.items())
