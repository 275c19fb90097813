import django.contrib.postgres.fields
import django.contrib.postgres.functions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="cart",
            name="contents",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(),
                db_default=models.Func(
                    django.contrib.postgres.functions.RandomUUID(), template="ARRAY[%(expressions)s]"
                ),
                size=None,
            ),
        ),
    ]
