"""The database backend that the settings name: Django's own, but each table lands in its module's schema."""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Model
from psycopg.pq import Escaping

from shared_kernel.audit import caller


def schema_of(model: type[Model]) -> str | None:
    """The Postgres schema that holds a model's table: its module's, or None for `public`."""
    label = model._meta.app_label
    return label if label in settings.COMPTOIR_MODULES else None


class SchemaEditor(DatabaseSchemaEditor):
    """Qualifies CREATE TABLE; everything after it finds the table through the connection's search path."""

    def table_sql(self, model: type[Model]) -> tuple[str, Any]:
        sql, params = super().table_sql(model)
        schema = schema_of(model)
        if schema is None:
            return sql, params
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.quote_name(schema)}")
        table = self.quote_name(model._meta.db_table)
        return sql.replace(f"CREATE TABLE {table}", f"CREATE TABLE {self.quote_name(schema)}.{table}", 1), params


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's Postgres backend with our schema editor, and transactions that know who acts in them."""

    SchemaEditorClass = SchemaEditor

    def _set_autocommit(self, autocommit: bool) -> None:
        """Turned off, as Django does to begin a transaction, this also tells the audit trail's triggers who acts in it.

        The end of the transaction forgets it.
        """
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs do not know it
        if not autocommit and (acting := caller()):
            # In one message with BEGIN, which psycopg would send by itself, so that it costs no round trip of its own.
            # Where this fails, the next statement says so.
            libpq = self.connection.pgconn
            with self.wrap_database_errors:
                libpq.exec_(b"BEGIN; SET LOCAL comptoir.caller = " + Escaping(libpq).escape_literal(acting.encode()))
