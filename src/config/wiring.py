"""Binds each published interface to what carries it out, and each event to those who want to know of it."""

from django.conf import settings

from accounts.interface import CustomerCreated, CustomerDeleted, accounts
from accounts.service import AccountsService
from cart.interface import carts
from cart.service import CartService
from cart.tasks import forget_cart_of_erased_customer, open_cart_of_new_customer, withdraw_archived_product
from catalog.interface import ProductArchived, ProductCreated, catalog, shelves
from catalog.service import CatalogService
from checkout.interface import OrderCreated, OrderPaid, checkout
from checkout.service import CheckoutService
from checkout.tasks import (
    follow_up_order,
    forget_erased_customer,
    note_archived_product,
    report_paid_order,
)
from config.caching import CACHED
from inventory.interface import StockRanLow, inventory
from inventory.service import InventoryService
from inventory.tasks import carry_new_product, stop_reordering_archived_product
from replenishment.interface import replenishment
from replenishment.service import ReplenishmentService
from replenishment.tasks import suggest_for_low_stock
from sales.interface import backlog, sales
from sales.service import SalesService
from shared_kernel.cache import set_up
from shared_kernel.outbox import forward, subscribe
from shared_kernel.published import bind
from shared_kernel.relay import relay
from shared_kernel.webhooks import announce


def wire() -> None:
    """Called once, when Django has started."""
    bind(accounts, AccountsService())
    bind(catalog, CatalogService())
    bind(inventory, InventoryService())
    bind(shelves, InventoryService())
    bind(sales, SalesService())
    bind(backlog, ReplenishmentService())
    bind(replenishment, ReplenishmentService())
    bind(carts, CartService())
    bind(checkout, CheckoutService())

    subscribe(ProductCreated, carry_new_product)
    subscribe(ProductArchived, stop_reordering_archived_product)
    subscribe(StockRanLow, suggest_for_low_stock)
    subscribe(CustomerCreated, open_cart_of_new_customer)
    subscribe(CustomerDeleted, forget_cart_of_erased_customer)
    subscribe(CustomerDeleted, forget_erased_customer)
    subscribe(OrderCreated, follow_up_order)
    subscribe(OrderPaid, report_paid_order)
    subscribe(ProductArchived, withdraw_archived_product)
    subscribe(ProductArchived, note_archived_product)

    set_up(CACHED)

    if settings.AMQP_URL:
        forward(relay, in_order=True)
    if settings.COMPTOIR_WEBHOOKS:
        forward(announce, in_order=False)
