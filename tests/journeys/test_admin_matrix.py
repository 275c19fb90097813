"""Every model of the admin for every role: whoever may not see its rows gets none of its pages, and changes nothing."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from accounts.models import User
from accounts.rules import POLICY
from shared_kernel.ids import new_id
from tests.admin import browser
from tests.checkout.conftest import bank
from tests.journeys.world import World, everything

# The payment provider of all calls.
__all__ = ["bank"]

pytestmark = pytest.mark.django_db

# What it takes to see the rows of each model, as in ADMIN_ACTIONS, but by hand.
ROWS = {
    "accounts.user": Action.EDIT_PEOPLE,
    "accounts.customer": Action.READ_PEOPLE,
    "accounts.apikey": Action.MANAGE_KEYS,
    "cart.cart": Action.READ_PEOPLE,
    "checkout.order": Action.READ_ORDERS,
    "catalog.product": Action.EDIT_CATALOG,
    "catalog.category": Action.EDIT_CATALOG,
    "inventory.location": Action.EDIT_STORES,
    "inventory.stocklevel": Action.READ_STOCK,
    "inventory.stockmovement": Action.READ_STOCK,
    "inventory.stockdiscrepancy": Action.READ_STOCK,
    "replenishment.request": Action.READ_STOCK,
    "replenishment.suggestion": Action.READ_STOCK,
    "sales.sale": Action.READ_SALES,
    "sales.tillsession": Action.SUPERVISE_TILL,
    "shared_kernel.auditentry": Action.READ_AUDIT,
    "shared_kernel.webhookendpoint": Action.MANAGE_KEYS,
    "shared_kernel.webhookdelivery": Action.MANAGE_KEYS,
}
HOME = "/admin/"

# Where rows are added or changed in a form; everywhere else a published interface does it.
EDITED = {"accounts.user", "catalog.product", "catalog.category", "inventory.location"}

MODELS: dict[str, type[Model]] = {model._meta.label_lower: model for model in admin.site._registry}


def pages_of(model: type[Model]) -> dict[str, str]:
    """The pages of a model, about a row that exists if there is one."""
    rows: Any = User.objects.staff() if model is User else model._default_manager
    row = rows.first()
    there = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    about = f"{there}{row.pk if row else new_id()}/"
    pages = {"list": there, "add": f"{there}add/", "change": f"{about}change/", "delete": f"{about}delete/"}
    return pages | ({"history": f"{about}history/"} if row else {})


def test_every_model_of_the_admin_has_a_row() -> None:
    assert MODELS.keys() == ROWS.keys()


@pytest.fixture
def world() -> World:
    draft = ApiKeyDraft("Till", frozenset({Action.SELL}))
    accounts.create_api_key(key_id=new_id(), key=new_secret_key(), draft=draft)
    return World()


@pytest.mark.parametrize("role", Role)
def test_whoever_may_not_see_rows_gets_no_page_of_them_and_changes_nothing(world: World, role: Role) -> None:
    client = browser(role, world.store)
    closed = [model for name, model in MODELS.items() if ROWS.get(name) not in POLICY[role]]
    before = everything()

    found = {
        (model._meta.label_lower, name, method): client.generic(method, path)
        for model in closed
        for name, path in pages_of(model).items()
        for method in ("GET", "POST")
    }

    # A row of another store is not there, which the history says before anything else.
    assert {
        cell for cell, answer in found.items() if answer.status_code != 403 and answer.get("Location") != HOME
    } == set()
    assert everything() == before


@pytest.mark.parametrize("role", Role)
def test_whoever_may_see_rows_sees_them_and_edits_what_has_a_form(world: World, role: Role) -> None:
    client = browser(role, world.store)
    open_to = [name for name in ROWS if ROWS[name] in POLICY[role]]
    before = everything()

    found = {
        (name, page): client.get(path).status_code
        for name in open_to
        for page, path in pages_of(MODELS[name]).items()
        if page in {"list", "add"}
    }
    posted = {
        (name, page): client.post(pages_of(MODELS[name])[page], {"post": "yes"}).status_code
        for name in open_to
        for page in ("add", "change", "delete")
        if name not in EDITED
    }

    assert found == {cell: 200 if cell[1] == "list" or cell[0] in EDITED else 403 for cell in found}
    assert set(posted.values()) == {403}
    assert everything() == before
