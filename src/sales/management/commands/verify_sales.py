from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sales.interface import sales


class Command(BaseCommand):
    help = (
        "Prove the sales' books, day by day: each sale is the sum of its lines and of its payments, receipts have"
        " neither gaps nor doubles, and the facts that reports read are the sums of the lines. Prints each difference;"
        " exits 1 when there is one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        proof = sales.verify(now=datetime.now(UTC))
        for difference in proof.differences:
            day = f" on {difference.day}" if difference.day else ""
            self.stdout.write(
                f"store {difference.store_id}{day}: {difference.figure} is {difference.found}, "
                f"the books say {difference.books}"
            )
        if proof.differences:
            raise CommandError(f"{len(proof.differences)} differences in {proof.sales} sales.")
        self.stdout.write(f"The books agree: {proof.sales} sales, no difference.")
