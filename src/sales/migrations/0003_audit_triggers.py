from django.db import migrations

TRIGGERS = """
-- Neither sales, which are many, nor the imported past, which has no receipts.
CREATE TRIGGER refund_audited AFTER INSERT ON sales.sale
FOR EACH ROW WHEN (NEW.pieces_returned > 0 AND NEW.receipt_number IS NOT NULL)
EXECUTE FUNCTION public.audit_row(
    'refund', 'store_id', 'cashier_id', '{receipt_year,receipt_number,currency,gross,returned,pieces_returned}', '{}'
);
CREATE TRIGGER till_session_closed AFTER UPDATE ON sales.till_session
FOR EACH ROW WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL)
EXECUTE FUNCTION public.audit_row(
    'till', 'store_id', 'closed_by', '{z_number,expected_cash,counted_cash}', '{closed_at,closed_by}'
);
CREATE TRIGGER cash_movement_audited AFTER INSERT ON sales.cash_movement
FOR EACH ROW EXECUTE FUNCTION public.audit_row('cash', 'session_id', 'actor_id', '{direction,amount}', '{}');
"""

NO_TRIGGERS = """
DROP TRIGGER refund_audited ON sales.sale;
DROP TRIGGER till_session_closed ON sales.till_session;
DROP TRIGGER cash_movement_audited ON sales.cash_movement;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shared_kernel", "0003_audit_trail"),
        ("sales", "0002_returns_receipts_and_tills"),
    ]

    operations = [
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
