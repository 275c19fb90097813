from decimal import Decimal
from typing import Any

from catalog import rules
from catalog.interface import KnownProduct, ProductChanges, catalog
from shared_kernel.csv_files import Record, each_once
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from shared_kernel.import_command import CsvImport, ImportCommand

BATCH = 1000

Line = tuple[Record, ProductChanges]


class Command(ImportCommand):
    help = (
        "Take over products, by sku: make the new ones and change those that differ; what is equal is left alone."
        " See docs/imports.md."
    )
    columns = rules.COLUMNS
    when_interrupted = "Some products are taken over: run the same command again for the others."

    def take_over(self, source: CsvImport, options: dict[str, Any]) -> dict[str, int | Decimal]:
        new = changed = 0
        parse = each_once(rules.product_line, key=lambda changes: changes.sku)
        for batch in source.batches(parse, size=BATCH):
            found = catalog.known_products(skus=[str(changes.sku) for _, changes in batch])
            known = {product.draft.sku: product for product in found}
            new += _add(source, [line for line in batch if line[1].sku not in known])
            for record, changes in batch:
                product = known.get(str(changes.sku))
                if product and rules.changed(product.draft, changes) != product.draft:
                    changed += _change(source, record, product, changes)
        return {"new": new, "changed": changed, "unchanged": source.accepted - new - changed}


def _add(source: CsvImport, lines: list[Line]) -> int:
    """Adds these products, in one go if all can be; returns how many."""
    drafts = [rules.changed(rules.BLANK, changes) for _, changes in lines]
    try:
        catalog.ensure_products(products=[KnownProduct(new_id(), draft) for draft in drafts])
    except Refusal as refusal:
        if len(lines) > 1:
            return sum(_add(source, [line]) for line in lines)
        source.reject(lines[0][0], str(refusal))
        return 0
    return len(lines)


def _change(source: CsvImport, record: Record, product: KnownProduct, changes: ProductChanges) -> int:
    try:
        catalog.update_product(product_id=product.id, changes=changes)
    except Refusal as refusal:
        source.reject(record, str(refusal))
        return 0
    return 1
