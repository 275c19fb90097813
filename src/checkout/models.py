from typing import Any, Self

from django.db import models
from django.db.models import F, Q

from checkout.interface import (
    OrderAddress,
    OrderChannel,
    OrderPayment,
    OrderStatus,
    OrderSummary,
    PaymentState,
    Step,
)
from checkout.interface import (
    OrderLine as OrderLineValue,
)
from checkout.interface import OrderStep as OrderStepValue
from checkout.rules import MAX_NOTE

# Those for which money may have been taken.
OPEN = [PaymentState.RUNNING, PaymentState.SUCCEEDED]
OPEN_PAYMENT = Q(state__in=OPEN)


def _choices(values: type[OrderStatus] | type[OrderChannel] | type[PaymentState] | type[Step]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class OrderQuerySet(models.QuerySet["Order"]):
    def pending(self) -> Self:
        return self.filter(status=OrderStatus.PENDING)

    def ended(self) -> Self:
        """Those of which nothing is to be paid, packed or sent any more."""
        return self.filter(status__in=[OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.REFUNDED])

    def unpaid(self) -> Self:
        """Those for which no money can have been taken."""
        return self.exclude(models.Exists(Payment.objects.filter(OPEN_PAYMENT, order=models.OuterRef("pk"))))


class Order(models.Model):
    """What somebody wants to have, at the names, prices and taxes of the moment in which they said so."""

    id = models.UUIDField(primary_key=True)
    reference = models.CharField(max_length=12, unique=True)
    channel = models.CharField(max_length=8, choices=_choices(OrderChannel))
    status = models.CharField(max_length=10, choices=_choices(OrderStatus), default=OrderStatus.PENDING)
    customer_id = models.UUIDField(null=True)
    # Of a buyer without an account: the digest of the token of the cart, which lets them see the order.
    token_digest = models.BinaryField(null=True)
    placed_by = models.UUIDField(null=True)
    email = models.EmailField(blank=True)
    address = models.JSONField(null=True)
    pickup_store_id = models.UUIDField(null=True)
    currency = models.CharField(max_length=3)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    refunded = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    placed_at = models.DateTimeField()
    # Of a pending one: until when its goods are kept.
    reserved_until = models.DateTimeField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        db_table = "customer_order"
        constraints = [
            models.CheckConstraint(condition=Q(total__gte=0, tax__gte=0), name="order_total_positive"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("total")), name="order_refunded_at_most_all"
            ),
            models.CheckConstraint(
                condition=Q(status=OrderStatus.PENDING, reserved_until__isnull=False)
                | (~Q(status=OrderStatus.PENDING) & Q(reserved_until=None)),
                name="order_reserved_while_pending",
            ),
            models.CheckConstraint(condition=Q(status__in=list(OrderStatus)), name="order_status_known"),
            models.CheckConstraint(
                condition=Q(address__isnull=True) | Q(pickup_store_id__isnull=True), name="order_sent_or_picked_up"
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer_id", "-id"], name="order_by_customer", condition=Q(customer_id__isnull=False)
            ),
            models.Index(fields=["placed_by", "-id"], name="order_by_program", condition=Q(placed_by__isnull=False)),
            models.Index(fields=["email"], name="order_by_email"),
            models.Index(fields=["status", "-id"], name="order_by_status"),
            models.Index(fields=["placed_at"], name="order_by_time"),
            models.Index(
                fields=["placed_at"], name="order_of_guest", condition=Q(customer_id__isnull=True) & ~Q(email="")
            ),
            models.Index(fields=["reserved_until"], name="order_by_end", condition=Q(status=OrderStatus.PENDING)),
        ]

    def summary(self) -> OrderSummary:
        """This row as a published value for lists."""
        return OrderSummary(**self.head())

    def head(self) -> dict[str, Any]:
        """The fields of this row that every published value of an order has."""
        return {
            "id": self.id,
            "reference": self.reference,
            "channel": OrderChannel(self.channel),
            "customer_id": self.customer_id,
            "placed_by": self.placed_by,
            "status": OrderStatus(self.status),
            "pickup_store_id": self.pickup_store_id,
            "currency": self.currency,
            "total": self.total,
            "refunded": self.refunded,
            "placed_at": self.placed_at,
            "reserved_until": self.reserved_until,
        }

    def sent_to(self) -> OrderAddress | None:
        """Where it is sent, unless it is picked up or its buyer was erased."""
        return OrderAddress(**self.address) if self.address else None


class OrderedContent(models.Model):
    """Something that a cart held, by the cart's own word for it. One order at most is made of it."""

    id = models.UUIDField(primary_key=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="contents")

    class Meta:
        db_table = "ordered_content"


class OrderLine(models.Model):
    """So many pieces of a product, as they were ordered. One line for each product."""

    pk = models.CompositePrimaryKey("order_id", "position")
    order = models.ForeignKey(Order, models.PROTECT, related_name="lines")
    position = models.SmallIntegerField()
    product_id = models.UUIDField()
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    # There is nothing to reserve, to send or to put back of a service.
    stocked = models.BooleanField()
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    # Pieces for which the money went back, or is about to.
    refunded = models.IntegerField(default=0)
    # Whether the product left the catalogue before the order had ended.
    archived = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "order_line"
        constraints = [
            models.UniqueConstraint(fields=["order", "product_id"], name="order_line_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_line_of_something"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("quantity")), name="order_line_refunded_at_most_all"
            ),
        ]

    def value(self) -> OrderLineValue:
        """This row as a published value."""
        return OrderLineValue(
            position=self.position,
            product_id=self.product_id,
            sku=self.sku,
            name=self.name,
            quantity=self.quantity,
            unit_price=self.unit_price,
            tax_rate=self.tax_rate,
            tax=self.tax,
            total=self.total,
            refunded=self.refunded,
            stocked=self.stocked,
        )


class OrderPiece(models.Model):
    """So many pieces of a product, that a place sends or hands over."""

    pk = models.CompositePrimaryKey("order_id", "location_id", "product_id")
    order = models.ForeignKey(Order, models.PROTECT, related_name="pieces")
    location_id = models.UUIDField()
    product_id = models.UUIDField()
    quantity = models.IntegerField()
    # For how many of them the money went back, or is about to: those that came back here, and those that did not.
    returned = models.IntegerField(default=0)
    written_off = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "order_piece"
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_piece_of_something"),
            models.CheckConstraint(
                condition=Q(returned__gte=0, written_off__gte=0, returned__lte=F("quantity") - F("written_off")),
                name="order_piece_returned_at_most_all",
            ),
        ]
        indexes = [models.Index(fields=["location_id", "order"], name="order_piece_by_place")]

    @property
    def left(self) -> int:
        """Those that the buyer gets, or has got."""
        return self.quantity - self.returned - self.written_off


class OrderStep(models.Model):
    """Something that happened to an order. Never changed: a trigger refuses all but to take its words away."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="steps")
    step = models.CharField(max_length=16, choices=_choices(Step))
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    note = models.CharField(max_length=MAX_NOTE, blank=True)
    # The place whose parcel was sent.
    location_id = models.UUIDField(null=True)

    class Meta:
        db_table = "order_step"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(step=Step.SENT, location_id__isnull=False) | (~Q(step=Step.SENT) & Q(location_id=None)),
                name="order_step_sent_from_somewhere",
            ),
            models.UniqueConstraint(
                fields=["order", "location_id"], condition=Q(step=Step.SENT), name="order_parcel_sent_once"
            ),
        ]

    def value(self) -> OrderStepValue:
        """This row as a published value."""
        return OrderStepValue(
            step=Step(self.step), at=self.at, actor_id=self.actor_id, note=self.note, location_id=self.location_id
        )


class Payment(models.Model):
    """An attempt to pay an order by card. There is at most one that runs or has succeeded."""

    id = models.UUIDField(primary_key=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    state = models.CharField(max_length=9, choices=_choices(PaymentState), default=PaymentState.RUNNING)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    # The provider's word for the card, as long as it may be needed.
    token = models.CharField(max_length=200, blank=True)
    # Empty where it was paid by another way than a card.
    brand = models.CharField(max_length=20, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    expiry = models.CharField(max_length=7, blank=True)
    # The provider's word for the charge, and why it was refused.
    reference = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField()
    # When the worker first asked the provider to charge it.
    begun_at = models.DateTimeField(null=True)
    # When somebody last went on with it.
    taken_up_at = models.DateTimeField()

    class Meta:
        db_table = "payment"
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=OPEN_PAYMENT, name="payment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_of_something"),
        ]
        indexes = [
            models.Index(fields=["taken_up_at"], name="payment_under_way", condition=Q(state=PaymentState.RUNNING))
        ]

    def value(self) -> OrderPayment:
        """This row as a published value."""
        waits = self.state == PaymentState.RUNNING and self.begun_at is None
        return OrderPayment(
            id=self.id,
            order_id=self.order_id,
            state=PaymentState.QUEUED if waits else PaymentState(self.state),
            amount=self.amount,
            brand=self.brand,
            last4=self.last4,
            expiry=self.expiry,
            code=self.code,
            started_at=self.started_at,
        )


class Refund(models.Model):
    """Money that goes back to a buyer."""

    id = models.UUIDField(primary_key=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="refunds")
    state = models.CharField(max_length=9, choices=_choices(PaymentState), default=PaymentState.RUNNING)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    restock = models.BooleanField()
    reason = models.CharField(max_length=MAX_NOTE, blank=True)
    actor_id = models.UUIDField(null=True)
    code = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField()
    taken_up_at = models.DateTimeField()

    class Meta:
        db_table = "refund"
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="refund_positive")]
        indexes = [
            models.Index(fields=["taken_up_at"], name="refund_under_way", condition=Q(state=PaymentState.RUNNING))
        ]


class RefundLine(models.Model):
    """So many pieces of a line, for which money goes back."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="lines")
    position = models.SmallIntegerField()
    product_id = models.UUIDField()
    # The place that they came from, where there is stock of them.
    location_id = models.UUIDField(null=True)
    quantity = models.IntegerField()

    class Meta:
        db_table = "refund_line"
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=1), name="refund_line_of_something")]


class ErasedCustomer(models.Model):
    """Somebody who was a customer, and of whom orders that end later keep nothing."""

    customer_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "erased_customer"
