"""Paid orders come from the cache: whole, at each step as they stand, to those alone whose they are."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from accounts.interface import accounts
from cart.interface import Holder, new_token
from checkout.interface import Order, OrderNotFound, OrderStatus, checkout
from shared_kernel.cache import Outdating
from tests.accounts.actions import register
from tests.checkout.actions import EMAIL, HOME, NOW, Shop, fill, order, pay, process, refund
from tests.events.queue import work
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committing", "bank", "redis_server")]


def shown(order_id: UUID) -> Order:
    return checkout.order(order_id=order_id)


def as_it_is(order_id: UUID, settings: Any) -> Order:
    """The same without the cache."""
    url, settings.REDIS_URL = settings.REDIS_URL, ""
    answer = shown(order_id)
    settings.REDIS_URL = url
    return answer


def test_a_paid_order_takes_one_statement_and_a_pending_one_is_not_kept() -> None:
    shop = Shop()
    pending, paid = order((shop.product, 1)), pay(order((shop.product, 1)))
    taken = []
    for placed in (pending, paid):
        shown(placed.id)
        with CaptureQueriesContext(connection) as captured:
            shown(placed.id)
        taken.append(len(captured))

    assert taken[0] > taken[1] == 1


def test_each_step_is_seen_at_once(settings: Any) -> None:
    shop = Shop()
    placed = pay(order((shop.product, 3)))
    seen: list[Any] = []

    def look() -> None:
        known = shown(placed.id)
        assert known == as_it_is(placed.id, settings)
        seen.append((known.status, [step.step for step in known.steps][-1], [each.state for each in known.refunds]))

    look()
    checkout.advance(order_id=placed.id, status=OrderStatus.PROCESSING, actor_id=None, now=NOW)
    look()
    some = refund(placed, (shop.product, 1))
    look()
    checkout.carry_out_refund(refund_id=some.id, now=NOW)
    look()
    checkout.advance(order_id=placed.id, status=OrderStatus.COMPLETED, actor_id=None, now=NOW)
    look()
    rest = refund(placed)
    checkout.carry_out_refund(refund_id=rest.id, now=NOW)
    look()

    assert seen == [
        ("paid", "paid", []),
        ("processing", "processing", []),
        ("processing", "processing", ["running"]),
        ("processing", "refunded", ["succeeded"]),
        ("completed", "completed", ["succeeded"]),
        ("refunded", "refunded", ["succeeded", "succeeded"]),
    ]


def test_a_step_whose_writer_was_killed_is_seen_after_its_job(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    shop = Shop()
    placed = pay(order((shop.product, 3)))
    some = refund(placed, (shop.product, 1))
    shown(placed.id)
    with monkeypatch.context() as killed:
        killed.setattr(Outdating, "__call__", lambda outdating: None)
        checkout.carry_out_refund(refund_id=some.id, now=NOW)
    left = shown(placed.id)

    work(monkeypatch, "events")

    assert left != shown(placed.id) == as_it_is(placed.id, settings)


def test_whose_it_is_is_asked_each_time() -> None:
    shop = Shop()
    _, holder = cart = fill((shop.product, 1))
    placed = pay(process(*cart))
    shown(placed.id)

    assert checkout.order(order_id=placed.id, holder=holder).id == placed.id
    for stranger in (Holder(), Holder(token=new_token()), Holder(placed.id)):
        with pytest.raises(OrderNotFound):
            checkout.order(order_id=placed.id, holder=stranger)


def test_an_erased_customers_order_names_them_no_more(settings: Any) -> None:
    shop = Shop()
    customer = register()
    placed = pay(process(*fill((shop.product, 1), customer_id=customer.id)))
    for status in (OrderStatus.PROCESSING, OrderStatus.COMPLETED):
        checkout.advance(order_id=placed.id, status=status, actor_id=None, now=NOW)
    before = shown(placed.id)

    accounts.erase_customer(customer_id=customer.id, now=NOW)
    checkout.forget_customer(customer_id=customer.id)

    assert (before.email, before.address) == (EMAIL, HOME)
    assert (shown(placed.id).email, shown(placed.id).address) == ("", None)
    assert shown(placed.id) == as_it_is(placed.id, settings)


def test_no_buyers_address_lies_in_redis(redis_server: RedisServer) -> None:
    shop = Shop()
    shown(pay(order((shop.product, 1))).id)

    with Redis.from_url(redis_server.url) as client:
        kept = b"".join(client.get(key) for key in client.keys("*paid order*[0-9a-f]"))
    assert shop.product.sku.encode() in kept
    assert [text for text in (EMAIL, HOME.name, HOME.line1) if text.encode() in kept] == []
