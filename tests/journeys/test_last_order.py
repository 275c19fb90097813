"""The last pieces, and many who want them: at the till, at home and to be picked up, on two replicas at once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from random import Random
from typing import Any

import pytest
from django.db import connection

from accounts.interface import Role, accounts
from cart.interface import Cart, CartLine, Holder, carts
from catalog.interface import Product
from checkout.interface import checkout
from inventory.interface import Location, inventory
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, make_person, make_product, make_store, make_warehouse, put_in_stock
from tests.checkout.actions import A_WHILE, all_is_well, fill
from tests.gunicorn_server import Answer, Server
from tests.journeys.installation import Installation
from tests.threads import at_once

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("real_commits", "same_provider")]

AT_HOME = {
    "shipping_address": {
        "name": "Camille",
        "line1": "12 rue Mercière",
        "city": "Lyon",
        "postal_code": "69002",
        "country": "FR",
        "email": "camille@example.com",
    }
}
# As many buyers at one moment: more threads than both replicas have.
CALLERS = 40

# Rows that belong to nothing: half of an order, or goods kept for none.
ORPHANS = [
    "SELECT id FROM customer_order o WHERE NOT EXISTS (SELECT FROM order_line WHERE order_id = o.id)",
    "SELECT id FROM customer_order o WHERE NOT EXISTS (SELECT FROM order_piece WHERE order_id = o.id)",
    "SELECT id FROM customer_order o WHERE NOT EXISTS (SELECT FROM order_step WHERE order_id = o.id)",
    "SELECT id FROM reservation r WHERE NOT EXISTS (SELECT FROM customer_order WHERE id = r.order_id)",
]


@dataclass(frozen=True)
class Buyer:
    """Somebody who wants one piece; at home they have a cart, at the till they have none."""

    buy: Callable[[], Answer]
    cart: Cart | None = None
    holder: Holder | None = None

    def cart_of_now(self) -> Cart:
        assert self.cart
        assert self.holder
        return carts.cart(cart_id=self.cart.id, holder=self.holder)


def at_the_till(server: Server, store: Location, product: Product, token: str) -> Buyer:
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}
    return Buyer(partial(server.call, "POST", "/sales/", body, token=token))


def in_the_web_shop(server: Server, destination: dict[str, Any], product: Product) -> Buyer:
    cart, holder = fill((product, 1))
    body = {"cart_id": str(cart.id), **destination}
    headers = {"X-Cart-Token": holder.token or "", "Idempotency-Key": str(new_id())}
    return Buyer(partial(server.call, "POST", "/checkout/process/", body, **headers), cart, holder)


def sold_out(cart: Cart) -> list[CartLine]:
    """The lines of a cart as they are when everything is sold."""
    return [replace(line, available=0) for line in cart.lines]


def rush(buyers: list[Buyer]) -> list[Answer]:
    """All of them, in waves of so many at one moment."""
    waves = [buyers[first : first + CALLERS] for first in range(0, len(buyers), CALLERS)]
    return [answer for wave in waves for answer in at_once([buyer.buy for buyer in wave])]


def rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.mark.parametrize(("stock", "wanted"), [(1, 10), (5, 20), pytest.param(100, 400, marks=pytest.mark.long)])
def test_exactly_as_many_buy_as_there_are_pieces(installation: Installation, stock: int, wanted: int) -> None:
    make_warehouse()
    store, product = make_store(), make_product()
    put_in_stock(product, store, stock)
    token = accounts.log_in(email=make_person(Role.CASHIER, store), password=PASSWORD, address="").access
    replicas = cycle(installation.servers)
    pickup = {"pickup_store_id": str(store.id), "email": "camille@example.com"}
    kinds = cycle(
        [
            lambda server: at_the_till(server, store, product, token),
            lambda server: in_the_web_shop(server, AT_HOME, product),
            lambda server: in_the_web_shop(server, pickup, product),
        ]
    )
    buyers = [make(next(replicas)) for make in islice(kinds, wanted)]
    Random(wanted).shuffle(buyers)  # noqa: S311 a queue has no secrets

    answers = rush(buyers)

    assert Counter(answer.status for answer in answers) == {201: stock, 409: wanted - stock}
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"insufficient_stock"}
    assert {
        (line["product_id"], line["requested"], line["available"])
        for answer in answers
        if answer.status == 409
        for line in answer.body["lines"]
    } == {(str(product.id), 1, 0)}
    served = [buyer for buyer, answer in zip(buyers, answers, strict=True) if answer.status == 201]
    ordered = sum(buyer.cart is not None for buyer in served)
    [row] = inventory.stock_levels(product_ids=[product.id], location_ids=[store.id])
    assert (row.on_hand, row.reserved, row.available) == (ordered, ordered, 0)
    assert rows("SELECT count(*) FROM customer_order WHERE status = 'pending'") == [(ordered,)]
    for buyer in buyers:
        if buyer.cart:
            assert buyer.cart_of_now().lines == ([] if buyer in served else sold_out(buyer.cart))
    assert [rows(query) for query in ORPHANS] == [[]] * len(ORPHANS)
    assert all_is_well()

    later = datetime.now(UTC) + A_WHILE
    while checkout.expire(now=later) or inventory.clear_expired(now=later):
        pass

    [row] = inventory.stock_levels(product_ids=[product.id], location_ids=[store.id])
    assert (row.on_hand, row.reserved) == (ordered, 0)
    assert rows("SELECT count(*) FROM customer_order WHERE status = 'cancelled'") == [(ordered,)]
    assert rows("SELECT count(*) FROM reservation WHERE state = 'held'") == [(0,)]
    assert all_is_well()
