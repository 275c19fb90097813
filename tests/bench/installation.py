"""What is measured: a database of its own, and gunicorn as in production."""

import contextlib
import http.client
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config import embedded_postgres
from tests.processes import free_port
from tests.token_keys import new_private_key

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "var" / "bench"
DATABASE = "comptoir_bench"

START_SECONDS = 60
STOP_SECONDS = 20


def configure() -> None:
    """Set the environment as in production, with a database server: `DATABASE_URL`, or an embedded one of our own."""
    from manage import provide_database

    os.environ |= {
        "COMPTOIR_DATA": str(DATA),
        "COMPTOIR_PRODUCTION": "true",
        "SECRET_KEY": secrets.token_hex(32),
        "ALLOWED_HOSTS": "127.0.0.1",
        "COMPTOIR_TOKEN_KEYS": new_private_key(),
        "COMPTOIR_STRIPE_KEY": "none",
        "COMPTOIR_STRIPE_WEBHOOK_SECRET": "none",
        "COMPTOIR_HOST": "127.0.0.1",
        "COMPTOIR_HTTPS": "false",
        "COMPTOIR_RATE_PER_CALLER": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    (DATA / "static").mkdir(parents=True, exist_ok=True)
    provide_database()


@contextlib.contextmanager
def fresh_database() -> Iterator[None]:
    """Point `DATABASE_URL` to an empty database of its server, and remove it at the end.

    Raises SystemExit when the server does not allow it.
    """
    server = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    try:
        _execute(server, drop, f"CREATE DATABASE {DATABASE}")
    except psycopg.Error as error:
        raise SystemExit(f"The database {DATABASE} cannot be made on the server of DATABASE_URL: {error}") from error
    try:
        yield
    finally:
        _execute(server, drop)


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextlib.contextmanager
def web_server() -> Iterator[str]:
    """The address of gunicorn, configured as in production and ready; its log is a file."""
    port = free_port()
    with (DATA / "gunicorn.log").open("w") as log, tempfile.TemporaryDirectory(prefix="comptoir-metrics-") as metrics:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "src/config/gunicorn.py", "config.wsgi"],
            cwd=ROOT,
            env=os.environ | {"COMPTOIR_PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": metrics},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=embedded_postgres.held_locks(),
        )
        try:
            _wait_until_ready(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The web server does not start: see {DATA / 'gunicorn.log'}.")
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
