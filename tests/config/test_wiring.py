"""Every published interface is bound at start, and every event goes to those who want to know of it."""

from importlib import import_module

import pytest
from django.conf import settings

from accounts.interface import CustomerCreated, CustomerDeleted
from catalog.interface import ProductArchived, ProductCreated
from checkout.interface import OrderCreated, OrderPaid
from config.wiring import wire
from inventory.interface import StockRanLow
from shared_kernel import outbox
from shared_kernel.published import Handle

HANDLES = [
    value
    for module in settings.COMPTOIR_MODULES
    for value in vars(import_module(f"{module}.interface")).values()
    if isinstance(value, Handle)
]


@pytest.mark.plain_calls
def test_every_handle_is_bound_to_its_modules_service() -> None:
    assert {handle.protocol.__name__: type(handle.implementation).__name__ for handle in HANDLES} == {
        "Accounts": "AccountsService",
        "Catalog": "CatalogService",
        "Shelves": "InventoryService",
        "Inventory": "InventoryService",
        "Sales": "SalesService",
        "Backlog": "ReplenishmentService",
        "Replenishment": "ReplenishmentService",
        "Carts": "CartService",
        "Checkout": "CheckoutService",
    }


def test_events_have_their_subscribers() -> None:
    assert {name: event_type for name, (event_type, _) in outbox._subscriptions.items()} == {
        "inventory.tasks.carry_new_product": ProductCreated,
        "inventory.tasks.stop_reordering_archived_product": ProductArchived,
        "replenishment.tasks.suggest_for_low_stock": StockRanLow,
        "cart.tasks.open_cart_of_new_customer": CustomerCreated,
        "cart.tasks.forget_cart_of_erased_customer": CustomerDeleted,
        "cart.tasks.withdraw_archived_product": ProductArchived,
        "checkout.tasks.forget_erased_customer": CustomerDeleted,
        "checkout.tasks.follow_up_order": OrderCreated,
        "checkout.tasks.note_archived_product": ProductArchived,
        "checkout.tasks.report_paid_order": OrderPaid,
    }


@pytest.mark.plain_calls
def test_wiring_again_changes_nothing() -> None:
    before = dict(outbox._subscriptions)

    wire()

    assert outbox._subscriptions == before
    assert all(handle.implementation for handle in HANDLES)
