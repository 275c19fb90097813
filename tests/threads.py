"""Calls at the same time, each in a thread with a database connection of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any

from django.db import connection

from shared_kernel.errors import Refusal

PATIENCE = 30  # seconds, on a machine that is busy with other tests

# What neither reads nor writes a row: a cut before it is one before the statement after it.
BARREN = ("SAVEPOINT", "RELEASE", "SET LOCAL", "SELECT current_user")

Call = Callable[[], Any]


def answer_or_refusal(call: Call) -> Any:
    """What the call answers, or the refusal that it raises."""
    try:
        return call()
    except Refusal as refusal:
        return refusal


def with_own_connection(call: Call) -> Any:
    """The call's answer or refusal; whatever connection it opened in this thread is closed."""
    try:
        return answer_or_refusal(call)
    finally:
        connection.close()


def at_once(calls: Sequence[Call]) -> list[Any]:
    """Start all these calls at one moment; returns the answer or refusal of each, in their order."""
    start = Barrier(len(calls))

    def run(call: Call) -> Any:
        start.wait(PATIENCE)
        return with_own_connection(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class Cut:
    """Runs two calls, of which the second starts just before a certain statement of the first.

    The first goes on when the second has ended, or waits for it. Without such a statement the second comes afterwards.
    """

    def __init__(self, before: int) -> None:
        self.before = before
        self.statements = 0
        self.happened = False

    def __call__(self, first: Call, second: Call) -> tuple[Any, Any]:
        """The answer or refusal of each."""
        with ThreadPoolExecutor(1) as pool:
            later: list[Future[Any]] = []

            def watch(execute: Callable[..., Any], *arguments: Any) -> Any:
                self.statements += not str(arguments[0]).startswith(BARREN)
                if not self.happened and self.statements > self.before:
                    self.happened = True
                    later.append(pool.submit(with_own_connection, second))
                    wait_until_done_or_waiting(later[0])
                return execute(*arguments)

            with connection.execute_wrapper(watch):
                answer = answer_or_refusal(first)
            future = later[0] if later else pool.submit(with_own_connection, second)
            return answer, future.result(PATIENCE)


def cuts() -> Iterator[Cut]:
    """A cut before every statement of the first call, one after the other; each is to be used on fresh data."""
    cut = Cut(before=0)
    yield cut
    while cut.happened:
        cut = Cut(before=cut.before + 1)
        yield cut


def wait_until_done_or_waiting(future: "Future[Any]") -> None:
    """Return when the call has ended, or waits for a lock that this thread's connection holds."""
    deadline = time.monotonic() + PATIENCE
    while not somebody_waits_for_us():
        if wait([future], timeout=0.005).done:
            return
        assert time.monotonic() < deadline, "the second call neither ends nor waits"


def empty_queue() -> None:
    """To be called after a test that commits: Django's flush leaves these tables alone."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_periodic_defers CASCADE")


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])
