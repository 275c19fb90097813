"""The chain that the bench sells from, built through the published interfaces."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.interface import Role, accounts
from catalog.interface import KnownProduct, ProductDraft, catalog
from inventory.interface import Location, StockLine, inventory
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, make_person, make_store, make_warehouse

STORES = 5
PRODUCTS = 1000
PIECES = 1_000_000_000  # of each product in each place: no run sells them all
FIRST_NUMBER = 100_000_000_000

BATCH = 500


@dataclass(frozen=True)
class Chain:
    """What the requests name: one store of the chain, its cashier, and the products."""

    store_id: UUID
    cashier: str
    product_ids: list[UUID]

    def token(self) -> str:
        """A fresh access token of the cashier."""
        return accounts.log_in(email=self.cashier, password=PASSWORD, address="").access


def build(*, stores: int = STORES, products: int = PRODUCTS) -> Chain:
    """A warehouse, some stores, and these many products with ample stock in each place."""
    places = [make_warehouse(), *(make_store() for _ in range(stores))]
    product_ids = [product_id(number) for number in range(products)]
    for ids in _batches(product_ids):
        catalog.ensure_products(products=[_product(one) for one in ids])
        for place in places:
            _fill(place, ids)
    with connection.cursor() as cursor:
        # Autovacuum would come to know the new tables sometime during the measurements.
        cursor.execute("ANALYZE")
    return Chain(places[-1].id, make_person(Role.CASHIER, places[-1]), product_ids)


def product_id(number: int) -> UUID:
    """The id of a product by its number: it ends in twelve decimal digits, so that pgbench can make it up."""
    return UUID(f"00000000-0000-7000-8000-{FIRST_NUMBER + number}")


def _product(one: UUID) -> KnownProduct:
    sku = f"SKU-{one.hex[-4:]}"
    return KnownProduct(one, ProductDraft(sku=sku, name=f"Product {sku}", category="Things", price=Decimal("10.00")))


def _fill(place: Location, product_ids: list[UUID]) -> None:
    inventory.receive(
        operation_id=new_id(),
        location_id=place.id,
        lines=[StockLine(one, PIECES) for one in product_ids],
        document="delivery",
        actor_id=None,
        now=datetime.now(UTC),
    )


def _batches(ids: list[UUID]) -> list[list[UUID]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
