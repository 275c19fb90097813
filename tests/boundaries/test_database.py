"""What the database itself holds apart: schemas, roles, and no foreign key between modules."""

import pytest
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection

from catalog.interface import catalog
from shared_kernel.postgres.roles import apply_roles
from shared_kernel.published import bind
from tests.chain import make_product
from tests.conftest import UnderRole

pytestmark = pytest.mark.django_db

# Django's own: the people of the admin's groups and log are accounts' people.
DJANGOS_OWN = {"public"}


def rows(sql: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_every_table_lies_in_the_schema_of_its_module() -> None:
    found = dict(rows("SELECT tablename, schemaname FROM pg_tables WHERE schemaname NOT LIKE 'pg_%'"))
    expected = {
        model._meta.db_table: model._meta.app_label if model._meta.app_label in settings.COMPTOIR_MODULES else "public"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
    }

    assert {table: found[table] for table in expected} == expected


def test_no_foreign_key_crosses_from_one_module_to_another() -> None:
    crossing = rows(
        """
        SELECT n.nspname, c.relname, fn.nspname, fc.relname FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class fc ON fc.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
        WHERE k.contype = 'f' AND n.nspname <> fn.nspname
        """
    )

    assert [row for row in crossing if not {row[0], row[2]} & DJANGOS_OWN] == []


def test_a_foreign_key_between_modules_would_be_noticed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sales.sale ADD CONSTRAINT planted FOREIGN KEY (store_id) REFERENCES location (id)")

    with pytest.raises(AssertionError):
        test_no_foreign_key_crosses_from_one_module_to_another()


def test_a_module_cannot_touch_another_modules_table() -> None:
    class TrespassingCatalog:
        def products(self, *, ids: list[str]) -> list[tuple[str, ...]]:
            return rows("SELECT * FROM inventory.stock_level")

    before = bind(catalog, UnderRole(TrespassingCatalog(), "catalog"))
    try:
        with pytest.raises(ProgrammingError, match="permission denied for table stock_level"):
            catalog.products(ids=[])
    finally:
        bind(catalog, before)


@pytest.mark.parametrize("role", settings.COMPTOIR_MODULES)
def test_a_role_may_read_its_own_tables_and_no_other_modules(role: str) -> None:
    readable = rows(
        f"""
        SELECT DISTINCT schemaname FROM pg_tables
        WHERE schemaname NOT LIKE 'pg_%' AND schemaname <> 'information_schema'
            AND has_table_privilege('{role}', quote_ident(schemaname) || '.' || quote_ident(tablename), 'SELECT')
        """
    )

    assert sorted(schema for (schema,) in readable) == sorted(["public", role])


def test_the_roles_script_names_every_module() -> None:
    script = (settings.BASE_DIR / "deploy" / "postgres" / "roles.sql").read_text()

    assert f"ARRAY[{', '.join(repr(module) for module in settings.COMPTOIR_MODULES)}]" in script


def test_applying_the_roles_again_changes_nothing() -> None:
    apply_roles()
    apply_roles()

    assert make_product(sku="AFTER").sku == "AFTER"


def test_a_column_and_a_constraint_in_a_modules_schema_can_be_changed() -> None:
    """Django's schema editor finds them through the search path; with a qualified `db_table` it silently would not."""
    model = apps.get_model("inventory", "Location")
    field, constraint = model._meta.get_field("address"), model._meta.constraints[0]
    longer = field.clone()
    longer.set_attributes_from_name("address")
    longer.max_length = 500
    longer.model = model

    with connection.schema_editor() as editor:
        editor.alter_field(model, field, longer)
        editor.remove_constraint(model, constraint)

    [(length,)] = rows(
        "SELECT character_maximum_length FROM information_schema.columns"
        " WHERE table_schema = 'inventory' AND table_name = 'location' AND column_name = 'address'"
    )
    assert length == 500
    with connection.cursor() as cursor:
        assert constraint.name not in connection.introspection.get_constraints(cursor, "location")
