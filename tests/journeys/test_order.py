"""From a cart to an order, its payment and its refund, over REST; in process, through JSON, and with every published
call sent twice."""

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.interface import Role
from checkout.interface import ProviderAway, checkout
from checkout.service.providers import Answer, Result, Unknown
from tests.accounts.actions import customer_client, register
from tests.chain import client_of, post, put_in_stock
from tests.checkout.actions import EMAIL, HOME, Shop, all_is_well
from tests.checkout.bank import Bank
from tests.checkout.conftest import bank
from tests.journeys.test_shop_floor import done

__all__ = ["bank"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("placement")]

AT_HOME = {"shipping_address": {**vars(HOME), "email": EMAIL}}
CARD = {"number": "4242 4242 4242 4242", "expiry_month": 12, "expiry_year": 2040, "security_code": "123"}


def pay(buyer: Client, order: Any) -> Any:
    """What the job says of a payment after the worker's part in it; also when that has to be repeated."""
    begun = done(post(buyer, f"/orders/{order['id']}/payment/", {"card": CARD}), 202)
    for _ in range(5):
        job = done(buyer.get(f"/api/v1/jobs/{begun['job_id']}/"), 200)
        if job["status"] not in {"queued", "running"}:
            return job
        with contextlib.suppress(ProviderAway):
            checkout.charge(payment_id=UUID(begun["job_id"]), now=datetime.now(UTC))
    raise AssertionError(job)


@pytest.mark.parametrize("is_pickup", [False, True], ids=["sent home", "picked up"])
def test_an_order_from_the_cart_to_the_refund(bank: Bank, is_pickup: bool) -> None:
    shop = Shop(10)
    put_in_stock(shop.product, shop.lyon, 10)
    place = shop.lyon if is_pickup else shop.warehouse
    destination = {"pickup_store_id": str(shop.lyon.id)} if is_pickup else AT_HOME
    register(email="camille@example.com")
    camille, head = customer_client("camille@example.com"), client_of(Role.HEAD_OFFICE)
    cart = done(camille.get("/api/v1/cart/mine/"), 200)

    item = {"product_id": str(shop.product.id), "quantity": 3}
    done(post(camille, f"/cart/{cart['id']}/items/", item), 200)
    new_price = {"price": "12.00"}
    done(head.patch(f"/api/v1/products/{shop.product.id}/", new_price, content_type="application/json"), 200)
    ordered = {"cart_id": cart["id"], **destination}
    assert done(post(camille, "/checkout/validate/", ordered), 200)["total"] == "36.00"
    assert done(post(camille, "/checkout/process/", ordered), 409)["code"] == "price_changed"
    order = done(post(camille, "/checkout/process/", ordered | {"accept_prices": True}), 201)
    assert done(camille.get("/api/v1/cart/mine/"), 200)["lines"] == []
    assert (order["total"], shop.shelf(place)) == ("36.00", (10, 3))

    bank.says = [Answer(Result.REFUSED, "ch_1", "card_declined")] * 2
    assert pay(camille, order)["outcome"]["code"] == "card_declined"
    bank.says, bank.happened = [Unknown(), Unknown()], True
    assert pay(camille, order)["status"] == "succeeded"
    assert [charge.amount for charge in bank.charges()] == [Decimal("36.00")]
    assert (done(camille.get(f"/api/v1/orders/{order['id']}/"), 200)["status"], shop.shelf(place)) == ("paid", (7, 0))
    checkout.report_sale(order_id=UUID(order["id"]))

    back = {"items": [{"product_id": str(shop.product.id), "quantity": 1}]}
    for body, on_hand in ((back, 8), ({}, 10)):
        refund = done(post(head, f"/orders/{order['id']}/refund/", body), 202)
        checkout.carry_out_refund(refund_id=UUID(refund["id"]), now=datetime.now(UTC))
        assert shop.shelf(place) == (on_hand, 0)
    refunded = done(camille.get(f"/api/v1/orders/{order['id']}/"), 200)
    assert (refunded["status"], refunded["refunded"]) == ("refunded", "36.00")
    report = done(head.get("/api/v1/reports/sales/?channel=online"), 200)["total"]
    assert (report["gross"], report["returned"], report["sales"], report["returns"]) == ("36.00", "36.00", 1, 2)
    assert all_is_well()
