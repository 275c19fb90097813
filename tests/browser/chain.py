"""A small chain in which every page has something to show."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from catalog.interface import Product
from checkout.interface import Destination, OrderAddress, OrderedItem, OrderStatus, checkout
from inventory.interface import Location, StockLine, Thresholds, inventory
from replenishment.interface import Verdict, replenishment
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, make_warehouse, on_hand, put_in_stock, sell


@dataclass(frozen=True)
class Chain:
    """The warehouse holds 100 keyboards, Lyon 20, of which it wants 41; its mice are gone."""

    central: Location
    lyon: Location
    lille: Location
    keyboard: Product
    mouse: Product

    def shelves(self) -> tuple[int, int]:
        """The keyboards in the warehouse and in Lyon."""
        return on_hand(self.keyboard, self.central), on_hand(self.keyboard, self.lyon)


def open_chain() -> Chain:
    central, lyon, lille = make_warehouse("Central"), make_store("Lyon"), make_store("Lille")
    keyboard, mouse = (
        make_product(name="Keyboard", price=Decimal("89.90"), description="Clicks"),
        make_product(name="Mouse"),
    )
    put_in_stock(keyboard, central, 100)
    put_in_stock(keyboard, lyon, 20)
    put_in_stock(mouse, central, 100)
    inventory.count(
        operation_id=new_id(),
        location_id=lyon.id,
        product_id=keyboard.id,
        quantity=20,
        thresholds=Thresholds(reorder_point=25, target=41),
        note="count",
        actor_id=None,
        now=datetime.now(UTC),
    )
    return Chain(central, lyon, lille, keyboard, mouse)


def let_things_happen(chain: Chain) -> None:
    """Sales, an empty shelf, one to count, requests and orders in every state, suggestions, an open till."""
    now = datetime.now(UTC)
    for store in (chain.lyon, chain.lille):
        put_in_stock(chain.mouse, store, 5)
        sell(chain.mouse, store, quantity=5)
    inventory.issue_departed(
        operation_id=new_id(),
        location_id=chain.lyon.id,
        lines=[StockLine(chain.mouse.id, 2)],
        document="sale",
        actor_id=None,
        departed_at=now,
        now=now,
    )
    requests = [
        replenishment.request(
            request_id=new_id(),
            product_id=chain.keyboard.id,
            store_id=store.id,
            quantity=quantity,
            actor_id=None,
            now=now,
        )
        for store, quantity in [(chain.lyon, 21), (chain.lille, 10), (chain.lille, 3), (chain.lyon, 4)]
    ]
    for verdict, request in zip((Verdict.REJECT, Verdict.APPROVE), requests[2:], strict=True):
        replenishment.decide_all(
            decision_id=new_id(), request_ids=[request.id], verdict=verdict, reason="Enough", actor_id=None, now=now
        )
    replenishment.suggest(now=now)
    order_things(chain)
    sales.open_till(
        session_id=new_id(),
        store_id=chain.lyon.id,
        till="Till 1",
        opening_float=Decimal("100.00"),
        actor_id=new_id(),
        now=now,
    )


def order_things(chain: Chain) -> None:
    """Orders at every step: sent from the warehouse, picked up in Lyon, cancelled, and refunded in part."""
    now = datetime.now(UTC)
    address = OrderAddress(name="Camille", line1="12 rue Mercière", city="Lyon", postal_code="69002", country="FR")
    home = Destination(email="camille@example.com", address=address)
    pickup = Destination(email="noor@example.com", pickup_store_id=chain.lyon.id)
    steps = [OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED]
    for destination in (home, pickup):
        for taken in range(len(steps) + 1):
            items = [OrderedItem(chain.keyboard.id, 1)]
            if destination is home:
                items.append(OrderedItem(chain.mouse.id, 3))
            order = checkout.place_order(
                order_id=new_id(), items=items, destination=destination, customer_id=None, actor_id=None, now=now
            )
            for status in steps[:taken]:
                checkout.advance(order_id=order.id, status=status, actor_id=None, now=now)
    checkout.refund(
        refund_id=new_id(), order_id=order.id, items=items, restock=False, reason="Loud", actor_id=None, now=now
    )
    given_up = checkout.place_order(
        order_id=new_id(), items=items, destination=home, customer_id=None, actor_id=None, now=now
    )
    checkout.cancel(order_id=given_up.id, reason="Ordered twice", actor_id=None, now=now)


def pages(lyon: object, product: object) -> dict[str, str]:
    """Every page by name, for those who may open all."""
    return {
        "overview": "/dashboard/?period=28",
        "store": f"/dashboard/stores/{lyon}/",
        "stock": f"/dashboard/stores/{lyon}/stock/?show=low&open={product}",
        "requests": "/dashboard/replenishment/",
        "on-the-way": "/dashboard/replenishment/?tab=way",
        "decided": "/dashboard/replenishment/?tab=decided",
        "suggestions": "/dashboard/replenishment/?tab=suggestions",
        "orders": "/dashboard/orders/",
        "orders-being-packed": "/dashboard/orders/?tab=packing",
        "orders-to-be-paid": "/dashboard/orders/?tab=unpaid",
        "orders-done": "/dashboard/orders/?tab=done",
        "sales-report": "/dashboard/sales/",
        "products": f"/dashboard/products/?open={product}",
        "product": f"/dashboard/products/{product}/",
    }
