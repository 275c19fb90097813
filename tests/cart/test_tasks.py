"""What the worker does for carts: new and erased customers, archived products, and carts that nobody touches."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.interface import CustomerCreated, CustomerDeleted, accounts
from cart import models, tasks
from cart.interface import CartAbandoned, CartNotFound, NoticeCode, cart_of, carts
from catalog.interface import ProductArchived, catalog
from shared_kernel import outbox
from shared_kernel.ids import new_id
from tests.accounts.actions import register
from tests.cart.actions import DAY, NOW, add, customer, goods, merge, nothing_changes, notices, owner_of, visitor

MONTH = 31 * DAY


@pytest.mark.django_db
def test_a_new_customer_gets_a_cart_however_often_it_is_told() -> None:
    event = CustomerCreated(customer_id=new_id())

    for _ in range(2):
        tasks.open_cart_of_new_customer(event)

    [row] = models.Cart.objects.all()
    assert (row.id, row.customer_id) == (cart_of(event.customer_id), event.customer_id)


@pytest.mark.django_db
def test_an_erased_customers_cart_is_forgotten_and_no_other() -> None:
    erased, other = customer(), customer()
    for owner in (erased, other):
        add(owner, goods())

    for _ in range(2):
        tasks.forget_cart_of_erased_customer(CustomerDeleted(customer_id=erased.customer_id))

    assert [row.id for row in models.Cart.objects.all()] == [other.cart_id]


@pytest.mark.django_db
def test_an_archived_product_leaves_carts_with_a_notice_and_one_that_came_back_stays() -> None:
    owner, archived, back = visitor(), goods(), goods()
    add(owner, archived)
    add(owner, back)
    catalog.archive_product(product_id=archived.id)

    for product in (archived, back):
        tasks.withdraw_archived_product(ProductArchived(product_id=product.id))

    assert owner.pieces == {back.id: 1}
    assert notices(owner.cart) == [(NoticeCode.UNAVAILABLE, archived.id)]


# --- What nobody touches --------------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[CartAbandoned]:
    """What the carts publish."""
    events: list[CartAbandoned] = []
    monkeypatch.setattr("cart.service.leaving.publish", events.extend)
    return events


@pytest.mark.django_db
def test_a_cart_that_nobody_touches_is_abandoned_once(told: list[CartAbandoned]) -> None:
    own, anonymous, first, second = customer(), visitor(), goods(), goods()
    for product in (first, second):
        add(own, product)
    add(anonymous, first)

    assert carts.abandon(now=NOW + 30 * DAY) == 0
    assert (told, own.pieces) == ([], {first.id: 1, second.id: 1})
    assert [carts.abandon(now=NOW + MONTH) for _ in range(2)] == [2, 0]

    assert sorted(told, key=lambda event: len(event.product_ids)) == [
        CartAbandoned(anonymous.cart_id, None, [first.id]),
        CartAbandoned(own.cart_id, own.customer_id, [first.id, second.id]),
    ]
    assert (own.cart.lines, own.cart.notices) == ([], [])
    with pytest.raises(CartNotFound):
        assert anonymous.cart
    assert not models.Line.objects.exists()


@pytest.mark.django_db
def test_an_empty_cart_is_removed_without_a_word(told: list[CartAbandoned]) -> None:
    visitor()
    carts.open_customers_cart(customer_id=new_id(), now=NOW)

    assert carts.abandon(now=NOW + MONTH) == 2

    assert (told, models.Cart.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_whatever_a_holder_does_keeps_a_cart_and_what_the_chain_does_not(told: list[CartAbandoned]) -> None:
    touched, brought, archived, product, other = customer(), visitor(), visitor(), goods(), goods()
    for owner in (touched, brought, archived):
        add(owner, product)
        add(owner, other)
    merge(brought, touched, now=NOW + 10 * DAY)
    catalog.archive_product(product_id=product.id)
    carts.withdraw(product_id=product.id)

    assert carts.abandon(now=NOW + MONTH) == 1

    assert [event.cart_id for event in told] == [archived.cart_id]
    assert touched.pieces == {other.id: 2}


@pytest.mark.django_db
def test_carts_are_abandoned_some_at_a_time_the_longest_untouched_first(told: list[CartAbandoned]) -> None:
    owners = [visitor(now=NOW - day * DAY) for day in range(3)]
    product = goods()
    for day, owner in enumerate(owners):
        add(owner, product, now=NOW - day * DAY)

    assert [carts.abandon(now=NOW + MONTH, limit=2) for _ in range(3)] == [2, 1, 0]

    assert [event.cart_id for event in told[2:]] == [owners[0].cart_id]


@pytest.mark.django_db
def test_after_how_many_days_is_a_setting(settings: Any) -> None:
    settings.COMPTOIR_CART_DAYS = 2
    add(visitor(), goods())

    assert [carts.abandon(now=NOW + days * DAY) for days in (2, 3)] == [0, 1]


@pytest.mark.django_db
def test_the_clock_abandons_carts_and_forgets_keys() -> None:
    old, new = visitor(now=NOW - MONTH), visitor()
    add(old, goods(), now=NOW - MONTH)
    add(new, goods(), now=datetime.now(UTC))

    tasks.abandon_carts(timestamp=0)
    tasks.forget_cart_changes(timestamp=0)

    assert [row.id for row in models.Cart.objects.all()] == [new.cart_id]
    assert [row.cart_id for row in models.Change.objects.all()] == [new.cart_id]
    with nothing_changes():
        tasks.abandon_carts(timestamp=0)


# --- The whole way, through the queue -------------------------------------------------------------------------------


def test_a_cart_comes_with_a_customer_and_goes_with_them(work: Callable[[str], None]) -> None:
    customer_id = register().id
    work("events")
    [row] = models.Cart.objects.all()
    assert row.customer_id == customer_id
    product = goods()
    owner = owner_of(customer_id)
    add(owner, product)
    catalog.archive_product(product_id=product.id)
    work("events")
    assert notices(owner.cart) == [(NoticeCode.UNAVAILABLE, product.id)]

    accounts.erase_customer(customer_id=customer_id, now=NOW)
    work("events")

    assert not models.Cart.objects.exists()


def test_an_abandoned_cart_is_told_to_whoever_wants_to_know(work: Callable[[str], None]) -> None:
    heard: list[CartAbandoned] = []
    before = dict(outbox._subscriptions)
    outbox.subscribe(CartAbandoned, heard.append)
    try:
        owner, product = visitor(), goods()
        add(owner, product)
        carts.abandon(now=NOW + MONTH)
        work("events")
    finally:
        outbox._subscriptions.clear()
        outbox._subscriptions.update(before)

    assert heard == [CartAbandoned(owner.cart_id, None, [product.id])]
