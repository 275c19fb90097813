"""The embedded server, with real servers and real processes that start it, share it, leave it and get killed."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dj_database_url
import psycopg
import pytest

from config import embedded_postgres

# Uses the server, again for every line it is told, answers with the URL or the refusal, and leaves at the end of input.
USER = """
import sys
from pathlib import Path
from config import embedded_postgres

embedded_postgres.account.APART = Path(sys.argv[2])
for line in sys.stdin:
    try:
        answer = embedded_postgres.use(Path(sys.argv[1]), durable=False)
    except embedded_postgres.EmbeddedPostgresError as error:
        answer = " ".join(str(error).split())
    print(answer, flush=True)
"""


class User:
    """Another process that uses the server of *data*."""

    def __init__(self, data: Path, apart: Path, script: str = USER, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, data, apart],
            env=os.environ | {"PYTHONPATH": str(Path(embedded_postgres.__file__).parent.parent.parent)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("use\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        answer = self.process.stdout.readline().strip()
        assert answer, "the process has ended instead of answering"
        return answer

    def use(self) -> str:
        self.ask()
        return self.answer()

    def leave(self) -> None:
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def data(folder: Path) -> Path:
    return folder / "var"


@pytest.fixture
def user(folder: Path, data: Path) -> Iterator[Callable[..., User]]:
    """Starts users of *data*; whichever are left at the end of the test leave then."""
    users: list[User] = []

    def start(**options: str) -> User:
        users.append(User(data, folder / "apart", **options))
        return users[-1]

    yield start
    for left in users:
        if left.process.poll() is None:
            left.leave()


def is_up(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def show(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return row[0]


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def test_the_last_user_stops_the_server(data: Path, user: Callable[..., User]) -> None:
    first, second = user(), user()
    url = first.use()
    assert second.use() == url
    first.leave()
    assert is_up(url)
    second.leave()
    assert not is_up(url)


def test_users_that_start_at_once_share_one_server(data: Path, user: Callable[..., User]) -> None:
    users = [user() for _ in range(4)]
    for each in users:
        each.ask()
    urls = {each.answer() for each in users}
    assert len(urls) == 1
    pid = postmaster(data)
    for each in users:
        assert is_up(urls.copy().pop())
        assert postmaster(data) == pid
        each.leave()
    assert not is_up(urls.pop())


def test_the_data_outlive_the_server(user: Callable[..., User]) -> None:
    first = user()
    with psycopg.connect(first.use()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    first.leave()
    assert show(user().use(), "SELECT number FROM kept") == 42


def test_a_killed_user_does_not_count(user: Callable[..., User]) -> None:
    killed, last = user(), user()
    url = killed.use()
    killed.kill()
    assert is_up(url)
    last.use()
    last.leave()
    assert not is_up(url)


def test_a_killed_server_is_started_again(data: Path, user: Callable[..., User]) -> None:
    only = user()
    url = only.use()
    os.kill(postmaster(data), signal.SIGKILL)
    assert only.use() == url
    assert is_up(url)


def test_a_stale_pid_file_may_name_a_living_process(data: Path, user: Callable[..., User]) -> None:
    only = user()
    url = only.use()
    os.kill(postmaster(data), signal.SIGKILL)
    pid_file = data / "postgres" / "cluster" / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().splitlines()[1:]]))
    assert only.use() == url
    assert is_up(url)


def test_a_half_made_cluster_is_made_anew(data: Path, user: Callable[..., User]) -> None:
    for name in ("unfinished", "cluster"):
        remains = data / "postgres" / name
        remains.mkdir(parents=True)
        (remains / "base").touch()
    assert is_up(user().use())
    assert not (data / "postgres" / "unfinished").exists()


def test_a_missing_database_is_created(user: Callable[..., User]) -> None:
    only = user()
    url = only.use()
    with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE comptoir")
    assert is_up(only.use())


@pytest.mark.parametrize("name", ["deep" * 40, "a, b & 'c' + 100%é"])
def test_any_path_will_do(folder: Path, name: str) -> None:
    user = User(folder / name, folder / "apart")
    url = user.use()
    assert is_up(url)
    parsed = dj_database_url.parse(url)
    socket_folder = Path(str(parsed["OPTIONS"]["host"]))
    psycopg.connect(
        dbname=parsed["NAME"],
        user=parsed["USER"],
        password=parsed["PASSWORD"],
        port=parsed["PORT"],
        host=str(socket_folder),
    ).close()
    user.leave()
    assert not is_up(url)
    assert not list(socket_folder.glob(".s.PGSQL.*"))


def test_the_server_keeps_no_port_and_no_long_idle_transaction(user: Callable[..., User]) -> None:
    url = user().use()
    assert show(url, "SHOW listen_addresses") == ""
    assert show(url, "SHOW idle_in_transaction_session_timeout") == "1min"
    assert show(url, "SHOW shared_preload_libraries") == "pg_stat_statements"
    assert show(url, "SHOW fsync") == "off"
    assert show(url, "SHOW statement_timeout") == "5min"
    assert show(url, "SELECT lower('ÉTÉ') || ('a' < 'B')::text") == "étéfalse"


def test_it_asks_for_the_password(user: Callable[..., User]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(user().use(), password="wrong")


FORKING = (
    USER
    + """
    import os
    if os.fork() == 0:
        sys.exit()
    os.wait()
    print("forked", flush=True)
"""
)


def test_a_forked_child_does_not_stop_the_server(user: Callable[..., User]) -> None:
    parent = user(script=FORKING)
    url = parent.use()
    assert parent.answer() == "forked"
    assert is_up(url)


LENDING = (
    USER
    + """
    import subprocess
    print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, pass_fds=embedded_postgres.held_locks()).pid,
          flush=True)
"""
)


def test_a_child_that_holds_the_lock_is_a_user(user: Callable[..., User]) -> None:
    parent = user(script=LENDING)
    url = parent.use()
    child = int(parent.answer())
    parent.leave()
    assert is_up(url)
    os.kill(child, signal.SIGKILL)
    last = user()
    assert last.use() == url
    last.leave()
    assert not is_up(url)


def test_root_runs_it_as_the_owner_of_its_files(data: Path, user: Callable[..., User]) -> None:
    home = data / "postgres"
    home.mkdir(parents=True)
    owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    os.chown(home, owner, -1)
    user().use()
    assert (home / "cluster").stat().st_uid == owner


@pytest.fixture
def private(folder: Path) -> dict[str, str]:
    """The environment for a data folder, and a package of PostgreSQL in it, that root's substitute cannot reach."""
    (folder / "var").mkdir(mode=0o700)
    package = embedded_postgres.binary("psql").parent.parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        (folder / "var" / part.name).symlink_to(part)
    return {"PYTHONPATH": f"{folder / 'var'}:{Path(embedded_postgres.__file__).parent.parent.parent}"}


def test_root_keeps_the_server_where_its_account_can_reach(
    folder: Path, data: Path, user: Callable[..., User], private: dict[str, str]
) -> None:
    assert is_up(user(**private).use())
    if os.geteuid() == 0:
        assert (data / "postgres").readlink().parent == folder / "apart"
        assert list((folder / "apart").glob("postgresql-*/embedded_postgres/pginstall/bin/postgres"))
    else:
        assert not (data / "postgres").is_symlink()


def test_a_moved_data_folder_keeps_its_database(
    folder: Path, data: Path, user: Callable[..., User], private: dict[str, str]
) -> None:
    first = user(**private)
    with psycopg.connect(first.use()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    first.leave()
    data.rename(folder / "moved")
    data.symlink_to(folder / "moved")
    second = user(**private)
    assert show(second.use(), "SELECT number FROM kept") == 42


def test_an_emptied_data_folder_starts_afresh(folder: Path, data: Path, user: Callable[..., User]) -> None:
    data.mkdir(mode=0o700)
    first = user()
    with psycopg.connect(first.use()) as connection:
        connection.execute("CREATE TABLE gone ()")
    first.leave()
    shutil.rmtree(data)
    data.mkdir(mode=0o700)
    assert show(user().use(), "SELECT to_regclass('gone')") is None


def test_a_folder_that_cannot_be_made_is_one_sentence(data: Path, user: Callable[..., User]) -> None:
    data.touch()
    refusal = user().use()
    assert f"The database in {data} cannot be used: File exists" in refusal
    assert "Set COMPTOIR_DATA to a folder that you can write to" in refusal


def test_a_folder_without_postgres_is_one_sentence(folder: Path, user: Callable[..., User]) -> None:
    refusal = user(PG_BIN=str(folder)).use()
    assert refusal == f"There is no PostgreSQL in PG_BIN={folder}: name the folder that holds pg_ctl."


def test_a_missing_program_is_one_sentence() -> None:
    with pytest.raises(embedded_postgres.EmbeddedPostgresError, match="program pg_nothing is missing"):
        embedded_postgres.binary("pg_nothing")


def test_a_server_that_does_not_start_says_why(data: Path, user: Callable[..., User]) -> None:
    first = user()
    first.use()
    first.leave()
    (data / "postgres" / "cluster" / "PG_VERSION").write_text("9.6\n")
    refusal = user().use()
    assert "does not start: " in refusal
    assert "version 9.6" in refusal


def test_a_cluster_that_cannot_be_made_says_why(folder: Path, user: Callable[..., User]) -> None:
    for program in ("pg_ctl", "initdb"):
        (folder / program).write_text("#!/bin/sh\necho no room left\nexit 1\n")
        (folder / program).chmod(0o755)
    assert user(PG_BIN=str(folder)).use().endswith("cannot be created: no room left")


def test_a_lost_password_is_one_sentence(data: Path, user: Callable[..., User]) -> None:
    only = user()
    only.use()
    (data / "postgres" / "password").write_text("guess")
    refusal = only.use()
    assert "refuses its owner: " in refusal
    assert "password" in refusal


def test_root_uses_no_socket_folder_of_somebody_else(folder: Path) -> None:
    user = User(folder / ("deep" * 40), folder / "apart")
    url = user.use()
    user.leave()
    socket_folder = Path(str(dj_database_url.parse(url)["OPTIONS"]["host"]))
    socket_folder.mkdir()
    user = User(folder / ("deep" * 40), folder / "apart")
    # Whoever is not root runs the server under the very account that has made the folder.
    expected = f"{socket_folder} belongs to somebody else" if os.geteuid() == 0 else url
    assert user.use().startswith(expected)
    user.leave()
    shutil.rmtree(socket_folder, ignore_errors=True)


def test_the_programs_run(user: Callable[..., User]) -> None:
    url = user().use()
    answer = subprocess.run(
        [embedded_postgres.binary("psql"), url, "-Atc", "SELECT current_database()"], capture_output=True, check=True
    )
    assert answer.stdout == b"comptoir\n"
