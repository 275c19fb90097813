"""A write that comes twice at one moment, to two replicas, under one Idempotency-Key: it is made once, and answered
twice with the same."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, cast

import pytest
from django.db import connection

from accounts.interface import Role, accounts
from cart.interface import Cart
from catalog.interface import Product
from checkout.interface import OrderStatus, checkout
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, make_person
from tests.checkout.actions import EMAIL, HOME, Shop, all_is_well, fill, order, report, status_of
from tests.gunicorn_server import Answer
from tests.journeys.installation import Installation
from tests.threads import at_once

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("real_commits", "same_provider")]

# Each time they meet at another moment.
ROUNDS = [1, 2, *(pytest.param(number, marks=pytest.mark.long) for number in (3, 4, 5))]

AT_HOME = {"shipping_address": {**vars(HOME), "email": EMAIL}}
CARD = {"number": "4242 4242 4242 4242", "expiry_month": 12, "expiry_year": 2040, "security_code": "123"}


@dataclass(frozen=True)
class Twins:
    """Both replicas, and who calls them."""

    installation: Installation
    headers: dict[str, str]

    def send(self, path: str, body: Any) -> Answer:
        """The one answer to a call that both get at one moment."""
        headers = {"Idempotency-Key": str(new_id())} | self.headers
        calls = [partial(server.call, "POST", path, body, **headers) for server in self.installation.servers]
        one, other = at_once(calls)
        assert (one.status, one.body) == (other.status, other.body)
        return cast("Answer", one)


@pytest.fixture
def head(installation: Installation) -> Twins:
    """The head office."""
    tokens = accounts.log_in(email=make_person(Role.HEAD_OFFICE), password=PASSWORD, address="")
    return Twins(installation, {"Authorization": f"Bearer {tokens.access}"})


@pytest.fixture(params=ROUNDS)
def shop(request: pytest.FixtureRequest) -> Shop:
    """With three pieces of a product: as many as are ordered."""
    return Shop(3)


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def visitor(installation: Installation, *items: tuple[Product, int]) -> tuple[Cart, Twins]:
    """A visitor's cart with these products, and the visitor."""
    cart, holder = fill(*items)
    return cart, Twins(installation, {"X-Cart-Token": holder.token or ""})


def test_pieces_are_added_once(installation: Installation, shop: Shop) -> None:
    cart, twins = visitor(installation)

    answer = twins.send(f"/cart/{cart.id}/items/", {"product_id": str(shop.product.id), "quantity": 2})

    assert answer.status == 200
    assert [line["quantity"] for line in answer.body["lines"]] == [2]


def test_a_cart_is_ordered_once(installation: Installation, shop: Shop) -> None:
    cart, twins = visitor(installation, (shop.product, 3))

    answer = twins.send("/checkout/process/", {"cart_id": str(cart.id), **AT_HOME})

    assert answer.status == 201
    assert count("customer_order") == 1
    assert shop.shelf() == (3, 3)
    assert all_is_well()


def test_an_order_without_a_cart_is_placed_once(head: Twins, shop: Shop) -> None:
    body = {"products": [{"id": str(shop.product.id), "quantity": 3}], **AT_HOME}

    answer = head.send("/orders/", body)

    assert answer.status == 201
    assert count("customer_order") == 1
    assert shop.shelf() == (3, 3)
    assert all_is_well()


def test_an_order_is_paid_once(head: Twins, shop: Shop) -> None:
    placed = order((shop.product, 3))

    answer = head.send(f"/orders/{placed.id}/payment/", {"card": CARD})

    assert answer.status == 202
    assert answer.body["order_id"] == str(placed.id)
    [payment] = checkout.order(order_id=placed.id).payments
    assert str(payment.id) == answer.body["job_id"]
    at_once([partial(checkout.charge, payment_id=payment.id, now=datetime.now(UTC))] * 2)
    assert status_of(placed) is OrderStatus.PAID
    assert len(head.installation.provider.charged(str(payment.id))) == 1
    assert shop.shelf() == (0, 0)


def test_an_order_is_cancelled_once(head: Twins, shop: Shop) -> None:
    placed = order((shop.product, 3))

    answer = head.send(f"/orders/{placed.id}/cancel/", {"reason": "ordered twice"})

    assert answer.status == 200
    assert [step["step"] for step in answer.body["steps"]] == ["placed", "cancelled"]
    assert shop.shelf() == (3, 0)
    assert all_is_well()


def test_money_goes_back_once(head: Twins, shop: Shop) -> None:
    placed = order((shop.product, 3))
    checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=None, now=datetime.now(UTC))
    report(placed)
    items = [{"product_id": str(shop.product.id), "quantity": 2}]

    answer = head.send(f"/orders/{placed.id}/refund/", {"items": items, "reason": "too loud"})

    assert (answer.status, answer.body["amount"]) == (202, "20.00")
    [refund] = checkout.order(order_id=placed.id).refunds
    at_once([partial(checkout.carry_out_refund, refund_id=refund.id, now=datetime.now(UTC))] * 2)
    assert checkout.order(order_id=placed.id).refunded == Decimal("20.00")
    assert shop.shelf() == (2, 0)
    assert all_is_well()
