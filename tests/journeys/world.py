"""A small chain in which something of every kind exists, and a valid call of every operation about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection

from accounts import rules
from accounts.interface import AddressDraft, Letter, accounts
from accounts.models import User
from accounts.service.passwords import GENERATORS
from shared_kernel.ids import new_id
from tests.accounts.actions import EMAIL, home, register
from tests.chain import PASSWORD, make_product, make_store, put_in_stock, sell
from tests.replenishment.actions import Chain, approve, request, set_thresholds, ship, suggest_product
from tests.sales.actions import open_till

OTHER_EMAIL = "other@example.com"
NEW_PASSWORD = "an other horse with another staple"
PROFILE = {"email": EMAIL, "name": "Camille Martin", "phone": "+33612345678", "language": "fr"}
PRODUCT = {"sku": "KEY-2", "name": "Keyboard", "category": "Things", "price": "20.00"}
STORE = {"name": "Bellecour", "address": "3 place Bellecour, 69002 Lyon"}
HOME = {"name": "Camille", "line1": "12 rue Mercière", "city": "Lyon", "postal_code": "69002", "country": "FR"}


class World:
    """What exists: whatever belongs to a store belongs to `store`, and the address to the customer."""

    def __init__(self) -> None:
        chain = Chain(central=500, store=100, transit=True)
        self.warehouse, self.store, self.product = chain.warehouse, chain.store, chain.product
        self.elsewhere = make_store()
        self.customer_id, self.other_id = register().id, register(email=OTHER_EMAIL).id
        self.address_id = accounts.add_address(customer_id=self.customer_id, address_id=new_id(), draft=home()).id
        self.sale_id = sell(self.product, self.store, 3).id
        self.session_id = open_till(self.store).id
        self.pending_id, approved, shipped = request(chain).id, request(chain), request(chain)
        self.approved_id, self.shipped_id = approve(approved).id, ship(approve(shipped)).id
        # Of this one the store should ask for more.
        self.suggested = chain.product = make_product()
        put_in_stock(chain.product, chain.warehouse, 500)
        set_thresholds(chain.store, chain.product, reorder_point=30, target=42)
        assert suggest_product(chain)

    def code(self, letter: Letter) -> str:
        """The code that this letter to the customer holds."""
        return rules.code_of(self.customer_id, GENERATORS[letter].make_token(User.objects.get(id=self.customer_id)))
