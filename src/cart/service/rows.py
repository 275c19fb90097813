"""A cart's rows: who holds them, which write has been carried out, and what an order means to find.

Every visitor asks these, and the ORM would take longer to put them together than to have them answered.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import connection

from cart import models
from cart.interface import CartNotFound, Holder, cart_of
from shared_kernel.postgres.rows import columns_of, rows_of

CLAIM = "INSERT INTO cart_change (id, cart_id, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
OPEN = "INSERT INTO cart (id, customer_id, token_digest, touched_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
LINES = f"SELECT {columns_of(models.Line, 'l')} FROM cart_line l WHERE cart_id = %s ORDER BY id"  # noqa: S608 our own
# A customer's own, or the one of a token; in one statement, so that no merge and no order comes between the lines and
# what they go by.
TO_ORDER = f"""
SELECT {columns_of(models.Line, "l")}, c.customer_id, c.touched_at, c.contents
FROM cart c JOIN cart_line l ON l.cart_id = c.id
WHERE c.id = %s AND (c.customer_id = %s OR c.token_digest = %s) ORDER BY l.id
"""  # noqa: S608 our own names
TOUCH = "UPDATE cart SET touched_at = %s WHERE id = %s AND token_digest = %s RETURNING id"
# A customer's is made where it is not there; also while somebody else removes it.
TOUCH_OWN = """
INSERT INTO cart (touched_at, id, customer_id) VALUES (%s, %s, %s)
ON CONFLICT (id) DO UPDATE SET touched_at = EXCLUDED.touched_at RETURNING id
"""
TELL = "WITH touched AS ({}), told AS (DELETE FROM cart_notice USING touched WHERE cart_id = touched.id) TABLE touched"
PUT = """
INSERT INTO cart_line (id, cart_id, product_id, quantity, added_price) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET quantity = EXCLUDED.quantity, added_price = EXCLUDED.added_price
"""


def claim(operation_id: UUID, cart_id: UUID, *, now: datetime) -> bool:
    """Whether the write under this key is to be carried out now, and was not before. Waits for a twin under way."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [operation_id, cart_id, now])
        return bool(cursor.rowcount == 1)


def opened(row: models.Cart, holder: Holder) -> bool:
    """Whether this cart is made for its holder now, and was not there before."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [row.id, holder.customer_id, holder.token_digest, row.touched_at])
        return bool(cursor.rowcount == 1)


def found(cart_id: UUID, holder: Holder) -> models.Cart:
    """The holder's cart; a customer's own is an empty one where it was not made yet. Raises CartNotFound."""
    row = models.Cart.objects.held_by(holder).filter(id=cart_id).first()
    if row is None and _is_own(cart_id, holder):
        return models.Cart(id=cart_id, customer_id=holder.customer_id, contents=[])
    if row is None:
        raise CartNotFound(cart_id=cart_id)
    return row


def to_order(cart_id: UUID, holder: Holder) -> tuple[models.Cart, list[models.Line]]:
    """The holder's cart and its lines, as they stand at one moment. Raises CartNotFound."""
    lines = rows_of(models.Line, TO_ORDER, [cart_id, holder.customer_id, holder.token_digest])
    if not lines:
        return found(cart_id, holder), []
    first = lines[0]
    row = models.Cart(id=cart_id, customer_id=first.customer_id, touched_at=first.touched_at, contents=first.contents)
    return row, lines


def hold(cart_id: UUID, holder: Holder, *, now: datetime) -> models.Cart:
    """The cart, touched by its holder, which nobody else changes until the end of the transaction.

    A customer's is made where it is not there. What there was to tell has been told. Raises CartNotFound.
    """
    own = _is_own(cart_id, holder)
    touch, proof = (TOUCH_OWN, holder.customer_id) if own else (TOUCH, holder.token_digest)
    with connection.cursor() as cursor:
        cursor.execute(TELL.format(touch), [now, cart_id, proof])
        if cursor.fetchone() is None:
            raise CartNotFound(cart_id=cart_id)
    return models.Cart(id=cart_id, customer_id=holder.customer_id if own else None, touched_at=now)


def lines_of(cart_id: UUID) -> list[models.Line]:
    """What is in a cart, in the order in which it was put in."""
    return rows_of(models.Line, LINES, [cart_id])


def put(line: models.Line) -> None:
    """Write a line down, a new one or one that was there."""
    with connection.cursor() as cursor:
        cursor.execute(PUT, [line.id, line.cart_id, line.product_id, line.quantity, line.added_price])


def where_it_is(cart_id: UUID) -> Iterator[UUID]:
    """Where what was in a cart may be: there, or else in the customer's that it was merged into."""
    yield cart_id
    # A merge under its id says where to.
    yield from models.Change.objects.filter(id=cart_id).values_list("cart_id", flat=True)


def _is_own(cart_id: UUID, holder: Holder) -> bool:
    return holder.customer_id is not None and cart_id == cart_of(holder.customer_id)
