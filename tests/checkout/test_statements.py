"""What orders cost the database: as many statements for a hundred lines as for one."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.interface import Role, accounts
from checkout import models
from checkout.interface import OrderedItem, checkout
from checkout.rules import MAX_LINES
from inventory.interface import inventory
from shared_kernel.ids import new_id
from tests.accounts.actions import customer_client, home, register
from tests.cart.actions import Owner, fill, many_goods, owner_of, visitor
from tests.chain import client_of, make_warehouse
from tests.checkout.actions import AT_HOME, EMAIL, NOW, begin_payment, refund
from tests.checkout.web import ADDRESS, CARD, reseller

pytestmark = [pytest.mark.django_db, pytest.mark.plain_calls]

SIZES = (1, MAX_LINES)


def taken(client: Client, method: str, path: str, body: Any = None, **headers: str) -> list[str]:
    """The statements that a call takes, which is not refused."""
    content = "" if body is None else json.dumps(body, default=str)
    with CaptureQueriesContext(connection) as captured:
        answer = client.generic(method, f"/api/v1{path}", content, content_type="application/json", headers=headers)
    assert answer.status_code < 300, answer.json()
    return [query["sql"] for query in captured]


def buyer(known: str, size: int) -> tuple[Owner, Client]:
    """Somebody with so many lines in their cart."""
    if known == "by token":
        owner = visitor()
        client = Client(headers={"X-Cart-Token": owner.token})
    else:
        email = f"{new_id()}@example.com"
        owner = owner_of(register(email=email).id)
        client = customer_client(email)
    fill(owner, many_goods(size))
    return owner, client


def placed(size: int, client: Client | None = None) -> str:
    """The id of an order of so many lines."""
    products = [{"id": str(product.id), "quantity": 1} for product in many_goods(size)]
    body = {"products": products, "shipping_address": ADDRESS}
    answer = (client or reseller()).post("/api/v1/orders/", body, content_type="application/json")
    return str(answer.json()["id"])


def same_for_any_number_of_lines(counts: list[list[str]], *, most: int) -> None:
    few, many = map(len, counts)
    assert few == many <= most, "\n".join(f"{number} {sql[:90]}" for number, sql in enumerate(counts[1], start=1))


@pytest.mark.parametrize("known", ["by login", "by token"])
@pytest.mark.parametrize("where", ["to an address", "to one of their book", "to a store"])
def test_a_checkout_takes_at_most_twenty_five_statements(known: str, where: str) -> None:
    counts = []
    for size in SIZES:
        owner, client = buyer(known, size)
        body = {"cart_id": owner.cart_id} | destination(where, owner, known)
        counts.append(taken(client, "POST", "/checkout/process/", body, **{"Idempotency-Key": "a-key"}))

    same_for_any_number_of_lines(counts, most=25)


def destination(where: str, owner: Owner, known: str) -> dict[str, Any]:
    """Where it goes; for whoever is logged in, with nothing said of their e-mail."""
    email = {} if known == "by login" else {"email": EMAIL}
    if where == "to a store":
        [line] = owner.cart.lines[:1]
        [held] = inventory.online_stock(product_ids=[line.product_id])
        return {"pickup_store_id": held.location_id, **email}
    if where == "to one of their book" and known == "by login":
        address = accounts.add_address(customer_id=owner.customer_id, address_id=new_id(), draft=home())
        return {"address_id": address.id}
    return {"shipping_address": ADDRESS}


def test_a_direct_order_takes_at_most_twenty_five_statements() -> None:
    counts = []
    for size in SIZES:
        products = [{"id": product.id, "quantity": 1} for product in many_goods(size)]
        client = reseller()
        client.get("/api/v1/orders/")
        body = {"products": products, "shipping_address": ADDRESS}
        counts.append(taken(client, "POST", "/orders/", body, **{"Idempotency-Key": "a-key"}))

    same_for_any_number_of_lines(counts, most=25)


def test_an_order_is_read_in_as_many_statements() -> None:
    client = client_of(Role.HEAD_OFFICE)
    counts = [taken(client, "GET", f"/orders/{placed(size)}/") for size in SIZES]

    same_for_any_number_of_lines(counts, most=8)


def test_a_list_is_read_in_as_many_statements() -> None:
    client = client_of(Role.HEAD_OFFICE)
    placed(1)
    few = taken(client, "GET", "/orders/")
    for _ in range(19):
        placed(2)

    same_for_any_number_of_lines([few, taken(client, "GET", "/orders/")], most=3)


def test_a_dry_run_takes_as_many_statements() -> None:
    counts = []
    for size in SIZES:
        owner, client = buyer("by token", size)
        counts.append(taken(client, "POST", "/checkout/validate/", {"cart_id": owner.cart_id}))

    same_for_any_number_of_lines(counts, most=8)


def test_a_payment_is_begun_in_as_many_statements() -> None:
    client = client_of(Role.HEAD_OFFICE)
    counts = []
    for size in SIZES:
        order_id = placed(size)
        counts.append(
            taken(client, "POST", f"/orders/{order_id}/payment/", {"card": CARD}, **{"Idempotency-Key": order_id})
        )

    same_for_any_number_of_lines(counts, most=31)


def test_a_payment_is_carried_out_in_as_many_statements() -> None:
    make_warehouse()
    counts = []
    for size in SIZES:
        items = [OrderedItem(product.id, 1) for product in many_goods(size)]
        order = checkout.place_order(
            order_id=new_id(), items=items, destination=AT_HOME, customer_id=None, actor_id=None, now=NOW
        )
        payment = begin_payment(order)
        with CaptureQueriesContext(connection) as captured:
            checkout.charge(payment_id=payment.id, now=NOW)
            checkout.report_sale(order_id=order.id)
        counts.append([query["sql"] for query in captured])

    same_for_any_number_of_lines(counts, most=32)


def test_a_refund_is_decided_in_a_number_of_statements_that_its_own_lines_set() -> None:
    counts = []
    for size in SIZES:
        products = many_goods(size)
        items = [OrderedItem(product.id, 2) for product in products]
        order = checkout.place_order(
            order_id=new_id(), items=items, destination=AT_HOME, customer_id=None, actor_id=None, now=NOW
        )
        checkout.charge(payment_id=begin_payment(order).id, now=NOW)
        with CaptureQueriesContext(connection) as captured:
            refund(order, (products[0], 1))
        counts.append([query["sql"] for query in captured])

    same_for_any_number_of_lines(counts, most=16)


def test_what_is_taken_up_every_minute_and_what_a_program_has_placed_is_found_by_an_index() -> None:
    with CaptureQueriesContext(connection) as captured:
        checkout.take_up(now=NOW)
        checkout.orders(placed_by=new_id())
        list(models.Order.objects.filter(email=EMAIL))
    looks = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    plans = []
    with connection.cursor() as cursor:
        # A table of no rows would be read whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for look in looks:
            cursor.execute(f"EXPLAIN {look}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))

    indexes = ["payment_under_way", "order_by_", "refund_under_way", "order_by_program", "order_by_email"]
    assert [index in plan for index, plan in zip(indexes, plans, strict=True)] == [True] * 5, plans
