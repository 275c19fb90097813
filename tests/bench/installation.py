"""What is measured: the application as in production, over a database of its own."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.ports import free_port
from tests.payment_sandbox.running import SECRET
from tests.token_keys import new_private_key

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "var" / "bench"
DATABASE = "comptoir_bench"
SANDBOX_PORT = free_port()
# Longer than any run: nothing that was ordered in one case runs out in another.
RESERVATION_SECONDS = 7 * 24 * 3600


def configure(data: Path = DATA) -> None:
    """Set the environment, with a database server: `DATABASE_URL`, or an embedded one of our own in this folder.

    As in production, but that test cards pay and that nobody calls too often.
    """
    from manage import provide_database

    os.environ |= {
        "COMPTOIR_DATA": str(data),
        "COMPTOIR_PRODUCTION": "false",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_hex(32),
        "ALLOWED_HOSTS": "127.0.0.1",
        "COMPTOIR_TOKEN_KEYS": new_private_key(),
        "COMPTOIR_PAYMENT_PROVIDER": "checkout.service.sandbox.Sandbox",
        "COMPTOIR_SANDBOX_URL": f"http://127.0.0.1:{SANDBOX_PORT}",
        "COMPTOIR_SANDBOX_SECRET": SECRET,
        "COMPTOIR_RESERVATION_SECONDS": str(RESERVATION_SECONDS),
        "COMPTOIR_HOST": "127.0.0.1",
        "COMPTOIR_HTTPS": "false",
        "COMPTOIR_RATE_PER_CALLER": "",
        "COMPTOIR_RATE_PER_ADDRESS": "",
        "COMPTOIR_RATE_OPERATIONS": "false",
        # So that the statements taken down in this process are all of them. `--redis` is for those that serve.
        "REDIS_URL": "",
        "AMQP_URL": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        # For the commands that are started in processes of their own.
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    (data / "static").mkdir(parents=True, exist_ok=True)
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
