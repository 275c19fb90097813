#!/usr/bin/env python
"""Run a command of Comptoir, with a database: ``DATABASE_URL``, or else an embedded server in ``COMPTOIR_DATA``."""

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Run the command named on the command line; exit with one sentence when this machine or a setting forbids it."""
    if sys.version_info < (3, 11):  # noqa: UP036 an older Python must be told so, not fail on an import
        sys.exit("Comptoir needs Python 3.11 or later, and this is {}.{}.".format(*sys.version_info))
    sys.path.insert(0, str(ROOT / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    provide_database()

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from environs import EnvError
    from structlog.contextvars import bind_contextvars

    bind_contextvars(job=" ".join(sys.argv[1:2]))
    try:
        execute_from_command_line(sys.argv)
    except (EnvError, ImproperlyConfigured) as error:
        sys.exit(str(error))


def provide_database() -> None:
    """Set ``DATABASE_URL`` to the embedded server, unless the environment or `.env` names a server."""
    from environs import Env

    from config import embedded_postgres

    Env().read_env(ROOT / ".env", recurse=False)
    if os.environ.get("DATABASE_URL"):
        return
    # The embedded server is stopped by an exit, and SIGTERM alone would end this process without one.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        os.environ["DATABASE_URL"] = embedded_postgres.use(Path(os.environ.get("COMPTOIR_DATA") or ROOT / "var"))
    except embedded_postgres.EmbeddedPostgresError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
