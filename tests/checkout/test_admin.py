"""Orders in the admin: to be read, in the places that handle them."""

from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from checkout.interface import checkout
from tests.accounts.actions import register
from tests.admin import browser
from tests.chain import make_product, make_store, put_in_stock
from tests.checkout.actions import NOW, Shop, begin_payment, fill, order, pay, pick_up, process, refund
from tests.checkout.bank import Bank
from tests.checkout.test_paying import REFUSED
from tests.checkout.web import nothing_changes

pytestmark = pytest.mark.django_db

ORDERS = "/admin/checkout/order/"


def shown(client: Client, query: str = "") -> list[str]:
    """The references of the orders in the list."""
    return [row.reference for row in client.get(f"{ORDERS}{query}").context["cl"].result_list]


def page_of(client: Client, order_id: Any) -> str:
    answer = client.get(f"{ORDERS}{order_id}/change/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_orders_are_listed_latest_first_with_who_bought_and_how_they_stand() -> None:
    shop = Shop()
    customer = register(email="anne@example.com", name="Anne <b>Durand</b>")
    bought = process(*fill((shop.product, 1), customer_id=customer.id))
    paid = pay(order((shop.product, 2)))
    client = browser(Role.HEAD_OFFICE)

    assert shown(client) == [paid.reference, bought.reference]
    text = client.get(ORDERS).content.decode()
    for word in ("To be paid", "Paid", "Web shop", "Reseller", "Anne &lt;b&gt;Durand&lt;/b&gt;", "20.00"):
        assert word in text
    assert "<b>Durand" not in text


def test_an_order_shows_all_that_happened_to_it(bank: Bank) -> None:
    shop = Shop(0)
    product = make_product(name="<i>Keyboard</i>")
    put_in_stock(product, shop.lyon, 5)
    placed = order((product, 3), destination=pick_up(shop.lyon))
    bank.says = [REFUSED]
    checkout.charge(payment_id=begin_payment(placed).id, now=NOW)
    pay(placed)
    given = refund(placed, (product, 1), reason="Too <loud>")
    checkout.carry_out_refund(refund_id=given.id, now=NOW)

    text = page_of(browser(Role.HEAD_OFFICE), placed.id)

    for word in (
        *(placed.reference, "Picked up: Lyon", "&lt;i&gt;Keyboard&lt;/i&gt;", "30.00", "10.00", "Visa 4242"),
        *("Refused", "insufficient_funds", "Succeeded", "Too &lt;loud&gt;", "-10.00"),
        *("Placed", "Payment begun", "Payment refused", "Refunded"),
    ):
        assert word in text, word
    assert "<i>Keyboard" not in text
    assert "&#x27;" not in text


def test_orders_are_found_by_reference_e_mail_id_and_state() -> None:
    shop = Shop()
    one = process(*fill((shop.product, 1), customer_id=register(email="anne@example.com").id))
    other = pay(order((shop.product, 1)))
    client = browser(Role.HEAD_OFFICE)

    assert shown(client, f"?q={one.reference.lower()}") == [one.reference]
    assert shown(client, f"?q={other.id}") == [other.reference]
    assert shown(client, f"?q={one.email.upper()}") == [other.reference, one.reference]
    assert shown(client, "?q=nothing") == []
    assert shown(client, "?status=paid") == [other.reference]
    assert shown(client, "?channel=web") == [one.reference]


def test_a_store_sees_what_it_sends_or_hands_over() -> None:
    shop = Shop()
    put_in_stock(shop.product, shop.lyon, 5)
    here, elsewhere = order((shop.product, 1), destination=pick_up(shop.lyon)), order((shop.product, 1))
    client = browser(Role.CASHIER, shop.lyon)

    assert shown(client) == [here.reference]
    assert here.reference in page_of(client, here.id)
    # A row that is not there leads back.
    assert client.get(f"{ORDERS}{elsewhere.id}/change/").status_code == 302
    assert shown(browser(Role.WAREHOUSE)) == [elsewhere.reference, here.reference]


def test_whoever_handles_no_orders_sees_none_and_nobody_changes_one() -> None:
    shop = Shop()
    placed = order((shop.product, 1))
    stranger, office = browser(Role.CATALOG_MANAGER, make_store()), browser(Role.HEAD_OFFICE)

    with nothing_changes():
        for path in (ORDERS, f"{ORDERS}{placed.id}/change/"):
            assert stranger.get(path).status_code == 403
        assert office.get(f"{ORDERS}add/").status_code == 403
        assert office.post(f"{ORDERS}{placed.id}/change/", {"status": "paid"}).status_code == 403
        assert office.post(f"{ORDERS}{placed.id}/delete/", {"post": "yes"}).status_code == 403


def test_an_erased_buyers_order_shows_nothing_of_them() -> None:
    shop = Shop()
    customer = register(email="anne@example.com", name="Anne Durand")
    placed = process(*fill((shop.product, 1), customer_id=customer.id))
    checkout.cancel(order_id=placed.id, reason="Anne called", actor_id=None, now=NOW)
    checkout.forget_customer(customer_id=customer.id)

    text = page_of(browser(Role.HEAD_OFFICE), placed.id)

    for word in (placed.email, "12 rue", "Anne called"):
        assert word not in text
