from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.interface import inventory


class Command(BaseCommand):
    help = (
        "Prove the books: for every stock level, the sum of its movements is what is on hand, and the sum of its"
        " reservations is what is reserved. Prints each difference; exits 1 when there is one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        proof = inventory.verify(now=datetime.now(UTC))
        for difference in proof.differences:
            self.stdout.write(
                f"product {difference.product_id} at {difference.location_id}: "
                f"{difference.figure} is {difference.level}, the books say {difference.books}"
            )
        if proof.differences:
            raise CommandError(f"{len(proof.differences)} differences in {proof.levels} stock levels.")
        self.stdout.write(f"The books agree: {proof.levels} stock levels, no difference.")
