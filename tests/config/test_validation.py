"""Whether values would do, asked beforehand."""

from typing import Any

import pytest
from django.test import Client

from accounts.api.customers import CAMILLE
from accounts.interface import Action
from catalog.api import KEYBOARD
from checkout.api.placing import HOME
from shared_kernel.ids import new_id
from tests.accounts.actions import register
from tests.chain import make_product
from tests.checkout.actions import everything
from tests.checkout.web import call, machine, refusal_of

pytestmark = pytest.mark.django_db

PERSON = CAMILLE | {"password": "un-mot-de-passe-a-moi"}
ORDER = {"products": [{"id": str(new_id()), "quantity": 1}], "shipping_address": HOME}


def verdict(kind: str, body: Any) -> Any:
    """What a program that may do nothing of the kind is answered."""
    before = everything()
    answer = call(machine(Action.READ_REPORTS), "POST", f"/validate/{kind}/", body)
    assert (answer.status_code, everything()) == (200, before)
    return answer.json()


def wrong(kind: str, body: Any) -> list[str]:
    """The fields with which something is wrong."""
    told = verdict(kind, body)
    assert (told["valid"], [*told["errors"][0]]) == (False, ["field", "message"])
    return [error["field"] for error in told["errors"]]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("product", KEYBOARD),
        ("customer", PERSON),
        ("email", {"email": "Camille@Example.com"}),
        ("phone", {"phone": "06 12 34 56 78"}),
        ("order", ORDER),
        (
            "order",
            {"product": {"id": str(new_id()), "quantity": 1}, "pickup_store_id": str(new_id()), "email": "a@b.fr"},
        ),
        ("stock", {"quantity": 0, "reorder_point": None}),
    ],
)
def test_what_the_real_operation_would_take_is_valid(kind: str, body: Any) -> None:
    assert verdict(kind, body) == {"valid": True, "errors": []}


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        ("product", {"name": "Nameless"}, ["sku", "category", "price"]),
        ("product", KEYBOARD | {"price": "0.00", "quantity": 3}, ["price"]),
        ("product", KEYBOARD | {"quantity": 3}, ["quantity"]),
        # The check digit is a rule of the catalogue, not of the body's shape.
        ("product", KEYBOARD | {"barcode": "3760123450018"}, ["barcode"]),
        ("product", [], ["body"]),
        ("customer", PERSON | {"phone": "12", "password": "password"}, ["phone", "password"]),
        ("customer", {"email": "camille"}, ["email", "name", "password"]),
        ("email", {}, ["email"]),
        ("email", {"email": "camille@"}, ["email"]),
        ("email", {"email": "camille@exämple.com"}, ["email"]),
        ("email", {"email": "a@b.fr", "name": "Camille"}, ["name"]),
        ("phone", {}, ["phone"]),
        ("phone", {"phone": ""}, ["phone"]),
        ("phone", {"phone": "+33 1"}, ["phone"]),
        ("order", {"shipping_address": HOME}, ["body"]),
        ("order", ORDER | {"products": [{"id": "1", "quantity": 0}]}, ["products.0.id", "products.0.quantity"]),
        ("order", ORDER | {"email": "camille"}, ["email"]),
        ("order", ORDER | {"shipping_address": HOME | {"postal_code": "1"}}, ["postal_code"]),
        ("stock", {"quantity": -1}, ["quantity"]),
        ("stock", {"quantity": True}, ["quantity"]),
        ("stock", {"quantity": 1, "on_hand": 1}, ["on_hand"]),
    ],
)
def test_what_it_would_refuse_is_told(kind: str, body: Any, fields: list[str]) -> None:
    assert wrong(kind, body) == fields


def test_nothing_is_told_of_what_exists() -> None:
    taken, known = make_product(), register(email="camille@example.com")

    assert verdict("product", KEYBOARD | {"sku": taken.sku})["valid"]
    assert verdict("customer", PERSON | {"email": known.email})["valid"]
    assert verdict("email", {"email": known.email})["valid"]


@pytest.mark.parametrize("kind", ["product", "customer", "email", "phone", "order", "stock"])
def test_nobody_is_answered_without_saying_who_they_are(kind: str) -> None:
    assert refusal_of(call(Client(), "POST", f"/validate/{kind}/", {})) == (401, "login_required")


@pytest.mark.parametrize("kind", ["product", "stock"])
def test_what_is_not_json_is_not_checked(kind: str) -> None:
    client = machine(Action.READ_REPORTS)

    answer = client.post(f"/api/v1/validate/{kind}/", "{", content_type="application/json")

    assert answer.status_code == 400
