"""What the sales add up to is kept as they are written: equal to the sum of the lines, whatever was written how."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from sales import models, rules
from sales.interface import (
    Channel,
    HistoryLine,
    OfflineItem,
    OrderedLine,
    PaymentMethod,
    ReturnedItem,
    Sale,
    SoldItem,
    sales,
)
from sales.rules import Period
from sales.service import ranking
from shared_kernel.ids import new_id
from tests.chain import make_product, make_store, make_warehouse, put_in_stock
from tests.sales.actions import offline, send, ticket

TODAY = date(2026, 11, 16)
PLACES, PRODUCTS, PIECES = st.integers(0, 1), st.integers(0, 3), st.integers(1, 3)
# Of each period that is kept, days within, days at its edges and days beyond.
DAYS_AGO = st.sampled_from([0, 1, 6, 7, 27, 28, 29, 30, 31, 89, 90, 100])
LINES = st.lists(st.tuples(PRODUCTS, PIECES), min_size=1, max_size=3)
PERIODS = [*rules.kept_periods(TODAY).values(), Period(TODAY, TODAY), Period(TODAY - timedelta(days=40), TODAY)]


def noon(days_ago: int) -> datetime:
    return datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) - timedelta(days=days_ago)


def lines_within(period: Period, keys: Callable[[models.SaleLine], Any]) -> list[tuple[Any, int, Decimal]]:
    """What was sold on these days by these keys, added up line by line: pieces and money, most pieces first."""
    sums: dict[Any, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal("0.00")))
    days = (period.first_day, period.last_day)
    for line in models.SaleLine.objects.filter(quantity__gt=0, sale__sold_on__range=days).select_related("sale"):
        pieces, gross = sums[keys(line)]
        sums[keys(line)] = pieces + line.quantity, gross + line.total
    return [(key, *sums[key]) for key in sorted(sums, key=lambda key: (-sums[key][0], -sums[key][1], key))]


class Writing(RuleBasedStateMachine):
    """Two stores and a warehouse sell four products by till, till that was offline and web shop; somebody imports."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = atomic()
        self.transaction.__enter__()
        self.warehouse = make_warehouse()
        self.stores = [make_store(time_zone="UTC"), make_store(time_zone="UTC")]
        prices = ("1.00", "1.00", "2.50", "7.00")
        self.products = [make_product(price=Decimal(price)) for price in prices]
        for product in self.products:
            for store in self.stores:
                put_in_stock(product, store, 10_000)
        self.sold: list[Sale] = []

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @rule(place=PLACES, lines=LINES, days_ago=DAYS_AGO)
    def sell(self, place: int, lines: list[tuple[int, int]], days_ago: int) -> None:
        items = [SoldItem(pieces, self.products[product].id) for product, pieces in lines]
        self.sold.append(ticket(self.stores[place], items=items, sold_at=noon(days_ago)))

    @precondition(lambda self: self.sold)
    @rule(data=st.data(), days_ago=DAYS_AGO, taken=st.lists(PRODUCTS, max_size=2))
    def take_back(self, data: st.DataObject, days_ago: int, taken: list[int]) -> None:
        """A return, or with something taken away for it an exchange."""
        sale = self.sold.pop(data.draw(st.integers(0, len(self.sold) - 1)))
        store = next(store for store in self.stores if store.id == sale.store_id)
        ticket(
            store,
            items=[SoldItem(9, self.products[product].id) for product in taken],
            returns=[ReturnedItem(sale.id, 1, 1, restock=True)],
            sold_at=noon(days_ago),
        )

    @rule(place=PLACES, product=PRODUCTS, pieces=PIECES, days_ago=DAYS_AGO)
    def sell_offline(self, place: int, product: int, pieces: int, days_ago: int) -> None:
        item = OfflineItem(pieces, self.products[product].id)
        send(offline(self.stores[place], item, sold_at=noon(days_ago)), offline(self.stores[place], item))

    @rule(place=st.integers(0, 2), lines=LINES, days_ago=DAYS_AGO, refunded=st.booleans())
    def order(self, place: int, lines: list[tuple[int, int]], days_ago: int, *, refunded: bool) -> None:
        made = sales.record_order(
            sale_id=new_id(),
            store_id=[*self.stores, self.warehouse][place].id,
            lines=[
                OrderedLine(self.products[product].id, "Thing", pieces, Decimal("3.00"), Decimal("0.2000"))
                for product, pieces in lines
            ],
            method=PaymentMethod.CARD,
            reference="ABCD2345",
            customer_id=None,
            sold_at=noon(days_ago),
        )
        if refunded:
            items = [ReturnedItem(made.id, 1, 1, restock=False)]
            sales.record_order_refund(sale_id=new_id(), items=items, reference="ABCD2345", sold_at=noon(0))

    @rule(place=PLACES, product=PRODUCTS, pieces=PIECES, days_ago=DAYS_AGO, back=st.booleans())
    def take_history_over(self, place: int, product: int, pieces: int, days_ago: int, *, back: bool) -> None:
        invoice, import_id = str(new_id()), new_id()
        lines = [
            HistoryLine(
                line_number=number,
                invoice=f"{invoice}-{number // 2}",
                product_code=self.products[product].sku,
                product_name="",
                stocked=True,
                quantity=-pieces if back else pieces,
                sold_at=noon(days_ago + number // 2),
                unit_price=Decimal("1.10"),
                store_name=self.stores[place].name,
            )
            for number in range(4)
        ]
        sales.stage_history(import_id=import_id, lines=lines)
        sales.complete_history(import_id=import_id)

    @rule(place=PLACES)
    def unmake(self, place: int) -> None:
        """Nothing in Comptoir takes a sale away; a test may: a store's latest, with its number."""
        store = self.stores[place]
        rows = models.Sale.objects.filter(store_id=store.id, receipt_number__gt=0)
        row = rows.order_by("-receipt_year", "-receipt_number").first()
        if row:
            row.delete()
            counters = models.ReceiptCounter.objects.filter(store_id=store.id, year=row.receipt_year)
            counters.update(last=row.receipt_number - 1)
            self.sold = [sale for sale in self.sold if sale.id != row.id]

    @rule(days_later=st.sampled_from([0, 0, 1, 3]))
    def keep(self, days_later: int) -> None:
        """Whatever the periods were before, they are then those that are asked for."""
        self.check()
        sales.keep_facts(today=TODAY + timedelta(days=days_later))
        sales.keep_facts(today=TODAY)
        self.check()

    def check(self) -> None:
        """The facts are the sums of the lines, and the rankings those of the lines."""
        assert sales.verify(now=noon(0)).differences == []
        stores = [store.id for store in self.stores]
        for period in PERIODS:
            of_channels = lines_within(period, lambda line: (line.sale.store_id, line.sale.channel, line.product_id))
            found = ranking.most_sold([*stores, self.warehouse.id], list(Channel), period, top=None, sold=None)
            assert sorted(found) == sorted((*key, pieces) for key, pieces, _ in of_channels)
            assert len(ranking.most_sold(stores, [Channel.TILL], period, top=1, sold=None)) <= len(stores)

            of_stores = [
                row
                for row in lines_within(period, lambda line: (line.sale.store_id, line.product_id))
                if row[0][0] in stores
            ]
            sums: dict[Any, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal("0.00")))
            for (_, product_id), pieces, gross in of_stores:
                sums[product_id] = sums[product_id][0] + pieces, sums[product_id][1] + gross
            whole = sorted(sums, key=lambda key: (-sums[key][0], -sums[key][1], key))
            for with_everybody in (True, False):
                rows = ranking.best_and_worst(stores, period, ranked=2, with_everybody=with_everybody, sold=None)
                for scope, ranked in [
                    (None, [(product_id, *sums[product_id]) for product_id in whole]),
                    *((store, [(key[1], *rest) for key, *rest in of_stores if key[0] == store]) for store in stores),
                ]:
                    told = [row for row in rows if row[0] == scope]
                    assert [row[1:4] for row in told if row[4] <= 2] == ranked[:2]
                    assert [row[1:4] for row in told if row[5] <= 2] == ranked[-2:]


@pytest.mark.django_db
def test_any_sequence_of_writes_is_kept_to_the_piece_and_the_cent() -> None:
    run_state_machine_as_test(Writing, settings=settings(max_examples=5, stateful_step_count=10, deadline=None))
