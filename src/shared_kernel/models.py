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
