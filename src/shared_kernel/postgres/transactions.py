"""How a published write runs: in one transaction, its caller's if there is one."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import psycopg
from django.db import IntegrityError, connection
from django.db.transaction import atomic

Args = ParamSpec("Args")
Result = TypeVar("Result")


class AlreadyDone(Exception):
    """The same write, under the same key, was committed by somebody else while this one was under way."""


def atomic_write(method: Callable[Args, Result]) -> Callable[Args, Result]:
    """Make a service method one transaction, or part of its caller's.

    Inside a caller's transaction there is no savepoint (it would cost two statements): a refusal dooms the whole of it,
    which is what a refused till sale wants. A caller that means to go on after a refusal opens a savepoint of its own.

    A method that finds its key taken by a twin that has just committed raises `AlreadyDone`; it is then run once more
    and finds what the twin did.
    """

    @functools.wraps(method)
    def write(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        if connection.in_atomic_block:
            with atomic(savepoint=False):
                return method(*args, **kwargs)
        try:
            with atomic():
                return method(*args, **kwargs)
        except AlreadyDone:
            with atomic():
                return method(*args, **kwargs)

    return write


def constraint_of(error: IntegrityError) -> str | None:
    """The name of the constraint that a write would have broken."""
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None
