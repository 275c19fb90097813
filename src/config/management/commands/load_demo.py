import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from stdnum import ean
from tqdm import tqdm

from accounts.interface import NewStaff, accounts
from cart.interface import Holder, carts
from catalog.interface import DEFAULT_TAX_RATE, KnownProduct, ProductDraft, catalog
from checkout.interface import Order, OrderedItem, OrderStatus, checkout
from config import demo
from inventory.interface import KnownLocation, LocationDraft, LocationKind, StockLine, Thresholds, inventory
from replenishment.interface import replenishment
from sales.interface import ReturnedItem, Sale, SoldItem, sales
from shared_kernel.ids import EPOCH, MILLISECOND, new_id, part_of, time_of

DAYS = 90
# Every so many sales, the customer brings a piece back a week later, when the store is open again.
RETURN_EVERY = 40
RETURN_AFTER = timedelta(days=7)
# How far every kind of order has come: each step so long after the one before.
STEPS = {
    OrderStatus.PAID: [OrderStatus.PAID],
    OrderStatus.PROCESSING: [OrderStatus.PAID, OrderStatus.PROCESSING],
    OrderStatus.COMPLETED: [OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED],
    OrderStatus.REFUNDED: [OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.COMPLETED],
}
STEP_AFTER = timedelta(minutes=10)
# The same sales at every load, moved to the days before it.
SEED = 20261121

Ticket = tuple[datetime, demo.DemoStore, list[SoldItem]]


class Command(BaseCommand):
    help = (
        "Load the demonstration chain: a warehouse, five stores, products, stock, 90 days of sales and returns, orders"
        " of the web shop, requests to the warehouse, an open till, and staff of each role. Run again, it changes"
        " nothing; interrupted, it goes on where it stopped."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.COMPTOIR_PRODUCTION:
            raise CommandError("This is a production installation: demo accounts must not exist here.")
        last = demo.email("head")
        if last in accounts.ids_by_email(emails=[last]):
            self.stdout.write("The demonstration chain is there already.")
            return
        ensure_places()
        product_ids = ensure_products(now=datetime.now(UTC))
        ensure_staff(demo.CHAIN_STAFF[:-1], [])
        cashier_id = ensure_staff(demo.STORE_STAFF, [demo.STORES[0].id])[0]
        begun = begun_at(product_ids)
        tickets = list(draw_tickets(product_ids, now=begun))
        set_targets(product_ids, now=tickets[0][0] - timedelta(days=2))
        fill_shelves(product_ids, tickets)
        sold = [
            sell(number, ticket, cashier_id)
            for number, ticket in enumerate(tqdm(tickets, desc="90 days of sales", unit="sale", mininterval=1))
        ]
        returned = [take_back(sale, cashier_id) for sale in sold[::RETURN_EVERY] if sale.sold_at < begun - RETURN_AFTER]
        for number, ordered in enumerate(demo.ORDERS):
            take_order(number, ordered, product_ids, now=begun)
        ask_the_warehouse(product_ids, now=begun)
        sales.open_till(
            session_id=UUID(int=demo.STORES[0].id.int + 1),
            store_id=demo.STORES[0].id,
            till="1",
            opening_float=demo.OPENING_FLOAT,
            actor_id=cashier_id,
            now=begun,
        )
        replenishment.suggest(now=datetime.now(UTC))
        # Last of all: it says that the load is complete.
        ensure_staff(demo.CHAIN_STAFF[-1:], [])
        self.stdout.write(
            f"Loaded {len(demo.STORES)} stores, {len(product_ids)} products,"
            f" {len(sold)} sales, {len(returned)} returns and {len(demo.ORDERS)} orders."
        )


def begun_at(product_ids: dict[str, UUID]) -> datetime:
    """When the load was begun: to go on where it stopped, it has to draw the sales that it drew the first time."""
    return max(time_of(product_id) for sku, product_id in product_ids.items() if sku not in demo.PRODUCT_IDS)


def ensure_places() -> None:
    warehouse = LocationDraft(LocationKind.WAREHOUSE, "Entrepôt central", "ZI Est, 69800 Saint-Priest", "Europe/Paris")
    places = [KnownLocation(demo.WAREHOUSE, warehouse)] + [
        KnownLocation(store.id, LocationDraft(LocationKind.STORE, store.name, store.address, store.time_zone))
        for store in demo.STORES
    ]
    inventory.ensure_locations(locations=places)


def ensure_products(*, now: datetime) -> dict[str, UUID]:
    """The products' ids by sku, in the order of the demo data."""
    products: list[KnownProduct] = []
    for category, rows in demo.PRODUCTS.items():
        for sku, name, price, description in rows:
            draft = ProductDraft(
                sku=sku,
                name=name,
                category=category,
                price=Decimal(price),
                barcode=barcode(len(products) + 1),
                description=description,
                tax_rate=demo.TAX_RATES.get(category, DEFAULT_TAX_RATE),
            )
            products.append(KnownProduct(demo.PRODUCT_IDS.get(sku) or new_id(at=now), draft))
    ids = catalog.ensure_products(products=products)
    return {product.draft.sku: ids[product.draft.sku] for product in products}


def barcode(number: int) -> str:
    """A valid EAN-13, in the range 20 to 29 that GS1 leaves to each chain's own use."""
    digits = f"200{number:09}"
    return digits + ean.calc_check_digit(digits)


def ensure_staff(people: list[tuple[str, str, Any]], store_ids: list[UUID]) -> list[UUID]:
    password = settings.COMPTOIR_DEMO_PASSWORD
    staff = [NewStaff(demo.email(login), name, password, role, tuple(store_ids)) for login, name, role in people]
    return accounts.ensure_staff(staff=staff)


def draw_tickets(product_ids: dict[str, UUID], *, now: datetime) -> Iterator[Ticket]:
    """Every sale of the last 90 whole days and of today so far, oldest first.

    Saturdays are busy and Sundays are closed.
    """
    lots = random.Random(SEED)  # noqa: S311 sales to look at, not secrets
    ids = list(product_ids.values())
    popularity = [lots.choice([1, 2, 3, 5, 8]) for _ in ids]
    tickets = []
    for store in demo.STORES:
        zone = ZoneInfo(store.time_zone)
        for days_ago in range(DAYS, -1, -1):
            day = (now.astimezone(zone) - timedelta(days=days_ago)).date()
            share = {5: 1.6, 6: 0.0}.get(day.weekday(), 1.0)
            for _ in range(round(store.tickets * share * lots.uniform(0.7, 1.3))):
                moment = datetime.combine(day, time(9), zone) + timedelta(seconds=lots.randrange(10 * 3600))
                chosen = dict.fromkeys(lots.choices(ids, popularity, k=lots.choice([1, 1, 2, 2, 3])))
                items = [SoldItem(lots.choice([1, 1, 1, 2, 3]), product_id) for product_id in chosen]
                tickets.append((moment.astimezone(UTC), store, items))
    yield from sorted((ticket for ticket in tickets if ticket[0] < now), key=lambda ticket: ticket[0])


def fill_shelves(product_ids: dict[str, UUID], tickets: list[Ticket]) -> None:
    """Deliver, before the first sale, what will be sold and what is to be left."""
    lots = random.Random(SEED + 1)  # noqa: S311 as above
    opening = tickets[0][0] - timedelta(days=1)
    sold: dict[tuple[UUID, UUID | None], int] = {}
    for _, store, items in tickets:
        for item in items:
            sold[store.id, item.product_id] = sold.get((store.id, item.product_id), 0) + item.quantity
    left = {demo.WAREHOUSE: {sku: demo.CENTRAL_STOCK.get(sku, lots.randrange(150, 500, 10)) for sku in product_ids}}
    for place in demo.STORES:
        left[place.id] = {sku: left_on_shelf(place.id, sku, lots.randrange(14, 60)) for sku in product_ids}
    for location_id, shelf in left.items():
        inventory.receive(
            operation_id=UUID(int=location_id.int + 1),
            location_id=location_id,
            lines=[
                StockLine(product_ids[sku], pieces + sold.get((location_id, product_ids[sku]), 0))
                for sku, pieces in shelf.items()
            ],
            document="opening stock",
            actor_id=None,
            now=opening,
        )


def left_on_shelf(store_id: UUID, sku: str, drawn: int) -> int:
    if (store_id, sku) in demo.EMPTY_SHELVES:
        return 0
    return demo.LEFT_IN_STORES.get((store_id, sku)) or demo.LOW_SHELVES.get((store_id, sku)) or drawn


def sell(number: int, ticket: Ticket, cashier_id: UUID) -> Sale:
    moment, store, items = ticket
    return sales.record_sale(
        sale_id=new_id(at=moment),
        store_id=store.id,
        items=items,
        payments=[],
        client_reference=f"demo-{number}",
        cashier_id=cashier_id if store is demo.STORES[0] else None,
        sold_at=moment,
    )


def take_back(sale: Sale, cashier_id: UUID) -> Sale:
    """A piece of the first line comes back, damaged: it is not put onto the shelf again."""
    moment = sale.sold_at + RETURN_AFTER
    return sales.record_sale(
        sale_id=new_id(at=moment),
        store_id=sale.store_id,
        items=[],
        returns=[ReturnedItem(sale.id, position=1, quantity=1, restock=False)],
        payments=[],
        client_reference=f"{sale.client_reference}-return",
        cashier_id=cashier_id if sale.store_id == demo.STORES[0].id else None,
        sold_at=moment,
    )


def take_order(number: int, ordered: demo.DemoOrder, product_ids: dict[str, UUID], *, now: datetime) -> None:
    """An order of the web shop, paid by bank transfer, and taken as far as it is to come."""
    moment = now - timedelta(hours=ordered.hours_ago)
    # The same when the load goes on where it stopped, and of the order's time, by which lists go.
    order_id = part_of(UUID(int=(moment - EPOCH) // MILLISECOND << 80), number)
    order = place(order_id, ordered, product_ids, now=moment)
    taken = {step.step.value for step in order.steps}
    if ordered.status is OrderStatus.CANCELLED:
        checkout.cancel(order_id=order_id, reason="", actor_id=None, now=moment + STEP_AFTER)
    for status in STEPS.get(ordered.status, []):
        moment += STEP_AFTER
        if status.value not in taken:
            checkout.advance(order_id=order_id, status=status, actor_id=None, now=moment)
    if ordered.status in STEPS:
        checkout.report_sale(order_id=order_id)
    if ordered.status is OrderStatus.REFUNDED:
        give_back(order, None, now=moment + STEP_AFTER)
    elif ordered.refunded:
        give_back(order, [OrderedItem(order.lines[0].product_id, ordered.refunded)], now=moment + STEP_AFTER)


def place(order_id: UUID, ordered: demo.DemoOrder, product_ids: dict[str, UUID], *, now: datetime) -> Order:
    """Put it into a cart, and make an order of that."""
    cart_id, holder = part_of(order_id, "cart"), Holder(token=part_of(order_id, "token").hex)
    carts.open_cart(cart_id=cart_id, token=str(holder.token), now=now)
    for sku, pieces in ordered.items:
        carts.add_item(
            operation_id=part_of(order_id, sku),
            cart_id=cart_id,
            holder=holder,
            product_id=product_ids[sku],
            quantity=pieces,
            now=now,
        )
    return checkout.process(order_id=order_id, cart_id=cart_id, holder=holder, destination=ordered.destination, now=now)


def give_back(order: Order, items: list[OrderedItem] | None, *, now: datetime) -> None:
    refund_id = part_of(order.id, "refund")
    checkout.refund(
        refund_id=refund_id, order_id=order.id, items=items, restock=True, reason="", actor_id=None, now=now
    )
    checkout.carry_out_refund(refund_id=refund_id, now=now)


def set_targets(product_ids: dict[str, UUID], *, now: datetime) -> None:
    """Before the shelves are filled: they are counted as empty, and given their targets."""
    for store in demo.STORES:
        for sku, pieces in demo.TARGETS.items():
            inventory.count(
                operation_id=UUID(int=store.id.int ^ product_ids[sku].int),
                location_id=store.id,
                product_id=product_ids[sku],
                quantity=0,
                thresholds=Thresholds(target=pieces),
                note="opening",
                actor_id=None,
                now=now,
            )


def ask_the_warehouse(product_ids: dict[str, UUID], *, now: datetime) -> None:
    managers = accounts.ids_by_email(emails=[demo.email("manager"), demo.email("warehouse")])
    asker, decider = managers[demo.email("manager")], managers[demo.email("warehouse")]
    for store_id, sku, quantity, verdict in demo.REQUESTS:
        request_id = UUID(int=store_id.int ^ product_ids[sku].int)
        replenishment.request(
            request_id=request_id,
            product_id=product_ids[sku],
            store_id=store_id,
            quantity=quantity,
            actor_id=asker if store_id == demo.STORES[0].id else None,
            now=now,
        )
        if verdict:
            replenishment.decide_all(
                decision_id=request_id, request_ids=[request_id], verdict=verdict, actor_id=decider, now=now
            )
