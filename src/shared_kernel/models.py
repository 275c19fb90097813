from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now


class IdempotencyKey(models.Model):
    """The answer once given to a call, kept to be given again when the same call is repeated under the same key."""

    # The digest of who called, what, and under which key.
    call = models.BinaryField(primary_key=True)
    # The digest of the request's body, to tell a repetition from another call under a used key.
    body = models.BinaryField()
    status = models.SmallIntegerField(null=True)
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        db_table = "idempotency_key"


class RateLimit(models.Model):
    """How often something was done in a span of time that ends at `expires_at`. The table is not logged."""

    # The digest of who did what, so that nobody's e-mail or address is kept here.
    key = models.BinaryField(primary_key=True)
    hits = models.IntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "rate_limit"


class WebhookEndpoint(models.Model):
    """Where an integrator wants to be told of events of some types; of all types where none is named."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    url = models.TextField()
    event_types = ArrayField(models.TextField(), default=list)
    # Needed to sign, so it is encrypted rather than digested.
    secret = models.BinaryField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "webhook_endpoint"

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint; the columns from `status` on tell of the latest attempt."""

    id = models.UUIDField(primary_key=True)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT)
    event_id = models.UUIDField()
    event_type = models.TextField()
    # The very bytes that are signed.
    body = models.TextField()
    state = models.TextField(default="waiting")
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    status = models.SmallIntegerField(null=True)
    milliseconds = models.IntegerField(null=True)
    error = models.TextField(default="")

    class Meta:
        db_table = "webhook_delivery"
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event_id", "endpoint"], name="webhook_delivery_once"),
            models.CheckConstraint(
                condition=models.Q(state="waiting", next_try_at__isnull=False)
                | models.Q(state__in=["delivered", "parked"], next_try_at=None),
                name="webhook_delivery_waits_or_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="webhook_delivery_by_age"),
            models.Index(fields=["id"], name="webhook_delivery_parked", condition=models.Q(state="parked")),
        ]


class AuditEntry(models.Model):
    """Who did what to which thing, from where. Written by triggers; the database refuses to change or drop one.

    `changes` holds the old and the new value of columns by their names, None for those whose values are not recorded.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    address = models.TextField()
    request_id = models.TextField()
    # Which task or command did it, where it was no request.
    job = models.TextField()
    subject = models.TextField()
    subject_id = models.TextField()
    # The other thing that it concerns: of a role the person, of a refund the store.
    about_id = models.UUIDField(null=True)
    deed = models.TextField()
    changes = models.JSONField()

    class Meta:
        db_table = "audit_entry"
        verbose_name_plural = "audit entries"
        # The migration makes it in SQL, and `flush` does not try to empty it.
        managed = False
