"""Orders and what becomes of them, with the values that do not matter filled in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from cart.interface import Cart, Holder, cart_of, carts, new_token
from catalog.interface import Product
from checkout.interface import (
    Destination,
    Order,
    OrderAddress,
    OrderedItem,
    OrderPayment,
    OrderRefund,
    OrderStatus,
    checkout,
)
from inventory.interface import Location, inventory
from shared_kernel.ids import new_id
from tests.chain import level, make_product, make_store, make_warehouse, put_in_stock
from tests.checkout.bank import CARD

NOW = datetime.now(UTC)
A_WHILE = timedelta(seconds=settings.COMPTOIR_RESERVATION_SECONDS)
TOO_LATE = NOW + A_WHILE + timedelta(seconds=1)
EMAIL = "camille@example.com"
HOME = OrderAddress(name="Camille", line1="12 rue Mercière", city="Lyon", postal_code="69002", country="FR")
AT_HOME = Destination(email=EMAIL, address=HOME)


def pick_up(store: Location) -> Destination:
    return Destination(email=EMAIL, pickup_store_id=store.id)


class Shop:
    """A warehouse and two stores, in the order in which they were made, and products that the warehouse holds."""

    def __init__(self, *quantities: int) -> None:
        self.warehouse, self.lyon, self.lille = make_warehouse("Central"), make_store("Lyon"), make_store("Lille")
        self.products = [make_product(price=Decimal("10.00")) for _ in quantities or (10,)]
        for product, quantity in zip(self.products, quantities or (10,), strict=True):
            if quantity:
                put_in_stock(product, self.warehouse, quantity)

    @property
    def product(self) -> Product:
        return self.products[0]

    def shelf(self, place: Location | None = None, product: Product | None = None) -> tuple[int, int]:
        """What is on hand at a place, by default of the first product in the warehouse, and what of it is reserved."""
        row = level(product or self.product, place or self.warehouse)
        return row.on_hand, row.reserved


def fill(*items: tuple[Product, int], customer_id: UUID | None = None) -> tuple[Cart, Holder]:
    """A cart with these products: a customer's, or an anonymous one."""
    holder = Holder(customer_id) if customer_id else Holder(token=new_token())
    cart_id = cart_of(customer_id) if customer_id else new_id()
    if holder.token:
        carts.open_cart(cart_id=cart_id, token=holder.token, now=NOW)
    else:
        carts.open_customers_cart(customer_id=customer_id, now=NOW)
    for product, quantity in items:
        carts.add_item(
            operation_id=new_id(), cart_id=cart_id, holder=holder, product_id=product.id, quantity=quantity, now=NOW
        )
    return carts.cart(cart_id=cart_id, holder=holder), holder


def process(cart: Cart, holder: Holder, **values: Any) -> Order:
    """Make an order of a cart; `values` are those of `process` that matter to the test."""
    arguments = {"order_id": new_id(), "cart_id": cart.id, "holder": holder, "destination": AT_HOME, "now": NOW}
    return checkout.process(**(arguments | values))


def order(*items: tuple[Product, int], **values: Any) -> Order:
    """An order of these products, by a reseller unless by a customer."""
    arguments = {
        "order_id": new_id(),
        "items": [OrderedItem(product.id, quantity) for product, quantity in items],
        "destination": AT_HOME,
        "customer_id": None,
        "actor_id": None,
        "now": NOW,
    }
    return checkout.place_order(**(arguments | values))


def begin_payment(placed: Order, **values: Any) -> OrderPayment:
    arguments = {"payment_id": new_id(), "order_id": placed.id, "card": CARD, "actor_id": None, "now": NOW}
    return checkout.pay(**(arguments | values))


def pay(placed: Order) -> Order:
    """Pay an order, as the worker does."""
    checkout.charge(payment_id=begin_payment(placed).id, now=NOW)
    return checkout.order(order_id=placed.id)


def too_late() -> None:
    """Time passes: what is reserved now has run out."""
    inventory.clear_expired(now=TOO_LATE)


def report(placed: Order) -> None:
    """What the worker does when it hears of a paid order."""
    checkout.report_sale(order_id=placed.id)


def refund(placed: Order, *items: tuple[Product, int], **values: Any) -> OrderRefund:
    arguments = {
        "refund_id": new_id(),
        "order_id": placed.id,
        "items": [OrderedItem(product.id, quantity) for product, quantity in items] or None,
        "restock": True,
        "reason": "",
        "actor_id": None,
        "now": NOW,
    }
    return checkout.refund(**(arguments | values))


def status_of(placed: Order) -> OrderStatus:
    return checkout.order(order_id=placed.id).status


def everything() -> dict[str, list[Any]]:
    """All rows of orders and carts, what is on the shelves, and the jobs that wait."""
    tables = ["customer_order", "order_line", "order_piece", "order_step", "payment", "refund", "refund_line"]
    tables += ["cart", "cart_line", "stock_level", "procrastinate_jobs"]
    rows = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
            rows[table] = cursor.fetchall()
    return rows


def all_is_well() -> bool:
    """Whether no order disagrees with the stock, the sales or the bank, and no shelf with the ledger."""
    return checkout.verify(now=datetime.now(UTC)) == [] and inventory.verify(now=datetime.now(UTC)).differences == []
