from django.db import migrations

TRIGGERS = """
CREATE TRIGGER product_changed AFTER UPDATE ON catalog.product
FOR EACH ROW EXECUTE FUNCTION public.audit_row(
    'product', '', '', '{sku,barcode,name,category_id,price,tax_rate,stocked,active}', '{updated_at,search_text}'
);
-- Not the thousands that an import makes: their file says what they are, and the log who ran it.
CREATE TRIGGER product_created AFTER INSERT ON catalog.product
FOR EACH ROW WHEN (current_setting('comptoir.caller', true) LIKE '%"actor"%')
EXECUTE FUNCTION public.audit_row(
    'product', '', '', '{sku,barcode,name,category_id,price,tax_rate,stocked,active}', '{}'
);
"""

NO_TRIGGERS = """
DROP TRIGGER product_changed ON catalog.product;
DROP TRIGGER product_created ON catalog.product;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shared_kernel", "0003_audit_trail"),
        ("catalog", "0002_full_barcodes"),
    ]

    operations = [
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
