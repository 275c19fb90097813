"""Sales, with what is on them and how they were paid."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from sales import rules
from sales.interface import Channel, Payment, PaymentMethod, SaleFlag, SaleSummary
from sales.interface import Sale as SaleValue
from sales.interface import SaleLine as SaleLineValue
from sales.models.tills import TillSession


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
    customer_id = models.UUIDField(null=True)
    till_session = models.ForeignKey(
        TillSession, models.PROTECT, null=True, db_index=False, related_name="+", help_text="Where the money is."
    )
    client_reference = models.CharField(max_length=100, blank=True)
    # The imported past has no receipts.
    receipt_year = models.SmallIntegerField(null=True)
    receipt_number = models.IntegerField(null=True, help_text="Counts a store's receipts of a year, without gaps.")
    note = models.CharField(max_length=200, blank=True, db_default="")
    flags = ArrayField(
        models.CharField(max_length=20, choices=[(flag.value, flag.value) for flag in SaleFlag]),
        blank=True,
        db_default=[],
        help_text="What somebody should look at.",
    )
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
            # That a receipt's number is given once is up to its store's counter, which is locked meanwhile; within a
            # month its partition says so, too.
            models.CheckConstraint(
                condition=Q(receipt_year__isnull=True, receipt_number__isnull=True)
                | Q(receipt_year__isnull=False, receipt_number__gte=1),
                name="sale_receipt_numbered_as_a_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["store_id", "-id"], name="sale_by_store"),
            models.Index(
                fields=["customer_id", "-id"], condition=Q(customer_id__isnull=False), name="sale_by_customer"
            ),
            models.Index(fields=["sold_on", "store_id"], name="sale_by_day"),
            models.Index(fields=["till_session"], condition=Q(till_session__isnull=False), name="sale_by_till_session"),
        ]

    def summary(self) -> SaleSummary:
        """This row as a published value, without its lines."""
        return SaleSummary(
            id=self.id,
            store_id=self.store_id,
            channel=Channel(self.channel),
            receipt_number=rules.receipt_number(self.receipt_year, self.receipt_number),
            sold_at=self.sold_at,
            cashier_id=self.cashier_id,
            customer_id=self.customer_id,
            till_session_id=self.till_session_id,
            client_reference=self.client_reference,
            note=self.note,
            flags=[SaleFlag(flag) for flag in self.flags],
            currency=self.currency,
            gross=self.gross,
            returned=self.returned,
            total=self.gross - self.returned,
            pieces=self.pieces,
            pieces_returned=self.pieces_returned,
        )

    def value(self) -> SaleValue:
        """This row with its lines and payments as a published value."""
        rows = sorted(self.payments.all(), key=lambda row: row.position)
        payments = [row.value() for row in rows if row.is_payment]
        return SaleValue(
            **vars(self.summary()),
            sold_on=self.sold_on,
            tax=self.tax,
            change=rules.change(payments),
            lines=sorted((line.value() for line in self.lines.all()), key=lambda line: line.position),
            payments=payments,
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
    quantity_returned = models.IntegerField(db_default=0, help_text="Pieces sold here that have come back since.")
    # What a line that gives back had been sold on; the imported past does not say.
    origin_sale_id = models.UUIDField(null=True)
    origin_position = models.SmallIntegerField(null=True)
    restocked = models.BooleanField(null=True, help_text="Whether what was given back is on the shelf again.")

    class Meta:
        db_table = "sale_line"
        constraints = [
            models.CheckConstraint(condition=~Q(quantity=0) & Q(unit_price__gte=0), name="sale_line_of_something"),
            models.CheckConstraint(condition=Q(total=F("quantity") * F("unit_price")), name="sale_line_adds_up"),
            models.CheckConstraint(
                condition=Q(quantity_returned__gte=0, quantity_returned__lte=Greatest("quantity", 0)),
                name="sale_line_returned_at_most_whole",
            ),
            models.CheckConstraint(
                condition=Q(origin_sale_id__isnull=True, origin_position__isnull=True, restocked__isnull=True)
                | Q(
                    origin_sale_id__isnull=False,
                    origin_position__isnull=False,
                    restocked__isnull=False,
                    quantity__lt=0,
                ),
                name="sale_line_origin",
            ),
        ]

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
            quantity_returned=self.quantity_returned,
            origin_sale_id=self.origin_sale_id,
            origin_position=self.origin_position,
            restocked=self.restocked,
        )


class SalePayment(models.Model):
    """A part of what was paid for a sale, or refunded, and how much may still be given back of it by this method.

    In an exchange, what was brought back pays for what is taken away: a row without an amount then keeps how that had
    been paid. So the `refundable` of a sale's rows add up to the price of its goods that have not come back.
    """

    pk = models.CompositePrimaryKey("sale_id", "position")
    sale = models.ForeignKey(Sale, models.CASCADE, related_name="payments", db_index=False)
    position = models.SmallIntegerField()
    method = models.CharField(max_length=7, choices=[(method.value, method.value) for method in PaymentMethod])
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    tendered = models.DecimalField(max_digits=14, decimal_places=2, null=True, help_text="Cash that was handed over.")
    refundable = models.DecimalField(max_digits=14, decimal_places=2, db_default=0)

    class Meta:
        db_table = "sale_payment"
        constraints = [
            models.CheckConstraint(condition=Q(refundable__gte=0), name="sale_payment_refunded_at_most_whole"),
            models.CheckConstraint(
                condition=Q(tendered__isnull=True)
                | Q(method=PaymentMethod.CASH.value, amount__gte=0, tendered__gte=F("amount")),
                name="sale_payment_tendered",
            ),
        ]

    @property
    def is_payment(self) -> bool:
        """Whether money changed hands."""
        return self.amount != 0 or self.tendered is not None

    def value(self) -> Payment:
        """This row as a published value."""
        return Payment(PaymentMethod(self.method), self.amount, self.tendered)


class ReceiptCounter(models.Model):
    """The last receipt number that a store has given in a year."""

    pk = models.CompositePrimaryKey("store_id", "year")
    store_id = models.UUIDField()
    year = models.SmallIntegerField()
    last = models.IntegerField()

    class Meta:
        db_table = "receipt_counter"


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
