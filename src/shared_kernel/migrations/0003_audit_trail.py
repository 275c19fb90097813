from django.db import migrations, models

TABLE = """
CREATE TABLE public.audit_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor_id uuid,
    address text NOT NULL,
    request_id text NOT NULL,
    job text NOT NULL,
    subject text NOT NULL,
    subject_id text NOT NULL,
    about_id uuid,
    deed text NOT NULL CONSTRAINT audit_entry_deed_known
        CHECK (deed IN ('created', 'changed', 'deleted', 'refused', 'exported')),
    changes jsonb NOT NULL CONSTRAINT audit_entry_changes_by_name CHECK (jsonb_typeof(changes) = 'object')
);
-- Entries come in the order of time: a few pages of index find some days.
CREATE INDEX audit_entry_by_time ON public.audit_entry USING brin (at);
CREATE INDEX audit_entry_by_actor ON public.audit_entry (actor_id, id);
CREATE INDEX audit_entry_by_subject ON public.audit_entry (subject, id);
CREATE INDEX audit_entry_by_deed ON public.audit_entry (deed, id);
CREATE INDEX audit_entry_by_thing ON public.audit_entry (subject_id, id);
CREATE INDEX audit_entry_by_other_thing ON public.audit_entry (about_id, id);
CREATE INDEX audit_entry_by_address ON public.audit_entry (address, id);
CREATE INDEX audit_entry_by_request ON public.audit_entry (request_id, id);

CREATE FUNCTION public.refuse_forgery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit trail is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME;
END
$$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR TRUNCATE ON public.audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_forgery();
-- An address is personal: it may be kept for a year, and no longer.
CREATE TRIGGER audit_entry_kept_for_a_year BEFORE DELETE ON public.audit_entry
FOR EACH ROW WHEN (OLD.at > now() - interval '1 year') EXECUTE FUNCTION public.refuse_forgery();
"""

# What is written goes through these two. A module's role has neither: its triggers run with the rights of their maker.
FUNCTIONS = """
CREATE FUNCTION public.audit(
    caller jsonb, own_actor uuid, subject text, subject_id text, about_id uuid, deed text, changes jsonb
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    INSERT INTO public.audit_entry
        (actor_id, address, request_id, job, subject, subject_id, about_id, deed, changes)
    VALUES (
        coalesce((caller ->> 'actor')::uuid, own_actor),
        coalesce(caller ->> 'address', ''),
        coalesce(caller ->> 'request_id', ''),
        coalesce(caller ->> 'job', ''),
        subject, subject_id, about_id, deed, changes
    )
$$;

-- For a trigger after a row: its subject; the columns that name what else it is about, and who did it where the
-- transaction does not say ('' for none); the columns whose values are recorded; those that are left out.
-- Of the others, which may be personal, only the names are recorded.
CREATE FUNCTION public.audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    before jsonb := coalesce(to_jsonb(OLD), '{}');
    after jsonb := coalesce(to_jsonb(NEW), '{}');
    one jsonb := before || after;
    recorded text[] := TG_ARGV[3];
    changes jsonb;
BEGIN
    SELECT coalesce(
        jsonb_object_agg(
            name, CASE WHEN name = ANY (recorded) THEN jsonb_build_array(before ->> name, after ->> name) END
        ),
        '{}'
    ) INTO changes
    FROM jsonb_object_keys(one) AS name
    WHERE before ->> name IS DISTINCT FROM after ->> name
        AND name <> ALL (TG_ARGV[4]::text[])
        AND (TG_OP = 'UPDATE' OR name = ANY (recorded));
    IF TG_OP <> 'UPDATE' OR changes <> '{}' THEN
        PERFORM public.audit(
            nullif(current_setting('comptoir.caller', true), '')::jsonb,
            (one ->> TG_ARGV[2])::uuid,
            TG_ARGV[0],
            one ->> 'id',
            (one ->> TG_ARGV[1])::uuid,
            CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END,
            changes
        );
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION public.audit, public.audit_row FROM PUBLIC;
"""

NO_FUNCTIONS = """
DROP FUNCTION public.audit_row;
DROP FUNCTION public.audit;
"""

NO_TABLE = """
DROP TABLE public.audit_entry;
DROP FUNCTION public.refuse_forgery;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shared_kernel", "0002_rate_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("actor_id", models.UUIDField(null=True)),
                ("address", models.TextField()),
                ("request_id", models.TextField()),
                ("job", models.TextField()),
                ("subject", models.TextField()),
                ("subject_id", models.TextField()),
                ("about_id", models.UUIDField(null=True)),
                ("deed", models.TextField()),
                ("changes", models.JSONField()),
            ],
            options={
                "db_table": "audit_entry",
                "verbose_name_plural": "audit entries",
                "managed": False,
            },
        ),
        migrations.RunSQL(TABLE, NO_TABLE),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
    ]
