"""A caller whose database is away, without taking anybody else's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def without_database(call: Callable[[], T]) -> T:
    """What the call answers in a thread whose connection leads to a port that nobody listens at."""

    def run() -> T:
        # Django keeps a connection per thread, and they share this dictionary: so not its entries, but the whole.
        connection.settings_dict = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "1"}
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()
