"""What carts cost the database: as many statements for a hundred lines as for one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cart.interface import MAX_LINES, carts
from catalog.interface import catalog
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL, customer_client, register
from tests.cart.actions import (
    DAY,
    NOW,
    Owner,
    add,
    change,
    check_out,
    customer,
    empty,
    fill,
    goods,
    item,
    many_goods,
    merge,
    owner_of,
    remove,
    visitor,
)

pytestmark = [pytest.mark.django_db, pytest.mark.plain_calls]


class Shop:
    """A customer with so many lines in their cart, and a visitor with the same products in theirs."""

    def __init__(self, size: int, owner: Owner | None = None) -> None:
        self.owner, self.visitor = owner or customer(), visitor()
        self.products = many_goods(size)
        fill(self.owner, self.products)
        fill(self.visitor, self.products, 2)
        self.first = self.products[0]
        self.item_id = item(self.owner, self.first)


CALLS: list[tuple[str, int, Callable[[Shop], Any]]] = [
    ("read", 5, lambda shop: shop.owner.cart),
    ("read by token", 5, lambda shop: shop.visitor.cart),
    ("add", 7, lambda shop: add(shop.owner, shop.first)),
    ("change", 7, lambda shop: change(shop.owner, shop.first, 3, item_id=shop.item_id)),
    ("remove", 7, lambda shop: remove(shop.owner, shop.item_id)),
    ("empty", 4, lambda shop: empty(shop.owner)),
    ("merge", 15, lambda shop: merge(shop.visitor, shop.owner)),
    ("check out", 6, lambda shop: check_out(shop.visitor, *((product, 1) for product in shop.products))),
    ("abandon", 9, lambda shop: carts.abandon(now=NOW + 31 * DAY)),
    ("forget customer", 4, lambda shop: carts.forget_customer(customer_id=shop.owner.customer_id)),
]


@pytest.mark.parametrize(("most", "call"), [pytest.param(*rest, id=name) for name, *rest in CALLS])
def test_a_call_takes_as_many_statements_for_a_hundred_lines_as_for_one(most: int, call: Callable[[Shop], Any]) -> None:
    taken = []
    for size in (2, MAX_LINES):
        shop = Shop(size)
        with CaptureQueriesContext(connection) as captured:
            call(shop)
        taken.append(len(captured))

    assert taken[0] == taken[1] <= most, taken


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "a-key"}])
@pytest.mark.parametrize("known", ["by login", "by token"])
def test_adding_over_rest_takes_at_most_twelve_statements(known: str, key: dict[str, str]) -> None:
    taken = []
    for size in (1, MAX_LINES):
        email = f"{size}{EMAIL}"
        owner = owner_of(register(email=email).id)
        shop = Shop(size, owner)
        client = customer_client(email)
        if known == "by token":
            owner, client = shop.visitor, Client(headers={"X-Cart-Token": shop.visitor.token})
        body = json.dumps({"product_id": str(shop.first.id)})
        path = f"/api/v1/cart/{owner.cart_id}/items/"
        with CaptureQueriesContext(connection) as captured:
            answer = client.generic("POST", path, body, content_type="application/json", headers=key)
        assert (answer.status_code, len(answer.json()["lines"])) == (200, size)
        taken.append(len(captured))

    assert taken[0] == taken[1] <= 12, [query["sql"] for query in captured]


def test_a_product_leaves_a_hundred_carts_in_as_many_statements_as_one() -> None:
    def statements(size: int) -> int:
        product = goods()
        for _ in range(size):
            add(visitor(), product)
        catalog.archive_product(product_id=product.id)
        with CaptureQueriesContext(connection) as captured:
            assert carts.withdraw(product_id=product.id) == size
        return len(captured)

    assert statements(100) == statements(1) == 5


def test_the_keys_of_old_writes_are_forgotten_in_one_statement() -> None:
    owner, product, operation_id = visitor(), goods(), new_id()
    add(owner, product, operation_id=operation_id)
    add(owner, product, now=NOW + 10 * DAY)

    with CaptureQueriesContext(connection) as captured:
        assert carts.forget_changes(now=NOW + 15 * DAY) == 1

    assert len(captured) == 1
