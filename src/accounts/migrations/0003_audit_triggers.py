from django.db import migrations

TRIGGERS = """
CREATE TRIGGER person_audited AFTER INSERT OR UPDATE OR DELETE ON accounts.person
FOR EACH ROW EXECUTE FUNCTION public.audit_row('person', '', '', '{is_active,is_superuser,erased_at}', '{last_login}');
CREATE TRIGGER membership_audited AFTER INSERT OR UPDATE OR DELETE ON accounts.membership
FOR EACH ROW EXECUTE FUNCTION public.audit_row('role', 'person_id', '', '{role,store_id}', '{}');
-- Whoever begins a login is nobody yet; refreshing one is no news.
CREATE TRIGGER login_begun AFTER INSERT ON accounts.login
FOR EACH ROW EXECUTE FUNCTION public.audit_row('login', 'person_id', 'person_id', '{}', '{}');
CREATE TRIGGER login_ended AFTER DELETE ON accounts.login
FOR EACH ROW EXECUTE FUNCTION public.audit_row('login', 'person_id', '', '{}', '{}');
CREATE TRIGGER api_key_audited AFTER INSERT OR UPDATE OR DELETE ON accounts.api_key
FOR EACH ROW EXECUTE FUNCTION public.audit_row(
    'api_key', 'store_id', '', '{prefix,scopes,store_id,expires_at,revoked_at}', '{last_used_at}'
);
-- A machine calls all day: its use is noted once in an hour.
CREATE TRIGGER api_key_used AFTER UPDATE OF last_used_at ON accounts.api_key
FOR EACH ROW WHEN (date_trunc('hour', OLD.last_used_at) IS DISTINCT FROM date_trunc('hour', NEW.last_used_at))
EXECUTE FUNCTION public.audit_row('api_key', 'store_id', 'id', '{last_used_at}', '{}');
"""

NO_TRIGGERS = """
DROP TRIGGER person_audited ON accounts.person;
DROP TRIGGER membership_audited ON accounts.membership;
DROP TRIGGER login_begun ON accounts.login;
DROP TRIGGER login_ended ON accounts.login;
DROP TRIGGER api_key_audited ON accounts.api_key;
DROP TRIGGER api_key_used ON accounts.api_key;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shared_kernel", "0003_audit_trail"),
        ("accounts", "0002_customers_logins_and_api_keys"),
    ]

    operations = [
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
