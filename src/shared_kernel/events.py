"""Events: facts that a module tells whoever wants to know, as frozen dataclasses in the publisher's `interface.py`."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """A fact that has happened. `type` names it for the world (`product.created`); `version` counts its shapes."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
