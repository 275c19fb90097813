"""The past: what is imported of it, and what is archived."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


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


class ArchivedSales(models.Model):
    """A month up to which sales were taken out of their tables, by `archive_history`. Their facts stay."""

    before = models.DateField(primary_key=True)

    class Meta:
        db_table = "archived_sales"
