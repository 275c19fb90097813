"""Rows of plain statements, where Django would take longer to put a query together than Postgres to answer it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)
Reader = Callable[[Sequence[Any]], Any]

# What makes rows of a statement's values: its columns are always the same.
_readers: dict[tuple[type[Model], str], Reader] = {}


def rows_of(model: type[Row], statement: str, parameters: Sequence[Any]) -> list[Row]:
    """What `model.objects.raw` gives, in a third of its time. The statement is one of a few, without values in it.

    Of the model's columns, those that the statement does not give are deferred; what else it gives are attributes.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        if (model, statement) not in _readers:
            _readers[model, statement] = _reader(model, [column.name for column in cursor.description])
        return list(map(_readers[model, statement], cursor.fetchall()))


def columns_of(model: type[Model], table: str) -> str:
    """The model's columns, to be asked for by name: behind a `*`, a plan fails once a migration has added one."""
    return ", ".join(f"{table}.{field.column}" for field in model._meta.concrete_fields)


def _reader(model: type[Model], names: Sequence[str]) -> Reader:
    fields = [field for field in model._meta.concrete_fields if field.column in names]
    attributes = [field.attname for field in fields]
    columns = [(names.index(field.column), getattr(field, "from_db_value", None)) for field in fields]
    others = [(number, name) for number, name in enumerate(names) if name not in attributes]

    def read(values: Sequence[Any]) -> Model:
        known = [
            convert(values[number], None, connection) if convert else values[number] for number, convert in columns
        ]
        row = model.from_db(connection.alias, attributes, known)
        for number, name in others:
            setattr(row, name, values[number])
        return row

    return read
