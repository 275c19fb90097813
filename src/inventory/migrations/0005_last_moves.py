from django.db import migrations, models

# What the ledger says so far.
FILL = """
UPDATE inventory.stock_level SET moved_at = last.moved_at, emptied_at = last.emptied_at
FROM (
    SELECT level_id, max(recorded_at) FILTER (WHERE reason NOT IN ('adjustment', 'count')) AS moved_at,
        max(recorded_at) FILTER (WHERE delta < 0 AND after = 0) AS emptied_at
    FROM inventory.stock_movement GROUP BY level_id
) AS last
WHERE last.level_id = stock_level.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_partitions"),
    ]

    operations = [
        migrations.AddField(
            model_name="stocklevel",
            name="moved_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="stocklevel",
            name="emptied_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
