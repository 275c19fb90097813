from django.db import migrations

# UPC-A is EAN-13 without its leading zero; where another product has the number in full, somebody has to decide.
IN_FULL = """
UPDATE product SET barcode = '0' || barcode
WHERE length(barcode) = 12 AND NOT EXISTS (SELECT FROM product other WHERE other.barcode = '0' || product.barcode)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(IN_FULL, migrations.RunSQL.noop),
    ]
