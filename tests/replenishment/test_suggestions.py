"""What stores should ask for, and requests made of that."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from catalog.interface import catalog
from inventory.interface import LocationNotFound, StockLine, inventory
from replenishment import models
from replenishment.interface import Request, RequestStatus, SuggestedLine, replenishment
from replenishment.service import suggesting
from shared_kernel.ids import new_id
from tests.chain import books_agree, make_product, make_store, put_in_stock
from tests.replenishment.actions import (
    HOUR,
    NOW,
    Chain,
    accept,
    approve,
    line,
    nothing_changes,
    receive,
    refused,
    request,
    set_lead_time,
    set_thresholds,
    ship,
    statuses,
    suggest_product,
    suggested,
)

pytestmark = pytest.mark.django_db

WEDNESDAY = datetime(2026, 11, 18, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def sell(chain: Chain, pieces: int, *, at: datetime) -> None:
    inventory.issue(
        operation_id=new_id(),
        location_id=chain.store.id,
        lines=[StockLine(chain.product.id, pieces)],
        document="sale",
        actor_id=None,
        now=at,
    )


def suggest(*chains: Chain, now: datetime = NOW) -> int:
    return replenishment.suggest(store_ids=[chain.store.id for chain in chains], now=now)


# --- How many, and why ----------------------------------------------------------------------------------------------


def test_what_is_suggested_of_all_is_what_is_suggested_of_each() -> None:
    chain = Chain(lead_time=2)
    combinations = list(itertools.product((0, 3, 8), (0, 3, 6), (0, 4), (None, 0, 9), (1, 40)))
    alone = {}
    for available, reorder_point, safety_stock, target, days in combinations:
        chain.product = one = make_product()
        put_in_stock(one, chain.warehouse, 100)
        inventory.receive(
            operation_id=new_id(),
            location_id=chain.store.id,
            lines=[StockLine(one.id, available + 2)],
            document="delivery",
            actor_id=None,
            now=NOW - days * DAY,
        )
        sell(chain, 2, at=NOW - days * DAY)
        thresholds = {"reorder_point": reorder_point, "safety_stock": safety_stock, "target": target}
        set_thresholds(chain.store, one, **{name: value for name, value in thresholds.items() if value is not None})
        if found := suggest_product(chain):
            alone[one.id] = found.quantity
    models.Suggestion.objects.all().delete()

    suggest(chain)

    together = dict(models.Suggestion.objects.values_list("product_id", "quantity"))
    assert together == alone
    assert 0 < len(alone) < len(combinations)


def test_a_shelf_that_has_come_down_is_filled_up_and_the_reason_is_said() -> None:
    chain = Chain(central=100, store=45, lead_time=2)
    sell(chain, 40, at=WEDNESDAY - 6 * DAY)
    set_thresholds(chain.store, chain.product, safety_stock=3)

    assert suggest(chain, now=WEDNESDAY) == 1

    [found] = suggested(chain.store)
    # Of the next two days, the Thursday sells 10, and so does the week after.
    assert (found.reorder_level, found.order_up_to, found.quantity) == (10 + 3, 13 + 10, 23 - 5)
    assert (found.available, found.on_the_way, found.central) == (5, 0, 100)
    assert (found.daily_sales, found.lead_time_days, found.computed_at) == (Decimal("1.43"), 2, WEDNESDAY)
    assert (found.product_name, found.store_name) == (chain.product.name, chain.store.name)
    assert found.why == ("5 on the shelf, 0 on the way; sells 1.43 a day and a delivery takes 2 days; fills up to 23.")


def test_what_sells_on_thursdays_lasts_over_the_weekend() -> None:
    chain = Chain(store=51, lead_time=2)
    sell(chain, 40, at=WEDNESDAY - 6 * DAY)

    assert suggest(chain, now=WEDNESDAY) == 0

    set_thresholds(chain.store, chain.product, reorder_point=2)
    sell(chain, 8, at=WEDNESDAY)
    assert suggest(chain, now=WEDNESDAY) == 1
    assert suggest(chain, now=WEDNESDAY + 2 * DAY) == 0


def test_a_longer_way_is_ordered_for_earlier() -> None:
    chain = Chain(store=55, lead_time=2)
    sell(chain, 40, at=WEDNESDAY - 6 * DAY)
    assert suggest(chain, now=WEDNESDAY) == 0

    set_lead_time(chain.store, 9)

    assert suggest(chain, now=WEDNESDAY) == 1
    assert suggested(chain.store)[0].reorder_level == 20


def test_a_weekday_is_the_stores_own() -> None:
    chain = Chain(store=51, lead_time=1, time_zone="Pacific/Auckland")
    # Late on a Wednesday in Paris is Thursday in Auckland.
    late = WEDNESDAY + timedelta(hours=12)
    sell(chain, 40, at=late - 7 * DAY)
    set_thresholds(chain.store, chain.product, reorder_point=0, target=12)

    assert suggest(chain, now=late) == 0
    sell(chain, 1, at=late)
    assert suggest(chain, now=late) == 1
    assert suggested(chain.store)[0].reorder_level == 10


def test_a_reorder_point_alone_is_enough() -> None:
    chain = Chain(store=3)

    assert suggest(chain) == 1
    assert (suggested(chain.store)[0].quantity, suggested(chain.store)[0].order_up_to) == (7, 10)


def test_a_target_is_filled_up_to() -> None:
    chain = Chain(central=100, store=10)
    set_thresholds(chain.store, chain.product, target=60)

    assert suggest(chain) == 1
    assert suggested(chain.store)[0].quantity == 50


def test_what_is_full_is_left_alone() -> None:
    chain = Chain(store=11)

    assert suggest(chain) == 0
    assert suggested(chain.store) == []


def test_what_is_on_its_way_counts() -> None:
    chain = Chain(central=100, store=1, transit=True)
    made = request(chain, 3)
    approve(made)
    ship(made)

    assert suggest(chain) == 1
    [found] = suggested(chain.store)
    assert (found.available, found.on_the_way, found.quantity) == (1, 3, 10 - 1 - 3)
    assert "3 on the way" in found.why


@pytest.mark.parametrize("steps", [[], [approve]])
def test_what_was_asked_for_is_not_suggested_again_until_it_is_sent(steps: list[Callable[[Request], Any]]) -> None:
    chain = Chain(store=1, transit=True)
    made = request(chain, 1)
    for step in steps:
        step(made)

    assert suggest(chain) == 0


def test_what_was_moved_at_once_is_there() -> None:
    chain = Chain(store=1)
    approve(request(chain, 2))

    assert suggest(chain) == 1
    assert suggested(chain.store)[0].available == 3


def test_a_suggestion_goes_as_far_as_the_warehouse() -> None:
    chain = Chain(central=4, store=1)

    assert suggest(chain) == 1
    assert suggested(chain.store)[0].quantity == 4
    assert suggested(chain.store)[0].why.endswith("fills up to 10, as far as the 4 in the warehouse go.")
    assert suggest(Chain(central=0, store=1)) == 0


def test_an_archived_product_is_not_suggested() -> None:
    chain = Chain(store=1)
    suggest(chain)
    catalog.archive_product(product_id=chain.product.id)

    assert suggest(chain, now=NOW + HOUR) == 0
    assert suggested(chain.store) == []
    assert suggest_product(chain) is None


# --- Working them out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_stores_are_worked_through_page_by_page(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggesting, "PAGE", size)
    chain = Chain(store=1)
    full = make_product()
    products = [make_product() for _ in range(4)]
    for product in [*products, full]:
        put_in_stock(product, chain.warehouse, 100)
        put_in_stock(product, chain.store, 50 if product is full else 2)

    assert suggest(chain) == 5
    assert {row.product_id for row in suggested(chain.store)} == {row.id for row in [*products, chain.product]}


def test_suggestions_are_worked_out_anew() -> None:
    chain, other = Chain(store=1), Chain(store=1)
    assert replenishment.suggest(now=NOW) == 2
    put_in_stock(chain.product, chain.store, 4)
    put_in_stock(other.product, other.store, 50)

    assert replenishment.suggest(now=NOW + HOUR) == 1
    assert [(row.product_id, row.quantity, row.computed_at) for row in suggested(chain.store, other.store)] == [
        (chain.product.id, 5, NOW + HOUR)
    ]


def test_some_stores_are_worked_out_without_the_others() -> None:
    chain, other = Chain(store=1), Chain(store=1)
    replenishment.suggest(now=NOW)
    put_in_stock(other.product, other.store, 50)

    assert suggest(chain, now=NOW + HOUR) == 1
    assert len(suggested(chain.store, other.store)) == 2


def test_the_same_again_changes_nothing() -> None:
    chain = Chain(store=1)
    suggest(chain)
    before = suggested(chain.store)

    assert suggest(chain) == 1
    assert suggested(chain.store) == before


def test_without_a_warehouse_nothing_is_suggested() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 1)

    assert replenishment.suggest(now=NOW) == 0
    assert replenishment.suggest_product(store_id=store.id, product_id=product.id, now=NOW) is None


def test_one_product_is_worked_out_alone() -> None:
    chain = Chain(store=1)
    suggest(chain)
    put_in_stock(chain.product, chain.store, 4)

    found = suggest_product(chain)

    assert found is not None
    assert (found.available, found.quantity) == (5, 5)
    assert suggested(chain.store) == [found]
    put_in_stock(chain.product, chain.store, 40)
    assert suggest_product(chain) is None
    assert suggested(chain.store) == []


def test_a_store_that_does_not_exist_is_told_nothing() -> None:
    chain = Chain()

    for store_id in (new_id(), chain.warehouse.id):
        with refused(LocationNotFound):
            suggest_product(chain, store_id=store_id)


def test_the_emptiest_shelves_come_first() -> None:
    chains = [Chain(store=pieces) for pieces in (3, 0, 7)]
    replenishment.suggest(now=NOW)

    page = replenishment.suggestions(limit=2)

    assert (page.count, [row.available for row in page.suggestions]) == (3, [0, 3])
    assert [row.available for row in replenishment.suggestions(offset=2).suggestions] == [7]
    assert [row.available for row in suggested(chains[0].store, chains[2].store)] == [3, 7]
    assert replenishment.suggestions(store_ids=[]).count == 0


@pytest.mark.parametrize("change", ["quantity = 0", "quantity = central + 1"])
def test_the_database_holds_a_suggestion_together(change: str) -> None:
    suggest(Chain(store=1))

    with pytest.raises(IntegrityError, match="suggestion_of_something"), atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE replenishment_suggestion SET {change}")


# --- Accepting ------------------------------------------------------------------------------------------------------


def test_an_accepted_suggestion_is_a_request_that_waits() -> None:
    chain, other = Chain(central=100, store=1), Chain(store=2)
    suggest(chain, other)

    taken, changed = accept(line(chain), line(other, 30))

    assert (taken.code, changed.code) == ("", "")
    assert taken.request is not None
    assert changed.request is not None
    assert (taken.request.quantity, changed.request.quantity) == (9, 30)
    assert taken.request.status is RequestStatus.PENDING
    assert suggested(chain.store, other.store) == []
    assert chain.shelves == (100, 1)


def test_accepting_twice_under_one_key_asks_once() -> None:
    chain, other, acceptance_id = Chain(store=1), Chain(store=50), new_id()
    suggest(chain)
    first = accept(line(chain), line(other), acceptance_id=acceptance_id)

    with nothing_changes():
        assert accept(line(chain), line(other), acceptance_id=acceptance_id) == first
    assert [acceptance.code for acceptance in first] == ["", "suggestion_gone"]


def test_what_is_not_suggested_any_more_is_not_accepted() -> None:
    chain = Chain(store=1)
    suggest(chain)
    accept(line(chain))

    with nothing_changes():
        [again], [unknown] = accept(line(chain)), accept(SuggestedLine(new_id(), new_id()))

    assert [again.code, unknown.code] == ["suggestion_gone"] * 2
    assert again.request is None
    assert again.detail.startswith("Nothing is suggested")


@pytest.mark.parametrize("steps", [[], [approve]])
def test_a_suggestion_is_not_accepted_beside_an_open_request(steps: list[Callable[[Request], Any]]) -> None:
    chain = Chain(store=1, transit=True)
    suggest(chain)
    suggestion = models.Suggestion.objects.get()
    made = request(chain, 1)
    for step in steps:
        step(made)
    # As if it had been worked out while the store was asking.
    suggestion.save(force_insert=True)

    with nothing_changes():
        [refusal] = accept(line(chain))

    assert (refusal.code, refusal.request) == ("already_requested", None)
    assert str(made.id) in refusal.detail


def test_goods_on_their_way_are_in_nobodys_way() -> None:
    chain = Chain(store=1, transit=True)
    made = request(chain, 1)
    for step in (approve, ship):
        step(made)
    suggest(chain)

    assert [acceptance.code for acceptance in accept(line(chain))] == [""]


def test_a_request_that_has_come_to_its_end_is_in_nobodys_way() -> None:
    chain = Chain(store=1, transit=True)
    made = request(chain, 1)
    for step in (approve, ship, receive):
        step(made)
    at_once = Chain(store=1)
    approve(request(at_once, 1))
    suggest(chain, at_once)

    assert [acceptance.code for acceptance in accept(line(chain), line(at_once))] == ["", ""]
    assert statuses(at_once) == [RequestStatus.APPROVED, RequestStatus.PENDING]
    assert books_agree()


def test_what_the_warehouse_no_longer_has_is_not_accepted() -> None:
    chain = Chain(central=9, store=1)
    suggest(chain)
    inventory.adjust(
        operation_id=new_id(),
        location_id=chain.warehouse.id,
        lines=[StockLine(chain.product.id, -1)],
        note="broken",
        actor_id=None,
        now=NOW,
    )

    with nothing_changes():
        [refusal], [nothing] = accept(line(chain)), accept(line(chain, 0))

    assert [refusal.code, nothing.code] == ["central_stock_too_low", "invalid_quantity"]
    assert accept(line(chain, 8))[0].code == ""
