"""What figures of stock mean."""

import pytest

from inventory.rules import is_dead, is_low, is_over


@pytest.mark.parametrize(
    ("available", "reorder_point", "low"),
    [(11, 10, False), (10, 10, True), (9, 10, True), (0, 10, True), (0, 0, False), (1, 0, False), (1, 1, True)],
)
def test_low_means_at_or_below_the_reorder_point_where_there_is_one(
    available: int, reorder_point: int, low: bool
) -> None:
    assert is_low(available=available, reorder_point=reorder_point) is low


@pytest.mark.parametrize(
    ("available", "sold", "target", "over"),
    [
        (90, 28, None, False),
        (91, 28, None, True),
        (1000, 0, None, False),
        (40, 100, 20, False),
        (41, 100, 20, True),
        (41, 0, 20, True),
        (0, 0, 0, False),
        (1, 0, 0, True),
    ],
)
def test_over_means_more_than_90_days_or_than_twice_the_target(
    available: int, sold: int, target: int | None, over: bool
) -> None:
    assert is_over(available=available, sold=sold, target=target) is over


@pytest.mark.parametrize(("available", "days", "dead"), [(1, 90, True), (1, 89, False), (0, 400, False)])
def test_dead_means_that_nothing_moved_for_90_days(available: int, days: int, dead: bool) -> None:
    assert is_dead(available=available, days_since_move=days) is dead
