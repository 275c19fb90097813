from datetime import datetime
from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q

from cart.interface import Holder, NoticeCode
from shared_kernel.ids import new_id

# The other notices follow from the lines.
STORED = (NoticeCode.UNAVAILABLE, NoticeCode.CAPPED)


class CartQuerySet(models.QuerySet["Cart"]):
    def held_by(self, holder: Holder) -> Self:
        """Those that are the customer's, or that the token is of."""
        held = Q(pk__in=[])
        if holder.customer_id is not None:
            held |= Q(customer_id=holder.customer_id)
        if holder.token is not None:
            held |= Q(token_digest=holder.token_digest)
        return self.filter(held)

    def customers_first(self) -> Self:
        """In the order to lock them in: Postgres puts those without a customer last."""
        return self.order_by("customer_id", "id")


class Cart(models.Model):
    """What a customer, or whoever has its token, means to buy. A customer's is made anew whenever it is missing."""

    id = models.UUIDField(primary_key=True, editable=False)
    customer_id = models.UUIDField(null=True, unique=True)
    token_digest = models.BinaryField(null=True)
    # What its contents go by in orders, each of which is one order's at most. A merge brings the other cart's.
    contents = ArrayField(models.UUIDField(), db_default=models.Func(RandomUUID(), template="ARRAY[%(expressions)s]"))
    # By its holder.
    touched_at = models.DateTimeField(db_index=True)

    objects = CartQuerySet.as_manager()

    class Meta:
        db_table = "cart"
        constraints = [
            models.CheckConstraint(
                condition=Q(customer_id__isnull=False, token_digest=None)
                | Q(customer_id=None, token_digest__isnull=False),
                name="cart_has_one_holder",
            ),
        ]


class Line(models.Model):
    """So many pieces of a product in a cart. Ids are of the time when it was put in, so that they tell the order."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines", db_index=False)
    product_id = models.UUIDField(db_index=True)
    quantity = models.IntegerField()
    added_price = models.DecimalField(max_digits=10, decimal_places=2)

    # Its cart's, where they were read with the row.
    customer_id: UUID | None
    touched_at: datetime
    contents: list[UUID]

    class Meta:
        db_table = "cart_line"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "product_id"], name="cart_line_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="cart_line_of_something"),
        ]


class Notice(models.Model):
    """What a cart's holder has to be told that its lines do not tell; until they change the cart."""

    id = models.BigAutoField(primary_key=True)
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="notices", db_index=False)
    code = models.CharField(max_length=20, choices=[(code.value, code.value) for code in STORED])
    product_id = models.UUIDField()
    requested = models.IntegerField()
    available = models.IntegerField()

    class Meta:
        db_table = "cart_notice"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "code", "product_id"], name="cart_notice_once"),
            models.CheckConstraint(condition=Q(code__in=[code.value for code in STORED]), name="cart_notice_known"),
        ]


class Change(models.Model):
    """A write that has been carried out on a cart, by the key that its caller chose.

    A merge is here a second time: by the id of the cart that is gone.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    cart_id = models.UUIDField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "cart_change"
