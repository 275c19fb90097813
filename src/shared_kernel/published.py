"""Published interfaces: the one door between modules.

A module's `interface` ends with `inventory = published(Inventory)`. Callers import that handle and call its methods;
`config/wiring.py` binds each handle, once at start, to whatever carries the calls out.
"""

from typing import Any, TypeVar, cast

P = TypeVar("P")


class Handle:
    """Stands for a module: passes each call on to the implementation that it is bound to."""

    def __init__(self, protocol: type[Any]) -> None:
        self.protocol = protocol
        self.implementation: Any = None

    def __getattr__(self, method: str) -> Any:
        if self.implementation is None:
            raise RuntimeError(f"{self.protocol.__name__} is not bound yet: config.wiring.wire() does that at start.")
        return getattr(self.implementation, method)

    def __repr__(self) -> str:
        return f"<published {self.protocol.__name__}: {self.implementation!r}>"


def published(protocol: type[P]) -> P:
    """The handle through which other modules call this Protocol; typed as the Protocol itself."""
    return cast("P", Handle(protocol))


def bind(handle: object, implementation: Any) -> Any:
    """Let a published handle pass its calls to `implementation`; returns what it was bound to before."""
    if not isinstance(handle, Handle):
        raise TypeError(f"{handle!r} is not a published handle.")
    previous, handle.implementation = handle.implementation, implementation
    return previous
