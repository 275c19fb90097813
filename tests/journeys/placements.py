"""Other ways to carry out published calls than directly: as a module of its own, or an impatient network, would."""

import inspect
from typing import Any, get_type_hints

from pydantic import TypeAdapter


class Serialised:
    """Passes arguments and results through JSON, as a call to another process would."""

    def __init__(self, implementation: Any, protocol: type[Any]) -> None:
        self.implementation = implementation
        self.protocol = protocol

    def __getattr__(self, name: str) -> Any:
        hints = get_type_hints(inspect.getattr_static(self.protocol, name))

        def call(**arguments: Any) -> Any:
            travelled = {key: through_json(value, hints[key]) for key, value in arguments.items()}
            return through_json(getattr(self.implementation, name)(**travelled), hints["return"])

        return call


def through_json(value: Any, annotation: Any) -> Any:
    adapter = TypeAdapter(annotation)
    return adapter.validate_json(adapter.dump_json(value))


class SentTwice:
    """Sends every call twice, as a client does that has missed the first answer, and gives the second answer."""

    def __init__(self, implementation: Any, protocol: type[Any]) -> None:
        self.implementation = implementation

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            getattr(self.implementation, name)(**arguments)
            return getattr(self.implementation, name)(**arguments)

        return call
