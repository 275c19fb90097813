"""An order's rows: found, locked, turned into a value, and a step noted.

Locking policy: whatever changes an order, its payments or its refunds locks the order's row first, in a transaction
that calls no other module's write.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import prefetch_related_objects

from cart.interface import Holder
from checkout import models
from checkout.interface import (
    Order,
    OrderCancelled,
    OrderedItem,
    OrderNotFound,
    OrderNotice,
    OrderNoticeCode,
    OrderParcel,
    OrderRefund,
    OrderStatus,
    PaymentNotFound,
    PaymentRunning,
    PaymentState,
    Step,
)
from shared_kernel.cache import cached, outdate
from shared_kernel.outbox import publish
from shared_kernel.postgres.rows import columns_of, rows_of

OfOrder = TypeVar("OfOrder", models.OrderLine, models.OrderPiece, models.OrderStep, models.Payment, models.Refund)

# Every step of an order asks for its row: the ORM would take longer to put that together than to have it answered.
ROW = f"SELECT {columns_of(models.Order, 'o')} FROM customer_order o WHERE id = %s"  # noqa: S608 our own names
LOCKED = ROW + " FOR UPDATE"
PAYMENT = f"SELECT {columns_of(models.Payment, 'p')} FROM payment p WHERE id = %s"  # noqa: S608
NOTE = "INSERT INTO order_step (order_id, step, at, actor_id, note, location_id) VALUES (%s, %s, %s, %s, %s, %s)"


def is_theirs(row: models.Order, holder: Holder | None) -> bool:
    """Whether an order is this holder's; the chain's own people, of whom none is given, see all."""
    if holder is None:
        return True
    if row.customer_id:
        return row.customer_id == holder.customer_id
    return row.token_digest is not None and bytes(row.token_digest) == holder.token_digest


def row_of(order_id: UUID, *, lock: bool = False) -> models.Order | None:
    """An order's row, if it was placed."""
    return next(iter(rows_of(models.Order, LOCKED if lock else ROW, [order_id])), None)


def found(order_id: UUID, *, holder: Holder | None = None) -> models.Order:
    """An order's row; a holder's, where one is given. Raises OrderNotFound."""
    row = row_of(order_id)
    if row is None or not is_theirs(row, holder):
        raise OrderNotFound(order_id=order_id)
    return row


def locked(order_id: UUID) -> models.Order:
    """An order's row, locked until the end of the transaction, since it is to change. Raises OrderNotFound."""
    row = row_of(order_id, lock=True)
    if row is None:
        raise OrderNotFound(order_id=order_id)
    if row.status != OrderStatus.PENDING:
        outdate("order", about=[order_id])
    return row


def note(
    row: models.Order,
    step: Step,
    *,
    actor_id: UUID | None,
    now: datetime,
    text: str = "",
    location_id: UUID | None = None,
) -> None:
    """Note what has happened to an order."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [row.id, step, now, actor_id, text, location_id])


def end(row: models.Order, step: Step, *, actor_id: UUID | None, now: datetime, text: str = "") -> None:
    """Cancel a locked order, for which this step stands."""
    row.status, row.reserved_until = OrderStatus.CANCELLED, None
    row.save(update_fields=["status", "reserved_until"])
    note(row, step, actor_id=actor_id, now=now, text=text)
    publish([OrderCancelled(order_id=row.id)])


def value_of(row: models.Order) -> Order:
    """An order with all that belongs to it."""
    return values_of([row])[0]


def shown(row: models.Order) -> Order:
    """The same, to be looked at: once it is paid, what belongs to it comes from the cache.

    How it stands and where it goes comes from the row: no buyer's e-mail or address is kept outside the database.
    """
    if row.status == OrderStatus.PENDING:
        return value_of(row)
    key = (row.id, row.status, row.refunded)
    known = cached("paid order", key, lambda: _without_buyer(value_of(row)), shape=Order, about=row.id)
    return replace(known, **row.head(), email=row.email, address=row.sent_to())


def _without_buyer(order: Order) -> Order:
    return replace(order, customer_id=None, email="", address=None)


def values_of(rows: Sequence[models.Order]) -> list[Order]:
    """Orders with all that belongs to them. Takes the same number of statements for any number of orders and lines."""
    ids = [row.id for row in rows]
    lines, pieces = of_orders(models.OrderLine, ids), of_orders(models.OrderPiece, ids)
    steps, payments = of_orders(models.OrderStep, ids), of_orders(models.Payment, ids)
    refunds = of_orders(models.Refund, ids)
    prefetch_related_objects([refund for of_order in refunds.values() for refund in of_order], "lines")
    return [
        assembled(
            row,
            lines=lines[row.id],
            pieces=pieces[row.id],
            steps=steps[row.id],
            payments=payments[row.id],
            refunds=refunds[row.id],
        )
        for row in rows
    ]


def of_orders(model: type[OfOrder], order_ids: Sequence[UUID]) -> dict[UUID, list[OfOrder]]:
    """The rows that belong to these orders, by order. Asked plainly: buyers look again and again until it is paid."""
    found: dict[UUID, list[OfOrder]] = defaultdict(list)
    table = model._meta.db_table
    statement = f"SELECT {columns_of(model, table)} FROM {table} WHERE order_id = ANY(%s)"  # noqa: S608 our own names
    for row in rows_of(model, statement, [list(order_ids)]):
        found[row.order_id].append(row)
    return found


def assembled(
    row: models.Order,
    *,
    lines: Iterable[models.OrderLine],
    pieces: Iterable[models.OrderPiece],
    steps: Iterable[models.OrderStep],
    payments: Iterable[models.Payment] = (),
    refunds: Iterable[models.Refund] = (),
) -> Order:
    """An order of these rows."""
    by_time = attrgetter("started_at", "id")
    lines, steps = sorted(lines, key=attrgetter("position")), sorted(steps, key=attrgetter("id"))
    return Order(
        **row.head(),
        email=row.email,
        address=row.sent_to(),
        net=row.total - row.tax,
        tax=row.tax,
        lines=[line.value() for line in lines],
        parcels=_parcels(pieces, steps),
        steps=[step.value() for step in steps],
        payments=[payment.value() for payment in sorted(payments, key=by_time)],
        refunds=[refund_value(refund) for refund in sorted(refunds, key=by_time)],
        notices=[
            OrderNotice(OrderNoticeCode.PRODUCT_ARCHIVED, line.product_id, line.name) for line in lines if line.archived
        ],
    )


def _parcels(pieces: Iterable[models.OrderPiece], steps: Iterable[models.OrderStep]) -> list[OrderParcel]:
    """From where an order's goods come; a place of which all was withdrawn keeps its parcel, which is empty."""
    sent = {step.location_id: step.at for step in steps if step.step == Step.SENT}
    items: dict[UUID, list[OrderedItem]] = defaultdict(list)
    for piece in sorted(pieces, key=attrgetter("location_id", "product_id")):
        items[piece.location_id] += [OrderedItem(piece.product_id, piece.left)] if piece.left else []
    return [OrderParcel(location_id, ordered, sent.get(location_id)) for location_id, ordered in items.items()]


def refund_value(row: models.Refund) -> OrderRefund:
    """A refund's row as a published value."""
    pieces: dict[UUID, int] = defaultdict(int)
    for line in row.lines.all():
        pieces[line.product_id] += line.quantity
    return OrderRefund(
        id=row.id,
        state=PaymentState(row.state),
        amount=row.amount,
        items=[OrderedItem(product_id, quantity) for product_id, quantity in pieces.items()],
        restock=row.restock,
        reason=row.reason,
        started_at=row.started_at,
    )


def payment_of(payment_id: UUID) -> models.Payment:
    """A payment's row. Raises PaymentNotFound."""
    for payment in rows_of(models.Payment, PAYMENT, [payment_id]):
        return payment
    raise PaymentNotFound(job_id=payment_id)


def payments_of(row: models.Order) -> list[models.Payment]:
    """All attempts to pay an order."""
    return of_orders(models.Payment, [row.id])[row.id]


def check_not_being_paid(row: models.Order, payments: Sequence[models.Payment]) -> None:
    """Raises PaymentRunning for an order of whose payments one may have taken money."""
    for payment in payments:
        if payment.state in models.OPEN:
            raise PaymentRunning(order_id=row.id, job_id=payment.id)
