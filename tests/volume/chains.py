"""The chains that are compared: a database for each, kept for the next run of the same day."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
PREFIX = "comptoir_volume"
COMMAND = [sys.executable, "manage.py"]


@dataclass(frozen=True)
class Size:
    """What `generate_history` is asked for."""

    lines: int
    stores: int
    products: int
    until: date

    @property
    def database(self) -> str:
        return f"{PREFIX}_{self.lines}_{self.stores}_{self.products}_{self.until:%Y%m%d}"

    @property
    def arguments(self) -> list[str]:
        values = {
            "sale-lines": self.lines,
            "stores": self.stores,
            "products": self.products,
            "until": self.until.isoformat(),
        }
        return [f"--{name}={value}" for name, value in values.items()]


def filled(size: Size) -> str:
    """The address of a database with this past. What it takes is made first, and other days' chains are removed.

    Raises SystemExit when the server does not allow it, or a command fails.
    """
    server = os.environ["DATABASE_URL"]
    url = urlsplit(server)._replace(path=f"/{size.database}").geturl()
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            known = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
            # Their last weeks are over.
            for name in known:
                if name.startswith(PREFIX) and not name.endswith(f"{size.until:%Y%m%d}"):
                    connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
            if size.database in known:
                _manage(url, "migrate", "--verbosity=0")
                return url
            connection.execute(f'CREATE DATABASE "{size.database}"'.encode())
            try:
                _manage(url, "migrate", "--verbosity=0")
                _manage(url, "generate_history", *size.arguments)
            except BaseException:
                connection.execute(f'DROP DATABASE "{size.database}" WITH (FORCE)'.encode())
                raise
    except (psycopg.Error, subprocess.CalledProcessError) as error:
        raise SystemExit(f"The chain of {size.lines:,} lines cannot be made: {error}") from error
    return url


def _manage(url: str, *command: str) -> None:
    subprocess.run([*COMMAND, *command], cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, check=True)
