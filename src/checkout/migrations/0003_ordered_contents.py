import django.db.models.deletion
from django.db import migrations, models

STATES = [("queued", "queued"), ("running", "running"), ("succeeded", "succeeded"), ("failed", "failed")]


class Migration(migrations.Migration):
    dependencies = [
        ("checkout", "0002_sent_or_picked_up"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrderedContent",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contents", to="checkout.order"
                    ),
                ),
            ],
            options={
                "db_table": "ordered_content",
            },
        ),
        migrations.AddField(
            model_name="orderline",
            name="archived",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="payment",
            name="begun_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="payment",
            name="state",
            field=models.CharField(choices=STATES, default="running", max_length=9),
        ),
        migrations.AlterField(
            model_name="refund",
            name="state",
            field=models.CharField(choices=STATES, default="running", max_length=9),
        ),
    ]
