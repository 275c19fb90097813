-- One role per module, allowed to touch that module's schema alone (and the platform's tables in public).
-- Run after every migration, in the application's database, by the account that ran the migrations:
-- `manage.py apply_roles` does it. Safe to run again, and beside itself: roles belong to the whole server.
DO $$
DECLARE
    module text;
    partition regclass;
    modules text[] := ARRAY['accounts', 'catalog', 'inventory', 'sales', 'replenishment', 'cart', 'checkout'];
BEGIN
    FOREACH module IN ARRAY modules LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', module);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', module);
    END LOOP;

    FOREACH module IN ARRAY modules LOOP
        -- Everyone may see that a foreign schema exists, so that a trespass says "permission denied for table ...".
        EXECUTE format('GRANT USAGE ON SCHEMA public, %s TO %I', array_to_string(modules, ', '), module);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', module, module);
        -- Rows come and go by their table, whose triggers watch over it; none by one of its partitions.
        FOR partition IN
            SELECT oid FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace = to_regnamespace(module)
        LOOP
            EXECUTE format('REVOKE ALL ON %s FROM %I', partition, module);
        END LOOP;
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I', module, module);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', module);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', module);
        -- Its triggers write it, with the rights of whoever made them.
        EXECUTE format('REVOKE ALL ON public.audit_entry FROM %I', module);
    END LOOP;
    -- What no trigger sees: that somebody's data was given out, or a login refused.
    GRANT EXECUTE ON FUNCTION public.audit TO accounts;
END
$$;
