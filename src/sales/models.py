from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from sales.interface import Channel, Payment, PaymentMethod, SaleSummary
from sales.interface import Sale as SaleValue
from sales.interface import SaleLine as SaleLineValue


class Sale(models.Model):
    """What went over a counter at one time. Its id carries its time, so that rows of one month lie together."""

    id = models.UUIDField(primary_key=True)
    # Places, people and products belong to other modules: ids without a foreign key.
    store_id = models.UUIDField()
    channel = models.CharField(max_length=6, choices=[(channel.value, channel.value) for channel in Channel])
    sold_at = models.DateTimeField()
    sold_on = models.DateField(help_text="The day in the store's time zone.")
    recorded_at = models.DateTimeField()
    cashier_id = models.UUIDField(null=True)
    client_reference = models.CharField(max_length=100, blank=True)
    currency = models.CharField(max_length=3)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    returned = models.DecimalField(max_digits=14, decimal_places=2)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    pieces = models.IntegerField()
    pieces_returned = models.IntegerField()

    class Meta:
        db_table = "sale"
        constraints = [
            models.CheckConstraint(condition=Q(gross__gte=0, returned__gte=0), name="sale_amounts_positive"),
            models.CheckConstraint(
                condition=Q(pieces__gte=0, pieces_returned__gte=0) & (Q(pieces__gt=0) | Q(pieces_returned__gt=0)),
                name="sale_of_something",
            ),
        ]
        indexes = [
            models.Index(fields=["store_id", "-id"], name="sale_by_store"),
            models.Index(fields=["sold_on", "store_id"], name="sale_by_day"),
        ]

    def summary(self) -> SaleSummary:
        """This row as a published value, without its lines."""
        return SaleSummary(
            id=self.id,
            store_id=self.store_id,
            channel=Channel(self.channel),
            sold_at=self.sold_at,
            cashier_id=self.cashier_id,
            client_reference=self.client_reference,
            currency=self.currency,
            gross=self.gross,
            returned=self.returned,
            total=self.gross - self.returned,
            pieces=self.pieces,
            pieces_returned=self.pieces_returned,
        )

    def value(self) -> SaleValue:
        """This row with its lines and payments as a published value."""
        return SaleValue(
            **vars(self.summary()),
            sold_on=self.sold_on,
            tax=self.tax,
            lines=sorted((line.value() for line in self.lines.all()), key=lambda line: line.position),
            payments=[
                Payment(PaymentMethod(row.method), row.amount)
                for row in sorted(self.payments.all(), key=lambda row: row.position)
            ],
        )


class SaleLine(models.Model):
    """A line of a sale, with the name, price and tax of that time."""

    pk = models.CompositePrimaryKey("sale_id", "position")
    sale = models.ForeignKey(Sale, models.CASCADE, related_name="lines", db_index=False)
    position = models.SmallIntegerField()
    product_id = models.UUIDField()
    name = models.CharField(max_length=255)
    quantity = models.IntegerField(help_text="Negative: given back.")
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        db_table = "sale_line"
        constraints = [
            models.CheckConstraint(condition=~Q(quantity=0) & Q(unit_price__gte=0), name="sale_line_of_something"),
            models.CheckConstraint(condition=Q(total=F("quantity") * F("unit_price")), name="sale_line_adds_up"),
        ]
        indexes = [models.Index(fields=["product_id"], name="sale_line_by_product")]

    def value(self) -> SaleLineValue:
        """This row as a published value."""
        return SaleLineValue(
            position=self.position,
            product_id=self.product_id,
            name=self.name,
            quantity=self.quantity,
            unit_price=self.unit_price,
            tax_rate=self.tax_rate,
            tax=self.tax,
            total=self.total,
        )


class SalePayment(models.Model):
    """A part of what was paid for a sale."""

    pk = models.CompositePrimaryKey("sale_id", "position")
    sale = models.ForeignKey(Sale, models.CASCADE, related_name="payments", db_index=False)
    position = models.SmallIntegerField()
    method = models.CharField(max_length=7, choices=[(method.value, method.value) for method in PaymentMethod])
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        db_table = "sale_payment"


class TillReference(models.Model):
    """Which sale a till's own reference became.

    Apart from `sale`, so that it stays unique when sales are partitioned.
    """

    pk = models.CompositePrimaryKey("store_id", "reference")
    store_id = models.UUIDField()
    reference = models.CharField(max_length=100)
    sale_id = models.UUIDField()

    class Meta:
        db_table = "till_reference"


class StagedHistoryLine(models.Model):
    """A line of an import that is under way."""

    pk = models.CompositePrimaryKey("import_id", "line_number")
    import_id = models.UUIDField()
    line_number = models.IntegerField()
    invoice = models.CharField(max_length=50)
    product_code = models.CharField(max_length=64)
    product_name = models.CharField(max_length=255)
    stocked = models.BooleanField()
    quantity = models.IntegerField()
    sold_at = models.DateTimeField()
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    store_name = models.CharField(max_length=100)
    staged_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "staged_history_line"

    COLUMNS: ClassVar[list[str]] = [
        "import_id",
        "line_number",
        "invoice",
        "product_code",
        "product_name",
        "stocked",
        "quantity",
        "sold_at",
        "unit_price",
        "store_name",
    ]
