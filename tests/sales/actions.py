"""The writes of the sales with only the arguments that matter to a test, and what they leave behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from inventory.interface import Location
from sales.interface import (
    CashDirection,
    OfflineItem,
    OfflineResult,
    OfflineSale,
    Payment,
    PaymentMethod,
    ReturnedItem,
    Sale,
    TillReport,
    sales,
)
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id

TABLES = [
    "sale",
    "sale_line",
    "sale_payment",
    "till_reference",
    "receipt_counter",
    "till_session",
    "cash_movement",
    "stock_level",
    "stock_movement",
    "stock_discrepancy",
]


def euros(amount: str) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"))


def cash(amount: str) -> Payment:
    return Payment(PaymentMethod.CASH, euros(amount))


def card(amount: str) -> Payment:
    return Payment(PaymentMethod.CARD, euros(amount))


def voucher(amount: str) -> Payment:
    return Payment(PaymentMethod.VOUCHER, euros(amount))


def ticket(store: Location, **values: Any) -> Sale:
    """A ticket of a till; `values` are those of `record_sale` that matter to the test."""
    arguments = {
        "sale_id": new_id(),
        "store_id": store.id,
        "items": [],
        "payments": [],
        "client_reference": "",
        "cashier_id": None,
        "sold_at": datetime.now(UTC),
    }
    return sales.record_sale(**(arguments | values))


def give_back(sale: Sale, quantity: int = 1, *, position: int = 1, restock: bool = True, **values: Any) -> Sale:
    """A return of some pieces of one line."""
    arguments = {
        "sale_id": new_id(),
        "store_id": sale.store_id,
        "items": [],
        "returns": [ReturnedItem(sale.id, position, quantity, restock)],
        "payments": [],
        "client_reference": "",
        "cashier_id": None,
        "sold_at": datetime.now(UTC),
    }
    return sales.record_sale(**(arguments | values))


def offline(store: Location, *items: OfflineItem, reference: str = "", **values: Any) -> OfflineSale:
    """A sale that a till made while it was offline."""
    moment = values.pop("sold_at", datetime.now(UTC))
    arguments = {"sale_id": new_id(), "payments": [], "sold_at": moment, "client_reference": reference or str(new_id())}
    return OfflineSale(store_id=store.id, items=items, **(arguments | values))


def send(*offline_sales: OfflineSale) -> list[OfflineResult]:
    return sales.record_offline_sales(sales=offline_sales, cashier_id=None, now=datetime.now(UTC))


def open_till(store: Location, till: str = "Till 1", opening_float: str = "100.00", **values: Any) -> TillReport:
    arguments = {"session_id": new_id(), "actor_id": new_id(), "now": datetime.now(UTC)}
    return sales.open_till(store_id=store.id, till=till, opening_float=euros(opening_float), **(arguments | values))


def move_cash(session: TillReport, direction: CashDirection, amount: str, **values: Any) -> TillReport:
    arguments = {"movement_id": new_id(), "reason": "change", "actor_id": new_id(), "now": datetime.now(UTC)}
    return sales.move_cash(session_id=session.id, direction=direction, amount=euros(amount), **(arguments | values))


def close_till(session: TillReport, counted: str, **values: Any) -> TillReport:
    arguments = {"note": "", "actor_id": new_id(), "now": datetime.now(UTC)}
    return sales.close_till(session_id=session.id, counted_cash=euros(counted), **(arguments | values))


def paid(sale: Sale) -> list[tuple[str, Decimal]]:
    """By which methods a ticket was paid or refunded."""
    return [(payment.method.value, payment.amount) for payment in sale.payments]


def everything() -> dict[str, list[Any]]:
    """All rows that a sale writes, its stock's included."""
    rows = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
            rows[table] = cursor.fetchall()
    return rows


@contextmanager
def refused(kind: type[Refusal]) -> Iterator[Any]:
    """Expects this refusal, and that nothing has changed."""
    before = everything()
    with pytest.raises(kind) as refusal:
        yield refusal
    assert everything() == before
