"""What orders tell of products that leave the catalogue."""

from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.interface import Role
from catalog.interface import Product, ProductArchived, ProductChanges, catalog
from checkout.interface import Order, OrderCreated, OrderNotice, OrderNoticeCode, OrderStatus, checkout
from checkout.tasks import follow_up_order, note_archived_product
from tests.catalog.conftest import Published
from tests.chain import client_of, make_product, put_in_stock
from tests.checkout.actions import NOW, Shop, order, pay, refund
from tests.checkout.web import call
from tests.threads import cuts

pytestmark = pytest.mark.django_db


def archive(product: Product) -> None:
    """Archive a product, and do what the worker does when it hears of it."""
    catalog.archive_product(product_id=product.id)
    note_archived_product(ProductArchived(product.id))


def told_by(placed: Order) -> list[OrderNotice]:
    return checkout.order(order_id=placed.id).notices


def notice(product: Product) -> OrderNotice:
    return OrderNotice(OrderNoticeCode.PRODUCT_ARCHIVED, product.id, product.name)


def updated(published: Published) -> list[str]:
    """The orders of which the world was told that they have changed."""
    return [data["order_id"] for kind, data in published() if kind == "order.updated"]


def test_orders_under_way_tell_of_an_archived_product_once(published: Published) -> None:
    shop = Shop(10, 10)
    product, other = shop.products
    pending, paid = order((other, 1), (product, 2)), pay(order((product, 1)))
    packed = pay(order((product, 1)))
    checkout.advance(order_id=packed.id, status=OrderStatus.PROCESSING, actor_id=None, now=NOW)
    before = len(updated(published))

    archive(product)
    archive(product)

    assert [told_by(placed) for placed in (pending, paid, packed)] == [[notice(product)]] * 3
    assert updated(published)[before:] == [str(placed.id) for placed in (pending, paid, packed)]
    assert checkout.order(order_id=paid.id).status is OrderStatus.PAID


def test_other_orders_and_those_that_have_ended_tell_nothing(published: Published) -> None:
    shop = Shop(10, 10)
    product, other = shop.products
    refunded, cancelled, of_another = pay(order((product, 1))), order((product, 1)), order((other, 1))
    checkout.carry_out_refund(refund_id=refund(refunded).id, now=NOW)
    checkout.cancel(order_id=cancelled.id, reason="", actor_id=None, now=NOW)
    before = updated(published)

    archive(product)

    assert [told_by(placed) for placed in (refunded, cancelled, of_another)] == [[], [], []]
    assert updated(published) == before


def test_a_product_that_is_back_on_sale_is_told_of_no_order(published: Published) -> None:
    product = Shop().product
    placed = order((product, 1))
    catalog.archive_product(product_id=product.id)
    catalog.update_product(product_id=product.id, changes=ProductChanges(active=True))

    note_archived_product(ProductArchived(product.id))

    assert told_by(placed) == []
    assert updated(published) == []


def test_an_order_that_was_placed_while_its_product_was_archived_tells_of_it(published: Published) -> None:
    product = Shop().product
    placed = order((product, 1))
    catalog.archive_product(product_id=product.id)

    for _ in range(2):
        follow_up_order(OrderCreated(placed.id, None, None))

    assert told_by(placed) == [notice(product)]
    assert updated(published) == [str(placed.id)]


def test_whoever_reads_an_order_over_rest_sees_it() -> None:
    product = Shop().product
    placed = order((product, 1))

    archive(product)

    answer = call(client_of(Role.HEAD_OFFICE), "GET", f"/orders/{placed.id}/").json()
    told = {"code": "product_archived", "product_id": str(product.id), "product_name": product.name}
    assert answer["notices"] == [told]


def test_many_orders_take_as_many_statements_as_one() -> None:
    taken = []
    for number, product in zip((1, 12), Shop(100, 100).products, strict=True):
        for _ in range(number):
            order((product, 1))
        catalog.archive_product(product_id=product.id)
        with CaptureQueriesContext(connection) as captured:
            assert checkout.note_archived(product_ids=[product.id]) == number
        taken.append(len(captured))

    assert taken[0] == taken[1]


def test_a_batch_leaves_the_rest_to_the_next() -> None:
    product = Shop().product
    placed = [order((product, 1)) for _ in range(3)]
    catalog.archive_product(product_id=product.id)

    assert [checkout.note_archived(product_ids=[product.id], limit=2) for _ in range(3)] == [2, 1, 0]
    assert [told_by(each) for each in placed] == [[notice(product)]] * 3


@pytest.mark.plain_calls
def test_what_two_workers_note_at_one_time_is_told_once(committed: None, published: Published) -> None:
    warehouse = Shop().warehouse
    for cut in cuts():
        product = make_product()
        put_in_stock(product, warehouse, 10)
        placed = order((product, 1))
        catalog.archive_product(product_id=product.id)
        note = partial(checkout.note_archived, product_ids=[product.id])

        cut(note, note)

        assert told_by(placed) == [notice(product)]
        assert updated(published).count(str(placed.id)) == 1
