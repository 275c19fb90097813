from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from inventory.interface import inventory
from replenishment.interface import replenishment


class Command(BaseCommand):
    help = (
        "Work out anew what each store should ask the warehouse for, as the worker does every night, and print how many"
        " products that are. Safe to repeat and to interrupt."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        stores = inventory.stores()
        counts = {
            store.name: replenishment.suggest(store_ids=[store.id], now=now)
            for store in tqdm(stores, desc="Suggestions", unit="store")
        }
        for name, count in counts.items():
            self.stdout.write(f"{count:>9,}  {name}")
        self.stdout.write(f"{sum(counts.values()):>9,}  suggestions in all")
