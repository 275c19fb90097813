"""The orders page: who sees which orders, and each step that is taken there."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.interface import Role
from catalog.interface import Product
from checkout import models
from checkout.interface import (
    Destination,
    Order,
    OrderAddress,
    OrderedItem,
    OrderStatus,
    PaymentState,
    Step,
    checkout,
)
from inventory.interface import Location
from shared_kernel.ids import new_id
from tests.chain import make_product, on_hand, put_in_stock
from tests.checkout.actions import EMAIL, NOW, everything, order, pick_up, status_of
from tests.dashboards.conftest import Chain, visitor

HOME = "/dashboard/orders/"


def paid(*items: tuple[Product, int], **values: Any) -> Order:
    """An order that was paid by bank transfer."""
    placed = order(*items, **values)
    return checkout.advance(order_id=placed.id, status=OrderStatus.PAID, actor_id=None, now=NOW)


def packing(*items: tuple[Product, int], **values: Any) -> Order:
    placed = paid(*items, **values)
    return checkout.advance(order_id=placed.id, status=OrderStatus.PROCESSING, actor_id=None, now=NOW)


def split(chain: Chain) -> Order:
    """A paid order of two mice: one comes from the warehouse and one from Lyon."""
    mouse = make_product(sku="MOUSE", name="Mouse")
    put_in_stock(mouse, chain.central, 1)
    put_in_stock(mouse, chain.lyon, 1)
    return paid((mouse, 2))


def step(client: Client, order: Order, name: str, **fields: Any) -> Any:
    return client.post(f"{HOME}{order.id}/{name}/", fields)


def shown(client: Client, query: str = "") -> list[Order]:
    """The orders on a page."""
    return [card.order for card in client.get(f"{HOME}{query}").context["cards"]]


def text(client: Client, query: str = "") -> str:
    return client.get(f"{HOME}{query}").content.decode()


def toast(client: Client) -> str:
    """What the next page says of what was done."""
    return " ".join(str(message) for message in client.get(HOME).context["messages"])


def seller(chain: Chain) -> Client:
    return visitor(Role.CASHIER, chain.lyon)


# --- What is shown to whom ------------------------------------------------------------------------------------------


def test_each_tab_shows_its_orders(chain: Chain) -> None:
    pending, to_pack, packed = order((chain.keyboard, 1)), paid((chain.keyboard, 1)), packing((chain.keyboard, 1))
    sent, cancelled = packing((chain.keyboard, 1)), order((chain.keyboard, 1))
    checkout.advance(order_id=sent.id, status=OrderStatus.COMPLETED, actor_id=None, now=NOW)
    checkout.cancel(order_id=cancelled.id, reason="Ordered twice", actor_id=None, now=NOW)
    client = visitor(Role.HEAD_OFFICE)

    ids = {tab: [each.id for each in shown(client, f"?tab={tab}")] for tab in ("pack", "packing", "unpaid", "done")}

    assert ids == {
        "pack": [to_pack.id],
        "packing": [packed.id],
        "unpaid": [pending.id],
        "done": [cancelled.id, sent.id],
    }
    assert [each.id for each in shown(client)] == [each.id for each in shown(client, "?tab=nonsense")] == [to_pack.id]
    assert "Cancelled (Ordered twice), " in text(client, "?tab=done")


def test_what_waits_longest_comes_first_and_stands_out_after_a_day(chain: Chain) -> None:
    old = paid((chain.keyboard, 1), order_id=new_id(at=NOW - timedelta(hours=25)), now=NOW - timedelta(hours=25))
    new = paid((chain.keyboard, 1), now=NOW - timedelta(hours=2))

    cards = visitor(Role.WAREHOUSE).get(HOME).context["cards"]

    assert [(card.order.id, card.late) for card in cards] == [(old.id, True), (new.id, False)]
    page = text(visitor(Role.WAREHOUSE))
    assert page.index("Waiting for 1\xa0day") < page.index("Waiting for 2\xa0hours")


def test_an_order_says_where_it_goes_and_what_is_in_it(chain: Chain) -> None:
    sent = paid((chain.keyboard, 3))
    picked_up = paid((chain.keyboard, 2), destination=pick_up(chain.lyon))
    page = text(visitor(Role.WAREHOUSE))

    for wanted in (sent.reference, "Camille, Lyon", "12 rue Mercière", "69002 Lyon", "3 ×", "€30.00", "From Central"):
        assert wanted in page
    for wanted in (picked_up.reference, "Picked up in Lyon", "2 ×", "€20.00"):
        assert wanted in page


def test_shop_staff_see_what_their_store_sends_or_hands_over(chain: Chain) -> None:
    from_central = paid((chain.keyboard, 1))
    picked_up = paid((chain.keyboard, 2), destination=pick_up(chain.lyon))

    assert [each.id for each in shown(seller(chain))] == [picked_up.id]
    assert shown(visitor(Role.STORE_MANAGER, chain.lille)) == []
    assert [each.id for each in shown(visitor(Role.WAREHOUSE))] == [from_central.id, picked_up.id]


def test_of_a_split_order_a_store_sees_its_own_part_and_who_sends_the_rest(chain: Chain) -> None:
    split(chain)
    [store] = seller(chain).get(HOME).context["cards"]
    [all_of_it] = visitor(Role.WAREHOUSE).get(HOME).context["cards"]

    assert [(parcel.place, [piece.quantity for piece in parcel.pieces]) for parcel in store.parcels] == [("Lyon", [1])]
    assert store.elsewhere == ["Central"]
    assert {parcel.place for parcel in all_of_it.parcels} == {"Central", "Lyon"}
    assert all_of_it.elsewhere == []
    assert "The rest comes from Central." in text(seller(chain))


def test_a_service_is_shown_though_nothing_is_sent_of_it(chain: Chain) -> None:
    wrapping = make_product(name="Gift wrapping", stocked=False)
    paid((chain.keyboard, 1), (wrapping, 1))

    [card] = visitor(Role.WAREHOUSE).get(HOME).context["cards"]

    assert [(parcel.place, [piece.line.name for piece in parcel.pieces]) for parcel in card.parcels] == [
        ("Central", ["Keyboard"]),
        ("", ["Gift wrapping"]),
    ]


def test_an_order_is_found_by_its_place(chain: Chain) -> None:
    from_central = paid((chain.keyboard, 1))
    picked_up = paid((chain.keyboard, 2), destination=pick_up(chain.lyon))
    client = visitor(Role.WAREHOUSE)

    assert [each.id for each in shown(client, f"?place={chain.central.id}")] == [from_central.id]
    assert [each.id for each in shown(client, f"?place={chain.lyon.id}")] == [picked_up.id]
    assert shown(client, f"?place={chain.lille.id}") == []
    assert shown(seller(chain), f"?place={chain.central.id}") == []
    assert len(shown(client, "?place=nonsense")) == 2


def test_an_order_is_found_by_its_reference_wherever_it_stands(chain: Chain) -> None:
    pending = order((chain.keyboard, 1))
    client = visitor(Role.HEAD_OFFICE)
    typed = f"{pending.reference[:4].lower()}-{pending.reference[4:]} "

    assert [each.id for each in shown(client, f"?reference={typed}")] == [pending.id]
    assert shown(seller(chain), f"?reference={pending.reference}") == []
    assert "No order NONE is to be found here" in text(client, "?reference=none%20!")


def test_a_long_list_has_pages(chain: Chain) -> None:
    placed = [order((chain.keyboard, 1)) for _ in range(22)]
    for each in placed:
        checkout.cancel(order_id=each.id, reason="", actor_id=None, now=NOW)
    client = visitor(Role.HEAD_OFFICE)

    first = client.get(f"{HOME}?tab=done")
    following = first.context["following"]
    second = client.get(f"{HOME}?tab=done&after={following}")

    assert [card.order.id for card in first.context["cards"]] == [each.id for each in reversed(placed[2:])]
    assert [card.order.id for card in second.context["cards"]] == [each.id for each in reversed(placed[:2])]
    assert (following, second.context["following"]) == (placed[2].id, None)
    assert "The list ends here." in text(client, f"?tab=done&after={placed[0].id}")


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("pack", "Nothing to pack: every paid order is taken care of."),
        ("packing", "Nothing is being packed at the moment."),
        ("unpaid", "No order waits to be paid."),
        ("done", "No order has come to its end yet."),
    ],
)
def test_an_empty_tab_says_so(chain: Chain, tab: str, words: str) -> None:
    assert words in text(visitor(Role.WAREHOUSE), f"?tab={tab}")


@pytest.mark.django_db
def test_there_is_a_page_before_there_is_a_warehouse() -> None:
    assert visitor(Role.HEAD_OFFICE).get(HOME).status_code == 200


def test_of_an_erased_buyer_nothing_is_shown(chain: Chain) -> None:
    customer_id = new_id()
    placed = packing((chain.keyboard, 1), customer_id=customer_id)
    checkout.advance(order_id=placed.id, status=OrderStatus.COMPLETED, actor_id=None, now=NOW)
    checkout.forget_customer(customer_id=customer_id)

    page = text(visitor(Role.WAREHOUSE), "?tab=done")

    assert "The buyer and their address were erased." in page
    assert "Camille" not in page


def test_the_page_reads_in_french(chain: Chain) -> None:
    paid((chain.keyboard, 1))
    client = visitor(Role.HEAD_OFFICE)
    client.post("/i18n/setlang/", {"language": "fr"})

    page = text(client)

    assert "À préparer" in page
    assert "Commencer la préparation" in page
    assert "10,00\xa0€" in page


def test_what_is_to_pack_is_an_alert(chain: Chain) -> None:
    for _ in range(2):
        paid((chain.keyboard, 1), destination=pick_up(chain.lyon))
    paid((chain.keyboard, 1))

    chain_page = visitor(Role.HEAD_OFFICE).get("/dashboard/").context["alerts"]
    store_page = visitor(Role.STORE_MANAGER, chain.lyon).get(f"/dashboard/stores/{chain.lyon.id}/").context["alerts"]
    others = visitor(Role.STORE_MANAGER, chain.lille).get(f"/dashboard/stores/{chain.lille.id}/").context["alerts"]

    told = [
        [(alert.count, alert.places[0].address) for alert in alerts if "to pack" in alert.words]
        for alerts in (chain_page, store_page, others)
    ]
    assert told == [[(3, HOME)], [(2, f"{HOME}?place={chain.lyon.id}")], []]


# --- Steps ----------------------------------------------------------------------------------------------------------


def test_an_order_is_packed_and_sent(chain: Chain) -> None:
    placed, client = paid((chain.keyboard, 1)), visitor(Role.WAREHOUSE)

    first = step(client, placed, "pack")
    said_first = toast(client)
    second = step(client, placed, "send", place=chain.central.id)

    assert (first.status_code, first.url, second.status_code) == (302, HOME, 302)
    assert said_first == f"Order {placed.reference} is being packed."
    assert toast(client) == f"Order {placed.reference} is sent."
    done = checkout.order(order_id=placed.id)
    assert [each.step for each in done.steps][-3:] == [Step.PROCESSING, Step.SENT, Step.COMPLETED]
    assert all(each.actor_id for each in done.steps[-3:])


def test_an_order_is_handed_over_by_the_store_where_it_is_picked_up(chain: Chain) -> None:
    placed, client = packing((chain.keyboard, 1), destination=pick_up(chain.lyon)), seller(chain)

    assert "Handed over" in text(client, "?tab=packing")
    step(client, placed, "send", place=chain.lyon.id)

    assert toast(client) == f"Order {placed.reference} is handed over."
    assert status_of(placed) is OrderStatus.COMPLETED


def test_each_place_says_of_its_own_parcel_that_it_is_sent(chain: Chain) -> None:
    placed, lyon, warehouse = split(chain), seller(chain), visitor(Role.WAREHOUSE)
    checkout.advance(order_id=placed.id, status=OrderStatus.PROCESSING, actor_id=None, now=NOW)

    step(warehouse, placed, "send", place=chain.central.id)

    assert toast(warehouse) == f"Order {placed.reference}: this parcel is sent, others are to follow."
    [card] = lyon.get(f"{HOME}?tab=packing").context["cards"]
    assert [(parcel.place, parcel.may_send) for parcel in card.parcels] == [("Lyon", True)]
    [card] = warehouse.get(f"{HOME}?tab=packing").context["cards"]
    assert {parcel.place: parcel.may_send for parcel in card.parcels} == {"Central": False, "Lyon": True}
    assert (step(lyon, placed, "send", place=chain.central.id).status_code, status_of(placed)) == (
        403,
        OrderStatus.PROCESSING,
    )
    assert [step(lyon, placed, name).status_code for name in ("send", "complete")] == [404, 404]
    step(lyon, placed, "send", place=chain.lyon.id)
    assert status_of(placed) is OrderStatus.COMPLETED


def test_an_order_of_which_nothing_is_sent_is_completed_by_hand(chain: Chain) -> None:
    placed, client = packing((make_product(name="Gift wrapping", stocked=False), 1)), visitor(Role.WAREHOUSE)

    [card] = client.get(f"{HOME}?tab=packing").context["cards"]
    assert card.may_complete
    step(client, placed, "complete")

    assert toast(client) == f"Order {placed.reference} is completed."
    assert status_of(placed) is OrderStatus.COMPLETED


def test_what_is_refunded_before_it_is_packed_is_not_on_the_packing_list(chain: Chain) -> None:
    placed = paid((chain.keyboard, 3))
    checkout.refund(
        refund_id=new_id(),
        order_id=placed.id,
        items=[OrderedItem(chain.keyboard.id, 1)],
        restock=False,
        reason="",
        actor_id=None,
        now=NOW,
    )

    [card] = visitor(Role.WAREHOUSE).get(HOME).context["cards"]

    assert [[piece.quantity for piece in parcel.pieces] for parcel in card.parcels] == [[2]]
    assert [piece.quantity for piece in card.back] == [1]


def test_who_packs_is_shown(chain: Chain) -> None:
    placed, client = paid((chain.keyboard, 1)), visitor(Role.WAREHOUSE)
    step(client, placed, "pack")

    [card] = client.get(f"{HOME}?tab=packing").context["cards"]

    assert card.by == "warehouse"


def test_the_filters_stay_after_a_step(chain: Chain) -> None:
    placed = paid((chain.keyboard, 1))
    query = f"?tab=pack&place={chain.central.id}"

    answer = visitor(Role.WAREHOUSE).post(f"{HOME}{placed.id}/pack/{query}")

    assert answer.url == f"{HOME}{query}"


@pytest.mark.parametrize("name", ["pack", "pay", "cancel", "refund"])
def test_the_same_form_sent_twice_acts_once(chain: Chain, name: str) -> None:
    placed = paid((chain.keyboard, 2)) if name in {"pack", "refund"} else order((chain.keyboard, 2))
    client, key = visitor(Role.HEAD_OFFICE), str(new_id())
    form = {"key": key, "pieces-1": "1", "restock": "yes"}

    first = step(client, placed, name, **form)
    before = everything()
    again = step(client, placed, name, **form)

    assert (first.status_code, again.status_code) == (302, 302)
    assert everything() == before


@pytest.mark.parametrize("name", ["pack", "send"])
def test_another_store_takes_no_step(chain: Chain, name: str) -> None:
    placed = paid((chain.keyboard, 1), destination=pick_up(chain.lyon))
    before = everything()

    answer = step(visitor(Role.STORE_MANAGER, chain.lille), placed, name)

    assert answer.status_code == 404
    assert "There is no such order." in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("name", ["pay", "cancel", "refund"])
@pytest.mark.parametrize("role", [Role.STORE_MANAGER, Role.CASHIER, Role.WAREHOUSE])
def test_money_is_the_head_office_s(chain: Chain, role: Role, name: str) -> None:
    items = ((chain.keyboard, 1), pick_up(chain.lyon))
    placed = paid(items[0], destination=items[1]) if name == "refund" else order(items[0], destination=items[1])
    client = visitor(role, *[chain.lyon][: role is not Role.WAREHOUSE])
    before = everything()

    answer = step(client, placed, name, **{"pieces-1": "1"})

    assert answer.status_code == 403
    assert everything() == before
    page = text(client, f"?reference={placed.reference}")
    assert placed.reference in page
    assert not any(f"/{money}/" in page for money in ("pay", "cancel", "refund"))


def test_whoever_edits_the_catalogue_takes_no_step(chain: Chain) -> None:
    placed = paid((chain.keyboard, 1))
    client = visitor(Role.CATALOG_MANAGER)

    assert [client.get(HOME).status_code, step(client, placed, "pack").status_code] == [403, 403]
    assert status_of(placed) is OrderStatus.PAID


def test_an_unknown_order_or_step_is_not_found(chain: Chain) -> None:
    placed, client = paid((chain.keyboard, 1)), visitor(Role.HEAD_OFFICE)

    assert client.post(f"{HOME}{uuid4()}/pack/").status_code == 404
    assert step(client, placed, "burn").status_code == 404
    assert client.get(f"{HOME}{placed.id}/pack/").status_code == 405
    assert status_of(placed) is OrderStatus.PAID


def test_a_step_that_cannot_follow_is_refused_in_a_sentence(chain: Chain) -> None:
    placed, client = paid((chain.keyboard, 1)), visitor(Role.HEAD_OFFICE)
    before = everything()

    answers = [step(client, placed, name, place=chain.central.id) for name in ("send", "cancel")]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("somebody may have been faster" in answer.content.decode() for answer in answers)
    assert everything() == before


def test_a_refusal_in_a_living_page_is_a_toast(chain: Chain) -> None:
    placed = paid((chain.keyboard, 1))

    place = {"place": chain.central.id}
    answer = visitor(Role.HEAD_OFFICE).post(f"{HOME}{placed.id}/send/", place, headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Retarget"]) == (409, "#toasts")


# --- The head office ------------------------------------------------------------------------------------------------


def test_a_pending_order_is_cancelled_with_a_reason_and_its_goods_are_free(chain: Chain) -> None:
    placed, client = order((chain.keyboard, 3)), visitor(Role.HEAD_OFFICE)

    step(client, placed, "cancel", reason="Ordered twice\x00")

    done = checkout.order(order_id=placed.id)
    assert (done.status, done.steps[-1].note) == (OrderStatus.CANCELLED, "Ordered twice")
    assert toast(client) == f"Order {placed.reference} is cancelled: its goods are free again."


def test_a_bank_transfer_is_noted(chain: Chain) -> None:
    placed, client = order((chain.keyboard, 3)), visitor(Role.HEAD_OFFICE)

    step(client, placed, "pay")

    assert status_of(placed) is OrderStatus.PAID
    assert on_hand(chain.keyboard, chain.central) == 97
    assert toast(client) == f"Order {placed.reference} is paid, and can be packed."


def refunded(placed: Order) -> tuple[OrderStatus, Decimal, int]:
    """Where an order stands after the worker has carried out its refunds: status, amount, pieces."""
    for each in checkout.order(order_id=placed.id).refunds:
        checkout.carry_out_refund(refund_id=each.id, now=NOW)
    done = checkout.order(order_id=placed.id)
    return done.status, done.refunded, sum(line.refunded for line in done.lines)


def test_all_of_an_order_is_refunded_and_goes_back_onto_its_shelf(chain: Chain) -> None:
    placed, client = paid((chain.keyboard, 3)), visitor(Role.HEAD_OFFICE)

    step(client, placed, "refund", restock="yes", reason="Too loud", **{"pieces-1": "3"})

    assert toast(client) == f"Order {placed.reference}: €30.00 go back."
    assert refunded(placed) == (OrderStatus.REFUNDED, Decimal("30.00"), 3)
    assert on_hand(chain.keyboard, chain.central) == 100
    [back] = checkout.order(order_id=placed.id).refunds
    assert (back.reason, back.restock) == ("Too loud", True)


def test_some_pieces_are_refunded_and_written_off(chain: Chain) -> None:
    mouse = make_product(name="Mouse")
    put_in_stock(mouse, chain.central, 10)
    placed, client = paid((chain.keyboard, 3), (mouse, 2)), visitor(Role.HEAD_OFFICE)

    step(client, placed, "refund", **{"pieces-1": "1", "pieces-2": "0"})
    page = text(client)

    assert refunded(placed) == (OrderStatus.PAID, Decimal("10.00"), 1)
    assert on_hand(chain.keyboard, chain.central) == 97
    assert "<h3>Refunded</h3>" in page
    assert "€10.00 are going back" in page
    [card] = client.get(HOME).context["cards"]
    assert [(piece.line.name, piece.quantity) for piece in card.left] == [("Keyboard", 2), ("Mouse", 2)]


def test_money_that_stayed_in_a_cancelled_order_is_given_back_once(chain: Chain) -> None:
    placed, client = order((chain.keyboard, 3)), visitor(Role.HEAD_OFFICE)
    checkout.cancel(order_id=placed.id, reason="", actor_id=None, now=NOW)
    assert "Give the money back again" not in text(client, "?tab=done")
    # As it is left where the provider refuses to give back what came too late.
    models.Payment.objects.create(
        id=new_id(),
        order_id=placed.id,
        state=PaymentState.SUCCEEDED,
        amount=placed.total,
        started_at=NOW,
        taken_up_at=NOW,
    )
    assert "Give the money back again" in text(client, "?tab=done")

    key = str(new_id())
    answers = [step(client, placed, "repay", key=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert refunded(placed) == (OrderStatus.CANCELLED, Decimal("30.00"), 0)
    assert "Give the money back again" not in text(client, "?tab=done")


@pytest.mark.parametrize(
    ("pieces", "status", "words"),
    [
        ({"pieces-1": "0"}, 422, "Choose the pieces to refund."),
        ({}, 422, "Choose the pieces to refund."),
        ({"pieces-1": "4"}, 409, "Fewer pieces of this order are left to refund."),
        ({"pieces-1": "-1"}, 404, ""),
        ({"pieces-1": "many"}, 404, ""),
    ],
)
def test_a_refund_that_cannot_be_is_refused_in_a_sentence(
    chain: Chain, pieces: dict[str, str], status: int, words: str
) -> None:
    placed, client = paid((chain.keyboard, 3)), visitor(Role.HEAD_OFFICE)
    before = everything()

    answer = step(client, placed, "refund", **pieces)

    assert answer.status_code == status
    assert words in answer.content.decode()
    assert everything() == before


def test_a_name_that_is_code_is_text(chain: Chain) -> None:
    code = "<script>alert(1)</script>"
    address = OrderAddress(name=code, line1=code, city=code, postal_code="69002", country="FR")
    paid((chain.keyboard, 1), destination=Destination(email=EMAIL, address=address))

    page = text(visitor(Role.WAREHOUSE))

    assert code not in page
    assert page.count("&lt;script&gt;") == 5


def test_the_places_to_choose_from_are_one_s_own(chain: Chain) -> None:
    def choices(*stores: Location, role: Role) -> list[str]:
        return [place.name for place in visitor(role, *stores).get(HOME).context["places"]]

    assert choices(role=Role.WAREHOUSE) == ["Central", "Lille", "Lyon"]
    assert choices(chain.lyon, role=Role.CASHIER) == ["Lyon"]
