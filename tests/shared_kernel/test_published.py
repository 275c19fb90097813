"""Published handles: the one door between modules, and what stands behind it."""

from typing import Protocol

import pytest

from shared_kernel.published import Handle, bind, published


class Greeter(Protocol):
    def greeting(self, *, name: str) -> str: ...


class French:
    def greeting(self, *, name: str) -> str:
        return f"Bonjour {name}"


class English:
    def greeting(self, *, name: str) -> str:
        return f"Hello {name}"

    def __repr__(self) -> str:
        return "English"


def test_a_call_goes_to_what_the_handle_is_bound_to() -> None:
    greeter = published(Greeter)

    bind(greeter, French())

    assert greeter.greeting(name="Camille") == "Bonjour Camille"


def test_binding_again_gives_back_what_was_bound() -> None:
    greeter, french = published(Greeter), French()

    assert bind(greeter, french) is None
    assert bind(greeter, English()) is french
    assert greeter.greeting(name="Camille") == "Hello Camille"


def test_a_handle_that_is_not_bound_says_so() -> None:
    greeter = published(Greeter)

    with pytest.raises(RuntimeError, match=r"^Greeter is not bound yet: config.wiring.wire\(\) does that at start.$"):
        greeter.greeting(name="Camille")


def test_nothing_but_a_handle_is_bound() -> None:
    with pytest.raises(TypeError, match="is not a published handle"):
        bind(French(), English())


def test_a_handle_shows_what_it_stands_for() -> None:
    greeter = published(Greeter)
    bind(greeter, English())

    assert isinstance(greeter, Handle)
    assert repr(greeter) == "<published Greeter: English>"


def test_a_method_that_does_not_exist_is_not_invented() -> None:
    greeter = published(Greeter)
    bind(greeter, English())

    with pytest.raises(AttributeError):
        greeter.farewell(name="Camille")  # type: ignore[attr-defined]
