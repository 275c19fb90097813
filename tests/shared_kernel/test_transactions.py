"""How a published write runs: in one transaction, its caller's if there is one."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import TransactionManagementError, atomic

from catalog.models import Category
from shared_kernel.errors import Refusal
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

# Without pytest's own transaction around them, so that a commit is a commit.
pytestmark = pytest.mark.django_db(transaction=True)


class Refused(Refusal):
    """Any refusal."""


@atomic_write
def write(name: str, *, then: Callable[[], object] = lambda: None) -> str:
    """Write a row, do what a test wants to happen next, and answer the row's name."""
    row = Category.objects.create(name=name)
    then()
    return row.name


@atomic
def write_both_and(one: str, other: str, *, then: Callable[[], object]) -> None:
    """A caller's transaction around two writes."""
    write(one)
    write(other)
    then()


def refuse() -> None:
    raise Refused


def written() -> list[str]:
    return list(Category.objects.order_by("name").values_list("name", flat=True))


def test_a_write_of_its_own_is_committed() -> None:
    assert write("A") == "A"

    assert not connection.in_atomic_block
    assert written() == ["A"]


def test_a_refused_write_leaves_nothing() -> None:
    with pytest.raises(Refused):
        write("A", then=refuse)

    assert written() == []


def test_a_write_joins_its_callers_transaction() -> None:
    with pytest.raises(Refused):
        write_both_and("A", "B", then=refuse)
    write_both_and("C", "D", then=lambda: None)

    assert written() == ["C", "D"]


def test_a_refusal_inside_a_callers_transaction_dooms_all_of_it() -> None:
    with atomic():
        write("A")
        with pytest.raises(Refused):
            write("B", then=refuse)
        with pytest.raises(TransactionManagementError):
            written()

    assert written() == []


def test_a_caller_that_means_to_go_on_opens_a_savepoint() -> None:
    with atomic():
        write("A")
        with pytest.raises(Refused), atomic():
            write("B", then=refuse)
        write("C")

    assert written() == ["A", "C"]


def test_writes_nest() -> None:
    write("A", then=lambda: write("B"))
    with pytest.raises(Refused):
        write("C", then=lambda: write("D", then=refuse))

    assert written() == ["A", "B"]


class Twin:
    """Commits the same write at the worst moments: `times` times, each seen only when it is too late."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self) -> None:
        if self.times:
            self.times -= 1
            raise AlreadyDone


def test_a_write_that_a_twin_has_done_runs_once_more_from_the_start() -> None:
    assert write("A", then=Twin(1)) == "A"

    assert written() == ["A"]


def test_a_write_runs_twice_at_most() -> None:
    with pytest.raises(AlreadyDone):
        write("A", then=Twin(2))

    assert written() == []


def test_inside_a_transaction_the_outermost_write_runs_once_more() -> None:
    twin = Twin(1)

    write("A", then=lambda: write("B", then=twin))

    assert written() == ["A", "B"]


def test_the_broken_constraint_is_named() -> None:
    write("A")

    with pytest.raises(IntegrityError) as error:
        write("A")

    assert constraint_of(error.value) == "category_name_key"
    assert constraint_of(IntegrityError("of another origin")) is None
