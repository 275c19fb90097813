from datetime import UTC, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError

from checkout.interface import checkout


class Command(BaseCommand):
    help = "Prove the orders: each is paid with its goods gone and one charge at the provider, or has neither."

    def handle(self, **options: Any) -> None:
        differences = checkout.verify(now=datetime.now(UTC))
        for difference in differences:
            self.stdout.write(f"order {difference.order_id or 'unknown'}: {difference.problem}")
        if differences:
            raise CommandError(f"{len(differences)} differences: see above.")
        self.stdout.write("All orders agree with the stock, the sales and the payment provider.")
