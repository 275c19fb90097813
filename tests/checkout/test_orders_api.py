"""Orders over REST: who sees which, and who takes them where."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils.timezone import localdate

from accounts.interface import Action, Role, accounts
from checkout.interface import Order, OrderStatus, checkout
from inventory.interface import Location
from shared_kernel.ids import new_id
from tests.chain import client_of, put_in_stock
from tests.checkout.actions import A_WHILE, EMAIL, NOW, Shop, begin_payment, order, pay, pick_up, refund, status_of
from tests.checkout.web import (
    ADDRESS,
    bought,
    call,
    guest,
    invalid_fields,
    machine,
    nothing_changes,
    once,
    ordered,
    refusal_of,
    reseller,
    shopper,
)

pytestmark = pytest.mark.django_db

ELSEWHERE = ADDRESS | {"line1": "1 quai Lassagne", "postal_code": "69001"}
CUSTOMERS_ID = "0190f3f0-5a6e-7c3b-9c1d-2f0e6b8a4d11"


def about(order_id: UUID) -> list[tuple[str, str, Any]]:
    """All that can be done with an order."""
    path = f"/orders/{order_id}/"
    card = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2030, "security_code": "123"}
    return [
        ("GET", path, None),
        ("PUT", path, {"shipping_address": ELSEWHERE}),
        ("PUT", f"{path}status/", {"status": "processing"}),
        ("POST", f"{path}cancel/", None),
        ("POST", f"{path}payment/", {"card": card}),
        ("POST", f"{path}refund/", None),
        ("DELETE", path, None),
    ]


def of_lyon() -> tuple[Shop, Order]:
    """An order that is fetched in Lyon."""
    shop = Shop()
    put_in_stock(shop.product, shop.lyon, 5)
    return shop, order((shop.product, 1), destination=pick_up(shop.lyon))


# --- Who sees it ----------------------------------------------------------------------------------------------------


def test_somebody_elses_order_is_not_found() -> None:
    shop = Shop()
    orders = [
        bought(*guest((shop.product, 1))),
        bought(*shopper((shop.product, 1))),
        ordered(reseller(), (shop.product, 1)),
    ]
    identified = [
        guest()[1],
        shopper()[1],
        reseller(),
        client_of(Role.CASHIER, shop.lyon),
        client_of(Role.STORE_MANAGER, shop.lille),
        client_of(Role.CATALOG_MANAGER),
        machine(Action.READ_ORDERS, Action.FULFIL_ORDERS, at=shop.lyon.id),
    ]

    with nothing_changes():
        for order_id in [*orders, new_id()]:
            for client in identified:
                for method, path, body in about(order_id):
                    answer = call(client, method, path, body)
                    # Staff's part is closed to a guest, who has no login, before it is looked at.
                    assert refusal_of(answer) in [(404, "order_not_found"), (401, "login_required")], (method, path)
            for method, path, body in about(order_id):
                assert call(Client(), method, path, body).status_code in {401, 404}


def test_an_order_is_seen_where_its_goods_are_handled() -> None:
    shop, picked_up = of_lyon()
    sent = order((shop.product, 1))
    put_in_stock(shop.product, shop.lille, 20)
    split = order((shop.product, 12))

    def seen(client: Client) -> list[int]:
        return [call(client, "GET", f"/orders/{each.id}/").status_code for each in (picked_up, sent, split)]

    assert seen(client_of(Role.CASHIER, shop.lyon)) == [200, 404, 404]
    assert seen(client_of(Role.STORE_MANAGER, shop.lille)) == [404, 404, 200]
    assert seen(client_of(Role.WAREHOUSE)) == seen(client_of(Role.HEAD_OFFICE)) == [200, 200, 200]
    assert seen(machine(Action.READ_ORDERS)) == [200, 200, 200]


def test_which_of_the_chains_people_did_what_is_the_chains_business() -> None:
    shop, client = Shop(), reseller()
    order_id = ordered(client, (shop.product, 1))
    (cart, customer), (guests_cart, token) = shopper((shop.product, 1)), guest((shop.product, 1))
    orders = {order_id: client, bought(cart, customer): customer, bought(guests_cart, token): token}
    office = client_of(Role.HEAD_OFFICE)

    for each, buyer in orders.items():
        call(office, "PUT", f"/orders/{each}/", {"shipping_address": ELSEWHERE})
        shown = call(buyer, "GET", f"/orders/{each}/").json()
        told = call(office, "GET", f"/orders/{each}/").json()
        assert [step["step"] for step in shown["steps"]] == ["placed", "changed"]
        assert shown["steps"][0] == told["steps"][0]
        assert shown["steps"][1] == told["steps"][1] | {"actor_id": None}
        assert told["steps"][1]["actor_id"] is not None
        changed = call(buyer, "PUT", f"/orders/{each}/", {"email": "new@example.com"}).json()
        assert changed["steps"][1]["actor_id"] is None
        assert call(buyer, "POST", f"/orders/{each}/cancel/").json()["steps"][1]["actor_id"] is None


# --- Lists ----------------------------------------------------------------------------------------------------------


def found(client: Client, path: str = "/orders/", **filters: Any) -> list[str]:
    answer = client.get(f"/api/v1{path}", filters)
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_staff_find_orders_by_what_is_known_of_them() -> None:
    shop, office = Shop(), client_of(Role.HEAD_OFFICE)
    cart, customer = shopper((shop.product, 1))
    old = order((shop.product, 1), now=NOW - timedelta(days=9))
    own, unpaid = bought(cart, customer), order((shop.product, 1))
    begun = pay(unpaid)
    days = {name: localdate(NOW - timedelta(days=number)).isoformat() for name, number in [("from", 10), ("to", 8)]}

    assert found(office) == [str(unpaid.id), str(own), str(old.id)]
    assert found(office, status="paid") == [str(unpaid.id)]
    assert found(office, customer_id=cart.customer_id) == [str(own)]
    assert found(office, reference=begun.reference.lower()) == [str(unpaid.id)]
    assert found(office, reference="ZZZZZZZZ") == []
    assert found(office, **days) == [str(old.id)]
    assert found(office, **{"from": days["to"]}) == [str(unpaid.id), str(own)]
    assert office.get("/api/v1/orders/").json()["results"][0] == {
        "id": str(unpaid.id),
        "reference": begun.reference,
        "channel": "reseller",
        "customer_id": None,
        "placed_by": None,
        "status": "paid",
        "pickup_store_id": None,
        "currency": "EUR",
        "total": "10.00",
        "refunded": "0.00",
        "placed_at": NOW.isoformat().replace("+00:00", "Z"),
        "reserved_until": None,
    }


def test_a_list_goes_on_by_its_cursor() -> None:
    shop, office = Shop(), client_of(Role.HEAD_OFFICE)
    ids = [str(order((shop.product, 1)).id) for _ in range(5)][::-1]

    pages, address = [], "http://testserver/api/v1/orders/?page_size=2&status=pending"
    while address:
        page = office.get(address).json()
        pages.append([row["id"] for row in page["results"]])
        assert page["previous"] is None
        address = page["next"]

    assert pages == [ids[:2], ids[2:4], ids[4:]]


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"customer_id": "nonsense"}, "customer_id"),
        ({"reference": "x" * 13}, "reference"),
        ({"from": "yesterday"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"page_size": "101"}, "page_size"),
        ({"total": "10.00"}, "total"),
    ],
)
def test_a_filter_that_is_none_is_refused(filters: dict[str, str], field: str) -> None:
    answer = client_of(Role.HEAD_OFFICE).get("/api/v1/orders/", filters)

    assert invalid_fields(answer) == [field]


def test_each_sees_in_the_list_what_they_may_see_of_it() -> None:
    shop, picked_up = of_lyon()
    client = reseller()
    theirs = ordered(client, (shop.product, 1))

    assert found(client_of(Role.HEAD_OFFICE)) == found(client_of(Role.WAREHOUSE)) == [str(theirs), str(picked_up.id)]
    assert found(client_of(Role.CASHIER, shop.lyon)) == [str(picked_up.id)]
    assert found(client_of(Role.STORE_MANAGER, shop.lille)) == []
    assert found(client) == [str(theirs)]
    assert found(reseller()) == []
    assert refusal_of(Client().get("/api/v1/orders/")) == (401, "login_required")
    for other in (shopper()[1], client_of(Role.CATALOG_MANAGER)):
        assert refusal_of(other.get("/api/v1/orders/")) == (403, "not_allowed")


def test_a_customer_sees_their_orders_and_nobody_elses() -> None:
    shop = Shop()
    (cart, client), (_, other) = shopper((shop.product, 1)), shopper((shop.product, 1))
    own = bought(cart, client)
    order((shop.product, 1))
    path = f"/customers/{cart.customer_id}/orders/"

    assert found(client, "/customers/me/orders/") == found(client, path) == [str(own)]
    assert found(client, path, status="paid") == found(other, "/customers/me/orders/") == []
    assert found(client_of(Role.HEAD_OFFICE), path) == found(client_of(Role.WAREHOUSE), path) == [str(own)]
    assert found(client_of(Role.STORE_MANAGER, shop.lyon), path) == []
    for stranger in (other, client_of(Role.CATALOG_MANAGER), reseller()):
        assert refusal_of(call(stranger, "GET", path)) == (404, "customer_not_found")
    office = client_of(Role.HEAD_OFFICE)
    for nobody in ("me", new_id()):
        assert refusal_of(call(office, "GET", f"/customers/{nobody}/orders/")) == (404, "customer_not_found")
    assert refusal_of(call(Client(), "GET", path)) == (401, "login_required")
    assert call(client, "GET", "/customers/nonsense/orders/").status_code == 404
    assert invalid_fields(call(client, "GET", f"{path}?customer_id={CUSTOMERS_ID}")) == ["customer_id"]


def test_an_erased_customers_orders_stay_with_the_office() -> None:
    shop = Shop()
    cart, client = shopper((shop.product, 1))
    own = bought(cart, client)
    accounts.erase_customer(customer_id=cart.customer_id or new_id(), now=NOW)
    checkout.forget_customer(customer_id=cart.customer_id or new_id())

    path = f"/customers/{cart.customer_id}/orders/"
    assert found(client_of(Role.HEAD_OFFICE), path) == [str(own)]
    assert call(client, "GET", path).status_code == 401


def test_the_figures_count_by_status_less_what_went_back() -> None:
    shop = Shop()
    order((shop.product, 3))
    given_back = pay(order((shop.product, 2)))
    checkout.carry_out_refund(refund_id=refund(given_back, (shop.product, 1)).id, now=NOW)
    client = client_of(Role.HEAD_OFFICE)

    answer = client.get("/api/v1/orders/stats/")

    assert answer.json()["results"] == [
        {"status": "pending", "orders": 1, "revenue": "30.00"},
        {"status": "paid", "orders": 1, "revenue": "10.00"},
        *(
            {"status": status, "orders": 0, "revenue": "0.00"}
            for status in ("processing", "completed", "cancelled", "refunded")
        ),
    ]
    earlier = client.get("/api/v1/orders/stats/", {"to": localdate(NOW - timedelta(days=2)).isoformat()}).json()
    assert {row["orders"] for row in earlier["results"]} == {0}
    for other in (client_of(Role.CASHIER, shop.lyon), client_of(Role.WAREHOUSE), reseller(), shopper()[1]):
        assert refusal_of(other.get("/api/v1/orders/stats/")) == (403, "not_allowed")


# --- Sent elsewhere -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["guest", "customer", "reseller", "head office"])
def test_a_pending_order_is_sent_elsewhere_by_its_buyer_or_the_office(who: str) -> None:
    shop = Shop()
    placed, client = placed_by(who, shop)

    answer = call(client, "PUT", f"/orders/{placed}/", {"shipping_address": ELSEWHERE, "email": "New@Example.com"})

    assert answer.status_code == 200
    assert (answer.json()["address"]["line1"], answer.json()["email"]) == ("1 quai Lassagne", "new@example.com")
    assert call(client, "GET", f"/orders/{placed}/").json() == answer.json()


def placed_by(who: str, shop: Shop) -> tuple[UUID, Client]:
    """An order, and a client of somebody who bought it or, for the head office, manages it."""
    if who == "guest":
        cart, client = guest((shop.product, 1))
        return bought(cart, client), client
    if who == "customer":
        cart, client = shopper((shop.product, 1))
        return bought(cart, client), client
    if who == "reseller":
        client = reseller()
        return ordered(client, (shop.product, 1)), client
    return order((shop.product, 1)).id, client_of(Role.HEAD_OFFICE)


def test_whoever_packs_an_order_does_not_send_it_elsewhere_nor_pay_nor_cancel_it() -> None:
    shop, placed = of_lyon()
    packers = [client_of(Role.CASHIER, shop.lyon), client_of(Role.STORE_MANAGER, shop.lyon), client_of(Role.WAREHOUSE)]
    forbidden = [
        (method, path, body)
        for method, path, body in about(placed.id)
        if method != "GET" and not path.endswith("/status/")
    ]

    with nothing_changes():
        for client in packers:
            for method, path, body in forbidden:
                assert refusal_of(call(client, method, path, body)) == (403, "not_allowed"), (method, path)


def test_a_change_keeps_what_it_does_not_name() -> None:
    shop = Shop()
    placed, client = placed_by("guest", shop)

    only_email = call(client, "PUT", f"/orders/{placed}/", {"email": "new@example.com"}).json()
    only_address = call(client, "PUT", f"/orders/{placed}/", {"shipping_address": ELSEWHERE}).json()

    assert (only_email["email"], only_email["address"]["line1"]) == ("new@example.com", "12 rue Mercière")
    assert (only_address["email"], only_address["address"]["line1"]) == ("new@example.com", "1 quai Lassagne")
    with nothing_changes():
        assert call(client, "PUT", f"/orders/{placed}/", {}).json() == only_address


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shipping_address": ELSEWHERE | {"country": "ZZ"}}, "country"),
        ({"email": "nonsense"}, "email"),
        ({"email": ""}, "email"),
        ({"status": "paid"}, "status"),
        ({"total": "0.01"}, "total"),
        ({"customer_id": CUSTOMERS_ID}, "customer_id"),
        ({"pickup_store_id": CUSTOMERS_ID}, "pickup_store_id"),
        ({"reserved_until": "2999-01-01T00:00:00Z"}, "reserved_until"),
    ],
)
def test_a_change_that_breaks_a_rule_is_refused(change: dict[str, Any], field: str) -> None:
    placed, client = placed_by("guest", Shop())

    with nothing_changes():
        assert invalid_fields(call(client, "PUT", f"/orders/{placed}/", change)) == [field]


def test_what_is_fetched_in_a_store_is_not_sent_anywhere() -> None:
    _, placed = of_lyon()

    with nothing_changes():
        answer = call(client_of(Role.HEAD_OFFICE), "PUT", f"/orders/{placed.id}/", {"shipping_address": ELSEWHERE})
        assert invalid_fields(answer) == ["shipping_address"]


def test_a_paid_order_goes_where_it_was_to_go() -> None:
    shop = Shop()
    placed = pay(order((shop.product, 1)))

    with nothing_changes():
        answer = call(client_of(Role.HEAD_OFFICE), "PUT", f"/orders/{placed.id}/", {"email": "new@example.com"})
    assert refusal_of(answer) == (409, "order_not_pending")
    assert answer.json()["order_status"] == "paid"


# --- Step by step ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER])
def test_a_store_hands_over_what_is_fetched_there(role: Role) -> None:
    shop, placed = of_lyon()
    pay(placed)
    client = client_of(role, shop.lyon)

    steps = [step(client, placed, status) for status in ("processing", "completed")]

    assert [answer.status_code for answer in steps] == [200, 200]
    assert steps[1].json()["status"] == "completed"
    assert [each["step"] for each in steps[1].json()["steps"]] == [
        *("placed", "payment_started", "paid", "processing", "sent", "completed"),
    ]
    with nothing_changes():
        assert step(client, placed, "completed").json() == steps[1].json()
        assert refusal_of(step(client_of(role, shop.lille), placed, "completed")) == (404, "order_not_found")


def step(client: Client, placed: Order, status: str) -> Any:
    return call(client, "PUT", f"/orders/{placed.id}/status/", {"status": status})


def test_each_place_sends_its_own_part_of_an_order() -> None:
    shop = Shop(3)
    put_in_stock(shop.product, shop.lyon, 2)
    placed = pay(order((shop.product, 5)))
    lyon, warehouse = client_of(Role.CASHIER, shop.lyon), client_of(Role.WAREHOUSE)

    def send(client: Client, place: UUID) -> Any:
        return call(client, "POST", f"/orders/{placed.id}/parcels/{place}/send/")

    with nothing_changes():
        assert refusal_of(send(lyon, shop.lyon.id)) == (409, "impossible_step")
    step(warehouse, placed, "processing")
    with nothing_changes():
        assert refusal_of(send(lyon, shop.warehouse.id)) == (403, "not_allowed")
        assert refusal_of(send(warehouse, shop.lille.id)) == (404, "parcel_not_found")
        assert refusal_of(send(client_of(Role.CASHIER, shop.lille), shop.lille.id)) == (404, "order_not_found")
        for client in (lyon, warehouse):
            assert refusal_of(step(client, placed, "completed")) == (403, "not_allowed")
    first = send(lyon, shop.lyon.id)
    assert (first.status_code, first.json()["status"]) == (200, "processing")
    assert {
        parcel["location_id"]: (parcel["items"], parcel["sent_at"] is None) for parcel in first.json()["parcels"]
    } == {
        str(shop.warehouse.id): ([{"product_id": str(shop.product.id), "quantity": 3}], True),
        str(shop.lyon.id): ([{"product_id": str(shop.product.id), "quantity": 2}], False),
    }
    with nothing_changes():
        assert send(lyon, shop.lyon.id).json() == first.json()
    assert send(warehouse, shop.warehouse.id).json()["status"] == "completed"


def test_the_office_completes_an_order_of_several_places_at_once() -> None:
    shop = Shop(3)
    put_in_stock(shop.product, shop.lyon, 2)
    placed, office = pay(order((shop.product, 5))), client_of(Role.HEAD_OFFICE)

    step(office, placed, "processing")
    done = step(office, placed, "completed").json()

    assert (done["status"], [parcel["sent_at"] is None for parcel in done["parcels"]]) == ("completed", [False, False])


def test_an_order_paid_by_another_way_is_the_offices_to_say() -> None:
    shop, placed = of_lyon()

    with nothing_changes():
        for client in (client_of(Role.CASHIER, shop.lyon), client_of(Role.WAREHOUSE)):
            for status in ("paid", "cancelled", "refunded", "pending"):
                assert refusal_of(step(client, placed, status)) == (403, "not_allowed")
    assert step(client_of(Role.HEAD_OFFICE), placed, "paid").json()["status"] == "paid"
    assert shop.shelf(shop.lyon) == (4, 0)


def test_a_buyer_takes_no_step() -> None:
    shop = Shop()
    buyers = [placed_by(who, shop) for who in ("guest", "customer", "reseller")]

    with nothing_changes():
        for placed, client in buyers:
            for status in ("paid", "processing", "cancelled"):
                answer = call(client, "PUT", f"/orders/{placed}/status/", {"status": status})
                assert refusal_of(answer) in [(401, "login_required"), (403, "not_allowed")]
            for method, path in (("DELETE", f"/orders/{placed}/"), ("POST", f"/orders/{placed}/refund/")):
                assert refusal_of(call(client, method, path)) in [(401, "login_required"), (403, "not_allowed")]


def test_an_impossible_step_names_the_possible_ones() -> None:
    shop = Shop()
    office = client_of(Role.HEAD_OFFICE)
    pending, paid = order((shop.product, 1)), pay(order((shop.product, 1)))

    with nothing_changes():
        for placed, asked, possible in [
            (pending, "processing", ["paid", "cancelled"]),
            (pending, "completed", ["paid", "cancelled"]),
            (pending, "refunded", ["paid", "cancelled"]),
            (paid, "completed", ["processing", "refunded"]),
            (paid, "cancelled", ["processing", "refunded"]),
        ]:
            answer = step(office, placed, asked)
            assert refusal_of(answer) == (409, "impossible_step")
            assert (answer.json()["asked"], answer.json()["possible"]) == (asked, possible)
        assert invalid_fields(step(office, paid, "lost")) == ["status"]
        body = {"status": "processing", "total": "0.01"}
        assert invalid_fields(call(office, "PUT", f"/orders/{paid.id}/status/", body)) == ["total"]


# --- Given up -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["guest", "customer", "reseller", "head office"])
def test_a_pending_order_is_given_up_by_its_buyer_or_the_office(who: str) -> None:
    shop, key = Shop(), once()
    placed, client = placed_by(who, shop)
    assert shop.shelf() == (10, 1)

    answer = call(client, "POST", f"/orders/{placed}/cancel/", {"reason": "Ordered twice"}, **key)

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert [(each["step"], each["note"]) for each in answer.json()["steps"]][-1] == ("cancelled", "Ordered twice")
    assert shop.shelf() == (10, 0)
    with nothing_changes():
        again = call(client, "POST", f"/orders/{placed}/cancel/", {"reason": "Ordered twice"}, **key)
        other = call(client, "POST", f"/orders/{placed}/cancel/", {"reason": "No"}, **key)
        without = call(client, "POST", f"/orders/{placed}/cancel/")
    assert again.json() == without.json() == answer.json()
    assert refusal_of(other) == (422, "idempotency_key_reused")


def test_what_is_being_paid_or_paid_is_not_given_up() -> None:
    shop, office = Shop(), client_of(Role.HEAD_OFFICE)
    placed = order((shop.product, 1))
    payment = begin_payment(placed)

    with nothing_changes():
        for method, path in (("POST", f"/orders/{placed.id}/cancel/"), ("DELETE", f"/orders/{placed.id}/")):
            answer = call(office, method, path)
            assert refusal_of(answer) == (409, "payment_running")
            assert answer.json()["job_id"] == str(payment.id)
    checkout.charge(payment_id=payment.id, now=NOW)
    with nothing_changes():
        for method, path in (("POST", f"/orders/{placed.id}/cancel/"), ("DELETE", f"/orders/{placed.id}/")):
            assert refusal_of(call(office, method, path)) == (409, "impossible_step")


def test_a_deleted_order_stays_with_its_trace() -> None:
    shop = Shop()
    placed = order((shop.product, 1))

    answer = call(client_of(Role.HEAD_OFFICE), "DELETE", f"/orders/{placed.id}/")

    assert (answer.status_code, answer.content) == (204, b"")
    left = checkout.order(order_id=placed.id)
    assert (left.status, left.steps[-1].note) == (OrderStatus.CANCELLED, "deleted")
    assert left.steps[-1].actor_id is not None
    assert shop.shelf() == (10, 0)


@pytest.mark.parametrize("change", [{"reason": "x" * 201}, {"reason": 1}, {"status": "cancelled"}])
def test_a_cancellation_that_is_none_is_refused(change: dict[str, Any]) -> None:
    placed, client = placed_by("guest", Shop())

    with nothing_changes():
        assert invalid_fields(call(client, "POST", f"/orders/{placed}/cancel/", change)) == list(change)


# --- Money back -----------------------------------------------------------------------------------------------------


def test_the_office_refunds_pieces_and_then_the_rest() -> None:
    shop, office, key = Shop(), client_of(Role.HEAD_OFFICE), once()
    placed = pay(order((shop.product, 3)))
    path = f"/orders/{placed.id}/refund/"
    body = {"items": [{"product_id": shop.product.id, "quantity": 1}], "reason": "Too loud"}

    answer = call(office, "POST", path, body, **key)

    assert answer.status_code == 202
    assert answer.json() == {
        "id": answer.json()["id"],
        "state": "running",
        "amount": "10.00",
        "items": [{"product_id": str(shop.product.id), "quantity": 1}],
        "restock": True,
        "reason": "Too loud",
        "started_at": answer.json()["started_at"],
    }
    checkout.carry_out_refund(refund_id=UUID(answer.json()["id"]), now=NOW)
    with nothing_changes():
        assert call(office, "POST", path, body, **key).json() == answer.json()
        assert refusal_of(call(office, "POST", path, body | {"restock": False}, **key)) == (
            422,
            "idempotency_key_reused",
        )
    rest = call(office, "POST", path)
    assert (rest.status_code, rest.json()["amount"]) == (202, "20.00")
    checkout.carry_out_refund(refund_id=UUID(rest.json()["id"]), now=NOW)
    assert checkout.order(order_id=placed.id).refunded == Decimal("30.00")
    assert status_of(placed) is OrderStatus.REFUNDED
    assert shop.shelf() == (10, 0)


def test_no_more_goes_back_than_was_paid() -> None:
    shop, office = Shop(), client_of(Role.HEAD_OFFICE)
    pending, placed = order((shop.product, 1)), pay(order((shop.product, 2)))
    path = f"/orders/{placed.id}/refund/"

    with nothing_changes():
        answer = call(office, "POST", path, {"items": [{"product_id": shop.product.id, "quantity": 3}]})
        assert refusal_of(answer) == (409, "refund_exceeds_order")
        assert (answer.json()["requested"], answer.json()["refundable"]) == (3, 2)
        answer = call(office, "POST", f"/orders/{pending.id}/refund/")
        assert refusal_of(answer) == (409, "impossible_step")
        strange = {"items": [{"product_id": new_id(), "quantity": 1}]}
        assert invalid_fields(call(office, "POST", path, strange)) == ["items"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"product_id": CUSTOMERS_ID, "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{"product_id": CUSTOMERS_ID, "quantity": -1}]}, "items.0.quantity"),
        ({"items": [{"product_id": CUSTOMERS_ID, "quantity": 1, "unit_price": "99.00"}]}, "items.0.unit_price"),
        ({"restock": "perhaps"}, "restock"),
        ({"amount": "99.00"}, "amount"),
        ({"reason": "x" * 201}, "reason"),
    ],
)
def test_a_refund_that_is_none_is_refused(change: dict[str, Any], field: str) -> None:
    shop = Shop()
    placed = pay(order((shop.product, 2)))

    with nothing_changes():
        answer = call(client_of(Role.HEAD_OFFICE), "POST", f"/orders/{placed.id}/refund/", change)
        assert invalid_fields(answer) == [field]


def test_the_office_alone_gives_money_back() -> None:
    shop, placed = of_lyon()
    pay(placed)
    staff: list[Callable[[Location], Client]] = [
        lambda store: client_of(Role.CASHIER, store),
        lambda store: client_of(Role.STORE_MANAGER, store),
        lambda _: client_of(Role.WAREHOUSE),
    ]

    with nothing_changes():
        for make in staff:
            answer = call(make(shop.lyon), "POST", f"/orders/{placed.id}/refund/")
            assert refusal_of(answer) == (403, "not_allowed")


def test_an_order_nobody_paid_in_time_says_so() -> None:
    shop = Shop()
    placed, client = placed_by("guest", shop)

    assert checkout.expire(now=NOW + A_WHILE * 2) == 1

    shown = call(client, "GET", f"/orders/{placed}/").json()
    assert (shown["status"], shown["steps"][-1]["step"], shown["reserved_until"]) == ("cancelled", "expired", None)
    assert shown["email"] == EMAIL
