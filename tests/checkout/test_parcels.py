"""Parcels: what each place has to pack, and sends on its own."""

import pytest

from checkout.interface import ImpossibleStep, Order, OrderStatus, ParcelNotFound, Step, checkout
from checkout.service.providers import Answer, Result
from inventory.interface import Location
from shared_kernel.ids import new_id
from tests.catalog.conftest import Published
from tests.chain import make_product, put_in_stock
from tests.checkout.actions import NOW, Shop, all_is_well, everything, order, pay, refund, report, status_of
from tests.checkout.bank import Bank
from tests.threads import at_once

pytestmark = pytest.mark.django_db

PERSON = new_id()


def split() -> tuple[Shop, Order]:
    """A paid order of five pieces: three come from the warehouse, and two from Lyon."""
    shop = Shop(3)
    put_in_stock(shop.product, shop.lyon, 2)
    return shop, pay(order((shop.product, 5)))


def pack(paid: Order) -> Order:
    return checkout.advance(order_id=paid.id, status=OrderStatus.PROCESSING, actor_id=PERSON, now=NOW)


def send(paid: Order, place: Location) -> Order:
    return checkout.send_parcel(order_id=paid.id, location_id=place.id, actor_id=PERSON, now=NOW)


def to_pack(paid: Order, *places: Location) -> list[int]:
    """How many pieces each of these places sends, or has sent."""
    parcels = {parcel.location_id: parcel for parcel in checkout.order(order_id=paid.id).parcels}
    return [sum(item.quantity for item in parcels[place.id].items) for place in places]


def test_an_order_is_completed_with_its_last_parcel(published: Published) -> None:
    shop, paid = split()
    pack(paid)

    first = send(paid, shop.lyon)
    last = send(paid, shop.warehouse)

    assert (first.status, [parcel.location_id for parcel in first.to_send]) == (
        OrderStatus.PROCESSING,
        [shop.warehouse.id],
    )
    assert (last.status, last.to_send, [parcel.sent_at for parcel in last.parcels]) == (
        OrderStatus.COMPLETED,
        [],
        [NOW, NOW],
    )
    assert [(step.step, step.actor_id, step.location_id) for step in last.steps][-3:] == [
        (Step.SENT, PERSON, shop.lyon.id),
        (Step.SENT, PERSON, shop.warehouse.id),
        (Step.COMPLETED, PERSON, None),
    ]
    assert [kind for kind, _ in published() if kind == "order.updated"] == ["order.updated"] * 3


def test_a_parcel_is_sent_once() -> None:
    shop, paid = split()
    pack(paid)
    sent = send(paid, shop.lyon)
    before = everything()

    assert send(paid, shop.lyon) == sent
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_parcels_that_are_sent_at_once_complete_the_order_once() -> None:
    shop, paid = split()
    pack(paid)

    at_once([lambda place=place: send(paid, place) for place in (shop.lyon, shop.warehouse) * 2])

    done = checkout.order(order_id=paid.id)
    assert [step.step for step in done.steps][-3:] == [Step.SENT, Step.SENT, Step.COMPLETED]


def test_a_completed_order_was_sent_whole() -> None:
    shop, paid = split()
    pack(paid)
    send(paid, shop.lyon)

    for _ in range(2):
        done = checkout.advance(order_id=paid.id, status=OrderStatus.COMPLETED, actor_id=PERSON, now=NOW)

    assert ([parcel.sent_at for parcel in done.parcels], len(done.steps)) == ([NOW, NOW], 7)


def test_nothing_is_sent_before_it_is_packed_nor_from_where_there_is_nothing() -> None:
    shop, paid = split()
    before = everything()

    with pytest.raises(ImpossibleStep) as refusal:
        send(paid, shop.lyon)
    assert refusal.value.possible == [OrderStatus.PROCESSING, OrderStatus.REFUNDED]
    with pytest.raises(ParcelNotFound):
        send(paid, shop.lille)
    assert everything() == before


@pytest.mark.parametrize("restock", [True, False])
def test_what_is_refunded_before_it_is_packed_is_not_packed(restock: bool) -> None:
    shop, paid = split()

    given = refund(paid, (shop.product, 2), restock=restock)
    assert sum(to_pack(paid, shop.warehouse, shop.lyon)) == 3
    checkout.carry_out_refund(refund_id=given.id, now=NOW)

    assert sum(to_pack(paid, shop.warehouse, shop.lyon)) == 3
    report(paid)
    assert all_is_well()


def test_what_is_not_sent_yet_is_withdrawn_first() -> None:
    shop, paid = split()
    pack(paid)
    send(paid, shop.warehouse)

    checkout.carry_out_refund(refund_id=refund(paid, (shop.product, 2), restock=False).id, now=NOW)

    assert to_pack(paid, shop.warehouse, shop.lyon) == [3, 0]
    assert checkout.order(order_id=paid.id).to_send == []
    with pytest.raises(ParcelNotFound):
        send(paid, shop.lyon)
    done = checkout.advance(order_id=paid.id, status=OrderStatus.COMPLETED, actor_id=PERSON, now=NOW)
    assert [step.step for step in done.steps][-2:] == [Step.REFUNDED, Step.COMPLETED]
    report(paid)
    assert all_is_well()


def test_what_the_provider_does_not_refund_is_packed_after_all(bank: Bank) -> None:
    shop, paid = split()
    bank.says = [Answer(Result.REFUSED, "re_1", "expired_card")]

    checkout.carry_out_refund(refund_id=refund(paid, (shop.product, 4), restock=False).id, now=NOW)

    assert to_pack(paid, shop.warehouse, shop.lyon) == [3, 2]


def test_an_order_that_is_refunded_whole_is_not_packed_and_not_sent() -> None:
    shop, paid = split()
    pack(paid)
    wrapped = pay(order((make_product(stocked=False), 1)))
    for each in (paid, wrapped):
        refund(each)
    before = everything()

    for each, status in ((wrapped, OrderStatus.PROCESSING), (paid, OrderStatus.COMPLETED)):
        with pytest.raises(ImpossibleStep) as refusal:
            checkout.advance(order_id=each.id, status=status, actor_id=PERSON, now=NOW)
        assert refusal.value.possible == [OrderStatus.REFUNDED]
    with pytest.raises(ParcelNotFound):
        send(paid, shop.lyon)
    assert everything() == before
    assert status_of(paid) is OrderStatus.PROCESSING
