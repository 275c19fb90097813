from django.db import migrations, models

from shared_kernel.postgres.partitions import PartitionByMonth


class Migration(migrations.Migration):
    dependencies = [
        ("sales", "0005_daily_facts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ArchivedSales",
            fields=[("before", models.DateField(primary_key=True, serialize=False))],
            options={"db_table": "archived_sales"},
        ),
        # No longer unique beyond a month, save by the counter.
        migrations.RemoveConstraint(model_name="sale", name="sale_receipt_numbered_once"),
        PartitionByMonth("sale", "id", once=["store_id", "receipt_year", "receipt_number"]),
        PartitionByMonth("sale_line", "sale_id"),
        PartitionByMonth("sale_payment", "sale_id"),
    ]
