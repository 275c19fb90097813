"""How things leave carts without their holders: they are ordered, withdrawn from sale, or left alone for too long."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from cart import models, rules
from cart.interface import CartAbandoned, NoticeCode, OrderedLine
from cart.service import rows
from cart.service.values import notice_of
from catalog.interface import catalog
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write

# The cart goes by another id from now on, and what there was to tell has been told.
END_CONTENTS = """
WITH ended AS (
    UPDATE cart SET touched_at = %s,
        contents = %s::uuid || ARRAY(SELECT unnest(contents) EXCEPT SELECT unnest(%s::uuid[]))
    WHERE id = %s RETURNING id
), told AS (
    DELETE FROM cart_notice USING ended WHERE cart_id = ended.id
)
SELECT count(*) FROM ended
"""
# A statement of its own, which sees what whoever held the cart before has done.
TAKE_OUT = """
WITH ordered AS (
    SELECT * FROM unnest(%s::uuid[], %s::integer[]) AS ordered (product_id, quantity)
), gone AS (
    DELETE FROM cart_line AS line USING ordered
    WHERE line.cart_id = %s AND line.product_id = ordered.product_id AND line.quantity <= ordered.quantity
)
UPDATE cart_line AS line SET quantity = line.quantity - ordered.quantity FROM ordered
WHERE line.cart_id = %s AND line.product_id = ordered.product_id AND line.quantity > ordered.quantity
"""


class Leaving:
    """The part of the carts that clears them."""

    @atomic_write
    def check_out(
        self, *, cart_id: UUID, order_id: UUID, contents: Sequence[UUID], lines: Sequence[OrderedLine], now: datetime
    ) -> None:
        if not rows.claim(order_id, cart_id, now=now):
            return
        ordered: Counter[UUID] = Counter()
        for line in lines:
            ordered[line.product_id] += line.quantity
        for holding in rows.where_it_is(cart_id):
            with connection.cursor() as cursor:
                cursor.execute(END_CONTENTS, [now, order_id, list(contents), holding])
                if cursor.fetchone()[0]:
                    cursor.execute(TAKE_OUT, [list(ordered), list(ordered.values()), holding, holding])
                    return

    @atomic_write
    def withdraw(self, *, product_id: UUID, limit: int = 1000) -> int:
        if any(product.active for product in catalog.products(ids=[product_id])):
            return 0
        lines = models.Line.objects.filter(product_id=product_id)
        holding = models.Cart.objects.filter(id__in=lines.values("cart_id")).customers_first().select_for_update()
        cart_ids = list(holding.values_list("id", flat=True)[:limit])
        gone = lines.filter(cart_id__in=cart_ids)
        notices = [notice_of(NoticeCode.UNAVAILABLE, line, requested=line.quantity, available=0) for line in gone]
        models.Notice.objects.bulk_create(notices, ignore_conflicts=True)
        gone.delete()
        return len(cart_ids)

    @atomic_write
    def forget_customer(self, *, customer_id: UUID) -> None:
        row = models.Cart.objects.select_for_update().filter(customer_id=customer_id).first()
        if row is not None:
            row.delete()

    @atomic_write
    def abandon(self, *, now: datetime, limit: int = 1000) -> int:
        untouched = models.Cart.objects.filter(touched_at__lt=now - timedelta(days=settings.COMPTOIR_CART_DAYS))
        # One that is locked is being touched, or abandoned by somebody else.
        due = untouched.order_by("touched_at").select_for_update(skip_locked=True)
        customers = dict(due.values_list("id", "customer_id")[:limit])
        product_ids: dict[UUID, list[UUID]] = defaultdict(list)
        for line in models.Line.objects.filter(cart_id__in=customers):
            product_ids[line.cart_id].append(line.product_id)
        publish([CartAbandoned(cart_id, customers[cart_id], ids) for cart_id, ids in product_ids.items()])
        models.Cart.objects.filter(id__in=customers).delete()
        return len(customers)

    @atomic_write
    def forget_changes(self, *, now: datetime) -> int:
        return models.Change.objects.filter(at__lt=now - rules.CHANGES_KEPT).delete()[0]
