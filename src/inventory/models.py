from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.contrib.postgres.indexes import BrinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from inventory import rules
from inventory.interface import DEFAULT_LEAD_TIME_DAYS, LocationDraft, LocationKind, MovementReason
from inventory.interface import Location as LocationValue
from inventory.interface import Movement as MovementValue
from inventory.interface import Reservation as ReservationValue
from inventory.rules import MANY_DAYS_OF_COVER, MAX_LEAD_TIME_DAYS, SALES_DAYS
from shared_kernel.ids import new_id
from shared_kernel.postgres.partitions import start_of

DEFAULT_REORDER_POINT = 10


class Location(models.Model):
    """A warehouse or a store."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in LocationKind])
    name = models.CharField(max_length=100)
    address = models.CharField(max_length=300, blank=True)
    time_zone = models.CharField(max_length=50, help_text="An IANA name, such as Europe/Paris.")
    uses_transit = models.BooleanField(
        default=False, help_text="Of a warehouse: its goods are shipped and received, and not moved to a store at once."
    )
    lead_time_days = models.PositiveSmallIntegerField(
        default=DEFAULT_LEAD_TIME_DAYS,
        help_text="Of a store: days from its request until the goods are on its shelf.",
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        db_table = "location"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("name", name="location_name_unique"),
            models.CheckConstraint(condition=Q(kind__in=list(LocationKind)), name="location_kind_known"),
            models.CheckConstraint(condition=Q(lead_time_days__lte=MAX_LEAD_TIME_DAYS), name="location_lead_time"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.kind not in set(LocationKind):
            # The field has said so; without it there is no more to say.
            return
        draft = LocationDraft(
            LocationKind(self.kind),
            self.name,
            self.address,
            self.time_zone,
            uses_transit=self.uses_transit,
            lead_time_days=self.lead_time_days,
        )
        if errors := rules.location_errors(draft):
            raise ValidationError({error["field"]: error["message"] for error in errors})

    def value(self) -> LocationValue:
        """This row as a published value."""
        return LocationValue(
            id=self.id,
            kind=LocationKind(self.kind),
            name=self.name,
            address=self.address,
            time_zone=self.time_zone,
            uses_transit=self.uses_transit,
            lead_time_days=self.lead_time_days,
        )


class StockLevelQuerySet(models.QuerySet["StockLevel"]):
    def with_available(self, moment: datetime) -> Self:
        """Adds `available`: what nobody has, or has in a reservation that had run out by this moment."""
        expired = (
            Reservation.objects.held()
            .filter(level=OuterRef("pk"), until__lte=moment)
            .order_by()
            .values("level")
            .values(pieces=Sum("quantity"))
        )
        return self.annotate(available=F("on_hand") - F("reserved") + Coalesce(Subquery(expired), 0))

    def out(self) -> Self:
        """Those of which nothing is available; to be used, like the next ones, after `with_available`.

        What has run out only adds to what is available, so here, and of what is low, a row's own figures rule most out
        before that is summed.
        """
        return self.filter(on_hand=F("reserved"), available=0)

    def emptiest_first(self) -> Self:
        return self.order_by("available", "product_id")

    def fullest_first(self) -> Self:
        return self.order_by("-available", "product_id")

    def low(self) -> Self:
        """Those that `rules.is_low` calls low."""
        own = Q(reorder_point__gt=0, on_hand__lte=F("reserved") + F("reorder_point"))
        return self.filter(own, available__lte=F("reorder_point"))

    def over(self, moment: datetime) -> Self:
        """Those that `rules.is_over` calls too many."""
        start = moment - timedelta(days=SALES_DAYS)
        of_level = StockMovement.objects.sales_between(start, moment).filter(level=OuterRef("pk")).order_by()
        sold = Subquery(of_level.values("level").annotate(pieces=-Sum("delta")).filter(pieces__gt=0).values("pieces"))
        # Of what has not moved for so long the ledger need not be asked.
        sold_lately = Case(When(moved_at__gte=start, then=sold))
        lasts_too_long = Q(available__gt=F("sold") * MANY_DAYS_OF_COVER / SALES_DAYS)
        return self.annotate(sold=sold_lately).filter(
            lasts_too_long | Q(available__gt=2 * F("target")), available__gt=0
        )


class StockLevel(models.Model):
    """How many pieces of one product are at one place. The row is made when the place first holds the product."""

    id = models.BigAutoField(primary_key=True)
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", db_index=False)
    product_id = models.UUIDField()
    on_hand = models.IntegerField(default=0, db_default=0)
    # Counts reservations that have run out until they are tidied up; queries subtract those.
    reserved = models.IntegerField(default=0, db_default=0)
    in_transit = models.IntegerField(default=0, db_default=0)
    reorder_point = models.IntegerField(default=DEFAULT_REORDER_POINT, db_default=DEFAULT_REORDER_POINT)
    target = models.IntegerField(null=True, blank=True)
    safety_stock = models.IntegerField(default=0, db_default=0)
    # What the ledger's lines say, too, of which there are many more: when pieces last came or went, other than by
    # counting and correcting; and when the last one went.
    moved_at = models.DateTimeField(null=True, editable=False)
    emptied_at = models.DateTimeField(null=True, editable=False)

    objects = StockLevelQuerySet.as_manager()

    class Meta:
        db_table = "stock_level"
        constraints = [
            models.UniqueConstraint(fields=["location", "product_id"], name="stock_level_once"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, on_hand__gte=F("reserved")), name="stock_level_never_oversold"
            ),
            models.CheckConstraint(
                condition=Q(in_transit__gte=0, reorder_point__gte=0, safety_stock__gte=0)
                & (Q(target__isnull=True) | Q(target__gte=0)),
                name="stock_level_thresholds",
            ),
        ]
        indexes = [models.Index(fields=["product_id"], name="stock_level_by_product")]


# Sales net of what came back; and what corrects the books, but moves nothing.
SALE_REASONS = (MovementReason.SALE, MovementReason.ORDER, MovementReason.RETURN)
BOOKKEEPING_REASONS = (MovementReason.ADJUSTMENT, MovementReason.COUNT)
# What is sold moves under the id of its sale, order or refund, which may be older than the movement. Of what is older
# by more than this nobody takes account who asks how something sells.
OLDEST_KEY = timedelta(days=92)


class StockMovementQuerySet(models.QuerySet["StockMovement"]):
    def sales_between(self, start: datetime, end: datetime) -> Self:
        """What was sold, and came back, from `start` to before `end`."""
        # Earlier months hold nothing of it, and need not be looked into.
        key = start_of((start - OLDEST_KEY).date())
        return self.filter(reason__in=SALE_REASONS, operation_id__gte=key, recorded_at__gte=start, recorded_at__lt=end)

    def counted_since(self, moment: datetime, *, location_id: UUID) -> set[UUID]:
        """The products that were counted at a place after this moment."""
        counts = self.filter(reason=MovementReason.COUNT, recorded_at__gt=moment, level__location_id=location_id)
        return set(counts.values_list("level__product_id", flat=True))

    def values_of(self) -> list[MovementValue]:
        """These rows as published values, in one statement."""
        rows = self.values_list(
            "id",
            "operation_id",
            "level__product_id",
            "level__location_id",
            "delta",
            "before",
            "after",
            "in_transit",
            "reason",
            "document",
            "note",
            "actor_id",
            "recorded_at",
        )
        return [MovementValue(*row[:8], MovementReason(row[8]), *row[9:]) for row in rows]


class StockMovement(models.Model):
    """A line of the ledger. The database refuses to change or delete one."""

    id = models.BigAutoField(primary_key=True)
    # The caller's key, a UUIDv7: it makes a repeated write visible, and its time is what partitions can go by.
    operation_id = models.UUIDField()
    level = models.ForeignKey(StockLevel, models.PROTECT, related_name="+", db_index=False)
    delta = models.IntegerField()
    before = models.IntegerField()
    after = models.IntegerField()
    in_transit = models.IntegerField(default=0, db_default=0)
    reason = models.CharField(max_length=12, choices=[(reason.value, reason.value) for reason in MovementReason])
    document = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=200, blank=True)
    actor_id = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        db_table = "stock_movement"
        constraints = [
            models.UniqueConstraint(fields=["operation_id", "level"], name="stock_movement_once"),
            models.CheckConstraint(condition=Q(after=F("before") + F("delta")), name="stock_movement_adds_up"),
        ]
        indexes = [
            models.Index(fields=["level", "-id"], name="stock_movement_by_level"),
            # The ledger grows in the order of time, nearly: a few pages of index find the last weeks.
            BrinIndex(fields=["recorded_at"], name="stock_movement_by_time"),
        ]


class ReservationState(models.TextChoices):
    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def held(self) -> Self:
        return self.filter(state=ReservationState.HELD)


class Reservation(models.Model):
    """Pieces kept for an order. Only a held row counts in its level's `reserved`."""

    id = models.BigAutoField(primary_key=True)
    order_id = models.UUIDField()
    level = models.ForeignKey(StockLevel, models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField()
    until = models.DateTimeField(null=True)
    state = models.CharField(max_length=9, choices=ReservationState, default=ReservationState.HELD)
    created_at = models.DateTimeField(default=now)

    # Its level's, where they were read with the row.
    location_id: UUID
    product_id: UUID

    objects = ReservationQuerySet.as_manager()

    class Meta:
        db_table = "reservation"
        constraints = [
            models.UniqueConstraint(
                fields=["order_id", "level"], condition=Q(state__in=["held", "confirmed"]), name="reservation_kept_once"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_positive"),
            models.CheckConstraint(condition=Q(state__in=ReservationState.values), name="reservation_state_known"),
        ]
        indexes = [
            models.Index(fields=["order_id"], name="reservation_by_order"),
            models.Index(fields=["level", "until"], condition=Q(state="held"), name="reservation_held_by_level"),
            models.Index(fields=["until"], condition=Q(state="held"), name="reservation_held_by_time"),
        ]

    @property
    def place(self) -> tuple[UUID, UUID]:
        """The location and the product."""
        return self.location_id, self.product_id

    def value(self) -> ReservationValue:
        """This row as a published value."""
        return ReservationValue(self.order_id, self.product_id, self.location_id, self.quantity, self.until)

    def is_held(self, moment: datetime) -> bool:
        """Whether the pieces are kept at this moment."""
        return self.state == ReservationState.HELD and (self.until is None or self.until > moment)


class StockDiscrepancy(models.Model):
    """Pieces that left a place although its books did not hold them. A count of the product there settles it."""

    id = models.BigAutoField(primary_key=True)
    operation_id = models.UUIDField()
    level = models.ForeignKey(StockLevel, models.PROTECT, related_name="+", db_index=False)
    missing = models.IntegerField()
    document = models.CharField(max_length=100, blank=True)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "stock_discrepancy"
        verbose_name_plural = "stock discrepancies"
        constraints = [
            models.UniqueConstraint(fields=["operation_id", "level"], name="stock_discrepancy_once"),
            models.CheckConstraint(condition=Q(missing__gt=0), name="stock_discrepancy_of_something"),
        ]
        indexes = [models.Index(fields=["level"], condition=Q(settled_at__isnull=True), name="stock_discrepancy_open")]


class StockVerification(models.Model):
    """The outcome of proving the books once."""

    verified_at = models.DateTimeField(primary_key=True)
    levels = models.IntegerField()
    differences = models.JSONField()

    class Meta:
        db_table = "stock_verification"
