"""What the sales add up to, kept as they are written (docs/adr/0018), and the proof of it; and how stock stands."""

from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q


class DailySales(models.Model):
    """What a store sold on a day by a channel. Triggers of `sale` keep it, in the transaction of the sale."""

    pk = models.CompositePrimaryKey("sold_on", "store_id", "channel")
    sold_on = models.DateField()
    store_id = models.UUIDField()
    channel = models.CharField(max_length=6)
    gross = models.DecimalField(max_digits=20, decimal_places=2)
    returned = models.DecimalField(max_digits=20, decimal_places=2)
    sales = models.IntegerField(help_text="Tickets on which something was sold.")
    returns = models.IntegerField(help_text="Tickets on which something came back; an exchange is both.")
    pieces = models.BigIntegerField(help_text="Pieces sold.")

    class Meta:
        db_table = "daily_sales"


class ProductSales(models.Model):
    """What is sold of a product: on its own it is the shape of the three tables that follow."""

    store_id = models.UUIDField()
    channel = models.CharField(max_length=6)
    product_id = models.UUIDField()
    pieces = models.BigIntegerField(help_text="Pieces sold.")
    gross = models.DecimalField(max_digits=20, decimal_places=2)

    class Meta:
        abstract = True


class ProductSalesOfDay(ProductSales):
    """What a store sold of a product on a day by a channel, and how many tickets named it."""

    sold_on = models.DateField()
    returned = models.DecimalField(max_digits=20, decimal_places=2)
    tickets = models.IntegerField(help_text="Tickets on which it was sold.")

    class Meta:
        abstract = True


class DailyProductSales(ProductSalesOfDay):
    """The days of each product, as far as they are folded; the rest waits in `product_sales_change`."""

    pk = models.CompositePrimaryKey("store_id", "sold_on", "channel", "product_id")

    class Meta:
        db_table = "daily_product_sales"
        indexes = [
            models.Index(fields=["product_id", "sold_on"], name="daily_product_sales_by_product"),
            BrinIndex(fields=["sold_on"], name="daily_product_sales_by_day"),
        ]


class ProductSalesChange(ProductSalesOfDay):
    """What is to be added to the days of a product: triggers of `sale_line` append it, `keep_facts` folds it in.

    Apart from `daily_product_sales`, so that sales of one product in many stores never wait for each other.
    """

    id = models.BigAutoField(primary_key=True)

    class Meta:
        db_table = "product_sales_change"


class KeptPeriod(models.Model):
    """Some days of which `period_product_sales` holds the sums. `days` is their number; 0: all time."""

    days = models.SmallIntegerField(primary_key=True)
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        db_table = "kept_period"


class PeriodProductSales(ProductSales):
    """What is sold of a product in a kept period, as far as it is folded.

    By a store's channel, by a store's channels together (""), and by all stores together (the store `EVERYWHERE`).
    """

    EVERYWHERE: ClassVar[UUID] = UUID(int=0)

    pk = models.CompositePrimaryKey("days", "store_id", "channel", "product_id")
    days = models.SmallIntegerField()

    class Meta:
        db_table = "period_product_sales"
        indexes = [
            # Read backwards: most pieces first, then most money, then by product.
            models.Index(
                "days",
                "store_id",
                "channel",
                "pieces",
                "gross",
                F("product_id").desc(),
                condition=Q(pieces__gt=0),
                name="period_product_sales_ranked",
            ),
            models.Index(fields=["days"], condition=Q(pieces=0), name="period_product_sales_gone"),
        ]


class KeptStockHealth(models.Model):
    """How the stock of a store, or the warehouse, stood when it was last looked at (docs/adr/0021)."""

    store_id = models.UUIDField(primary_key=True)
    judged_at = models.DateTimeField()
    available = models.BigIntegerField(help_text="Pieces.")
    sold = models.BigIntegerField(help_text="Pieces, in the last 28 days.")
    stock_outs = models.IntegerField()
    lost_sales = models.DecimalField(max_digits=20, decimal_places=2)
    low_stock = models.IntegerField()
    overstock = models.IntegerField()
    dead_stock = models.IntegerField()
    fullest = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="Of which products there is most: pairs of product and pieces available."
    )

    class Meta:
        db_table = "kept_stock_health"


class SalesVerification(models.Model):
    """The outcome of proving the sales' books once."""

    verified_at = models.DateTimeField(primary_key=True)
    sales = models.BigIntegerField()
    differences = models.JSONField()

    class Meta:
        db_table = "sales_verification"
