"""What the worker and the command do: suggestions every night, and when a product runs low."""

from collections.abc import Callable

import pytest
from django.core.management import call_command

from inventory.interface import StockLine, StockRanLow, inventory
from replenishment import tasks
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from tests.replenishment.actions import NOW, Chain, suggested


@pytest.mark.django_db
def test_the_clock_works_out_all_stores() -> None:
    chain, other = Chain(store=1), Chain(store=2)

    tasks.suggest_replenishment(timestamp=0)

    assert [row.available for row in suggested(chain.store, other.store)] == [1, 2]


@pytest.mark.django_db
def test_a_product_that_runs_low_in_a_store_is_suggested_however_often_it_is_told() -> None:
    chain = Chain(store=4)
    event = StockRanLow(product_id=chain.product.id, location_id=chain.store.id, available=4, reorder_point=10)

    for _ in range(2):
        tasks.suggest_for_low_stock(event)

    assert [row.quantity for row in suggested(chain.store)] == [6]


@pytest.mark.django_db
def test_a_product_that_runs_low_in_the_warehouse_is_nobodys_to_ask_for() -> None:
    chain = Chain(central=4)

    tasks.suggest_for_low_stock(
        StockRanLow(product_id=chain.product.id, location_id=chain.warehouse.id, available=4, reorder_point=10)
    )

    assert replenishment.suggestions().count == 0


@pytest.mark.django_db
def test_the_command_says_how_many_there_are_for_each_store(capsys: pytest.CaptureFixture[str]) -> None:
    chain, full = Chain(store=1), Chain(store=50)

    call_command("suggest")

    assert capsys.readouterr().out.splitlines() == [
        *sorted([f"        1  {chain.store.name}", f"        0  {full.store.name}"], key=lambda row: row[9:]),
        "        1  suggestions in all",
    ]


# --- The whole way, from the shelf through the queue ----------------------------------------------------------------


def test_what_runs_low_on_a_shelf_is_suggested(work: Callable[[str], None]) -> None:
    chain = Chain(central=100, store=20)
    inventory.issue(
        operation_id=new_id(),
        location_id=chain.store.id,
        lines=[StockLine(chain.product.id, 12)],
        document="sale",
        actor_id=None,
        now=NOW,
    )
    assert suggested(chain.store) == []

    work("events")

    # What was sold today tells nothing yet of whole days.
    assert [(row.available, row.quantity) for row in suggested(chain.store)] == [(8, 2)]
