"""A small chain to test with, built through the published interfaces."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.test import Client

from accounts.interface import NewStaff, Role, accounts
from accounts.rules import STORE_ROLES
from catalog.interface import Product, ProductDraft, catalog
from inventory.interface import Location, LocationDraft, LocationKind, StockLine, StockRow, inventory
from sales.interface import Sale, SoldItem, sales
from shared_kernel.ids import new_id

PASSWORD = "correct horse battery staple"

_numbers = count(1)


def make_location(kind: LocationKind, name: str = "", time_zone: str = "Europe/Paris") -> Location:
    draft = LocationDraft(kind, name or f"{kind} {next(_numbers)}", "1 rue de la Paix, Paris", time_zone)
    return inventory.save_location(location_id=new_id(), draft=draft)


def make_store(name: str = "", **values: Any) -> Location:
    return make_location(LocationKind.STORE, name, **values)


def make_warehouse(name: str = "") -> Location:
    return make_location(LocationKind.WAREHOUSE, name)


def make_product(**values: Any) -> Product:
    """A product; `values` are those of a ProductDraft that matter to the test."""
    number = next(_numbers)
    draft = {"sku": f"SKU-{number}", "name": f"Product {number}", "category": "Things", "price": Decimal("10.00")}
    return catalog.create_product(product_id=new_id(), draft=ProductDraft(**(draft | values)))


def put_in_stock(product: Product, location: Location, quantity: int) -> None:
    inventory.receive(
        operation_id=new_id(),
        location_id=location.id,
        lines=[StockLine(product.id, quantity)],
        document="delivery",
        actor_id=None,
        now=datetime.now(UTC),
    )


def level(product: Product, location: Location) -> StockRow:
    return inventory.stock_levels(product_ids=[product.id], location_ids=[location.id])[0]


def on_hand(product: Product, location: Location) -> int:
    return level(product, location).on_hand


def sell(product: Product, store: Location, quantity: int = 1, **values: Any) -> Sale:
    """A till sale of one line; `values` are those of `record_sale` that matter to the test."""
    arguments = {
        "sale_id": new_id(),
        "store_id": store.id,
        "items": [SoldItem(quantity, product.id)],
        "payments": [],
        "client_reference": "",
        "cashier_id": None,
        "sold_at": datetime.now(UTC),
    }
    return sales.record_sale(**(arguments | values))


def make_person(role: Role, *stores: Location) -> str:
    """A member of staff, in a store of their own if need be; returns their e-mail, the password is PASSWORD."""
    if role in STORE_ROLES and not stores:
        stores = (make_store(),)
    email = f"{role}-{next(_numbers)}@comptoir.example"
    accounts.ensure_staff(staff=[NewStaff(email, str(role), PASSWORD, role, tuple(store.id for store in stores))])
    return email


def client_of(role: Role, *stores: Location) -> Client:
    """An API client of a fresh member of staff."""
    tokens = accounts.log_in(email=make_person(role, *stores), password=PASSWORD, address="")
    return Client(headers={"Authorization": f"Bearer {tokens.access}"})


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    """POST a JSON body to `/api/v1{path}`."""
    return client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers or None)


def books_agree() -> bool:
    """Whether `verify_stock` finds no difference."""
    return inventory.verify(now=datetime.now(UTC)).differences == []
