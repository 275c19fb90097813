"""How an order is written down, whoever placed it: in one statement."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection
from psycopg.types.json import Jsonb

from cart.interface import CartToOrder
from checkout import models
from checkout.interface import (
    CartOrdered,
    Destination,
    Order,
    OrderChannel,
    OrderCreated,
    OrderStatus,
    Step,
)
from checkout.service.keeping import reservation_time
from checkout.service.lines import Ordered
from checkout.service.orders import assembled, row_of, value_of
from inventory.interface import Reservation
from shared_kernel.ids import digest_of
from shared_kernel.money import ZERO, tax_within
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

# The contents in one order, so that no two orders wait for each other.
PLACE = """
WITH placed AS (
    INSERT INTO customer_order (id, reference, channel, status, customer_id, token_digest, placed_by, email, address,
        pickup_store_id, currency, tax, total, refunded, placed_at, reserved_until)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s) RETURNING id
), claimed AS (
    INSERT INTO ordered_content (id, order_id)
    SELECT content, placed.id FROM placed, unnest(%s::uuid[]) AS content ORDER BY content
    ON CONFLICT DO NOTHING RETURNING id
), lines AS (
    INSERT INTO order_line (order_id, position, product_id, sku, name, stocked, quantity, unit_price, tax_rate, tax,
        total, refunded)
    SELECT placed.id, line.*, 0 FROM placed, unnest(%s::smallint[], %s::uuid[], %s::text[], %s::text[], %s::bool[],
        %s::int[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS line
), pieces AS (
    INSERT INTO order_piece (order_id, location_id, product_id, quantity, returned)
    SELECT placed.id, piece.*, 0 FROM placed, unnest(%s::uuid[], %s::uuid[], %s::int[]) AS piece
), step AS (
    INSERT INTO order_step (order_id, step, at, actor_id, note) SELECT id, %s, %s, %s, '' FROM placed
)
SELECT count(*) FROM claimed
"""


@dataclass(frozen=True)
class Buyer:
    """Whose order it is: a customer's, a cart's token's holder, or a reseller's program's."""

    channel: OrderChannel
    customer_id: UUID | None
    token: str | None
    placed_by: UUID | None


class ReferenceTaken(Exception):
    """Another order, out of a million millions, has the same reference."""


def known(order_id: UUID) -> Order | None:
    """The order of this id, if it was placed before."""
    row = row_of(order_id)
    return value_of(row) if row else None


def check_not_ordered(order_id: UUID, held: CartToOrder | None) -> None:
    """Raises CartOrdered for a cart of which another order was made."""
    if held:
        taken = models.OrderedContent.objects.filter(id__in=held.contents).exclude(order_id=order_id).first()
        if taken:
            raise CartOrdered(cart_id=held.cart.id, order_id=taken.order_id)


@atomic_write
def write_down(
    order_id: UUID,
    buyer: Buyer,
    lines: Sequence[Ordered],
    destination: Destination,
    kept: Sequence[Reservation],
    *,
    reference: str,
    held: CartToOrder | None,
    now: datetime,
) -> Order:
    """Write an order down whose goods are reserved.

    Raises AlreadyDone where a twin has just done so, ReferenceTaken, and CartOrdered where another order was made of
    the cart.
    """
    rows = [_row(order_id, position, line) for position, line in enumerate(lines, start=1)]
    pieces = [
        models.OrderPiece(
            order_id=order_id, location_id=piece.location_id, product_id=piece.product_id, quantity=piece.quantity
        )
        for piece in kept
    ]
    actor_id = buyer.placed_by or buyer.customer_id
    placed = models.OrderStep(order_id=order_id, step=Step.PLACED, at=now, actor_id=actor_id)
    order = models.Order(
        id=order_id,
        reference=reference,
        channel=buyer.channel,
        status=OrderStatus.PENDING,
        customer_id=buyer.customer_id,
        token_digest=digest_of(buyer.token) if buyer.token else None,
        placed_by=buyer.placed_by,
        email=destination.email,
        address=destination.address and asdict(destination.address),
        pickup_store_id=destination.pickup_store_id,
        currency=settings.COMPTOIR_CURRENCY,
        tax=sum((row.tax for row in rows), ZERO),
        total=sum((row.total for row in rows), ZERO),
        refunded=ZERO,
        placed_at=now,
        reserved_until=min((piece.until for piece in kept if piece.until), default=now + reservation_time()),
    )
    contents = held.contents if held else []
    if _place(order, contents, rows, pieces, placed) < len(contents):
        check_not_ordered(order_id, held)
    publish([OrderCreated(order_id=order_id, customer_id=buyer.customer_id, cart_id=held.cart.id if held else None)])
    return assembled(order, lines=rows, pieces=pieces, steps=[placed])


def _place(
    order: models.Order,
    contents: Sequence[UUID],
    lines: Sequence[models.OrderLine],
    pieces: Sequence[models.OrderPiece],
    placed: models.OrderStep,
) -> int:
    """Write these down; returns how much of the contents was free to become this order's.

    Raises AlreadyDone and ReferenceTaken.
    """
    parameters: list[Any] = [
        order.id,
        order.reference,
        order.channel,
        order.status,
        order.customer_id,
        order.token_digest,
        order.placed_by,
        order.email,
        order.address and Jsonb(order.address),
        order.pickup_store_id,
        order.currency,
        order.tax,
        order.total,
        order.placed_at,
        order.reserved_until,
        list(contents),
        [line.position for line in lines],
        [line.product_id for line in lines],
        [line.sku for line in lines],
        [line.name for line in lines],
        [line.stocked for line in lines],
        [line.quantity for line in lines],
        [line.unit_price for line in lines],
        [line.tax_rate for line in lines],
        [line.tax for line in lines],
        [line.total for line in lines],
        [piece.location_id for piece in pieces],
        [piece.product_id for piece in pieces],
        [piece.quantity for piece in pieces],
        placed.step,
        placed.at,
        placed.actor_id,
    ]
    try:
        with connection.cursor() as cursor:
            cursor.execute(PLACE, parameters)
            return int(cursor.fetchone()[0])
    except IntegrityError as error:
        if constraint_of(error) == "customer_order_pkey":
            raise AlreadyDone from error
        if constraint_of(error) == "customer_order_reference_key":
            raise ReferenceTaken from error
        raise


def _row(order_id: UUID, position: int, line: Ordered) -> models.OrderLine:
    total = line.unit_price * line.quantity
    return models.OrderLine(
        order_id=order_id,
        position=position,
        product_id=line.product_id,
        sku=line.sku,
        name=line.name,
        stocked=line.stocked,
        quantity=line.quantity,
        unit_price=line.unit_price,
        tax_rate=line.tax_rate,
        tax=tax_within(total, line.tax_rate),
        total=total,
    )
