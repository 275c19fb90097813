"""What orders that are under way are told of the catalogue."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef

from catalog.interface import catalog
from checkout import models, rules
from checkout.interface import OrderStatus, OrderUpdated
from shared_kernel.cache import outdate
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write


class Noticing:
    """The part of the checkout that hears what becomes of products."""

    def note_archived(self, *, product_ids: Sequence[UUID], limit: int = 1000) -> int:
        return note_archived(product_ids, limit=limit)


def note_archived(product_ids: Sequence[UUID], *, limit: int = 1000) -> int:
    """Note on orders under way which of these left the catalogue; how many orders that were."""
    gone = [product.id for product in catalog.products(ids=product_ids) if not product.active]
    return _note(gone, limit=limit) if gone else 0


@atomic_write
def _note(gone: Sequence[UUID], *, limit: int) -> int:
    lines = models.OrderLine.objects.filter(product_id__in=gone, archived=False)
    concerned = models.Order.objects.filter(Exists(lines.filter(order=OuterRef("pk"))), status__in=rules.UNDER_WAY)
    rows = list(concerned.order_by("id").select_for_update()[:limit])
    # A twin may have noted it on some of them while we waited for their rows.
    unaware = set(lines.filter(order__in=rows).values_list("order_id", flat=True))
    lines.filter(order__in=rows).update(archived=True)
    outdate("order", about=[row.id for row in rows])
    publish([OrderUpdated(row.id, OrderStatus(row.status)) for row in rows if row.id in unaware])
    return len(rows)
