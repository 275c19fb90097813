"""An order's rows: found, locked, turned into a value, and a step noted.

Locking policy: whatever changes an order, its payments or its refunds locks the order's row first, in a transaction
that calls no other module's write.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

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
    if row.customer_id or holder.customer_id:
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


def note(row: models.Order, step: Step, *, actor_id: UUID | None, now: datetime, text: str = "") -> None:
    """Note what has happened to an order."""
    models.OrderStep.objects.create(order=row, step=step, at=now, actor_id=actor_id, note=text)


def value_of(row: models.Order) -> Order:
    """An order with all that belongs to it. Takes the same number of statements for any number of lines."""
    return Order(
        **row.head(),
        email=row.email,
        address=row.sent_to(),
        net=row.total - row.tax,
        tax=row.tax,
        lines=[line.value() for line in row.lines.order_by("position")],
        parcels=parcels_of(row),
        steps=[step.value() for step in row.steps.all()],
        payments=[payment.value() for payment in row.payments.order_by("started_at", "id")],
        refunds=[refund_value(refund) for refund in row.refunds.order_by("started_at", "id").prefetch_related("lines")],
    )


def parcels_of(row: models.Order) -> list[OrderParcel]:
    """From where an order's goods come."""
    items: dict[UUID, list[OrderedItem]] = defaultdict(list)
    for piece in row.pieces.order_by("location_id", "product_id"):
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


def write_pieces(order_id: UUID, kept: Sequence[Reservation]) -> None:
    """Note from where an order's goods come."""
    models.OrderPiece.objects.bulk_create(
        models.OrderPiece(
            order_id=order_id, location_id=piece.location_id, product_id=piece.product_id, quantity=piece.quantity
        )
        for piece in kept
    )


def check_not_being_paid(row: models.Order) -> None:
    """Raises PaymentRunning for an order for which money may have been taken."""
    if payment := row.payments.filter(models.OPEN_PAYMENT).first():
        raise PaymentRunning(order_id=row.id, job_id=payment.id)
