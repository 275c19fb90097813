"""What the sales add up to: reports and indicators. Amounts are Decimal, with two places, tax included."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sales.interface.values import Channel


@dataclass(frozen=True)
class ProductQuantity:
    """How many pieces of a product were sold."""

    product_id: UUID
    sku: str
    name: str
    quantity: int


@dataclass(frozen=True)
class LocalStock:
    """What is available of a product in a store."""

    product_id: UUID
    name: str
    available: int


@dataclass(frozen=True)
class Figures:
    """What sales add up to: `total` = `gross` − `returned`; `pieces` counts what was sold, not what came back."""

    gross: Decimal
    returned: Decimal
    total: Decimal
    sales: int
    returns: int
    pieces: int


@dataclass(frozen=True)
class StoreReport(Figures):
    """A store's part of the consolidated report; its `stock` is that of `stock_as_of`, some minutes ago at most."""

    store_id: UUID
    name: str
    address: str
    channel: Channel
    products: list[ProductQuantity]
    stock: list[LocalStock]
    stock_as_of: datetime


@dataclass(frozen=True)
class SalesReport:
    """The consolidated report: every store with its sales in a period, and its stock."""

    first_day: date | None
    last_day: date | None
    currency: str
    stores: list[StoreReport]
    total: Figures


@dataclass(frozen=True)
class StoreStatistics:
    """A store's sales, all in all. `average_basket` = revenue ÷ sales, 0 where there was none."""

    store_id: UUID
    name: str
    sales: int
    revenue: Decimal
    average_basket: Decimal


@dataclass(frozen=True)
class Statistics:
    """The chain's sales, all in all; `top_products` are the ten most sold of the last 30 days."""

    currency: str
    sales: int
    revenue: Decimal
    average_basket: Decimal
    stores: int
    per_store: list[StoreStatistics]
    top_products: list[ProductQuantity]


class Trend(StrEnum):
    """Which way revenue goes against the period before: by more than 5 % up or down, or flat."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


@dataclass(frozen=True)
class DayFigures:
    """What was sold on one day: `revenue` = sold − given back."""

    day: date
    revenue: Decimal
    tickets: int


@dataclass(frozen=True)
class HourFigures:
    """What was sold within one hour of a day, 0 to 23, in the store's own time."""

    hour: int
    revenue: Decimal
    tickets: int


@dataclass(frozen=True)
class ProductSales:
    """What a product brought in: pieces sold and their price."""

    product_id: UUID
    sku: str
    name: str
    pieces: int
    revenue: Decimal


@dataclass(frozen=True)
class PeriodFigures:
    """The figures of a period. `refund_rate` is a fraction, given back ÷ sold."""

    revenue: Decimal
    tickets: int
    pieces: int
    average_basket: Decimal
    refund_rate: Decimal


@dataclass(frozen=True)
class Indicators:
    """How a store, or the chain, is doing in a period and in the period of the same length before.

    `trend_percent` is the change of revenue in per cent, None where there was none before. The figures of stock, from
    `stock_outs` to `days_of_cover`, are those of `stock_as_of`, some minutes ago at most. Each definition stands in one
    function of `sales.rules` or `inventory.rules`.
    """

    now: PeriodFigures
    before: PeriodFigures
    trend_percent: Decimal | None
    trend: Trend
    days: list[DayFigures]
    days_before: list[DayFigures]
    top_products: list[ProductSales]
    bottom_products: list[ProductSales]
    stock_outs: int
    lost_sales: Decimal
    low_stock: int
    overstock: int
    dead_stock: int
    days_of_cover: int | None
    stock_as_of: datetime
    pending_requests: int


@dataclass(frozen=True)
class StoreIndicators(Indicators):
    """How one store is doing."""

    store_id: UUID
    name: str


@dataclass(frozen=True)
class Performance:
    """How the chain and each of its stores are doing, by name of store."""

    first_day: date
    last_day: date
    currency: str
    chain: Indicators
    stores: list[StoreIndicators]
