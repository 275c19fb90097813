"""Calls at the same time, each in a thread with a database connection of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection
from django.db.transaction import atomic

from shared_kernel.errors import Refusal

PATIENCE = 30  # seconds, on a machine that is busy with other tests

Call = Callable[[], Any]


def answer_or_refusal(call: Call) -> Any:
    """What the call answers, or the refusal that it raises; its thread's connection is closed."""
    try:
        return call()
    except Refusal as refusal:
        return refusal
    finally:
        connection.close()


def at_once(calls: Sequence[Call]) -> list[Any]:
    """Start all these calls at one moment; returns the answer or refusal of each, in their order."""
    start = Barrier(len(calls))

    def run(call: Call) -> Any:
        start.wait(PATIENCE)
        return answer_or_refusal(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def overtaken(first: Call, second: Call) -> tuple[Any, Any]:
    """Let `second` start when `first` is done but for its commit, which follows once `second` waits for it.

    Returns the answers or refusals of both.
    """
    with ThreadPoolExecutor(1) as pool:
        with atomic():
            answer = first()
            future = pool.submit(answer_or_refusal, second)
            deadline = time.monotonic() + PATIENCE
            while not (future.done() or somebody_waits_for_us()):
                assert time.monotonic() < deadline, "the second call neither ends nor waits"
        return answer, future.result(PATIENCE)


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])
