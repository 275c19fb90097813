"""What a cart comes to, what its holder is told, and how much may be in it."""

from decimal import Decimal
from typing import Any

import pytest

from cart import rules
from cart.interface import (
    MAX_LINES,
    CartFull,
    CartLine,
    InvalidQuantity,
    NotEnoughStock,
    Notice,
    NoticeCode,
    cart_of,
    new_token,
)
from shared_kernel.ids import new_id
from shared_kernel.quantities import MAX_QUANTITY

PRODUCT = new_id()


def line(**values: Any) -> CartLine:
    price = values.get("unit_price", Decimal("10.00"))
    fields = {
        "id": new_id(),
        "product_id": PRODUCT,
        "sku": "KEY-1",
        "name": "Keyboard",
        "quantity": 1,
        "unit_price": price,
        "added_price": price,
        "tax_rate": Decimal("0.2000"),
        "available": 5,
        "on_sale": True,
        "total": price * values.get("quantity", 1),
    }
    return CartLine(**(fields | values))


def test_a_cart_comes_to_its_lines_with_the_tax_of_each_rounded() -> None:
    books = line(unit_price=Decimal("0.05"), tax_rate=Decimal("0.0550"))
    keyboards = line(quantity=3, unit_price=Decimal("49.90"))

    assert rules.totals([books, books, keyboards]) == (Decimal("124.85"), Decimal("24.95"), Decimal("149.80"))
    assert rules.totals([]) == (Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))


def test_a_line_as_it_was_put_in_tells_nothing() -> None:
    assert rules.notices([line(quantity=5), line(available=None, quantity=MAX_QUANTITY)]) == []


def test_a_price_that_changed_is_told_with_both() -> None:
    changed = line(unit_price=Decimal("12.00"), added_price=Decimal("10.00"))

    assert rules.notices([changed]) == [
        Notice(
            NoticeCode.PRICE_CHANGED,
            PRODUCT,
            "Keyboard",
            added_price=Decimal("10.00"),
            unit_price=Decimal("12.00"),
        )
    ]


def test_more_than_is_available_is_told_beside_a_changed_price() -> None:
    both = line(quantity=6, added_price=Decimal("11.00"))

    assert [notice.code for notice in rules.notices([both])] == [NoticeCode.PRICE_CHANGED, NoticeCode.NOT_ENOUGH_STOCK]
    assert rules.notices([line(quantity=6)]) == [
        Notice(NoticeCode.NOT_ENOUGH_STOCK, PRODUCT, "Keyboard", requested=6, available=5)
    ]


def test_of_what_is_not_on_sale_any_more_nothing_else_is_told() -> None:
    gone = line(on_sale=False, available=0, quantity=2, added_price=Decimal("11.00"))

    assert rules.notices([gone]) == [Notice(NoticeCode.UNAVAILABLE, PRODUCT, "Keyboard", requested=2, available=0)]


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1])
def test_a_line_holds_at_least_one_piece_and_no_absurd_number(quantity: int) -> None:
    with pytest.raises(InvalidQuantity) as refusal:
        rules.check_quantity(quantity)

    assert (refusal.value.quantity, refusal.value.smallest, refusal.value.largest) == (quantity, 1, MAX_QUANTITY)
    rules.check_quantity(1)
    rules.check_quantity(MAX_QUANTITY)


def test_as_many_pieces_may_be_taken_as_are_available() -> None:
    rules.check_available(product_id=PRODUCT, quantity=5, available=5)
    rules.check_available(product_id=PRODUCT, quantity=MAX_QUANTITY, available=None)
    with pytest.raises(NotEnoughStock) as refusal:
        rules.check_available(product_id=PRODUCT, quantity=6, available=5)
    assert (refusal.value.requested, refusal.value.available) == (6, 5)


def test_a_cart_has_room_for_a_hundred_products() -> None:
    rules.check_room(cart_id=PRODUCT, lines=MAX_LINES)
    with pytest.raises(CartFull):
        rules.check_room(cart_id=PRODUCT, lines=MAX_LINES + 1)


@pytest.mark.parametrize(
    ("had", "brought", "most", "expected"),
    [(2, 3, 9, 5), (2, 3, 4, 4), (0, 3, 2, 2), (0, 3, 0, 0), (5, 1, 3, 5), (5, 1, 0, 5)],
)
def test_a_merge_adds_up_as_far_as_there_is_and_takes_nothing_away(
    had: int, brought: int, most: int, expected: int
) -> None:
    assert rules.merged(had=had, brought=brought, most=most) == expected


def test_what_is_not_counted_is_there_as_often_as_a_line_may_hold() -> None:
    assert [rules.most(available) for available in (None, 3, MAX_QUANTITY + 1)] == [MAX_QUANTITY, 3, MAX_QUANTITY]


def test_a_customers_cart_is_named_alike_by_everybody_and_a_token_is_never_given_twice() -> None:
    customer_id = new_id()

    assert cart_of(customer_id) == cart_of(customer_id) != cart_of(new_id())
    assert cart_of(customer_id) != customer_id
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
