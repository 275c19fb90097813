"""From the cart to an order: its goods are kept, its names and prices taken down, and the cart is empty."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.interface import InvalidDetails
from cart.interface import CartNotFound, Holder, carts
from catalog.interface import ProductChanges, ProductNotFound, catalog
from checkout import models
from checkout.interface import (
    CartEmpty,
    ChangedPrice,
    Destination,
    InvalidOrder,
    MissingLine,
    NotEnoughStock,
    OrderAddress,
    OrderChannel,
    OrderedItem,
    OrderNotFound,
    OrderNotPending,
    OrderParcel,
    OrderStatus,
    PriceChanged,
    Source,
    Step,
    checkout,
)
from checkout.service import keeping, placing
from inventory.interface import LocationNotFound, StockLine, Thresholds, inventory
from shared_kernel.ids import new_id
from tests.accounts.actions import register
from tests.catalog.conftest import Published
from tests.chain import make_product, put_in_stock, sell
from tests.checkout.actions import (
    A_WHILE,
    EMAIL,
    HOME,
    NOW,
    Shop,
    all_is_well,
    everything,
    fill,
    order,
    pay,
    pick_up,
    process,
    report,
)

pytestmark = pytest.mark.django_db


def test_an_order_takes_names_prices_and_taxes_down_and_keeps_its_goods() -> None:
    shop = Shop(10, 5)
    mouse, cable = shop.products
    cart, holder = fill((mouse, 3), (cable, 1))

    placed = process(cart, holder)

    assert (placed.status, placed.channel, placed.email, placed.address) == (
        OrderStatus.PENDING,
        OrderChannel.WEB,
        EMAIL,
        HOME,
    )
    assert [(line.position, line.sku, line.name, line.quantity, line.total, line.tax) for line in placed.lines] == [
        (1, mouse.sku, mouse.name, 3, Decimal("30.00"), Decimal("5.00")),
        (2, cable.sku, cable.name, 1, Decimal("10.00"), Decimal("1.67")),
    ]
    assert (placed.net, placed.tax, placed.total) == (Decimal("33.33"), Decimal("6.67"), Decimal("40.00"))
    assert placed.reserved_until == NOW + A_WHILE
    assert [step.step for step in placed.steps] == [Step.PLACED]
    assert shop.shelf() == (10, 3)
    assert shop.shelf(product=cable) == (5, 1)
    assert carts.cart(cart_id=cart.id, holder=holder).lines == []


def test_an_order_stays_as_it_was_when_the_catalogue_changes() -> None:
    shop = Shop()
    placed = process(*fill((shop.product, 1)))

    catalog.update_product(product_id=shop.product.id, changes=ProductChanges(name="Renamed", price=Decimal("99.00")))

    assert checkout.order(order_id=placed.id).lines == placed.lines


def test_processing_twice_is_processing_once(published: Published) -> None:
    shop = Shop()
    cart, holder = fill((shop.product, 3))
    order_id = new_id()
    placed = process(cart, holder, order_id=order_id)
    before = everything()

    assert process(cart, holder, order_id=order_id) == placed
    assert everything() == before
    assert [kind for kind, _ in published() if kind.startswith("order.")] == ["order.created"]


def test_what_was_put_in_after_the_order_stays_in_the_cart() -> None:
    shop = Shop()
    cart, holder = fill((shop.product, 3))
    order_id = new_id()
    process(cart, holder, order_id=order_id)
    carts.add_item(
        operation_id=new_id(), cart_id=cart.id, holder=holder, product_id=shop.product.id, quantity=2, now=NOW
    )

    process(cart, holder, order_id=order_id)

    assert [line.quantity for line in carts.cart(cart_id=cart.id, holder=holder).lines] == [2]


@pytest.mark.plain_calls
def test_the_next_call_goes_on_where_one_was_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    cart, holder = fill((shop.product, 3))
    order_id = new_id()
    with monkeypatch.context() as patch:
        patch.setattr(placing, "write_down", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            process(cart, holder, order_id=order_id)
    assert shop.shelf() == (10, 3)

    placed = process(cart, holder, order_id=order_id)

    assert [parcel.items for parcel in placed.parcels] == [[OrderedItem(shop.product.id, 3)]]
    assert shop.shelf() == (10, 3)


@pytest.mark.plain_calls
def test_what_was_put_in_since_a_call_was_cut_off_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(9)
    cart, holder = fill((shop.product, 2))
    order_id = new_id()
    with monkeypatch.context() as patch:
        patch.setattr(placing, "write_down", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            process(cart, holder, order_id=order_id)
    carts.add_item(
        operation_id=new_id(), cart_id=cart.id, holder=holder, product_id=shop.product.id, quantity=5, now=NOW
    )
    order((shop.product, 2))

    placed = process(cart, holder, order_id=order_id)

    assert [line.quantity for line in placed.lines] == [7]
    assert [parcel.items for parcel in placed.parcels] == [[OrderedItem(shop.product.id, 7)]]
    assert shop.shelf() == (9, 9)
    report(pay(placed))
    assert shop.shelf() == (2, 2)
    assert all_is_well()


def test_an_order_of_other_pieces_than_its_lines_is_noticed() -> None:
    shop = Shop()
    placed = order((shop.product, 2))
    models.OrderLine.objects.filter(order_id=placed.id).update(quantity=7)

    assert [(each.order_id, each.problem) for each in checkout.verify(now=NOW)] == [
        (placed.id, "Its lines hold 7 pieces, and its places give 2, or others.")
    ]


def test_a_cart_of_somebody_else_is_not_found() -> None:
    shop = Shop()
    cart, _ = fill((shop.product, 3))
    before = everything()

    with pytest.raises(CartNotFound):
        process(cart, Holder(token="another"))
    assert everything() == before


def test_an_empty_cart_is_no_order() -> None:
    Shop()

    with pytest.raises(CartEmpty):
        process(*fill())


# --- Prices and stock -----------------------------------------------------------------------------------------------


def test_a_changed_price_has_to_be_accepted() -> None:
    shop = Shop()
    cart, holder = fill((shop.product, 2))
    catalog.update_product(product_id=shop.product.id, changes=ProductChanges(price=Decimal("12.00")))
    before = everything()

    with pytest.raises(PriceChanged) as refusal:
        process(cart, holder)
    assert refusal.value.lines == [ChangedPrice(shop.product.id, Decimal("10.00"), Decimal("12.00"))]
    assert everything() == before

    assert process(cart, holder, accept_prices=True).total == Decimal("24.00")


def test_what_is_not_there_any_more_is_named_with_where_there_is_some() -> None:
    shop = Shop(4)
    put_in_stock(shop.product, shop.lille, 2)
    cart, holder = fill((shop.product, 5))
    order((shop.product, 3))
    before = everything()

    with pytest.raises(NotEnoughStock) as refusal:
        process(cart, holder)
    assert refusal.value.lines == [MissingLine(shop.product.id, requested=5, available=3, elsewhere=[])]
    with pytest.raises(NotEnoughStock) as refusal:
        process(cart, holder, destination=pick_up(shop.lille))
    assert refusal.value.lines == [
        MissingLine(shop.product.id, 5, 2, [Source(shop.warehouse.id, shop.warehouse.name, 1)])
    ]
    assert everything() == before


def test_an_archived_product_is_not_ordered() -> None:
    shop = Shop()
    cart, holder = fill((shop.product, 1))
    catalog.archive_product(product_id=shop.product.id)
    before = everything()

    with pytest.raises(NotEnoughStock) as refusal:
        process(cart, holder)
    assert refusal.value.lines == [MissingLine(shop.product.id, 1, 0, [])]
    assert everything() == before


def test_a_store_keeps_its_safety_stock_for_its_own_customers() -> None:
    shop = Shop(0)
    put_in_stock(shop.product, shop.lyon, 5)
    inventory.count(
        operation_id=new_id(),
        location_id=shop.lyon.id,
        product_id=shop.product.id,
        quantity=5,
        thresholds=Thresholds(safety_stock=3),
        note="",
        actor_id=None,
        now=NOW,
    )

    order((shop.product, 2))

    with pytest.raises(NotEnoughStock):
        order((shop.product, 1))
    sell(shop.product, shop.lyon, 3)


def test_a_split_order_is_reserved_in_each_of_its_places() -> None:
    shop = Shop(3)
    put_in_stock(shop.product, shop.lyon, 4)

    placed = order((shop.product, 6))

    assert sorted(placed.parcels, key=lambda parcel: parcel.location_id != shop.warehouse.id) == [
        OrderParcel(shop.warehouse.id, [OrderedItem(shop.product.id, 3)]),
        OrderParcel(shop.lyon.id, [OrderedItem(shop.product.id, 3)]),
    ]
    assert (shop.shelf(), shop.shelf(shop.lyon)) == ((3, 3), (4, 3))


def test_what_is_picked_up_comes_from_that_store() -> None:
    shop = Shop(9)
    put_in_stock(shop.product, shop.lyon, 4)

    placed = process(*fill((shop.product, 2)), destination=pick_up(shop.lyon))

    assert (placed.pickup_store_id, placed.address) == (shop.lyon.id, None)
    assert (shop.shelf(), shop.shelf(shop.lyon)) == ((9, 0), (4, 2))


def test_somebody_faster_makes_us_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(3)
    put_in_stock(shop.product, shop.lyon, 3)
    look, faster = keeping.shelves, [True]

    def shelves(*arguments: object) -> object:
        seen = look(*arguments)  # type: ignore[arg-type]
        if faster.pop() if faster else False:
            sell_all(shop)
        return seen

    monkeypatch.setattr(keeping, "shelves", shelves)

    placed = order((shop.product, 2))

    assert [parcel.location_id for parcel in placed.parcels] == [shop.lyon.id]


def sell_all(shop: Shop) -> None:
    inventory.adjust(
        operation_id=new_id(),
        location_id=shop.warehouse.id,
        lines=[StockLine(shop.product.id, -3)],
        note="gone",
        actor_id=None,
        now=NOW,
    )


def test_a_service_takes_nothing_from_a_shelf() -> None:
    shop = Shop()
    service = make_product(stocked=False, price=Decimal("5.00"))

    placed = pay(order((service, 2)))

    assert (placed.status, placed.parcels, placed.total) == (OrderStatus.PAID, [], Decimal("10.00"))
    assert shop.shelf() == (10, 0)


# --- Where to -------------------------------------------------------------------------------------------------------


def test_an_address_is_kept_in_its_normal_form() -> None:
    shop = Shop()
    given = Destination(EMAIL, OrderAddress(**(vars(HOME) | {"country": "fr", "phone": "06 12 34 56 78"})))

    placed = order((shop.product, 1), destination=given)

    assert placed.address == OrderAddress(**(vars(HOME) | {"phone": "+33612345678"}))


def test_a_wrong_address_reserves_nothing() -> None:
    shop = Shop()
    before = everything()

    with pytest.raises(InvalidDetails):
        order((shop.product, 1), destination=Destination(EMAIL, OrderAddress(**(vars(HOME) | {"postal_code": "x"}))))
    with pytest.raises(LocationNotFound):
        order((shop.product, 1), destination=pick_up(shop.warehouse))
    assert everything() == before


def test_a_pending_order_can_be_sent_elsewhere() -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    elsewhere = OrderAddress(**(vars(HOME) | {"line1": "1 quai Lassagne", "postal_code": "69001"}))

    changed = checkout.change_destination(
        order_id=placed.id, destination=Destination("new@example.com", elsewhere), actor_id=None, now=NOW
    )

    assert (changed.address, changed.email) == (elsewhere, "new@example.com")
    assert [step.step for step in changed.steps] == [Step.PLACED, Step.CHANGED]


def test_a_paid_order_goes_where_it_was_to_go() -> None:
    shop = Shop()
    placed = pay(order((shop.product, 1)))

    with pytest.raises(OrderNotPending):
        checkout.change_destination(
            order_id=placed.id, destination=Destination("new@example.com", HOME), actor_id=None, now=NOW
        )
    assert checkout.order(order_id=placed.id) == placed


def test_a_delivery_does_not_become_a_pickup() -> None:
    shop = Shop()
    placed = order((shop.product, 1))

    with pytest.raises(InvalidOrder):
        checkout.change_destination(order_id=placed.id, destination=pick_up(shop.lyon), actor_id=None, now=NOW)
    assert checkout.order(order_id=placed.id) == placed


# --- Without a cart -------------------------------------------------------------------------------------------------


def test_a_direct_order_adds_up_what_names_a_product_twice() -> None:
    shop = Shop()

    placed = order((shop.product, 1), (shop.product, 2))

    assert [(line.product_id, line.quantity) for line in placed.lines] == [(shop.product.id, 3)]
    assert placed.channel is OrderChannel.RESELLER


def test_a_direct_order_twice_is_one(published: Published) -> None:
    shop, order_id = Shop(), new_id()

    assert order((shop.product, 1), order_id=order_id) == order((shop.product, 1), order_id=order_id)
    assert shop.shelf() == (10, 1)
    assert [kind for kind, _ in published() if kind.startswith("order.")] == ["order.created"]


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_a_direct_order_of_an_odd_quantity_is_refused(quantity: int) -> None:
    shop = Shop()
    before = everything()

    with pytest.raises(InvalidOrder):
        order((shop.product, quantity))
    assert everything() == before


def test_a_direct_order_of_what_is_not_sold_is_refused() -> None:
    shop = Shop()
    catalog.archive_product(product_id=shop.product.id)

    with pytest.raises(ProductNotFound):
        order((shop.product, 1))


# --- Beforehand -----------------------------------------------------------------------------------------------------


def test_a_quote_tells_what_an_order_would_be_and_changes_nothing() -> None:
    shop = Shop()
    cart, holder = fill((shop.product, 3))
    before = everything()

    quote = checkout.quote(cart_id=cart.id, holder=holder)

    assert (quote.total, quote.tax, quote.missing, quote.changed_prices) == (
        Decimal("30.00"),
        Decimal("5.00"),
        [],
        [],
    )
    assert quote.parcels == [OrderParcel(shop.warehouse.id, [OrderedItem(shop.product.id, 3)])]
    assert everything() == before


def test_a_quote_tells_what_stands_against_an_order() -> None:
    shop = Shop(3)
    cart, holder = fill((shop.product, 3))
    order((shop.product, 1))
    catalog.update_product(product_id=shop.product.id, changes=ProductChanges(price=Decimal("12.00")))

    quote = checkout.quote(cart_id=cart.id, holder=holder)

    assert quote.missing == [MissingLine(shop.product.id, 3, 2, [])]
    assert quote.changed_prices == [ChangedPrice(shop.product.id, Decimal("10.00"), Decimal("12.00"))]
    assert quote.parcels == []


# --- Whose it is ----------------------------------------------------------------------------------------------------


def test_an_order_is_seen_by_whoever_placed_it() -> None:
    shop = Shop()
    customer, other = register(email="a@example.com"), register(email="b@example.com")
    own = process(*fill((shop.product, 1), customer_id=customer.id))
    cart, holder = fill((shop.product, 1))
    anonymous = process(cart, holder)

    def sees(placed: UUID, asking: Holder) -> bool:
        try:
            return checkout.order(order_id=placed, holder=asking).id == placed
        except OrderNotFound:
            return False

    assert sees(own.id, Holder(customer.id))
    assert sees(anonymous.id, holder)
    assert not sees(own.id, Holder(other.id))
    assert not sees(own.id, holder)
    assert not sees(own.id, Holder())
    assert not sees(anonymous.id, Holder(other.id))
    assert not sees(anonymous.id, Holder(token="another"))
    assert not sees(anonymous.id, Holder())


def test_an_erased_customers_orders_stay_without_a_word_about_them() -> None:
    shop = Shop()
    customer = register()
    placed = process(*fill((shop.product, 1), customer_id=customer.id))
    checkout.cancel(order_id=placed.id, reason="", actor_id=None, now=NOW)

    checkout.forget_customer(customer_id=customer.id)

    left = checkout.order(order_id=placed.id)
    assert (left.email, left.address, left.customer_id, left.total) == ("", None, customer.id, Decimal("10.00"))


def test_orders_are_found_by_what_is_known_of_them() -> None:
    shop = Shop()
    put_in_stock(shop.product, shop.lyon, 5)
    customer = register()
    first = process(*fill((shop.product, 1), customer_id=customer.id))
    second = pay(order((shop.product, 1), now=NOW + timedelta(seconds=1)))
    third = order((shop.product, 1), destination=pick_up(shop.lyon), actor_id=customer.id)

    def found(**conditions: object) -> list[UUID]:
        return [row.id for row in checkout.orders(**conditions)]  # type: ignore[arg-type]

    assert found() == [third.id, second.id, first.id]
    assert found(limit=1) == [third.id]
    assert found(before=third.id) == [second.id, first.id]
    assert found(statuses=[OrderStatus.PAID]) == [second.id]
    assert found(customer_id=customer.id) == [first.id]
    assert found(placed_by=customer.id) == [third.id]
    assert found(reference=first.reference.lower()) == [first.id]
    assert found(location_ids=[shop.lyon.id]) == [third.id]
    assert found(since=NOW + timedelta(seconds=1)) == [second.id]
    assert found(until=NOW + timedelta(seconds=1)) == [third.id, first.id]
    figures = {row.status: (row.orders, row.revenue) for row in checkout.figures()}
    assert figures[OrderStatus.PENDING] == (2, Decimal("20.00"))
    assert figures[OrderStatus.PAID] == (1, Decimal("10.00"))
    assert figures[OrderStatus.REFUNDED] == (0, Decimal("0.00"))


def test_a_placed_order_agrees_with_the_books() -> None:
    shop = Shop()

    order((shop.product, 3))

    assert all_is_well()
