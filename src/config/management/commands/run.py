"""What `make run` starts once the environment exists: everything that one machine needs."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config import gunicorn, processes
from config.ports import check_port


class Command(BaseCommand):
    help = "Prepare the database and run the web server and the background worker, until Ctrl-C or SIGTERM."
    # `migrate` runs them.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        processes.exit_at_signals()
        check_port(gunicorn.host, gunicorn.port, f"COMPTOIR_PORT={gunicorn.port + 1} make run")
        processes.check_data_folder()
        # The demo accounts have a public password.
        demo = not settings.COMPTOIR_PRODUCTION
        processes.prepare(self._say, demo=demo)
        host = gunicorn.host if gunicorn.host != "0.0.0.0" else "127.0.0.1"  # noqa: S104 nothing is bound to it here
        with _metrics_folder(), processes.Children() as children:
            for part in processes.payment_sandbox(f"http://{host}:{gunicorn.port}"):
                children.start(part)
            children.start(processes.web_server("web server"))
            for part in processes.worker_parts():
                children.start(part)
            if children.wait_until(lambda: processes.answers(gunicorn.bind, "/health/live")):
                self._say(f"\nComptoir is ready ({time.monotonic() - started:.1f} s). Ctrl-C stops it.\n")
                self._say(processes.welcome(f"http://{gunicorn.bind}", demo=demo))
            children.watch()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # in its place among the lines of the other processes, even in a file


@contextlib.contextmanager
def _metrics_folder() -> Iterator[None]:
    """Give the processes a fresh place to add up their metrics, unless the environment names one."""
    name = "PROMETHEUS_MULTIPROC_DIR"
    if name in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="comptoir-metrics-") as folder:
        os.environ[name] = folder
        yield
