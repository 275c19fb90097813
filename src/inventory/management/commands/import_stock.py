from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog.interface import catalog
from inventory import rules
from inventory.interface import StockRow, inventory
from shared_kernel.csv_files import Record, each_once
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from shared_kernel.import_command import CsvImport, ImportCommand

BATCH = 500

Line = tuple[Record, rules.CountedLine]


class Command(ImportCommand):
    help = (
        "Take over what is in stock, by the name of the place and the sku, as a count; what agrees already is left"
        " alone. See docs/imports.md."
    )
    columns = rules.COLUMNS
    when_interrupted = "Some stock is taken over: run the same command again for the rest."

    def take_over(self, source: CsvImport, options: dict[str, Any]) -> dict[str, int | Decimal]:
        note = f"import of {Path(options['file']).name}"[:200]
        counted = 0
        parse = each_once(rules.counted_line, key=lambda line: (line.location, line.sku))
        for batch in source.batches(parse, size=BATCH):
            for record, line, row in _with_rows(source, batch):
                if not rules.agrees(line, row):
                    counted += _count(source, record, line, row, note=note)
        return {"counted": counted, "unchanged": source.accepted - counted}


def _with_rows(source: CsvImport, batch: list[Line]) -> Iterator[tuple[Record, rules.CountedLine, StockRow]]:
    """Each line with what its place has of its product now; rejects those that name no place or product."""
    places = {place.name: place.id for place in inventory.locations_by_name(names=[line.location for _, line in batch])}
    products = {known.draft.sku: known.id for known in catalog.known_products(skus=[line.sku for _, line in batch])}
    found = inventory.stock_levels(product_ids=list(products.values()), location_ids=list(places.values()))
    rows = {(row.location_name, row.sku): row for row in found}
    for record, line in batch:
        if line.location not in places:
            source.reject(record, "there is no location of this name")
        elif line.sku not in products:
            source.reject(record, "there is no product with this sku")
        else:
            yield record, line, rows[line.location, line.sku]


def _count(source: CsvImport, record: Record, line: rules.CountedLine, row: StockRow, *, note: str) -> int:
    """Counts the line's product; returns whether that could be."""
    try:
        inventory.count(
            operation_id=new_id(),
            location_id=row.location_id,
            product_id=row.product_id,
            quantity=line.quantity,
            thresholds=line.thresholds,
            note=note,
            actor_id=None,
            now=datetime.now(UTC),
        )
    except Refusal as refusal:
        source.reject(record, str(refusal))
        return 0
    return 1
