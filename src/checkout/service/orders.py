"""An order's rows: found, locked, turned into a value, and a step noted.

Locking policy: whatever changes an order, its payments or its refunds locks the order's row first, in a transaction
that calls no other module's write.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from uuid import UUID

from django.db.models import prefetch_related_objects

from cart.interface import Holder
from checkout import models
from checkout.interface import (
    Order,
    OrderedItem,
    OrderNotFound,
    OrderParcel,
    OrderRefund,
    PaymentRunning,
    PaymentState,
    Step,
)
from inventory.interface import Reservation
from shared_kernel.postgres.transactions import atomic_write


def digest(token: str) -> bytes:
    """What is kept of a cart's token. A quick one will do: nobody guesses 256 random bits."""
    return sha256(token.encode()).digest()


def is_theirs(row: models.Order, holder: Holder | None) -> bool:
    """Whether an order is this holder's; the chain's own people, of whom none is given, see all."""
    if holder is None:
        return True
    if row.customer_id:
        return row.customer_id == holder.customer_id
    return bool(row.token_digest and holder.token) and bytes(row.token_digest or b"") == digest(holder.token or "")


def found(order_id: UUID, *, holder: Holder | None = None) -> models.Order:
    """An order's row. Raises OrderNotFound."""
    row = models.Order.objects.filter(id=order_id).first()
    if row is None or not is_theirs(row, holder):
        raise OrderNotFound(order_id=order_id)
    return row


def locked(order_id: UUID) -> models.Order:
    """An order's row, locked until the end of the transaction. Raises OrderNotFound."""
    row = models.Order.objects.select_for_update().filter(id=order_id).first()
    if row is None:
        raise OrderNotFound(order_id=order_id)
    return row


def note(row: models.Order, step: Step, *, actor_id: UUID | None, now: datetime, text: str = "") -> models.OrderStep:
    """Note what has happened to an order."""
    return models.OrderStep.objects.create(order=row, step=step, at=now, actor_id=actor_id, note=text)


def value_of(row: models.Order) -> Order:
    """An order with all that belongs to it."""
    return values_of([row])[0]


def values_of(rows: Sequence[models.Order]) -> list[Order]:
    """Orders with all that belongs to them. Takes the same number of statements for any number of orders and lines."""
    prefetch_related_objects(rows, "lines", "pieces", "steps", "payments", "refunds__lines")
    return [
        assembled(
            row,
            lines=row.lines.all(),
            pieces=row.pieces.all(),
            steps=row.steps.all(),
            payments=row.payments.all(),
            refunds=row.refunds.all(),
        )
        for row in rows
    ]


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
    return Order(
        **row.head(),
        email=row.email,
        address=row.sent_to(),
        net=row.total - row.tax,
        tax=row.tax,
        lines=[line.value() for line in sorted(lines, key=attrgetter("position"))],
        parcels=_parcels(pieces),
        steps=[step.value() for step in steps],
        payments=[payment.value() for payment in sorted(payments, key=by_time)],
        refunds=[refund_value(refund) for refund in sorted(refunds, key=by_time)],
    )


def _parcels(pieces: Iterable[models.OrderPiece]) -> list[OrderParcel]:
    """From where an order's goods come."""
    items: dict[UUID, list[OrderedItem]] = defaultdict(list)
    for piece in sorted(pieces, key=attrgetter("location_id", "product_id")):
        items[piece.location_id].append(OrderedItem(piece.product_id, piece.quantity))
    return [OrderParcel(location_id, ordered) for location_id, ordered in items.items()]


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


def pieces_of(row: models.Order) -> dict[UUID, int]:
    """The pieces of each product that an order takes out of the stock."""
    pieces: dict[UUID, int] = defaultdict(int)
    for product_id, quantity in row.pieces.values_list("product_id", "quantity"):
        pieces[product_id] += quantity
    return pieces


@atomic_write
def place_anew(order_id: UUID, kept: Sequence[Reservation]) -> None:
    """Note from where an order's goods come now; the same places as before, most of the time."""
    row = locked(order_id)
    row.pieces.all().delete()
    write_pieces(order_id, kept)


def write_pieces(order_id: UUID, kept: Sequence[Reservation]) -> list[models.OrderPiece]:
    """Note from where an order's goods come."""
    return models.OrderPiece.objects.bulk_create(
        models.OrderPiece(
            order_id=order_id, location_id=piece.location_id, product_id=piece.product_id, quantity=piece.quantity
        )
        for piece in kept
    )


def check_not_being_paid(row: models.Order) -> None:
    """Raises PaymentRunning for an order for which money may have been taken."""
    if payment := row.payments.filter(models.OPEN_PAYMENT).first():
        raise PaymentRunning(order_id=row.id, job_id=payment.id)
