from typing import Self

from django.db import models
from django.db.models import F, Q

from replenishment.interface import RequestStatus
from shared_kernel.ids import new_id

# Those that wait for an answer, or for their goods to be sent. What is on its way has been answered.
OPEN = Q(status=RequestStatus.PENDING) | Q(status=RequestStatus.APPROVED, travels=True)


class RequestQuerySet(models.QuerySet["Request"]):
    def pending(self) -> Self:
        return self.filter(status=RequestStatus.PENDING)

    def open(self) -> Self:
        return self.filter(OPEN)


class Request(models.Model):
    """A store asks the warehouse for so many pieces of a product."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product_id = models.UUIDField()
    store_id = models.UUIDField()
    warehouse_id = models.UUIDField()
    quantity = models.IntegerField()
    approved_quantity = models.IntegerField(null=True)
    received_quantity = models.IntegerField(null=True)
    status = models.CharField(
        max_length=9,
        choices=[(status.value, status.value) for status in RequestStatus],
        default=RequestStatus.PENDING,
    )
    # What was approved is shipped and received, and was not moved at once.
    travels = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    requested_by = models.UUIDField(null=True)
    requested_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    # The callers' keys: they make a repeated step visible, and name its movements in the ledger.
    decision_id = models.UUIDField(null=True, unique=True)
    shipment_id = models.UUIDField(null=True, unique=True)
    receipt_id = models.UUIDField(null=True, unique=True)

    objects = RequestQuerySet.as_manager()

    class Meta:
        db_table = "replenishment_request"
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="request_of_something"),
            models.CheckConstraint(
                condition=Q(status="pending", decision_id=None, decided_at=None, decided_by=None)
                | (~Q(status="pending") & Q(decision_id__isnull=False, decided_at__isnull=False)),
                name="request_decided",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["approved", "shipped", "received"], approved_quantity__isnull=False)
                & Q(approved_quantity__gte=1, approved_quantity__lte=F("quantity"))
                | Q(status__in=["pending", "rejected", "cancelled"], approved_quantity=None, travels=False),
                name="request_granted",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["shipped", "received"], travels=True)
                & Q(shipment_id__isnull=False, shipped_at__isnull=False)
                | (~Q(status__in=["shipped", "received"]) & Q(shipment_id=None, shipped_at=None)),
                name="request_shipped",
            ),
            models.CheckConstraint(
                condition=Q(status="received", receipt_id__isnull=False, received_at__isnull=False)
                & Q(received_quantity__isnull=False, received_quantity__gte=0)
                & Q(received_quantity__lte=F("approved_quantity"))
                | (~Q(status="received") & Q(receipt_id=None, received_at=None, received_quantity=None)),
                name="request_received",
            ),
        ]
        indexes = [
            models.Index(fields=["store_id", "status", "-id"], name="request_by_store"),
            models.Index(fields=["status", "-id"], name="request_by_status"),
            models.Index(fields=["product_id", "-id"], name="request_by_product"),
            models.Index(fields=["store_id", "product_id"], condition=OPEN, name="request_open"),
        ]


class Suggestion(models.Model):
    """How many pieces of a product a store should ask for, and the figures that say so."""

    id = models.BigAutoField(primary_key=True)
    store_id = models.UUIDField()
    product_id = models.UUIDField()
    quantity = models.IntegerField()
    available = models.IntegerField()
    on_the_way = models.IntegerField()
    daily_sales = models.DecimalField(max_digits=12, decimal_places=2)
    lead_time_days = models.IntegerField()
    reorder_level = models.IntegerField()
    order_up_to = models.IntegerField()
    central = models.IntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "replenishment_suggestion"
        constraints = [
            models.UniqueConstraint(fields=["store_id", "product_id"], name="suggestion_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=F("central")), name="suggestion_of_something"
            ),
        ]
        indexes = [
            models.Index(fields=["available", "id"], name="suggestion_by_shelf"),
            models.Index(fields=["store_id", "available", "id"], name="suggestion_by_store"),
        ]
