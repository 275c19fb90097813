"""What figures of stock mean."""

import pytest

from inventory.rules import is_low


@pytest.mark.parametrize(
    ("available", "reorder_point", "low"),
    [(11, 10, False), (10, 10, True), (9, 10, True), (0, 10, True), (0, 0, False), (1, 0, False), (1, 1, True)],
)
def test_low_means_at_or_below_the_reorder_point_where_there_is_one(
    available: int, reorder_point: int, low: bool
) -> None:
    assert is_low(available=available, reorder_point=reorder_point) is low
