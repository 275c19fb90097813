"""Binds each published interface to what carries it out, and each event to those who want to know of it."""

from accounts.interface import accounts
from accounts.service import AccountsService
from catalog.interface import ProductArchived, ProductCreated, catalog, shelves
from catalog.service import CatalogService
from inventory.interface import StockRanLow, inventory
from inventory.service import InventoryService
from inventory.tasks import carry_new_product, stop_reordering_archived_product
from replenishment.interface import replenishment
from replenishment.service import ReplenishmentService
from replenishment.tasks import suggest_for_low_stock
from sales.interface import backlog, sales
from sales.service import SalesService
from shared_kernel.outbox import subscribe
from shared_kernel.published import bind


def wire() -> None:
    """Called once, when Django has started."""
    bind(accounts, AccountsService())
    bind(catalog, CatalogService())
    bind(inventory, InventoryService())
    bind(shelves, InventoryService())
    bind(sales, SalesService())
    bind(backlog, ReplenishmentService())
    bind(replenishment, ReplenishmentService())

    subscribe(ProductCreated, carry_new_product)
    subscribe(ProductArchived, stop_reordering_archived_product)
    subscribe(StockRanLow, suggest_for_low_stock)
