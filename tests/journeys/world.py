"""A small chain in which something of every kind exists, and a valid call of every operation about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.transaction import atomic, set_rollback

from accounts import rules
from accounts.interface import Letter, Tokens, accounts
from accounts.models import User
from accounts.service.passwords import GENERATORS
from checkout.interface import Destination, OrderStatus, checkout
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL, NEW_PASSWORD, PASSWORD, home, register
from tests.cart.actions import add, visitor
from tests.chain import make_product, make_store, put_in_stock, sell
from tests.checkout.bank import CARD
from tests.replenishment.actions import Chain, approve, request, set_thresholds, ship, suggest_product
from tests.sales.actions import open_till

OTHER_EMAIL = "other@example.com"


class World:
    """What exists: whatever belongs to a store belongs to `store`, and the address to the customer."""

    def __init__(self) -> None:
        chain = Chain(central=500, store=100, transit=True)
        self.warehouse, self.store, self.product = chain.warehouse, chain.store, chain.product
        self.elsewhere = make_store()
        self.customer_id = register().id
        register(email=OTHER_EMAIL)
        self.address_id = accounts.add_address(customer_id=self.customer_id, address_id=new_id(), draft=home()).id
        self.sale_id = sell(self.product, self.store, 3).id
        self.session_id = open_till(self.store).id
        approved, shipped = request(chain), request(chain)
        self.approved_id, self.shipped_id, self.pending_id = (
            approve(approved).id,
            approve(shipped).id,
            request(chain).id,
        )
        ship(shipped)
        self.cart = visitor()
        # All are fetched in the store, by whoever has the cart's token.
        self.order_id, self.paid_order_id, self.packed_order_id = (self.order() for _ in range(3))
        self.job_id, _ = pay(self.paid_order_id), pay(self.packed_order_id)
        checkout.advance(
            order_id=self.packed_order_id, status=OrderStatus.PROCESSING, actor_id=None, now=datetime.now(UTC)
        )
        self.item_id = add(self.cart, self.product).lines[0].id
        # Of this one the store should ask for more.
        self.suggested = chain.product = make_product()
        put_in_stock(chain.product, chain.warehouse, 500)
        set_thresholds(chain.store, chain.product, reorder_point=30, target=42)
        assert suggest_product(chain)

    def order(self) -> UUID:
        """An order of the visitor, whose cart is empty afterwards."""
        add(self.cart, self.product)
        return checkout.process(
            order_id=new_id(),
            cart_id=self.cart.cart_id,
            holder=self.cart.holder,
            destination=Destination(EMAIL, pickup_store_id=self.store.id),
            now=datetime.now(UTC),
        ).id


def pay(order_id: UUID) -> UUID:
    """Have an order paid by the bank in memory; returns the payment."""
    now = datetime.now(UTC)
    payment = checkout.pay(payment_id=new_id(), order_id=order_id, card=CARD, actor_id=None, now=now)
    checkout.charge(payment_id=payment.id, now=now)
    return payment.id


def tokens_of(email: str) -> Tokens:
    """The tokens of a fresh login."""
    return accounts.log_in(email=email, password=PASSWORD, address="")


def code_of(world: World, letter: Letter) -> str:
    """The code that this letter to the customer holds."""
    return rules.code_of(world.customer_id, GENERATORS[letter].make_token(User.objects.get(id=world.customer_id)))


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens in here has not happened afterwards."""
    with atomic():
        yield
        set_rollback(True)


def everything() -> dict[str, str]:
    """A checksum of each table that the modules own, and of the jobs and answers that are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY(%s)"
            " OR tablename IN ('procrastinate_jobs', 'idempotency_key') ORDER BY 1",
            [settings.COMPTOIR_MODULES],
        )
        tables = [name for (name,) in cursor.fetchall()]
        # A key's use is noted although the call is refused.
        checksum = (
            "SELECT '{0}', md5(string_agg((to_jsonb(t) - 'last_used_at')::text, ' ' ORDER BY t::text)) FROM {0} t"
        )
        cursor.execute(" UNION ALL ".join(checksum.format(table) for table in tables))
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class Call:
    """What an operation is sent: a body, a query, and what its path names where that is not the first of its kind."""

    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    path: dict[str, UUID] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def path_of(world: World, call: Call) -> dict[str, UUID]:
    """Whom or what the paths name."""
    return {
        "store_id": world.store.id,
        "product_id": world.product.id,
        "customer_id": world.customer_id,
        "address_id": world.address_id,
        "sale_id": world.sale_id,
        "session_id": world.session_id,
        "request_id": world.pending_id,
        "cart_id": world.cart.cart_id,
        "item_id": world.item_id,
        "order_id": world.order_id,
        "job_id": world.job_id,
    } | call.path


def calls(world: World) -> dict[str, Call]:
    """A valid call of every operation that takes more than what its path names."""
    store, product = world.store.id, world.product.id
    profile = {"email": EMAIL, "name": "Camille Martin", "phone": "+33612345678", "language": "fr"}
    address = {"name": "Camille", "line1": "1 quai Perrache", "city": "Lyon", "postal_code": "69002", "country": "FR"}
    article = {"sku": "KEY-2", "name": "Keyboard", "category": "Things", "price": "20.00"}
    shop = {"name": "Bellecour", "address": "3 place Bellecour, 69002 Lyon"}
    line = {"product_id": product, "quantity": 1}
    card = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2030, "security_code": "123"}
    with_token = {"X-Cart-Token": world.cart.token}
    paid = {"order_id": world.paid_order_id}
    credentials = {"email": EMAIL, "password": PASSWORD}
    return {
        # People.
        "log_in": Call(credentials),
        "log_in_customer": Call(credentials),
        "refresh_token": Call({"refresh": tokens_of(EMAIL).refresh}),
        "log_out": Call({"refresh": tokens_of(EMAIL).refresh}),
        "register": Call(profile | {"email": "new@example.com", "password": PASSWORD}),
        "request_password_reset": Call({"email": EMAIL}),
        "reset_password": Call({"code": code_of(world, Letter.RESET_PASSWORD), "new_password": NEW_PASSWORD}),
        "verify_email": Call({"code": code_of(world, Letter.VERIFY_EMAIL)}),
        "change_password": Call({"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
        "replace_customer": Call(profile),
        "update_customer": Call({"name": "Camille Martin"}),
        "add_address": Call(address),
        "replace_address": Call(address),
        # Catalogue.
        "create_product": Call(article),
        "replace_product": Call(article),
        "update_product": Call({"price": "20.00"}),
        # Stores and stock.
        "create_store": Call(shop),
        "replace_store": Call(shop),
        "check_availability": Call({"items": [line], "location_id": store}),
        "list_movements": Call(query={"location_id": store}),
        "list_discrepancies": Call(query={"location_id": store}),
        "count_stock": Call({"quantity": 7}),
        "receive_stock": Call({"location_id": store, "lines": [line]}),
        "transfer_stock": Call({"from_location_id": world.warehouse.id, "to_location_id": store, "lines": [line]}),
        "adjust_stock": Call({"location_id": store, "lines": [{"product_id": product, "delta": -1}], "reason": "lost"}),
        # Sales.
        "record_sale": Call(
            {
                "store_id": store,
                "lines": [{"product_id": product, "quantity": 2}],
                "returns": [{"sale_id": world.sale_id, "position": 1, "quantity": 1}],
                "payments": [{"method": "cash", "amount": "10.00"}],
            }
        ),
        "record_offline_sales": Call(
            {
                "sales": [
                    {
                        "store_id": store,
                        "lines": [line],
                        "payments": [{"method": "cash", "amount": "10.00"}],
                        "client_reference": "1",
                        "sold_at": datetime.now(UTC).isoformat(),
                    }
                ]
            }
        ),
        "record_return": Call({"lines": [{"position": 1, "quantity": 1}]}),
        "open_till": Call({"store_id": store, "till": "Till 2", "opening_float": "100.00"}),
        "move_cash": Call({"direction": "in", "amount": "5.00", "reason": "change"}),
        "close_till": Call({"counted_cash": "100.00"}),
        "list_till_sessions": Call(query={"store_id": store}),
        "sales_report": Call(query={"store_id": store}),
        "dashboard": Call(query={"store_id": store}),
        # Carts.
        "cart": Call(headers=with_token),
        "empty_cart": Call(headers=with_token),
        "merge_cart": Call(headers=with_token),
        "add_cart_item": Call(line, headers=with_token),
        "replace_cart_item": Call({"quantity": 2}, headers=with_token),
        "update_cart_item": Call({"quantity": 2}, headers=with_token),
        "remove_cart_item": Call(headers=with_token),
        # Orders.
        "validate_checkout": Call({"cart_id": world.cart.cart_id}, headers=with_token),
        "process_checkout": Call(
            {"cart_id": world.cart.cart_id, "shipping_address": address | {"email": EMAIL}}, headers=with_token
        ),
        "place_order": Call(
            {"products": [{"id": product, "quantity": 1}], "shipping_address": address | {"email": EMAIL}}
        ),
        "order": Call(headers=with_token),
        "change_order": Call({"email": OTHER_EMAIL}, headers=with_token),
        "advance_order": Call({"status": "processing"}, path=paid),
        "send_order_parcel": Call(path={"order_id": world.packed_order_id, "location_id": store}),
        "cancel_order": Call({"reason": "ordered twice"}, headers=with_token),
        "refund_order": Call({"items": [line]}, path=paid),
        "pay_order": Call({"card": card}, headers=with_token),
        "job": Call(headers=with_token),
        "hear_provider": Call(world.job_id),
        # Whether values would do.
        "validate_product": Call(article),
        "validate_customer": Call(profile | {"password": PASSWORD}),
        "validate_email": Call({"email": EMAIL}),
        "validate_phone": Call({"phone": "+33612345678"}),
        "validate_order": Call(
            {"products": [{"id": product, "quantity": 1}], "shipping_address": address | {"email": EMAIL}}
        ),
        "validate_stock": Call({"quantity": 7}),
        # Replenishment.
        "request_stock": Call({"product_id": world.suggested.id, "store_id": store, "quantity": 5}),
        "list_requests": Call(query={"store_id": store}),
        "approve_request": Call({"quantity": 5}),
        "reject_request": Call({"reason": "sold out"}),
        "decide_requests": Call({"request_ids": [world.pending_id], "verdict": "approve"}),
        "ship_request": Call(path={"request_id": world.approved_id}),
        "receive_request": Call({"quantity": 20}, path={"request_id": world.shipped_id}),
        "list_suggestions": Call(query={"store_id": store}),
        "accept_suggestions": Call({"lines": [{"store_id": store, "product_id": world.suggested.id}]}),
    }
