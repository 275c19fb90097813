"""Writes at one time: many at once, and two of which the second starts before each statement of the first."""

import json
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.test import Client

from cart.interface import Cart, CartNotFound, ItemNotFound, NotEnoughStock, carts
from catalog.interface import catalog
from shared_kernel.ids import new_id
from tests.cart.actions import (
    DAY,
    NOW,
    add,
    change,
    check_out,
    customer,
    empty,
    goods,
    item,
    merge,
    notices,
    remove,
    visitor,
)
from tests.threads import Call, Cut, at_once, cuts

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("committed")]


def twins(cut: Cut, call: Call) -> Any:
    """The one answer of a call that is sent twice."""
    first, second = cut(call, call)
    assert second == first
    return first


# --- Many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [visitor, customer])
def test_twenty_additions_at_once_add_up(make: Any) -> None:
    owner, product = make(), goods(1000)

    answers = at_once([partial(add, owner, product, 3) for _ in range(20)])

    assert Counter(map(type, answers)) == {Cart: 20}
    assert owner.pieces == {product.id: 60}


def test_additions_of_different_products_at_once_are_all_there() -> None:
    owner, products = customer(), [goods() for _ in range(10)]

    at_once([partial(add, owner, product, 2) for product in products * 2])

    assert owner.pieces == {product.id: 4 for product in products}


def test_no_more_are_in_a_cart_than_are_available() -> None:
    owner, product = visitor(), goods(7)

    answers = at_once([partial(add, owner, product, 2) for _ in range(10)])

    assert Counter(map(type, answers)) == {Cart: 3, NotEnoughStock: 7}
    assert owner.pieces == {product.id: 6}


def test_one_addition_sent_twenty_times_at_once_is_made_once() -> None:
    owner, product, operation_id = visitor(), goods(), new_id()

    answers = at_once([partial(add, owner, product, 2, operation_id=operation_id)] * 20)

    assert {answer.lines[0].quantity for answer in answers} == {2}
    assert owner.pieces == {product.id: 2}


def test_one_addition_sent_over_http_at_once_under_one_key_is_made_once() -> None:
    owner, product = visitor(), goods()
    client = Client(headers={"X-Cart-Token": owner.token, "Idempotency-Key": str(new_id())})
    body = json.dumps({"product_id": str(product.id), "quantity": 2})
    path = f"/api/v1/cart/{owner.cart_id}/items/"

    answers = at_once([partial(client.generic, "POST", path, body, content_type="application/json")] * 8)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert owner.pieces == {product.id: 2}


def test_a_cart_brought_by_two_customers_at_once_goes_to_one() -> None:
    anonymous, product = visitor(), goods()
    add(anonymous, product, 2)
    customers = [customer() for _ in range(6)]

    answers = at_once([partial(merge, anonymous, own) for own in customers])

    assert Counter(map(type, answers)) == {Cart: 1, CartNotFound: 5}
    assert sorted(own.pieces.get(product.id, 0) for own in customers) == [0, 0, 0, 0, 0, 2]


def test_merges_additions_and_a_withdrawal_at_once_do_not_stand_in_each_others_way() -> None:
    product, archived = goods(1000), goods(1000)
    own = [customer() for _ in range(4)]
    anonymous = [visitor() for _ in range(4)]
    for owner in [*own, *anonymous]:
        add(owner, product)
        add(owner, archived)
    catalog.archive_product(product_id=archived.id)

    answers = at_once(
        [
            *(partial(merge, other, owner) for other, owner in zip(anonymous, own, strict=True)),
            *(partial(carts.withdraw, product_id=archived.id) for _ in range(3)),
            *(partial(add, owner, product) for owner in own),
        ]
    )

    assert Counter(map(type, answers)) == {Cart: 8, int: 3}
    while carts.withdraw(product_id=archived.id):
        pass
    assert [owner.pieces for owner in own] == [{product.id: 3}] * 4


def test_carts_abandoned_by_several_workers_at_once_are_removed_once() -> None:
    owners, product = [visitor() for _ in range(30)], goods()
    for owner in owners:
        add(owner, product)

    removed = at_once([partial(carts.abandon, now=NOW + 31 * DAY, limit=20) for _ in range(4)])

    assert sum(removed) + carts.abandon(now=NOW + 31 * DAY) == 30


# --- The same write twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [visitor, customer])
def test_pieces_are_added_once(make: Any) -> None:
    for cut in cuts():
        owner, product, operation_id = make(), goods(), new_id()

        twins(cut, partial(add, owner, product, 2, operation_id=operation_id))

        assert owner.pieces == {product.id: 2}


def test_a_merge_is_made_once() -> None:
    for cut in cuts():
        own, anonymous, product, operation_id = customer(), visitor(), goods(), new_id()
        add(own, product)
        add(anonymous, product, 2)

        twins(cut, partial(merge, anonymous, own, operation_id=operation_id))

        assert own.pieces == {product.id: 3}


def test_a_cart_is_made_once() -> None:
    for cut in cuts():
        owner = customer()

        twins(cut, partial(carts.open_customers_cart, customer_id=owner.customer_id, now=NOW))


def test_an_order_leaves_the_cart_once() -> None:
    for cut in cuts():
        owner, product, order_id = customer(), goods(), new_id()
        add(owner, product, 5)

        twins(cut, partial(check_out, owner, (product, 2), order_id=order_id))

        assert owner.pieces == {product.id: 3}


# --- Two different writes -------------------------------------------------------------------------------------------


def test_two_additions_of_which_one_cuts_into_the_other_both_count() -> None:
    for cut in cuts():
        owner, product = customer(), goods()

        first, second = cut(partial(add, owner, product, 2), partial(add, owner, product, 3))

        assert {answer.lines[0].quantity for answer in (first, second)} <= {2, 3, 5}
        assert owner.pieces == {product.id: 5}


def test_what_is_added_while_an_order_leaves_the_cart_stays() -> None:
    for cut in cuts():
        owner, product = visitor(), goods()
        add(owner, product, 2)

        cut(partial(check_out, owner, (product, 2)), partial(add, owner, product, 3))

        assert owner.pieces == {product.id: 3}


def test_what_is_added_while_a_cart_is_merged_is_brought_or_refused() -> None:
    for cut in cuts():
        own, anonymous, product = customer(), visitor(), goods()
        add(anonymous, product, 2)

        _, late = cut(partial(merge, anonymous, own), partial(add, anonymous, product, 1))

        assert own.pieces == {product.id: 2 if isinstance(late, CartNotFound) else 3}


def test_a_line_changed_while_it_is_removed_is_gone() -> None:
    for cut in cuts():
        owner, product = visitor(), goods()
        add(owner, product, 2)
        item_id = item(owner, product)

        first, second = cut(partial(remove, owner, item_id), partial(change, owner, product, 3, item_id=item_id))

        assert first.lines == []
        assert isinstance(second, ItemNotFound | Cart)
        assert owner.pieces == {}


def test_a_cart_touched_while_it_is_abandoned_is_kept_or_gone_and_never_half() -> None:
    for cut in cuts():
        owner, product = customer(), goods()
        add(owner, product, 2)

        cut(partial(carts.abandon, now=NOW + 31 * DAY), partial(add, owner, product, 1, now=NOW + 31 * DAY))

        assert owner.pieces in ({product.id: 3}, {product.id: 1})


def test_a_product_withdrawn_while_a_cart_is_emptied_is_gone() -> None:
    for cut in cuts():
        owner, product = visitor(), goods()
        add(owner, product)
        catalog.archive_product(product_id=product.id)

        cut(partial(empty, owner), partial(carts.withdraw, product_id=product.id))

        assert owner.pieces == {}
        assert len(notices(owner.cart)) <= 1


def test_an_erased_customers_cart_is_gone_even_when_something_was_being_added() -> None:
    for cut in cuts():
        owner, product = customer(), goods()
        add(owner, product)

        cut(partial(carts.forget_customer, customer_id=owner.customer_id), partial(add, owner, product))

        assert owner.pieces in ({}, {product.id: 1})
