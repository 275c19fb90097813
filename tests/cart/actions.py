"""The carts' writes with only the arguments that matter to a test, and what they leave behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from structlog.testing import capture_logs

from cart import models
from cart.interface import Cart, Holder, NoticeCode, OrderedLine, cart_of, carts, new_token
from catalog.interface import KnownProduct, Product, ProductDraft, catalog
from inventory.interface import Location, StockLine, inventory
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, put_in_stock

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PRICE = Decimal("10.00")

TABLES = ["cart", "cart_line", "cart_notice", "cart_change", "procrastinate_jobs"]


@dataclass(frozen=True)
class Owner:
    """Whoever has a cart."""

    cart_id: UUID
    holder: Holder

    @property
    def customer_id(self) -> UUID:
        assert self.holder.customer_id
        return self.holder.customer_id

    @property
    def token(self) -> str:
        assert self.holder.token
        return self.holder.token

    @property
    def cart(self) -> Cart:
        return carts.cart(cart_id=self.cart_id, holder=self.holder)

    @property
    def pieces(self) -> dict[UUID, int]:
        """What is in the cart, in its order."""
        return {line.product_id: line.quantity for line in self.cart.lines}


def visitor(**values: Any) -> Owner:
    """Somebody with an anonymous cart."""
    owner = Owner(new_id(), Holder(token=new_token()))
    carts.open_cart(cart_id=owner.cart_id, token=owner.token, **({"now": NOW} | values))
    return owner


def owner_of(customer_id: UUID) -> Owner:
    """This customer."""
    return Owner(cart_of(customer_id), Holder(customer_id))


def customer() -> Owner:
    """Somebody with a cart of their own; carts know customers by their ids alone."""
    return owner_of(new_id())


def goods(pieces: int = 10, *, at: Location | None = None, **values: Any) -> Product:
    """A product of which so many pieces are available online."""
    product = make_product(**values)
    if pieces:
        put_in_stock(product, at or make_store(), pieces)
    return product


def many_goods(count: int) -> list[Product]:
    """So many products, of each of which ten pieces are available online."""
    store = make_store()
    drafts = [ProductDraft(f"MANY-{new_id()}", f"Product {number}", "Things", PRICE) for number in range(count)]
    ids = catalog.ensure_products(products=[KnownProduct(new_id(), draft) for draft in drafts])
    inventory.receive(
        operation_id=new_id(),
        location_id=store.id,
        lines=[StockLine(product_id, 10) for product_id in ids.values()],
        document="delivery",
        actor_id=None,
        now=NOW,
    )
    return catalog.products(ids=list(ids.values()))


def fill(owner: Owner, products: Sequence[Product], quantity: int = 1) -> None:
    """Put so many pieces of each of these products into a cart that holds none of them, at once."""
    add(owner, products[0], quantity)
    lines = [
        models.Line(cart_id=owner.cart_id, product_id=product.id, quantity=quantity, added_price=product.price)
        for product in products[1:]
    ]
    models.Line.objects.bulk_create(lines)


def add(owner: Owner, product: Product, quantity: int = 1, **values: Any) -> Cart:
    arguments = {"operation_id": new_id(), "product_id": product.id, "quantity": quantity, "now": NOW} | values
    return carts.add_item(cart_id=owner.cart_id, holder=owner.holder, **arguments)


def item(owner: Owner, product: Product) -> UUID:
    """The line that holds this product."""
    [line] = [line for line in owner.cart.lines if line.product_id == product.id]
    return line.id


def change(owner: Owner, product: Product, quantity: int, **values: Any) -> Cart:
    found = {} if "item_id" in values else {"item_id": item(owner, product)}
    arguments = {"operation_id": new_id(), "now": NOW} | found | values
    return carts.change_item(cart_id=owner.cart_id, holder=owner.holder, quantity=quantity, **arguments)


def remove(owner: Owner, item_id: UUID, **values: Any) -> Cart:
    arguments = {"operation_id": new_id(), "item_id": item_id, "now": NOW} | values
    return carts.remove_item(cart_id=owner.cart_id, holder=owner.holder, **arguments)


def empty(owner: Owner, **values: Any) -> Cart:
    arguments = {"operation_id": new_id(), "now": NOW} | values
    return carts.empty(cart_id=owner.cart_id, holder=owner.holder, **arguments)


def merge(anonymous: Owner, into: Owner, **values: Any) -> Cart:
    arguments = {"operation_id": new_id(), "token": anonymous.token, "now": NOW} | values
    return carts.merge(cart_id=anonymous.cart_id, customer_id=into.customer_id, **arguments)


def check_out(owner: Owner, *pieces: tuple[Product, int], **values: Any) -> None:
    lines = [OrderedLine(product.id, quantity) for product, quantity in pieces]
    arguments = {"order_id": new_id(), "contents": [], "now": NOW} | values
    carts.check_out(cart_id=owner.cart_id, lines=lines, **arguments)


def contents_of(owner: Owner) -> list[UUID]:
    """What the goods in a cart go by in orders."""
    return carts.cart_to_order(cart_id=owner.cart_id, holder=owner.holder).contents


def notices(cart: Cart) -> list[tuple[NoticeCode, UUID]]:
    return [(notice.code, notice.product_id) for notice in cart.notices]


def everything() -> dict[str, list[Any]]:
    """All rows that the carts own, and the events that wait to be delivered."""
    rows = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
    return rows


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refused(kind: type[Refusal]) -> Iterator[Any]:
    """Expects this refusal, that nothing has changed, and that the log says so."""
    with nothing_changes(), capture_logs() as lines, pytest.raises(kind) as refusal:
        yield refusal
    assert [line["code"] for line in lines if line["event"] == "cart call refused"] == [kind.code]
