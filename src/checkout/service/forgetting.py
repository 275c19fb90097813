"""What is removed of buyers: of those who were erased, and of those without an account after some time.

An order keeps all of it until it has ended, so that what was paid can be sent. Whoever is at it while its customer is
erased may write their e-mail after that: so it is known of whom nothing is to be kept, and every night what has ended
since is looked through.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from checkout import models
from shared_kernel.cache import outdate
from shared_kernel.postgres.transactions import atomic_write


class Forgetting:
    """The part of the checkout that forgets who bought."""

    @atomic_write
    def forget_customer(self, *, customer_id: UUID) -> None:
        models.ErasedCustomer.objects.bulk_create([models.ErasedCustomer(customer_id)], ignore_conflicts=True)
        _forget(models.Order.objects.ended().filter(customer_id=customer_id))

    @atomic_write
    def forget_buyers(self, *, now: datetime, limit: int = 1000) -> int:
        ended, erased = models.Order.objects.ended(), models.ErasedCustomer.objects.values("customer_id")
        long_ago = now - timedelta(days=settings.COMPTOIR_GUEST_DAYS)
        return _forget(ended.filter(customer_id__in=erased), limit=limit) + _forget(
            ended.filter(customer_id=None, placed_at__lt=long_ago), limit=limit
        )


def _forget(rows: QuerySet[models.Order], *, limit: int | None = None) -> int:
    """Remove the buyers from those of these orders that still name them; returns how many."""
    # Every order has an e-mail until it is removed.
    naming = rows.exclude(email="").select_for_update().order_by("id")
    ids = list(naming.values_list("id", flat=True)[:limit])
    models.Payment.objects.filter(order__in=ids).update(brand="", last4="", expiry="")
    models.Refund.objects.filter(order__in=ids).update(reason="")
    models.OrderStep.objects.filter(order__in=ids).exclude(note="").update(note="")
    models.Order.objects.filter(id__in=ids).update(email="", address=None)
    outdate("order", about=ids)
    return len(ids)
