"""What `make run` starts once the environment exists: everything that one machine needs."""

import contextlib
import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from types import FrameType
from typing import Any, Self

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections
from procrastinate.contrib.django import app

from config import embedded_postgres, gunicorn
from shared_kernel import relay, webhooks
from shared_kernel.postgres.roles import apply_roles

_READY_SECONDS = 60
_STOP_SECONDS = 15  # more than gunicorn's own graceful_timeout
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEMO_LOGINS = {
    "cashier": "sells at the till of one store",
    "manager": "runs one store",
    "warehouse": "runs the central warehouse",
    "catalog": "keeps products and prices",
    "head": "sees every store",
}


class Command(BaseCommand):
    help = "Prepare the database and run the web server and the background worker, until Ctrl-C or SIGTERM."
    # `migrate` runs them.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        for number in _SIGNALS:
            signal.signal(number, _exit)
        _check_port(gunicorn.host, gunicorn.port)
        _check_data_folder()
        self._prepare()
        with _metrics_folder(), _Children() as children:
            _start_payment_sandbox(children)
            children.start("web server", "-m", "gunicorn", "-c", gunicorn.__file__, "config.wsgi")
            for name, queues in workers().items():
                children.start(name, "manage.py", "procrastinate", "worker", *queues)
            if children.wait_until_ready(gunicorn.host, gunicorn.port):
                self._welcome(time.monotonic() - started)
            children.watch()

    def _prepare(self) -> None:
        self._say("Preparing the database …")
        call_command("migrate", interactive=False)
        apply_roles()
        # The demo accounts have a public password.
        if not settings.COMPTOIR_PRODUCTION:
            call_command("load_demo")
        self._say("Collecting static files …")
        call_command("collectstatic", interactive=False, verbosity=0)
        connections.close_all()

    def _welcome(self, seconds: float) -> None:
        address = f"http://{gunicorn.host}:{gunicorn.port}"
        lines = [
            f"Comptoir is ready ({seconds:.1f} s). Ctrl-C stops it.",
            "",
            f"  {address}/",
            f"  {address}/dashboard/",
            f"  {address}/api/v1/docs/",
            f"  {address}/admin/",
        ]
        if not settings.COMPTOIR_PRODUCTION:
            lines += ["", f"  Demo logins, all with the password {settings.COMPTOIR_DEMO_PASSWORD}:"]
            lines += [f"    {f'{name}@demo.example':<24} {role}" for name, role in _DEMO_LOGINS.items()]
        self._say("\n".join(["", *lines, ""]))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # in its place among the lines of the other processes, even in a file


# While a payment waits for its provider, events and other payments go on.
AT_ONCE = ["--concurrency", "4"]


def workers() -> dict[str, list[str]]:
    """The background workers, and what each is started with.

    What goes out of the house has workers of its own: it may wait for others, and nothing is to wait for it.
    """
    outgoing: dict[str, list[str]] = {}
    if settings.AMQP_URL:
        # One job at a time: with more, a worker that finds the next job held back by a lock looks again only later.
        outgoing["relay"] = ["--queues", relay.QUEUE]
    if settings.COMPTOIR_WEBHOOKS:
        outgoing["webhook worker"] = ["--queues", webhooks.QUEUE, *AT_ONCE]
    if not outgoing:
        return {"background worker": AT_ONCE}
    inside = {task.queue for task in app.tasks.values()} - {relay.QUEUE, webhooks.QUEUE}
    return {"background worker": ["--queues", ",".join(sorted(inside)), *AT_ONCE], **outgoing}


class _Children:
    """The processes that this one runs. Leaving the ``with`` block stops them all."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def __enter__(self) -> Self:
        # From here on a signal must interrupt us neither between starting a process and noting that we did, nor while
        # we stop them.
        for number in _SIGNALS:
            signal.signal(number, self._stop_later)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            # Each leads a group: this ends whatever it did not end itself.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def start(self, name: str, *arguments: str, folder: str = ".") -> None:
        self._processes[name] = subprocess.Popen(  # noqa: S603 the commands are this module's own
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR / folder,
            stdin=subprocess.DEVNULL,
            # Ctrl-C reaches the whole group of the terminal: a group of its own leaves the stopping to us.
            start_new_session=True,
            # As a user of the embedded server in its own right, it keeps its database even if we are killed.
            pass_fds=embedded_postgres.held_locks(),
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 there are no threads here
        )

    def wait_until_ready(self, host: str, port: int) -> bool:
        """Return True once the web server answers, False when there is no more use in waiting."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self._stopping and not self._finished():
            if _is_alive(host, port):
                return True
            if time.monotonic() > deadline:
                raise SystemExit(
                    f"The web server did not answer within {_READY_SECONDS} seconds: see its messages above."
                )
            time.sleep(0.1)
        return False

    def watch(self) -> None:
        """Return when we are asked to stop.

        Raises:
            SystemExit: one of the processes has ended by itself.
        """
        while not self._stopping:
            if finished := self._finished():
                name, status = finished
                raise SystemExit(
                    f"The {name} has stopped by itself ({status}), so everything stops: see its messages above."
                )
            time.sleep(0.2)

    def _finished(self) -> tuple[str, str] | None:
        for name, process in self._processes.items():
            status = process.poll()
            if status is not None:
                return name, f"signal {-status}" if status < 0 else f"exit status {status}"
        return None

    def _stop_later(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _check_port(host: str, port: int) -> None:
    try:
        with socket.socket() as probe:
            # As gunicorn does: connections that are only fading away do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise SystemExit(
            f"Comptoir cannot listen on {host}:{port}: {error.strerror}. "
            f"Stop the program that has this port, or choose another one: COMPTOIR_PORT={port + 1} make run"
        ) from error


def _check_data_folder() -> None:
    try:
        settings.COMPTOIR_DATA.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.COMPTOIR_DATA):
            pass
    except OSError as error:
        raise SystemExit(
            f"The data folder {settings.COMPTOIR_DATA} cannot be written: {error.strerror}. "
            "Set COMPTOIR_DATA to a folder that you can write to."
        ) from error


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


def _start_payment_sandbox(children: _Children) -> None:
    """Have one for these processes alone, where payments are tried out and the environment names none."""
    if settings.COMPTOIR_PAYMENT_PROVIDER != "checkout.service.sandbox.Sandbox" or settings.COMPTOIR_SANDBOX_URL:
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # The processes that are started from here on inherit it.
    os.environ["COMPTOIR_SANDBOX_URL"] = f"http://127.0.0.1:{port}"
    host = gunicorn.host if gunicorn.host != "0.0.0.0" else "127.0.0.1"  # noqa: S104 nothing is bound to it here
    options = {
        "--port": port,
        "--data": (settings.COMPTOIR_DATA / "payments.sqlite").resolve(),
        "--webhook": f"http://{host}:{gunicorn.port}/api/v1/payments/notices/",
        "--secret": settings.COMPTOIR_SANDBOX_SECRET,
    }
    words = [str(word) for option in options.items() for word in option]
    children.start("payment sandbox", "-m", "payment_sandbox", *words, folder="src")


def _is_alive(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end_with_parent() -> None:
    """Have Linux send this new process SIGTERM if its parent is killed."""
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
