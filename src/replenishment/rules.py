"""How much a store should ask for and why, and what follows from where a request stands."""

from collections.abc import Sequence
from decimal import Decimal

from replenishment.interface import InvalidQuantity
from shared_kernel.quantities import MAX_QUANTITY

# The days that sales are counted over, and how often each weekday is among them.
SALES_DAYS = 28
WEEKS = SALES_DAYS // 7
# How often a store is expected to order: what it orders lasts that much longer than the delivery takes.
REVIEW_DAYS = 7


def check_quantity(quantity: int, *, smallest: int, largest: int) -> None:
    """Raises InvalidQuantity."""
    if not smallest <= quantity <= largest:
        raise InvalidQuantity(quantity=quantity, smallest=smallest, largest=largest)


def expected_demand(*, sold: Sequence[int], weekday: int, days: int) -> int:
    """The whole pieces that will sell on so many days, of which the first is this weekday (Monday is 0).

    Each day sells what its weekday sold on average in the last four weeks; `sold` has their sums, Monday first. What
    the days add up to is rounded up.
    """
    return -(-sum(sold[(weekday + day) % 7] for day in range(days)) // WEEKS)


def reorder_level(
    *, sold: Sequence[int], weekday: int, lead_time_days: int, reorder_point: int, safety_stock: int
) -> int:
    """How far the stock may come down before a store asks for more.

    It has to last until the delivery is on the shelf, with the safety stock left: s in the (R, s, S) policy of periodic
    review (Silver, Pyke, Thomas, "Inventory and Production Management in Supply Chains"). A reorder point that somebody
    has set counts where it is higher.
    """
    until_delivered = expected_demand(sold=sold, weekday=weekday, days=lead_time_days)
    return max(reorder_point, until_delivered + safety_stock)


def order_up_to(*, level: int, sold: Sequence[int], weekday: int, lead_time_days: int, target: int | None) -> int:
    """How far an order fills up: S in the same policy, the reorder level and what sells until the next order.

    A target that somebody has set counts where it is higher.
    """
    until_next_order = expected_demand(sold=sold, weekday=weekday + lead_time_days, days=REVIEW_DAYS)
    return max(target or 0, level + until_next_order)


def is_wanted(*, reorder_point: int, target: int | None, sold: Sequence[int]) -> bool:
    """Whether a store wants a product at all: somebody has said so, or it sells."""
    return reorder_point > 0 or bool(target) or any(sold)


def quantity_to_order(*, position: int, level: int, up_to: int, central: int) -> int:
    """How many pieces to ask for; 0 while the stock has not come down to its reorder level.

    `position` is what is available, on its way or asked for. Never more than the warehouse has, or one request takes.
    """
    if position > level:
        return 0
    return max(0, min(up_to - position, central, MAX_QUANTITY))


def daily_sales(sold: Sequence[int]) -> Decimal:
    """The pieces sold on an average day of the last 28."""
    return (Decimal(sum(sold)) / SALES_DAYS).quantize(Decimal("0.01"))


def why(
    *,
    quantity: int,
    available: int,
    on_the_way: int,
    daily_sales: Decimal,
    lead_time_days: int,
    order_up_to: int,
    central: int,
) -> str:
    """The reason for a suggestion, in a sentence."""
    days = "day" if lead_time_days == 1 else "days"
    missing = order_up_to - available - on_the_way
    limit = f", as far as the {central} in the warehouse go" if quantity < missing else ""
    return (
        f"{available} on the shelf, {on_the_way} on the way;"
        f" sells {daily_sales.normalize():f} a day and a delivery takes {lead_time_days} {days};"
        f" fills up to {order_up_to}{limit}."
    )
