from django.db import migrations

from shared_kernel.postgres.partitions import PartitionByMonth

# The trigger that refuses a whole statement guards the ledger under its own name alone.
APPEND_ONLY = """
CREATE TRIGGER stock_movement_partition_append_only BEFORE UPDATE OR DELETE ON inventory.stock_movement
FOR EACH ROW EXECUTE FUNCTION inventory.refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_audit_triggers"),
    ]

    operations = [
        PartitionByMonth("stock_movement", "operation_id"),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER stock_movement_partition_append_only ON inventory.stock_movement"),
    ]
