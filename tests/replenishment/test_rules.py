"""How much to ask for and why."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenishment import rules

# Four weeks of a shop that is busy on Saturdays and closed on Sundays: 2 a day, 8 on Saturday.
WEEK = (8, 8, 8, 8, 8, 32, 0)
MONDAY, FRIDAY, SUNDAY = 0, 4, 6

PIECES = st.integers(0, 100_000)
WEEKS = st.tuples(*[PIECES] * 7)
WEEKDAYS = st.integers(0, 6)
DAYS = st.integers(0, 365)


@pytest.mark.parametrize(
    ("weekday", "days", "expected"),
    [(MONDAY, 2, 4), (FRIDAY, 2, 10), (SUNDAY, 2, 2), (MONDAY, 7, 18), (FRIDAY, 14, 36), (FRIDAY, 0, 0)],
)
def test_the_days_ahead_sell_what_their_weekdays_sold(weekday: int, days: int, expected: int) -> None:
    assert rules.expected_demand(sold=WEEK, weekday=weekday, days=days) == expected


@given(WEEKS, WEEKDAYS, st.integers(0, 52))
def test_any_seven_days_sell_a_week_and_parts_of_a_piece_count_as_one(
    sold: tuple[int, ...], weekday: int, weeks: int
) -> None:
    expected = rules.expected_demand(sold=sold, weekday=weekday, days=7 * weeks)

    assert expected == ceil(Fraction(sum(sold) * weeks, 4))


@pytest.mark.parametrize(
    ("weekday", "lead_time_days", "reorder_point", "safety_stock", "level"),
    [
        (MONDAY, 2, 0, 0, 4),
        (FRIDAY, 2, 0, 0, 10),
        (FRIDAY, 2, 0, 3, 13),
        (FRIDAY, 2, 12, 3, 13),
        (FRIDAY, 2, 20, 3, 20),
    ],
)
def test_the_stock_has_to_last_until_the_delivery(
    weekday: int, lead_time_days: int, reorder_point: int, safety_stock: int, level: int
) -> None:
    assert level == rules.reorder_level(
        sold=WEEK,
        weekday=weekday,
        lead_time_days=lead_time_days,
        reorder_point=reorder_point,
        safety_stock=safety_stock,
    )


def test_part_of_a_piece_counts_as_one() -> None:
    once = (1, 0, 0, 0, 0, 0, 0)

    assert rules.reorder_level(sold=once, weekday=MONDAY, lead_time_days=1, reorder_point=0, safety_stock=0) == 1
    assert rules.order_up_to(level=1, sold=once, weekday=MONDAY, lead_time_days=1, target=None) == 2


@pytest.mark.parametrize(("target", "up_to"), [(None, 28), (20, 28), (28, 28), (50, 50)])
def test_an_order_fills_up_to_the_next_one_or_to_the_target(target: int | None, up_to: int) -> None:
    assert rules.order_up_to(level=10, sold=WEEK, weekday=FRIDAY, lead_time_days=2, target=target) == up_to


@pytest.mark.parametrize(
    ("reorder_point", "target", "sold", "wanted"),
    [(0, None, (0,) * 7, False), (0, 0, (0,) * 7, False), (1, None, (0,) * 7, True), (0, 1, (0,) * 7, True)],
)
def test_a_product_is_wanted_that_somebody_set_a_figure_for(
    reorder_point: int, target: int | None, sold: tuple[int, ...], wanted: bool
) -> None:
    assert rules.is_wanted(reorder_point=reorder_point, target=target, sold=sold) is wanted


def test_a_product_is_wanted_that_sells() -> None:
    assert rules.is_wanted(reorder_point=0, target=None, sold=(0, 0, 0, 0, 0, 1, 0))


@pytest.mark.parametrize(
    ("position", "central", "quantity"), [(11, 100, 0), (10, 100, 20), (3, 100, 27), (3, 27, 27), (3, 5, 5), (3, 0, 0)]
)
def test_what_has_come_down_to_its_level_is_filled_up_as_far_as_the_warehouse_goes(
    position: int, central: int, quantity: int
) -> None:
    assert rules.quantity_to_order(position=position, level=10, up_to=30, central=central) == quantity


@given(
    sold=WEEKS,
    weekday=WEEKDAYS,
    days=DAYS,
    reorder_point=PIECES,
    target=st.none() | PIECES,
    safety_stock=PIECES,
    position=PIECES,
    central=PIECES,
)
def test_an_order_never_takes_more_than_there_is_nor_fills_beyond_its_level(
    *,
    sold: tuple[int, ...],
    weekday: int,
    days: int,
    reorder_point: int,
    target: int | None,
    safety_stock: int,
    position: int,
    central: int,
) -> None:
    level = rules.reorder_level(
        sold=sold, weekday=weekday, lead_time_days=days, reorder_point=reorder_point, safety_stock=safety_stock
    )
    up_to = rules.order_up_to(level=level, sold=sold, weekday=weekday, lead_time_days=days, target=target)
    quantity = rules.quantity_to_order(position=position, level=level, up_to=up_to, central=central)

    assert max(reorder_point, safety_stock) <= level <= up_to
    assert up_to >= (target or 0)
    assert 0 <= quantity <= min(central, rules.MAX_QUANTITY)
    assert quantity == 0 or position + quantity <= up_to
    # What was ordered in full is not ordered again.
    if quantity == up_to - position > 0 and up_to > level:
        assert rules.quantity_to_order(position=position + quantity, level=level, up_to=up_to, central=central) == 0


@pytest.mark.parametrize(("sold", "a_day"), [(WEEK, "2.57"), ((0,) * 7, "0.00"), ((10,) * 7, "2.50")])
def test_a_day_sells_the_average_of_28(sold: tuple[int, ...], a_day: str) -> None:
    assert str(rules.daily_sales(sold)) == a_day


FACTS = {
    "quantity": 26,
    "available": 4,
    "on_the_way": 0,
    "daily_sales": Decimal("2.50"),
    "lead_time_days": 2,
    "order_up_to": 30,
    "central": 100,
}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "4 on the shelf, 0 on the way; sells 2.5 a day and a delivery takes 2 days; fills up to 30."),
        (
            {"on_the_way": 3, "lead_time_days": 1, "quantity": 23},
            "4 on the shelf, 3 on the way; sells 2.5 a day and a delivery takes 1 day; fills up to 30.",
        ),
        (
            {"central": 7, "quantity": 7, "daily_sales": Decimal("10.00")},
            (
                "4 on the shelf, 0 on the way; sells 10 a day and a delivery takes 2 days; fills up to 30,"
                " as far as the 7 in the warehouse go."
            ),
        ),
    ],
)
def test_the_reason_is_said_in_words(facts: dict[str, object], words: str) -> None:
    assert rules.why(**(FACTS | facts)) == words
