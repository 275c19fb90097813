"""Rows of plain statements, where Django would take longer to put a query together than Postgres to answer it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def rows_of(model: type[Row], statement: str, parameters: Sequence[Any]) -> list[Row]:
    """What `model.objects.raw` gives, in a third of its time.

    Of the model's columns, those that the statement does not give are deferred; what else it gives are attributes.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        read = _reader(model, tuple(column.name for column in cursor.description))
        return [read(values) for values in cursor.fetchall()]


@cache
def _reader(model: type[Row], names: tuple[str, ...]) -> Callable[[Sequence[Any]], Row]:
    """What makes a row of the values of these columns."""
    fields = [field for field in model._meta.concrete_fields if field.column in names]
    attributes = [field.attname for field in fields]
    columns = [(names.index(field.column), getattr(field, "from_db_value", None)) for field in fields]
    others = [(number, name) for number, name in enumerate(names) if name not in attributes]

    def read(values: Sequence[Any]) -> Row:
        known = [
            convert(values[number], None, connection) if convert else values[number] for number, convert in columns
        ]
        row = model.from_db(connection.alias, attributes, known)
        for number, name in others:
            setattr(row, name, values[number])
        return row

    return read
