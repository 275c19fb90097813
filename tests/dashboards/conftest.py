from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.interface import Role
from accounts.models import User
from catalog.interface import Product
from inventory.interface import Location
from tests.chain import make_person, make_product, make_store, make_warehouse, put_in_stock


@dataclass(frozen=True)
class Chain:
    """A warehouse that holds 100 keyboards, and two stores of which the first holds 20."""

    central: Location
    lyon: Location
    lille: Location
    keyboard: Product


@pytest.fixture
def chain(db: None) -> Chain:
    central, lyon, lille = make_warehouse("Central"), make_store("Lyon"), make_store("Lille")
    keyboard = make_product(sku="KEY-1", name="Keyboard")
    put_in_stock(keyboard, central, 100)
    put_in_stock(keyboard, lyon, 20)
    return Chain(central, lyon, lille, keyboard)


def visitor(role: Role, *stores: Location) -> Client:
    """A browser in which a fresh member of staff is logged in."""
    client = Client()
    client.force_login(User.objects.get(email=make_person(role, *stores)))
    return client
