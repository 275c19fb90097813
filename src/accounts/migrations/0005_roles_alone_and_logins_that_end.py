import django.contrib.postgres.fields
from django.db import migrations, models

import accounts.interface.permissions

NO_SUPERUSERS = "UPDATE accounts.person SET is_superuser = false WHERE is_superuser"

# A cashier of no store could sell in none; whoever had a role of the whole chain in a store had it in the whole chain.
ROLES_WHERE_THEY_COUNT = """
DELETE FROM accounts.membership WHERE role IN ('cashier', 'store_manager') AND store_id IS NULL;
DELETE FROM accounts.membership m USING accounts.membership other
WHERE m.role NOT IN ('cashier', 'store_manager') AND m.store_id IS NOT NULL
    AND other.person_id = m.person_id AND other.role = m.role AND (other.store_id IS NULL OR other.id < m.id);
UPDATE accounts.membership SET store_id = NULL
WHERE role NOT IN ('cashier', 'store_manager') AND store_id IS NOT NULL;
"""

# That a letter reached a former e-mail is no news.
TRIGGER = """
DROP TRIGGER person_audited ON accounts.person;
CREATE TRIGGER person_audited AFTER INSERT OR UPDATE OR DELETE ON accounts.person
FOR EACH ROW EXECUTE FUNCTION public.audit_row(
    'person', '', '', '{is_active,is_superuser,erased_at}', '{last_login,former_emails}'
);
"""
EARLIER_TRIGGER = """
DROP TRIGGER person_audited ON accounts.person;
CREATE TRIGGER person_audited AFTER INSERT OR UPDATE OR DELETE ON accounts.person
FOR EACH ROW EXECUTE FUNCTION public.audit_row('person', '', '', '{is_active,is_superuser,erased_at}', '{last_login}');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_customers_in_admin"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(NO_SUPERUSERS, migrations.RunSQL.noop),
        migrations.RunSQL(ROLES_WHERE_THEY_COUNT, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="user",
            name="person_erased_for_good",
        ),
        migrations.AddField(
            model_name="login",
            name="former_digest",
            field=models.BinaryField(db_default=b"", default=b""),
        ),
        migrations.AddField(
            model_name="user",
            name="former_emails",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.EmailField(max_length=254),
                blank=True,
                db_default=[],
                default=list,
                editable=False,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="logins_ended",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "role__in",
                            [
                                accounts.interface.permissions.Role["CASHIER"],
                                accounts.interface.permissions.Role["STORE_MANAGER"],
                            ],
                        ),
                        ("store_id__isnull", False),
                    ),
                    models.Q(
                        models.Q(
                            (
                                "role__in",
                                [
                                    accounts.interface.permissions.Role["CASHIER"],
                                    accounts.interface.permissions.Role["STORE_MANAGER"],
                                ],
                            ),
                            _negated=True,
                        ),
                        ("store_id", None),
                    ),
                    _connector="OR",
                ),
                name="membership_where_it_counts",
                violation_error_message=(
                    "Cashiers and store managers work in a store: choose it. Everybody else works for the whole chain."
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at", None),
                    models.Q(
                        ("email__endswith", "@erased.invalid"),
                        ("email_verified_at", None),
                        ("former_emails", []),
                        ("is_active", False),
                        ("name", ""),
                        ("phone", ""),
                    ),
                    _connector="OR",
                ),
                name="person_erased_for_good",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_superuser", False)), name="person_has_roles_alone"
            ),
        ),
        migrations.RunSQL(TRIGGER, EARLIER_TRIGGER),
    ]
