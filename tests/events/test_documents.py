"""The events' schemas for other programs: written from the code, and true of what is published."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from accounts.interface import CustomerChanges, accounts
from cart.interface import carts
from catalog.interface import ProductChanges, catalog
from checkout.interface import OrderStatus, checkout
from shared_kernel import outbox
from shared_kernel.events import event_types
from shared_kernel.relay import relay
from tests.accounts.actions import register
from tests.cart.actions import NOW, visitor
from tests.cart.actions import add as add_to_cart
from tests.chain import make_product, make_store, put_in_stock, sell
from tests.checkout.actions import Shop, order, pay, refund
from tests.checkout.bank import Bank
from tests.checkout.conftest import bank
from tests.events.documents import FOLDER, documents
from tests.events.queue import jobs
from tests.replenishment.actions import Chain, approve, reject, request, set_thresholds
from tests.sales.actions import give_back

__all__ = ["bank"]

pytestmark = pytest.mark.django_db


def customers() -> None:
    customer = register()
    accounts.change_customer(customer_id=customer.id, changes=CustomerChanges(name="Other"))
    accounts.erase_customer(customer_id=customer.id, now=NOW)


def products() -> None:
    product = make_product()
    catalog.update_product(product_id=product.id, changes=ProductChanges(name="Other"))
    catalog.archive_product(product_id=product.id)


def stock() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    set_thresholds(store, product, reorder_point=9, target=20)
    give_back(sell(product, store, 2))


def requests() -> None:
    approve(request(Chain()))
    reject(request(Chain()))


def abandoned_cart() -> None:
    product = make_product()
    put_in_stock(product, make_store(), 10)
    add_to_cart(visitor(), product)
    carts.abandon(now=NOW + timedelta(days=400))


def orders() -> None:
    shop = Shop(10)
    promised = refund(pay(order((shop.product, 1))))
    checkout.carry_out_refund(refund_id=promised.id, now=NOW)
    placed = pay(order((shop.product, 1)))
    checkout.advance(order_id=placed.id, status=OrderStatus.PROCESSING, actor_id=None, now=NOW)
    checkout.cancel(order_id=order((shop.product, 1)).id, reason="", actor_id=None, now=NOW)


STORIES: dict[Callable[[], None], set[str]] = {
    customers: {"customer.created", "customer.updated", "customer.deleted"},
    products: {"product.created", "product.updated", "product.archived"},
    stock: {"stock.changed", "stock.low", "sale.recorded", "sale.returned"},
    requests: {"replenishment.requested", "replenishment.approved", "replenishment.rejected"},
    abandoned_cart: {"cart.abandoned"},
    orders: {"order.created", "order.paid", "order.updated", "order.cancelled", "order.refunded"},
}


def schema_of(name: str) -> Any:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return schema


def errors(event: Any) -> list[str]:
    """What the schema in the folder has against an event."""
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(schema_of(event["type"]), format_checker=checker)
    return [error.message for error in validator.iter_errors(event)]


def test_the_folder_describes_the_events_as_they_are() -> None:
    written = {file.name: file.read_text() for file in FOLDER.iterdir()}

    assert written == documents(), "Run `make events` and commit docs/events."


def test_every_event_is_in_one_story() -> None:
    assert sorted(name for names in STORIES.values() for name in names) == list(event_types())


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_is_published_is_as_its_schema_says(story: Callable[[], None], own_subscribers: None, bank: Bank) -> None:
    outbox.forward(relay, in_order=True)

    story()

    events = [job["event"] for job in jobs("relay_event")]
    assert STORIES[story] <= {event["type"] for event in events}
    assert {event["type"]: found for event in events if (found := errors(event))} == {}


@pytest.mark.parametrize("name", event_types())
def test_every_schema_says_what_it_means_and_has_an_example_that_holds(name: str) -> None:
    schema = schema_of(name)

    assert schema["description"]
    assert [errors(example) for example in schema["examples"]] == [[]]
    assert all(field["description"] for field in schema["properties"]["data"]["properties"].values())


def test_a_schema_finds_what_is_wrong() -> None:
    example = schema_of("stock.changed")["examples"][0]

    assert errors(example | {"version": 2})
    assert errors(example | {"data": example["data"] | {"on_hand": "3"}})
    assert errors(example | {"data": example["data"] | {"product_id": "3"}})
    assert errors(example | {"data": {}})
    assert errors(example | {"more": 1})
    assert errors(example) == []
