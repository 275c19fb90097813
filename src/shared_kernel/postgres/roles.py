"""The modules' database roles: each may touch its own schema alone."""

from django.conf import settings
from django.db import connection


def apply_roles() -> None:
    """Create the roles where they are missing and grant them their tables, as `deploy/postgres/roles.sql` says.

    To be run after every migration, since a grant covers the tables that exist. Safe to repeat.
    """
    script = settings.BASE_DIR / "deploy" / "postgres" / "roles.sql"
    with connection.cursor() as cursor:
        cursor.execute(script.read_text())
