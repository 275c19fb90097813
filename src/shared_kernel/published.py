"""Published interfaces: the one door between modules.

A module's `interface.py` ends with `inventory = published(Inventory)`. Callers import that handle and call its methods;
`config/wiring.py` binds each handle, once at start, to whatever carries the calls out.
"""

from typing import Any, TypeVar, cast

P = TypeVar("P")


class Handle:
    """Stands for a module: passes each call on to the implementation that it is bound to."""

    def __init__(self, protocol: type[Any]) -> None:
        self.protocol = protocol
        self._implementation: Any = None

    def __getattr__(self, method: str) -> Any:
        if self._implementation is None:
            raise RuntimeError(f"{self.protocol.__name__} is not bound yet: config.wiring.wire() does that at start.")
        return getattr(self._implementation, method)

    def __repr__(self) -> str:
        return f"<published {self.protocol.__name__}: {self._implementation!r}>"


def published(protocol: type[P]) -> P:
    """The handle through which other modules call this Protocol; typed as the Protocol itself."""
    return cast(P, Handle(protocol))


def bind(handle: Any, implementation: Any) -> Any:
    """Let `handle` pass its calls to `implementation`; returns what it was bound to before."""
    assert isinstance(handle, Handle), f"{handle!r} is not a published handle"
    previous, handle._implementation = handle._implementation, implementation
    return previous


def implementation_of(handle: Any) -> Any:
    """What `handle` passes its calls to now."""
    assert isinstance(handle, Handle), f"{handle!r} is not a published handle"
    return handle._implementation
