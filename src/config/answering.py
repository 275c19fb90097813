"""How gunicorn answers: in one piece, where it is not large, and without a line in its own log.

Left to itself it sends headers, body and end apart. A process that is killed between two of these has begun an answer,
so that nginx can no longer ask another replica; and three packets cost more than one.
"""

import socket
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

# What is larger leaves in pieces of at least this size.
LARGEST = 64 * 1024


class Gathered:
    """A socket that keeps what it is to send, until there is much of it or all of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kept = bytearray()

    def sendall(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) >= LARGEST:
            self.flush()

    def flush(self) -> None:
        """Send what is kept."""
        if self._kept:
            self._connection.sendall(self._kept)
            self._kept.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """Gunicorn's log without the requests, which `RequestMiddleware` writes down; it would put each line together."""

    def access(self, *_: Any) -> None:
        pass


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """Gunicorn's threads. Of an answer that fails before it is whole, nothing small has been sent."""

    def handle_request(self, req: Any, conn: Any) -> Any:
        connection = conn.sock
        conn.sock = gathered = Gathered(connection)
        try:
            goes_on = super().handle_request(req, conn)
            gathered.flush()
            return goes_on
        finally:
            conn.sock = connection
