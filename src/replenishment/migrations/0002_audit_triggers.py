from django.db import migrations

TRIGGERS = """
CREATE TRIGGER request_decided AFTER UPDATE ON replenishment.replenishment_request
FOR EACH ROW WHEN (OLD.status = 'pending' AND NEW.status <> 'pending')
EXECUTE FUNCTION public.audit_row(
    'request', 'store_id', 'decided_by',
    '{status,quantity,approved_quantity}', '{decided_by,decided_at,decision_id,travels}'
);
"""

NO_TRIGGERS = """
DROP TRIGGER request_decided ON replenishment.replenishment_request;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shared_kernel", "0003_audit_trail"),
        ("replenishment", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
