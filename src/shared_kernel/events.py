"""Events: facts that a module tells whoever wants to know, as frozen dataclasses in the publisher's `interface.py`."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """A fact that has happened. `type` names it for the world (`product.created`); `version` counts its shapes.

    Its first field is the id of the thing that it is about: what happens to one thing is told in order.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def about(self) -> str:
        """The id of the thing that it is about."""
        return str(next(iter(vars(self).values()), self.type))


def event_types() -> dict[str, type[Event]]:
    """All events that the modules publish, by what the world calls them, in alphabetical order."""
    published = [event for event in Event.__subclasses__() if ".interface" in event.__module__]
    return {event.type: event for event in sorted(published, key=lambda event: event.type)}
