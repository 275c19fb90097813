"""`manage.py apply_roles`: each module's database role may touch its own schema alone."""

import io

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db


def test_the_command_grants_what_a_migration_has_made() -> None:
    said = io.StringIO()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE catalog.season (id int)")

    call_command("apply_roles", stdout=said)

    assert said.getvalue() == "Roles applied: each module's role may touch its own schema alone.\n"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT role, has_table_privilege(role, 'catalog.season', 'INSERT') FROM unnest(%s::text[]) AS role",
            [["accounts", "catalog", "inventory", "sales"]],
        )
        assert dict(cursor.fetchall()) == {"accounts": False, "catalog": True, "inventory": False, "sales": False}
