"""Orders as they are looked at: one, lists of them, and what they add up to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Sum

from cart.interface import Holder
from checkout import models
from checkout.interface import Order, OrderFigures, OrderStatus, OrderSummary
from checkout.service.orders import found, shown, values_of
from checkout.service.reporting import report_order
from shared_kernel.money import ZERO


class Listing:
    """The part of the checkout that finds orders again."""

    def order(self, *, order_id: UUID, holder: Holder | None = None) -> Order:
        return shown(found(order_id, holder=holder))

    def orders(
        self,
        *,
        statuses: Sequence[OrderStatus] | None = None,
        customer_id: UUID | None = None,
        placed_by: UUID | None = None,
        location_ids: Sequence[UUID] | None = None,
        reference: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: UUID | None = None,
        limit: int = 20,
    ) -> list[OrderSummary]:
        rows = _rows(
            location_ids,
            status__in=statuses,
            customer_id=customer_id,
            placed_by=placed_by,
            reference=reference and reference.upper(),
            placed_at__gte=since,
            placed_at__lt=until,
            id__lt=before,
        )
        return [row.summary() for row in rows.order_by("-id")[:limit]]

    def orders_in_full(
        self,
        *,
        statuses: Sequence[OrderStatus] | None = None,
        customer_id: UUID | None = None,
        location_ids: Sequence[UUID] | None = None,
        reference: str | None = None,
        oldest_first: bool = False,
        beyond: UUID | None = None,
        limit: int = 20,
    ) -> list[Order]:
        order, following = ("id", "id__gt") if oldest_first else ("-id", "id__lt")
        conditions = {
            "status__in": statuses,
            "customer_id": customer_id,
            "reference": reference and reference.upper(),
            following: beyond,
        }
        return values_of(list(_rows(location_ids, **conditions).order_by(order)[:limit]))

    def figures(self, *, since: datetime | None = None, until: datetime | None = None) -> list[OrderFigures]:
        conditions = {"placed_at__gte": since, "placed_at__lt": until}
        rows = models.Order.objects.filter(**{name: value for name, value in conditions.items() if value is not None})
        sums = rows.values_list("status").annotate(orders=Count("id"), revenue=Sum(F("total") - F("refunded")))
        by_status = {status: (orders, revenue) for status, orders, revenue in sums}
        return [OrderFigures(status, *by_status.get(status, (0, ZERO))) for status in OrderStatus]

    def report_sale(self, *, order_id: UUID) -> None:
        report_order(found(order_id))


def _rows(location_ids: Sequence[UUID] | None, **conditions: Any) -> models.OrderQuerySet:
    """The orders that fit those of the conditions that are given, and of which one of these places sends something."""
    rows = models.Order.objects.filter(**{name: value for name, value in conditions.items() if value is not None})
    if location_ids is None:
        return rows
    return rows.filter(Exists(models.OrderPiece.objects.filter(order=OuterRef("pk"), location_id__in=location_ids)))
