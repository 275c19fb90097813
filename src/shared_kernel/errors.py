"""Refusals: what a module says when it will not do what it was asked, as a value that can cross any boundary.

A refusal is named for the fact (`InsufficientStock`) and carries its fields. Its base class says what kind of fact it
is; which HTTP status that becomes is the REST layer's business alone. They are dataclasses that are not frozen,
because Python itself writes to a raised exception (`__traceback__`).
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(eq=False)
class Refusal(Exception):
    """Nothing was changed, for a reason that the caller can act upon.

    `code` is stable and machine readable; `str(refusal)` says what happened, to which thing, and what to do.
    """

    code: ClassVar[str]


class NotFound(Refusal):
    """A thing that was named does not exist."""


class Conflict(Refusal):
    """The call is sound, but the state of things does not allow it now."""


class Invalid(Refusal):
    """A value breaks a rule, whatever the state of things."""


@dataclass(eq=False)
class InvalidFields(Invalid):
    """Values break rules, each of `errors` with its `field` and a `message`."""

    code: ClassVar[str] = "invalid"
    errors: list[dict[str, str]]

    def __str__(self) -> str:
        return "; ".join(f"{error['field']}: {error['message']}" for error in self.errors)


class Forbidden(Refusal):
    """Whoever asks may not do this here."""


class Away(Refusal):
    """Somebody else who is needed for it, outside of the chain, cannot be reached: it may well go later."""


class Unauthenticated(Refusal):
    """Nobody knows who asks."""


@dataclass(eq=False)
class TooMany(Refusal):
    """Whoever asks has asked too often: after `retry_after` seconds they may again."""

    retry_after: int
