"""Tills, from their opening to their count."""

from django.db import models
from django.db.models import Q

from sales.interface import CashDirection
from sales.interface import CashMovement as CashMovementValue


class TillSession(models.Model):
    """A till from its opening to its count. Closed, it does not change any more: a trigger refuses it."""

    id = models.UUIDField(primary_key=True)
    store_id = models.UUIDField()
    till = models.CharField(max_length=50)
    opened_by = models.UUIDField()
    opened_at = models.DateTimeField()
    opening_float = models.DecimalField(max_digits=12, decimal_places=2)
    closed_by = models.UUIDField(null=True)
    closed_at = models.DateTimeField(null=True)
    z_number = models.IntegerField(null=True, help_text="Counts a till's closings, without gaps.")
    counted_cash = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    expected_cash = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "till_session"
        constraints = [
            models.UniqueConstraint(
                fields=["store_id", "till"], condition=Q(closed_at__isnull=True), name="till_session_open_once"
            ),
            models.UniqueConstraint(fields=["store_id", "till", "z_number"], name="till_session_numbered_once"),
            models.CheckConstraint(
                condition=Q(opening_float__gte=0) & (Q(counted_cash__isnull=True) | Q(counted_cash__gte=0)),
                name="till_session_cash_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    closed_at__isnull=True,
                    closed_by__isnull=True,
                    z_number__isnull=True,
                    counted_cash__isnull=True,
                    expected_cash__isnull=True,
                )
                | Q(
                    closed_at__isnull=False,
                    closed_by__isnull=False,
                    z_number__gte=1,
                    counted_cash__isnull=False,
                    expected_cash__isnull=False,
                ),
                name="till_session_closed_as_a_whole",
            ),
        ]
        indexes = [models.Index(fields=["store_id", "-id"], name="till_session_by_store")]


class CashMovement(models.Model):
    """Cash that came into a till or left it otherwise than by a sale. Never changed: a trigger refuses it."""

    id = models.UUIDField(primary_key=True)
    session = models.ForeignKey(TillSession, models.PROTECT, related_name="cash_movements")
    direction = models.CharField(max_length=3, choices=[(value.value, value.value) for value in CashDirection])
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200)
    actor_id = models.UUIDField()
    moved_at = models.DateTimeField()

    class Meta:
        db_table = "cash_movement"
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="cash_movement_positive")]

    def value(self) -> CashMovementValue:
        """This row as a published value."""
        return CashMovementValue(
            id=self.id,
            direction=CashDirection(self.direction),
            amount=self.amount,
            reason=self.reason,
            actor_id=self.actor_id,
            moved_at=self.moved_at,
        )
