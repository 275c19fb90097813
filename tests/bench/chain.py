"""The chain that the bench sells from, built through the published interfaces."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.transaction import atomic
from django.test import Client

from accounts.interface import Role, accounts
from cart.interface import Holder, carts, new_token
from catalog.interface import KnownProduct, ProductDraft, catalog
from inventory.interface import KnownLocation, Location, LocationDraft, LocationKind, StockLine, inventory
from replenishment.interface import replenishment
from sales.interface import SoldItem, sales
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, make_person, make_warehouse

STORES = 5
PRODUCTS = 1000
SALES = 500  # before the first measurement
BASKETS = 1000
DAYS = 10  # over which they lie
PIECES = 1_000_000_000  # of each product in each place: no run sells them all
FIRST_NUMBER = 100_000_000_000

WHATS = ["lamp", "table", "chair", "kettle", "mirror", "basket", "candle", "blanket", "teapot", "shelf"]
HOWS = ["oak", "steel", "linen", "copper", "glass", "marble", "wool", "bamboo", "cotton", "walnut"]

BATCH = 500


@dataclass(frozen=True)
class Basket:
    """An anonymous cart, and the token that proves it is one's own."""

    id: UUID
    token: str


@dataclass(frozen=True)
class Chain:
    """What the requests name: stores of the chain, products, and who calls."""

    store_ids: list[UUID]
    product_ids: list[UUID]
    people: dict[Role, str]
    # Empty ones, to put something into.
    baskets: list[Basket]

    @property
    def store_id(self) -> UUID:
        """The store of whatever is about one."""
        return self.store_ids[0]

    def token(self, role: Role) -> dict[str, str]:
        """The header with a fresh access token, which holds for ten minutes."""
        tokens = accounts.log_in(email=self.people[role], password=PASSWORD, address="")
        return {"Authorization": f"Bearer {tokens.access}"}

    def session(self, role: Role) -> dict[str, str]:
        """The header with the cookie of somebody who has just logged in to the pages."""
        client = Client(SERVER_NAME="127.0.0.1")
        answer = client.post("/login/", {"username": self.people[role], "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}

    def carts(self, count: int) -> list[Basket]:
        """So many new carts, with a piece of a product each."""
        baskets = open_carts(count)
        for some in _batches(list(enumerate(baskets))):
            with atomic():
                for number, basket in some:
                    carts.add_item(
                        operation_id=new_id(),
                        cart_id=basket.id,
                        holder=Holder(token=basket.token),
                        product_id=self.product_ids[number % len(self.product_ids)],
                        quantity=1,
                        now=datetime.now(UTC),
                    )
        return baskets

    def requests(self, count: int) -> list[UUID]:
        """So many new requests of the store, for a piece each, that wait for the warehouse."""
        made = [new_id() for _ in range(count)]
        for some in _batches(list(enumerate(made))):
            with atomic():
                for number, request_id in some:
                    replenishment.request(
                        request_id=request_id,
                        product_id=self.product_ids[number % len(self.product_ids)],
                        store_id=self.store_id,
                        quantity=1,
                        actor_id=None,
                        now=datetime.now(UTC),
                    )
        return made


def build(*, stores: int = STORES, products: int = PRODUCTS, sold: int = SALES, baskets: int = BASKETS) -> Chain:
    """A warehouse, some stores, these many products with ample stock in each place, a few sales, some carts."""
    places = [make_warehouse(), *_open_stores(stores)]
    product_ids = [product_id(number) for number in range(products)]
    for ids in _batches(product_ids):
        catalog.ensure_products(products=[_product(one) for one in ids])
        for place in places:
            _fill(place, ids)
    # Who may sell in all of them, so that one login will do.
    people = {Role.CASHIER: make_person(Role.CASHIER, *places[1:])}
    people |= {role: make_person(role) for role in (Role.WAREHOUSE, Role.HEAD_OFFICE)}
    chain = Chain([store.id for store in places[1:]], product_ids, people, open_carts(baskets))
    with atomic():
        for number in range(sold):
            _sell(chain, number)
    return chain


def put_in_order() -> None:
    """Let Postgres know its tables: autovacuum would come to know them sometime during the measurements."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def product_id(number: int) -> UUID:
    """The id of a product by its number: it ends in twelve decimal digits, so that pgbench can make it up."""
    return UUID(f"00000000-0000-7000-8000-{FIRST_NUMBER + number}")


def store_id(number: int) -> UUID:
    """The id of a store, likewise."""
    return UUID(f"00000000-0000-7000-9000-{FIRST_NUMBER + number}")


def _open_stores(count: int) -> list[Location]:
    known = [
        KnownLocation(store_id(number), LocationDraft(LocationKind.STORE, f"Store {number}", "", "Europe/Paris"))
        for number in range(count)
    ]
    return inventory.locations(ids=list(inventory.ensure_locations(locations=known).values()))


def _product(one: UUID) -> KnownProduct:
    number = int(one.hex[-4:])
    name = f"{HOWS[number // 10 % 10]} {WHATS[number % 10]} {number}".capitalize()
    return KnownProduct(one, ProductDraft(f"SKU-{number:04}", name, category="Things", price=Decimal("10.00")))


def _fill(place: Location, product_ids: list[UUID]) -> None:
    inventory.receive(
        operation_id=new_id(),
        location_id=place.id,
        lines=[StockLine(one, PIECES) for one in product_ids],
        document="delivery",
        actor_id=None,
        now=datetime.now(UTC),
    )


def open_carts(count: int) -> list[Basket]:
    """So many new ones, with nothing in them."""
    baskets = [Basket(new_id(), new_token()) for _ in range(count)]
    for some in _batches(baskets):
        with atomic():
            for basket in some:
                carts.open_cart(cart_id=basket.id, token=basket.token, now=datetime.now(UTC))
    return baskets


def _sell(chain: Chain, number: int) -> None:
    sold_at = datetime.now(UTC) - timedelta(days=number % DAYS)
    sales.record_sale(
        sale_id=new_id(at=sold_at),
        store_id=chain.store_id,
        items=[SoldItem(1, chain.product_ids[number % len(chain.product_ids)])],
        payments=[],
        client_reference="",
        cashier_id=None,
        sold_at=sold_at,
    )


def _batches(things: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(things), BATCH):
        yield things[start : start + BATCH]
