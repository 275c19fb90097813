from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser

from sales import rules
from sales.interface import sales
from shared_kernel.ids import new_id
from shared_kernel.import_command import CsvImport, ImportCommand
from shared_kernel.postgres.partitions import make_partitions

BATCH = 5000
# How many invoices a message names.
SHOWN = 10
FORMATS = {"online-retail": rules.history_line}


class Command(ImportCommand):
    help = (
        "Take over another system's sales: a sale per invoice, with its products and stores. Stock does not move. The"
        " whole file is taken over in one go, or nothing; run again, it changes nothing. See docs/imports.md."
    )
    columns = rules.ONLINE_RETAIL
    when_interrupted = "No sale was taken over: run the same command again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=FORMATS, default="online-retail", help="What the columns mean.")

    def take_over(self, source: CsvImport, options: dict[str, Any]) -> dict[str, int | Decimal]:
        import_id = new_id()
        months: set[date] = set()
        for batch in source.batches(FORMATS[options["format"]], size=BATCH):
            sales.stage_history(import_id=import_id, lines=[line for _, line in batch])
            months |= {line.sold_at.date().replace(day=1) for _, line in batch}
        self.stdout.write("All lines are read. Writing the sales …")
        for month in months:
            make_partitions(first=month, last=month)
        result = sales.complete_history(import_id=import_id)
        if result.unlike:
            self.stdout.write(f"Known with other amounts, and left as they were: {_listed(result.unlike)}")
        return {
            "products": result.products,
            "sales": result.sales,
            "returns": result.returns,
            "gross": result.gross,
            "returned": result.returned,
            "net": result.net,
            "new sales": result.new_sales,
        }


def _listed(invoices: list[str]) -> str:
    more = len(invoices) - SHOWN
    return ", ".join(invoices[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
