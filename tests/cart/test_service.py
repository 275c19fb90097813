"""What a cart's holder does, and what is refused."""

from decimal import Decimal

import pytest
from django.db import IntegrityError
from structlog.testing import capture_logs

from cart import models
from cart.interface import (
    MAX_LINES,
    Cart,
    CartFull,
    CartLine,
    CartNotFound,
    Holder,
    InvalidQuantity,
    ItemNotFound,
    NotEnoughStock,
    Notice,
    NoticeCode,
    cart_of,
    carts,
    new_token,
)
from catalog.interface import Product, ProductChanges, ProductNotFound, catalog
from inventory.interface import Thresholds
from shared_kernel.ids import digest_of, new_id
from shared_kernel.quantities import MAX_QUANTITY
from tests.cart.actions import (
    DAY,
    NOW,
    Owner,
    add,
    change,
    check_out,
    contents_of,
    customer,
    empty,
    fill,
    goods,
    item,
    many_goods,
    merge,
    nothing_changes,
    notices,
    refused,
    remove,
    visitor,
)
from tests.chain import make_product, make_store, make_warehouse, put_in_stock, sell
from tests.inventory.actions import count

pytestmark = pytest.mark.django_db


def cost(product: Product, price: str) -> None:
    catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(price)))


def archive(product: Product) -> None:
    catalog.archive_product(product_id=product.id)


# --- Carts ----------------------------------------------------------------------------------------------------------


def test_an_anonymous_cart_is_opened_empty_and_belongs_to_its_token() -> None:
    owner = visitor()

    assert owner.cart == Cart(
        id=owner.cart_id,
        customer_id=None,
        currency="EUR",
        lines=[],
        net=Decimal("0.00"),
        tax=Decimal("0.00"),
        total=Decimal("0.00"),
        notices=[],
        updated_at=NOW,
    )


def test_a_cart_opened_twice_is_one_and_nobody_opens_somebody_elses() -> None:
    owner, product = visitor(), goods()
    add(owner, product)

    with nothing_changes():
        again = carts.open_cart(cart_id=owner.cart_id, token=owner.token, now=NOW + DAY)
        assert [line.product_id for line in again.lines] == [product.id]
        with pytest.raises(CartNotFound):
            carts.open_cart(cart_id=owner.cart_id, token=new_token(), now=NOW)


def test_of_a_token_only_the_digest_is_kept() -> None:
    owner = visitor()

    row = models.Cart.objects.get(id=owner.cart_id)

    assert bytes(row.token_digest) == digest_of(owner.token)
    assert owner.token not in str(vars(row))
    assert owner.token not in repr(owner.holder)


def test_a_customer_has_a_cart_before_anybody_made_it_and_reading_makes_none() -> None:
    owner = customer()

    with nothing_changes():
        found = owner.cart

    assert (found.id, found.customer_id, found.lines, found.updated_at) == (
        cart_of(owner.customer_id),
        owner.customer_id,
        [],
        None,
    )


def test_a_customers_cart_is_made_once() -> None:
    owner = customer()

    first = carts.open_customers_cart(customer_id=owner.customer_id, now=NOW)
    with nothing_changes():
        again = carts.open_customers_cart(customer_id=owner.customer_id, now=NOW + DAY)

    assert first == again == owner.cart
    assert first.updated_at == NOW


def test_somebody_elses_cart_is_not_found_whatever_one_does() -> None:
    product = goods()
    strangers = [visitor().holder, customer().holder, Holder(), Holder(new_id(), new_token()), Holder(token="")]
    for owner in (visitor(), customer()):
        add(owner, product, 2)
        item_id = item(owner, product)
        for stranger in strangers:
            theirs = Owner(owner.cart_id, stranger)
            with nothing_changes(), pytest.raises(CartNotFound):
                assert theirs.cart
            with refused(CartNotFound):
                add(theirs, product)
            with refused(CartNotFound):
                change(theirs, product, 1, item_id=item_id)
            with refused(CartNotFound):
                remove(theirs, item_id)
            with refused(CartNotFound):
                empty(theirs)


def test_whoever_is_logged_in_and_has_a_token_has_both_carts() -> None:
    own, anonymous, product = customer(), visitor(), goods()
    both = Holder(own.customer_id, anonymous.token)

    add(Owner(own.cart_id, both), product, 1)
    add(Owner(anonymous.cart_id, both), product, 2)

    assert (own.pieces, anonymous.pieces) == ({product.id: 1}, {product.id: 2})
    assert (own.cart.customer_id, anonymous.cart.customer_id) == (own.customer_id, None)


@pytest.mark.parametrize("holders", [{}, {"customer_id": new_id(), "token_digest": b"x" * 32}])
def test_the_database_refuses_a_cart_of_nobody_or_of_two(holders: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="cart_has_one_holder"):
        models.Cart.objects.create(id=new_id(), touched_at=NOW, **holders)


def test_the_database_refuses_a_product_twice_and_a_line_of_nothing() -> None:
    owner, product = visitor(), goods()
    add(owner, product)

    with pytest.raises(IntegrityError, match="cart_line_of_something"):
        models.Line.objects.filter(cart_id=owner.cart_id).update(quantity=0)


def test_the_database_refuses_a_product_that_is_in_the_cart_already() -> None:
    owner, product = visitor(), goods()
    add(owner, product)

    with pytest.raises(IntegrityError, match="cart_line_once"):
        models.Line.objects.create(cart_id=owner.cart_id, product_id=product.id, quantity=1, added_price=1)


# --- Adding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [visitor, customer])
def test_what_is_added_is_there_at_the_price_of_now_with_what_is_available(make: type[Owner]) -> None:
    owner = make()
    product = goods(7, name="Keyboard", price=Decimal("49.90"))

    answer = add(owner, product, 3, now=NOW + DAY)

    assert answer == owner.cart
    assert answer.lines == [
        CartLine(
            id=item(owner, product),
            product_id=product.id,
            sku=product.sku,
            name="Keyboard",
            quantity=3,
            unit_price=Decimal("49.90"),
            added_price=Decimal("49.90"),
            tax_rate=Decimal("0.2000"),
            available=7,
            on_sale=True,
            total=Decimal("149.70"),
        )
    ]
    assert (answer.net, answer.tax, answer.total) == (Decimal("124.75"), Decimal("24.95"), Decimal("149.70"))
    assert (answer.notices, answer.updated_at) == ([], NOW + DAY)


def test_the_same_product_adds_up_and_others_come_behind_it() -> None:
    owner, first, second = visitor(), goods(), goods()

    add(owner, first, 2)
    add(owner, second, 1)
    add(owner, first, 3)

    assert list(owner.pieces.items()) == [(first.id, 5), (second.id, 1)]


def test_what_was_added_under_a_key_is_added_once() -> None:
    owner, product, operation_id = visitor(), goods(), new_id()

    first = add(owner, product, 2, operation_id=operation_id)
    with nothing_changes():
        assert add(owner, product, 2, operation_id=operation_id, now=NOW + DAY) == first


def test_a_key_shows_nobody_elses_cart() -> None:
    owner, product, operation_id = visitor(), goods(), new_id()
    add(owner, product, operation_id=operation_id)
    stranger = visitor().holder

    with refused(CartNotFound):
        add(Owner(owner.cart_id, stranger), product, operation_id=operation_id)


def test_what_is_available_is_what_the_web_shop_can_send_from_all_places() -> None:
    warehouse, store, product = make_warehouse(), make_store(), make_product()
    put_in_stock(product, warehouse, 4)
    put_in_stock(product, store, 5)
    count(store, product, 5, thresholds=Thresholds(safety_stock=3))
    owner = visitor()

    assert add(owner, product, 6).lines[0].available == 6
    with refused(NotEnoughStock) as refusal:
        add(owner, product, 1)

    assert vars(refusal.value)["product_id"] == product.id
    assert (refusal.value.requested, refusal.value.available) == (7, 6)


def test_a_service_is_available_always() -> None:
    owner, delivery = visitor(), make_product(stocked=False)

    answer = add(owner, delivery, MAX_QUANTITY)

    assert (answer.lines[0].available, answer.notices) == (None, [])
    with refused(InvalidQuantity) as refusal:
        add(owner, delivery)
    assert refusal.value.quantity == MAX_QUANTITY + 1


def test_what_is_not_on_sale_is_not_added() -> None:
    owner, archived = visitor(), goods()
    archive(archived)
    nothing = goods(0)

    with refused(ProductNotFound) as refusal:
        add(owner, archived)
    assert refusal.value.product_ids == [archived.id]
    with refused(ProductNotFound):
        add(owner, archived, product_id=new_id())
    with refused(NotEnoughStock):
        add(owner, nothing)


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1])
def test_a_quantity_that_is_none_is_refused(quantity: int) -> None:
    owner, product = visitor(), goods()
    add(owner, product)

    with refused(InvalidQuantity):
        add(owner, product, quantity)
    with refused(InvalidQuantity):
        change(owner, product, quantity)


def test_a_full_cart_takes_no_further_product_but_more_of_those_that_are_there() -> None:
    owner, products = visitor(), many_goods(MAX_LINES + 1)
    fill(owner, products[:-1])

    with refused(CartFull) as refusal:
        add(owner, products[-1])

    assert (refusal.value.cart_id, refusal.value.most) == (owner.cart_id, 100)
    assert len(add(owner, products[0]).lines) == MAX_LINES


def test_what_is_refused_is_logged_with_cart_product_and_reason() -> None:
    owner, product = visitor(), goods(2)

    with capture_logs() as lines, pytest.raises(NotEnoughStock):
        add(owner, product, 3)

    [line] = [line for line in lines if line["event"] == "cart call refused"]
    assert line == {
        "event": "cart call refused",
        "log_level": "info",
        "call": "add_item",
        "code": "not_enough_stock",
        "cart_id": str(owner.cart_id),
        "product_id": str(product.id),
        "quantity": "3",
        "requested": "3",
        "available": "2",
    }
    assert owner.token not in str(lines)


# --- Changing, removing, emptying -----------------------------------------------------------------------------------


def test_a_line_is_given_another_quantity() -> None:
    owner, product = visitor(), goods(5)
    add(owner, product, 2)

    assert change(owner, product, 5).lines[0].quantity == 5
    assert change(owner, product, 1, now=NOW + DAY) == owner.cart
    assert (owner.pieces, owner.cart.updated_at) == ({product.id: 1}, NOW + DAY)
    with refused(NotEnoughStock) as refusal:
        change(owner, product, 6)
    assert (refusal.value.requested, refusal.value.available) == (6, 5)


def test_fewer_may_be_wanted_even_when_too_few_are_left() -> None:
    store, owner = make_store(), visitor()
    product = goods(5, at=store)
    add(owner, product, 5)
    sell(product, store, 4)

    answer = change(owner, product, 3)

    assert answer.lines[0].quantity == 3
    assert answer.notices == [Notice(NoticeCode.NOT_ENOUGH_STOCK, product.id, product.name, requested=3, available=1)]
    with refused(NotEnoughStock):
        change(owner, product, 4)


def test_of_what_is_archived_fewer_may_be_wanted_but_not_more() -> None:
    owner, product = visitor(), goods()
    add(owner, product, 3)
    archive(product)

    assert change(owner, product, 2).lines[0].quantity == 2
    with refused(ProductNotFound):
        change(owner, product, 3)


def test_a_line_is_removed_and_the_others_stay() -> None:
    owner, product, other = visitor(), goods(), goods()
    add(owner, product)
    add(owner, other)

    answer = remove(owner, item(owner, product))

    assert answer == owner.cart
    assert owner.pieces == {other.id: 1}


def test_an_item_that_is_not_in_the_cart_is_neither_changed_nor_removed() -> None:
    owner, other, product = visitor(), visitor(), goods()
    add(owner, product)
    add(other, product)

    for item_id in (new_id(), item(other, product)):
        with refused(ItemNotFound) as refusal:
            change(owner, product, 2, item_id=item_id)
        assert (refusal.value.cart_id, refusal.value.item_id) == (owner.cart_id, item_id)
        with refused(ItemNotFound):
            remove(owner, item_id)


def test_a_cart_is_emptied() -> None:
    owner = visitor()
    for _ in range(2):
        add(owner, goods())

    answer = empty(owner)

    assert answer == owner.cart
    assert (answer.lines, answer.total) == ([], Decimal("0.00"))


@pytest.mark.parametrize("make", [visitor, customer])
def test_a_change_under_a_key_is_made_once_whatever_came_after_it(make: type[Owner]) -> None:
    owner, product = make(), goods()
    add(owner, product, 2)
    item_id = item(owner, product)
    keys = [new_id() for _ in range(3)]

    change(owner, product, 5, operation_id=keys[0])
    change(owner, product, 4)
    with nothing_changes():
        assert change(owner, product, 5, operation_id=keys[0]).lines[0].quantity == 4
    remove(owner, item_id, operation_id=keys[1])
    with nothing_changes():
        assert remove(owner, item_id, operation_id=keys[1]).lines == []
    empty(owner, operation_id=keys[2])
    add(owner, product, 1)
    with nothing_changes():
        assert empty(owner, operation_id=keys[2]).lines[0].quantity == 1


# --- What has changed since -----------------------------------------------------------------------------------------


def test_a_price_that_changed_is_told_until_the_holder_sets_the_line_again() -> None:
    owner, product, other = visitor(), goods(price=Decimal("10.00")), goods()
    add(owner, product, 2)
    cost(product, "12.00")

    found = owner.cart

    assert (found.lines[0].unit_price, found.lines[0].added_price, found.total) == (
        Decimal("12.00"),
        Decimal("10.00"),
        Decimal("24.00"),
    )
    assert found.notices == [
        Notice(
            NoticeCode.PRICE_CHANGED,
            product.id,
            product.name,
            added_price=Decimal("10.00"),
            unit_price=Decimal("12.00"),
        )
    ]
    assert notices(add(owner, other)) == [(NoticeCode.PRICE_CHANGED, product.id)]
    assert notices(change(owner, product, 2)) == []


def test_what_is_archived_is_told_before_it_leaves_the_cart_and_afterwards_until_the_next_change() -> None:
    owner, product, other = visitor(), goods(), goods()
    add(owner, product, 3)
    archive(product)
    told = [Notice(NoticeCode.UNAVAILABLE, product.id, product.name, requested=3, available=0)]

    before = owner.cart
    assert (before.notices, before.lines[0].available, before.lines[0].on_sale) == (told, 0, False)
    assert carts.withdraw(product_id=product.id) == 1
    with nothing_changes():
        assert carts.withdraw(product_id=product.id) == 0

    assert (owner.pieces, owner.cart.notices, owner.cart.updated_at) == ({}, told, NOW)
    assert add(owner, other).notices == []
    assert owner.cart.notices == []


def test_a_product_leaves_all_carts_some_at_a_time_and_nothing_else_does() -> None:
    product, other = goods(), goods()
    owners = [make() for make in (visitor, customer, visitor)]
    for owner in owners:
        add(owner, product)
        add(owner, other)
    archive(product)

    assert [carts.withdraw(product_id=product.id, limit=2) for _ in range(3)] == [2, 1, 0]

    assert [owner.pieces for owner in owners] == [{other.id: 1}] * 3
    assert [notices(owner.cart) for owner in owners] == [[(NoticeCode.UNAVAILABLE, product.id)]] * 3


def test_a_product_that_is_on_sale_leaves_no_cart() -> None:
    owner, product = visitor(), goods()
    add(owner, product)

    with nothing_changes():
        assert carts.withdraw(product_id=product.id) == 0


# --- Merging --------------------------------------------------------------------------------------------------------


def test_a_merge_adds_up_and_the_anonymous_cart_is_gone() -> None:
    anonymous, own = visitor(), customer()
    both, mine, brought = goods(9), goods(), goods()
    add(anonymous, brought, 1)
    add(own, mine, 1)
    add(own, both, 2)
    add(anonymous, both, 3)
    items = [item(own, mine), item(own, both), item(anonymous, brought)]

    answer = merge(anonymous, own, now=NOW + DAY)

    assert answer == own.cart
    assert own.pieces == {both.id: 5, mine.id: 1, brought.id: 1}
    assert {line.id for line in answer.lines} == set(items)
    assert (answer.notices, answer.updated_at) == ([], NOW + DAY)
    with pytest.raises(CartNotFound):
        assert anonymous.cart


def test_a_merge_into_a_cart_that_nobody_made_yet_makes_it() -> None:
    anonymous, own, product = visitor(), customer(), goods()
    add(anonymous, product, 2)

    merge(anonymous, own)

    assert own.pieces == {product.id: 2}


def test_a_merge_goes_as_far_as_there_is_and_says_so() -> None:
    store, anonymous, own = make_store(), visitor(), customer()
    both, brought, gone, own_too = (goods(5, at=store) for _ in range(4))
    for product in (both, brought, gone):
        add(anonymous, product, 3)
    add(own, both, 4)
    add(own, own_too, 5)
    add(anonymous, own_too, 1)
    for product, pieces in ((brought, 3), (gone, 5), (own_too, 2)):
        sell(product, store, pieces)

    answer = merge(anonymous, own)

    assert own.pieces == {both.id: 5, own_too.id: 5, brought.id: 2}
    capped = [
        Notice(NoticeCode.CAPPED, both.id, both.name, requested=7, available=5),
        Notice(NoticeCode.CAPPED, brought.id, brought.name, requested=3, available=2),
        Notice(NoticeCode.CAPPED, gone.id, gone.name, requested=3, available=0),
        Notice(NoticeCode.CAPPED, own_too.id, own_too.name, requested=6, available=3),
    ]
    short = Notice(NoticeCode.NOT_ENOUGH_STOCK, own_too.id, own_too.name, requested=5, available=3)
    assert answer.notices == [*capped, short]
    assert own.cart.notices == [*capped, short]
    assert notices(change(own, both, 4)) == [(NoticeCode.NOT_ENOUGH_STOCK, own_too.id)]


def test_what_is_not_sold_any_more_is_not_brought() -> None:
    anonymous, own, product = visitor(), customer(), goods()
    add(anonymous, product, 2)
    archive(product)

    answer = merge(anonymous, own)

    assert answer.lines == []
    assert answer.notices == [Notice(NoticeCode.UNAVAILABLE, product.id, product.name, requested=2, available=0)]


def test_a_merge_hides_no_price_that_went_up() -> None:
    anonymous, own, product = visitor(), customer(), goods(price=Decimal("10.00"))
    add(anonymous, product, 1)
    cost(product, "12.00")
    add(own, product, 1)

    answer = merge(anonymous, own)

    assert (answer.lines[0].added_price, answer.lines[0].unit_price) == (Decimal("10.00"), Decimal("12.00"))
    assert notices(answer) == [(NoticeCode.PRICE_CHANGED, product.id)]


def test_a_merge_under_a_key_is_made_once_and_answers_again() -> None:
    anonymous, own, product, operation_id = visitor(), customer(), goods(), new_id()
    add(anonymous, product, 2)

    first = merge(anonymous, own, operation_id=operation_id)
    with nothing_changes():
        assert merge(anonymous, own, operation_id=operation_id) == first
    with refused(CartNotFound):
        merge(anonymous, own)


def test_nobody_brings_a_cart_that_is_not_theirs_or_is_a_customers() -> None:
    anonymous, own, other, product = visitor(), customer(), customer(), goods()
    add(anonymous, product)
    add(own, product)
    add(other, product)

    with refused(CartNotFound):
        merge(anonymous, own, token=new_token())
    with refused(CartNotFound):
        carts.merge(operation_id=new_id(), cart_id=own.cart_id, token="", customer_id=own.customer_id, now=NOW)
    with refused(CartNotFound):
        carts.merge(
            operation_id=new_id(),
            cart_id=other.cart_id,
            token=anonymous.token,
            customer_id=own.customer_id,
            now=NOW,
        )


def test_a_merge_that_would_overflow_the_cart_leaves_both_as_they_are() -> None:
    anonymous, own = visitor(), customer()
    fill(own, many_goods(MAX_LINES))
    add(anonymous, goods())

    with refused(CartFull) as refusal:
        merge(anonymous, own)

    assert refusal.value.cart_id == own.cart_id


# --- Checking out ---------------------------------------------------------------------------------------------------


def test_what_is_ordered_leaves_the_cart_once_and_what_was_added_since_stays() -> None:
    owner, all_of_it, some, since = visitor(), goods(), goods(), goods()
    add(owner, all_of_it, 2)
    add(owner, some, 3)
    order_id = new_id()
    add(owner, some, 1)
    add(owner, since, 1)

    check_out(owner, (all_of_it, 2), (some, 3), order_id=order_id, now=NOW + DAY)

    assert (owner.pieces, owner.cart.updated_at) == ({some.id: 1, since.id: 1}, NOW + DAY)
    with nothing_changes():
        check_out(owner, (all_of_it, 2), (some, 3), order_id=order_id)


def test_an_order_of_more_than_is_left_takes_what_is_left() -> None:
    owner, product = customer(), goods()
    add(owner, product, 1)

    check_out(owner, (product, 2), (product, 1), (goods(), 1))

    assert owner.pieces == {}


def test_an_order_says_that_what_there_was_to_tell_has_been_told() -> None:
    owner, product, gone = visitor(), goods(), goods()
    add(owner, product, 2)
    add(owner, gone)
    archive(gone)
    carts.withdraw(product_id=gone.id)

    check_out(owner, (product, 2))

    assert owner.cart.notices == []


def test_an_order_of_a_cart_that_is_gone_does_nothing() -> None:
    owner, product = customer(), goods()
    add(owner, product, 2)
    carts.forget_customer(customer_id=owner.customer_id)

    check_out(owner, (product, 2))

    assert owner.pieces == {}


def test_an_order_of_a_cart_that_was_merged_meanwhile_takes_its_goods_out_of_the_customers() -> None:
    anonymous, own, product, other = visitor(), customer(), goods(), goods()
    add(anonymous, product, 2)
    add(own, product, 1)
    add(own, other, 1)
    contents = contents_of(anonymous)
    merge(anonymous, own)

    check_out(anonymous, (product, 2), contents=contents)

    assert own.pieces == {product.id: 1, other.id: 1}


def test_what_a_cart_holds_goes_by_the_same_until_it_is_ordered() -> None:
    owner, product, order_id = customer(), goods(), new_id()
    add(owner, product, 1)
    [content] = contents_of(owner)
    add(owner, product, 2)
    assert contents_of(owner) == [content]

    check_out(owner, (product, 2), contents=[content], order_id=order_id)

    assert contents_of(owner) == [order_id]


def test_a_merge_brings_what_the_other_carts_goods_go_by() -> None:
    anonymous, own, product = visitor(), customer(), goods()
    add(own, product)
    add(anonymous, product)
    both = [*contents_of(own), *contents_of(anonymous)]

    merge(anonymous, own)
    assert contents_of(own) == both

    check_out(own, (product, 1), contents=both[:1], order_id=(order_id := new_id()))
    assert contents_of(own) == [order_id, both[1]]


def test_a_merge_with_a_cart_that_is_empty_brings_nothing() -> None:
    own, product = customer(), goods()
    add(own, product)
    before = contents_of(own)

    merge(visitor(), own)

    assert contents_of(own) == before


def test_nobody_but_its_holder_orders_a_cart() -> None:
    owner = visitor()
    add(owner, goods())

    with pytest.raises(CartNotFound):
        carts.cart_to_order(cart_id=owner.cart_id, holder=Holder(token=new_token()))
