"""Goods that left although the books did not hold them: kept until somebody counts the shelf."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet

from catalog.interface import catalog
from inventory import models
from inventory.interface import Discrepancy


class Discrepancies:
    """The part of the inventory that knows where the books were wrong."""

    def unsettled_shelves(self, *, location_ids: Sequence[UUID]) -> dict[UUID, int]:
        unsettled = models.StockDiscrepancy.objects.filter(settled_at__isnull=True, level__location_id__in=location_ids)
        return dict(unsettled.order_by().values_list("level__location_id").annotate(Count("level", distinct=True)))

    def discrepancies(
        self,
        *,
        location_ids: Sequence[UUID] | None = None,
        settled: bool = False,
        after: int | None = None,
        limit: int = 20,
    ) -> list[Discrepancy]:
        rows = models.StockDiscrepancy.objects.filter(settled_at__isnull=not settled)
        if location_ids is not None:
            rows = rows.filter(level__location_id__in=location_ids)
        if after is not None:
            rows = rows.filter(id__gt=after)
        return values_of(rows.order_by("id")[:limit])


def values_of(rows: QuerySet[models.StockDiscrepancy]) -> list[Discrepancy]:
    """These rows with the names of their places and products."""
    found = list(rows.select_related("level__location"))
    products = {product.id: product.name for product in catalog.products(ids=[row.level.product_id for row in found])}
    return [
        Discrepancy(
            id=row.id,
            location_id=row.level.location_id,
            location_name=row.level.location.name,
            product_id=row.level.product_id,
            product_name=products[row.level.product_id],
            missing=row.missing,
            document=row.document,
            found_at=row.found_at,
            settled_at=row.settled_at,
        )
        for row in found
    ]


def settle(*, location_id: UUID, product_id: UUID, now: datetime) -> None:
    """The shelf was counted: whatever was unclear about it is settled."""
    models.StockDiscrepancy.objects.filter(
        level__location_id=location_id, level__product_id=product_id, settled_at__isnull=True
    ).update(settled_at=now)
