"""Any sequence of what holders, orders, sales and the catalogue do to carts, each perhaps sent twice: the carts stay
what a few lines of plain Python say they are."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cart.interface import CartNotFound, NoticeCode, OrderedLine, cart_of, carts, new_token
from catalog.interface import ProductChanges, catalog
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id
from tests.cart.actions import NOW, Owner, customer, goods, item, notices, visitor
from tests.chain import make_store, put_in_stock, sell

CARTS = st.integers(0, 3)
PRODUCTS = st.integers(0, 2)
PIECES = st.integers(1, 8)
TIMES = st.integers(1, 2)

AT_FIRST = 10


class Shop(RuleBasedStateMachine):
    """Two customers, two visitors (another comes when one has logged in), three products in one store."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = atomic()
        self.transaction.__enter__()
        self.store = make_store()
        self.products = [goods(AT_FIRST, at=self.store) for _ in range(3)]
        self.stock = [AT_FIRST] * 3
        self.on_sale = [True] * 3
        self.prices = [Decimal("10.00")] * 3
        self.owners: list[Owner] = [customer(), customer(), visitor(), visitor()]
        # For each cart, what it holds: the pieces and the price when they were put in; and what is to be told.
        self.held: list[dict[int, tuple[int, Decimal]]] = [{}, {}, {}, {}]
        self.told: list[set[tuple[NoticeCode, int]]] = [set(), set(), set(), set()]

    def teardown(self) -> None:
        set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # --- The model --------------------------------------------------------------------------------------------------

    def send(self, times: int, write: Callable[..., Any], *, refusal: str | None, **arguments: Any) -> None:
        """Make the call, perhaps twice; it has to be accepted or refused as the model says, both times alike."""
        outcomes = []
        for _ in range(times):
            try:
                with atomic():
                    outcomes.append((None, write(now=NOW, **arguments)))
            except Refusal as refused:
                outcomes.append((refused.code, None))
        assert outcomes[0][0] == refusal, outcomes
        assert outcomes[0] == outcomes[-1]

    def keys(self, cart: int) -> dict[str, Any]:
        owner = self.owners[cart]
        return {"operation_id": new_id(), "cart_id": owner.cart_id, "holder": owner.holder}

    def available(self, product: int) -> int:
        return self.stock[product] if self.on_sale[product] else 0

    def item_id(self, cart: int, product: int) -> Any:
        return item(self.owners[cart], self.products[product]) if product in self.held[cart] else new_id()

    # --- The rules --------------------------------------------------------------------------------------------------

    @rule(cart=CARTS, product=PRODUCTS, pieces=PIECES, times=TIMES)
    def add(self, cart: int, product: int, pieces: int, times: int) -> None:
        wanted = pieces + self.held[cart].get(product, (0, None))[0]
        refusal = None
        if not self.on_sale[product]:
            refusal = "product_not_found"
        elif wanted > self.stock[product]:
            refusal = "not_enough_stock"
        goods = {"product_id": self.products[product].id, "quantity": pieces}
        self.send(times, carts.add_item, refusal=refusal, **self.keys(cart), **goods)
        if refusal is None:
            self.held[cart][product] = (wanted, self.prices[product])
            self.told[cart] = set()

    @rule(cart=CARTS, product=PRODUCTS, pieces=PIECES, times=TIMES)
    def change(self, cart: int, product: int, pieces: int, times: int) -> None:
        had = self.held[cart].get(product)
        refusal = None
        if had is None:
            refusal = "item_not_found"
        elif pieces > had[0] and not self.on_sale[product]:
            refusal = "product_not_found"
        elif pieces > had[0] and pieces > self.stock[product]:
            refusal = "not_enough_stock"
        line = {"item_id": self.item_id(cart, product), "quantity": pieces}
        self.send(times, carts.change_item, refusal=refusal, **self.keys(cart), **line)
        if refusal is None:
            self.held[cart][product] = (pieces, self.prices[product])
            self.told[cart] = set()

    @rule(cart=CARTS, product=PRODUCTS, times=TIMES)
    def remove(self, cart: int, product: int, times: int) -> None:
        refusal = None if product in self.held[cart] else "item_not_found"
        line = {"item_id": self.item_id(cart, product)}
        self.send(times, carts.remove_item, refusal=refusal, **self.keys(cart), **line)
        if refusal is None:
            del self.held[cart][product]
            self.told[cart] = set()

    @rule(cart=CARTS, times=TIMES)
    def empty(self, cart: int, times: int) -> None:
        self.send(times, carts.empty, refusal=None, **self.keys(cart))
        self.held[cart], self.told[cart] = {}, set()

    @rule(cart=CARTS, product=PRODUCTS)
    def trespass(self, cart: int, product: int) -> None:
        thief = Owner(self.owners[cart].cart_id, self.owners[(cart + 1) % 4].holder)
        keys = {"operation_id": new_id(), "cart_id": thief.cart_id, "holder": thief.holder}
        self.send(1, carts.empty, refusal="cart_not_found", **keys)
        add = {"product_id": self.products[product].id, "quantity": 1}
        self.send(1, carts.add_item, refusal="cart_not_found", **keys, **add)

    @rule(own=st.integers(0, 1), other=st.integers(2, 3), times=TIMES, knows=st.booleans())
    def merge(self, own: int, other: int, times: int, knows: bool) -> None:
        anonymous, customer_id = self.owners[other], self.owners[own].customer_id
        keys = {"operation_id": new_id(), "cart_id": anonymous.cart_id, "customer_id": customer_id}
        if not knows:
            self.send(times, carts.merge, refusal="cart_not_found", token=new_token(), **keys)
            return
        self.send(times, carts.merge, refusal=None, token=anonymous.token, **keys)
        self.told[own] = set()
        for product, (brought, brought_price) in self.held[other].items():
            if not self.on_sale[product]:
                self.told[own].add((NoticeCode.UNAVAILABLE, product))
                continue
            had, price = self.held[own].get(product, (0, brought_price))
            if had + brought > self.stock[product]:
                self.told[own].add((NoticeCode.CAPPED, product))
            if kept := max(had, min(had + brought, self.stock[product])):
                self.held[own][product] = (kept, min(price, brought_price))
        with pytest.raises(CartNotFound):
            assert anonymous.cart
        self.owners[other], self.held[other], self.told[other] = visitor(), {}, set()

    @rule(cart=CARTS, product=PRODUCTS, pieces=PIECES, times=TIMES)
    def order(self, cart: int, product: int, pieces: int, times: int) -> None:
        lines = [OrderedLine(self.products[product].id, pieces)]
        keys = {"order_id": new_id(), "cart_id": self.owners[cart].cart_id}
        self.send(times, carts.check_out, refusal=None, contents=[], lines=lines, **keys)
        self.told[cart] = set()
        had, price = self.held[cart].pop(product, (0, Decimal(0)))
        if had > pieces:
            self.held[cart][product] = (had - pieces, price)

    @rule(product=PRODUCTS, pieces=PIECES)
    def sell(self, product: int, pieces: int) -> None:
        pieces = min(pieces, self.available(product))
        if pieces:
            sell(self.products[product], self.store, pieces)
            self.stock[product] -= pieces

    @rule(product=PRODUCTS, pieces=PIECES)
    def deliver(self, product: int, pieces: int) -> None:
        if self.on_sale[product]:
            put_in_stock(self.products[product], self.store, pieces)
            self.stock[product] += pieces

    @rule(product=PRODUCTS, price=st.sampled_from(["8.00", "10.00", "12.00"]))
    def reprice(self, product: int, price: str) -> None:
        self.prices[product] = Decimal(price)
        self.describe(product, price=Decimal(price))

    @rule(product=PRODUCTS)
    def archive_or_bring_back(self, product: int) -> None:
        self.on_sale[product] = not self.on_sale[product]
        self.describe(product, active=self.on_sale[product])

    def describe(self, product: int, **changes: Any) -> None:
        catalog.update_product(product_id=self.products[product].id, changes=ProductChanges(**changes))

    @rule(product=PRODUCTS)
    def hear_that_it_was_archived(self, product: int) -> None:
        holding = [cart for cart in range(4) if product in self.held[cart] and not self.on_sale[product]]
        assert carts.withdraw(product_id=self.products[product].id) == len(holding)
        for cart in holding:
            del self.held[cart][product]
            self.told[cart].add((NoticeCode.UNAVAILABLE, product))

    # --- What always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_carts_are_the_models(self) -> None:
        for owner, held in zip(self.owners, self.held, strict=True):
            cart = owner.cart
            expected = {self.products[product].id: line for product, line in held.items()}
            assert {line.product_id: (line.quantity, line.added_price) for line in cart.lines} == expected
            assert cart.total == sum(self.prices[product] * pieces for product, (pieces, _) in held.items())
            assert cart.net + cart.tax == cart.total
            assert cart.id == (cart_of(owner.customer_id) if owner.holder.customer_id else owner.cart_id)

    @invariant()
    def the_notices_are_the_models(self) -> None:
        for owner, held, told in zip(self.owners, self.held, self.told, strict=True):
            expected = set(told)
            for product, (pieces, price) in held.items():
                if not self.on_sale[product]:
                    expected.add((NoticeCode.UNAVAILABLE, product))
                    continue
                if price != self.prices[product]:
                    expected.add((NoticeCode.PRICE_CHANGED, product))
                if pieces > self.stock[product]:
                    expected.add((NoticeCode.NOT_ENOUGH_STOCK, product))
            assert set(notices(owner.cart)) == {(code, self.products[product].id) for code, product in expected}


@pytest.mark.django_db
def test_any_sequence_of_writes_keeps_carts_what_they_should_be() -> None:
    run_state_machine_as_test(Shop, settings=settings(max_examples=10, stateful_step_count=25, deadline=None))
