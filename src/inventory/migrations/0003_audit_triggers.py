from django.db import migrations

TRIGGERS = """
-- What corrects the books. All else in the ledger has a sale, a delivery or a request that explains it.
CREATE TRIGGER stock_movement_audited AFTER INSERT ON inventory.stock_movement
FOR EACH ROW WHEN (NEW.reason IN ('count', 'adjustment'))
EXECUTE FUNCTION public.audit_row('stock_movement', '', 'actor_id', '{reason,delta,before,after}', '{}');
CREATE TRIGGER stock_discrepancy_settled AFTER UPDATE ON inventory.stock_discrepancy
FOR EACH ROW WHEN (OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL)
EXECUTE FUNCTION public.audit_row('discrepancy', '', '', '{settled_at}', '{}');
CREATE TRIGGER location_audited AFTER INSERT OR UPDATE OR DELETE ON inventory.location
FOR EACH ROW EXECUTE FUNCTION public.audit_row(
    'location', '', '', '{kind,name,address,time_zone,uses_transit,lead_time_days}', '{}'
);
"""

NO_TRIGGERS = """
DROP TRIGGER stock_movement_audited ON inventory.stock_movement;
DROP TRIGGER stock_discrepancy_settled ON inventory.stock_discrepancy;
DROP TRIGGER location_audited ON inventory.location;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shared_kernel", "0003_audit_trail"),
        ("inventory", "0002_transit_returns_and_discrepancies"),
    ]

    operations = [
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
