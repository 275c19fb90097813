"""The server of one data folder: its files, its start and its stop."""

import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from config.embedded_postgres.account import Account, account_of, apart
from config.embedded_postgres.binaries import reachable_binaries
from config.embedded_postgres.error import EmbeddedPostgresError

FIRST_MAJOR_WITH_BUILTIN_LOCALES = 17
NAME = "comptoir"  # of the database and of its superuser
PORT = 5432  # only names the socket file, but a PGPORT in the environment must not change it
START_SECONDS = 120
STOP_SECONDS = 60
# libpq refuses socket paths beyond 107 bytes on Linux and 103 on macOS, and the file's own name takes 14.
LONGEST_SOCKET_FOLDER = 85
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
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
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A test that waits for ever is a failed one; the server's log says for whom it has waited.
    "statement_timeout": "5min",
}


@dataclass(frozen=True)
class Server:
    """The server of one data folder: ``home`` holds its cluster, its password, its log and its locks."""

    home: Path
    account: Account
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
        if len(os.fsencode(self.cluster)) <= LONGEST_SOCKET_FOLDER and "," not in str(self.cluster):
            return self.cluster
        # Not TMPDIR, which can be long, and is another one for another user.
        return Path("/tmp") / f"comptoir-{_digest(self.home)}"  # noqa: S108 its owner is checked

    def url(self, database: str) -> str:
        password = quote(self.password.read_text(), safe="")
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql://{NAME}:{password}@:{PORT}/{database}?host={host}"

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        return self.account.run(self.binaries / program, *arguments)


def server_of(data: Path) -> Server:
    account = account_of(data)
    return Server(_home(data, account), account, reachable_binaries(account))


def _home(data: Path, account: Account) -> Path:
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
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=apart()))
    try:
        link.symlink_to(folder)
    except FileExistsError:
        folder.rmdir()  # another first start was faster


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def ensure_initialised(server: Server) -> None:
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
    made = server.run("initdb", "-D", unfinished, "-U", NAME, "-A", "scram-sha-256", *_initdb_options(server))
    if made.returncode != 0:
        raise EmbeddedPostgresError(f"The database in {server.home} cannot be created: {_last_line(made.stdout)}")
    unfinished.rename(server.cluster)


def _write_password(server: Server) -> None:
    server.password.unlink(missing_ok=True)
    server.password.touch(mode=0o600)
    server.password.write_text(secrets.token_urlsafe(24))
    server.account.own(server.password)


def _initdb_options(server: Server) -> list[str]:
    """The same order of text everywhere, and a character type that knows letters outside ASCII (pg_trgm needs it)."""
    version = re.search(rb"\d+", server.run("initdb", "--version").stdout)
    has_builtin_locales = version and int(version[0]) >= FIRST_MAJOR_WITH_BUILTIN_LOCALES
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if has_builtin_locales else []
    character_type = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    return [*builtin, "-E", "UTF8", "--locale=C", f"--lc-ctype={character_type}", f"--pwfile={server.password}"]


def ensure_running(server: Server, *, durable: bool) -> None:
    deadline = time.monotonic() + START_SECONDS
    while (state := _state(server)) != "accepting":
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"The database server in {server.home} is not ready: see {server.log}.")
        if state == "absent":
            _start(server, durable=durable)
        else:
            time.sleep(0.1)  # it is starting, recovering or stopping on behalf of somebody who was killed


def _state(server: Server) -> str:
    """Ask the server itself; a postmaster.pid may name a dead, or a wholly different, process."""
    answer = server.run("pg_isready", "-h", server.socket_folder, "-p", str(PORT), "-U", NAME)
    return {0: "accepting", 1: "rejecting"}.get(answer.returncode, "absent")


def _start(server: Server, *, durable: bool) -> None:
    _write_settings(server, durable=durable)
    # Nobody answers, so these are a killed server's. Where its number now belongs to another process, or to its own
    # unburied one, PostgreSQL would refuse to start. It still refuses, by way of shared memory, to share a cluster.
    (server.cluster / "postmaster.pid").unlink(missing_ok=True)
    (server.socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    if server.log.exists():
        server.log.replace(server.log.with_suffix(".log.old"))
    started = server.run("pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-D", server.cluster, "-l", server.log)
    if started.returncode == 0:
        return
    reason = _reason(server, started)
    # The processes of a server that was killed take a moment to notice, and are worth another try.
    if "shared memory block" not in reason:
        raise EmbeddedPostgresError(f"The database server in {server.home} does not start: {reason}")


def _write_settings(server: Server, *, durable: bool) -> None:
    folder = server.socket_folder
    if folder != server.cluster:
        _make_socket_folder(folder, server.account)
    settings = SETTINGS | ({} if durable else THROWAWAY_SETTINGS)
    # A path of our own making, or the cluster itself: nothing that needs quoting.
    settings["unix_socket_directories"] = "." if folder == server.cluster else str(folder)
    lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
    (server.cluster / "postgresql.conf").write_text(
        "# Written anew at every start; use ALTER SYSTEM for settings of your own.\n" + "".join(lines)
    )


def _make_socket_folder(folder: Path, account: Account) -> None:
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


def _reason(server: Server, started: subprocess.CompletedProcess[bytes]) -> str:
    """What the server says of its failure, or else pg_ctl."""
    log = server.log.read_text(errors="replace") if server.log.exists() else ""
    said = re.findall(r"(?:FATAL|DETAIL|HINT): +(.*)", log)
    return " ".join(said) or _last_line(started.stdout)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it gave no reason"


def ensure_database(server: Server) -> None:
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
            if not exists:
                connection.execute(f"CREATE DATABASE {NAME}")
    except psycopg.Error as error:
        raise EmbeddedPostgresError(f"The database server in {server.home} refuses its owner: {error}") from error


def stop(server: Server) -> None:
    # Without an answer there is nothing to stop, and pg_ctl would signal whichever process has the number by now.
    if _state(server) == "absent":
        return
    stop = ("pg_ctl", "stop", "-w", "-t", str(STOP_SECONDS), "-D", server.cluster, "-m")
    if server.run(*stop, "fast").returncode != 0:
        server.run(*stop, "immediate")
    if server.socket_folder != server.cluster:
        shutil.rmtree(server.socket_folder, ignore_errors=True)
