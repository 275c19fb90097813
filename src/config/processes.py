"""What an installation on one machine runs: its processes, looked after by one, and what must be there before them."""

import contextlib
import ctypes
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Self

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections
from procrastinate.contrib.django import app

from config import embedded_postgres
from config.ports import free_port
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

# While a payment waits for its provider, events and other payments go on.
AT_ONCE = ["--concurrency", "4"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """A process to be: what it is called, and how it is started."""

    name: str
    command: list[str]
    folder: Path = settings.BASE_DIR
    # Beside what this process has.
    environment: Mapping[str, str] = field(default_factory=dict)
    # Where its output goes, if not where that of this process goes.
    log: Path | None = None


def python(name: str, *arguments: str, folder: Path = settings.BASE_DIR) -> Part:
    """A part that Python runs."""
    return Part(name, [sys.executable, *arguments], folder)


def web_server(name: str) -> Part:
    """Gunicorn, as its variables in the environment say."""
    return python(name, "-m", "gunicorn", "-c", "src/config/gunicorn.py", "config.wsgi")


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


def worker_parts() -> list[Part]:
    """The same, to be started."""
    return [python(name, "manage.py", "procrastinate", "worker", *options) for name, options in workers().items()]


def payment_sandbox(webhook_address: str) -> list[Part]:
    """One for this installation alone, where payments are tried out and the environment names none.

    The processes that are started from here on know where it is.
    """
    if settings.COMPTOIR_PAYMENT_PROVIDER != settings.SANDBOX or settings.COMPTOIR_SANDBOX_URL:
        return []
    port = free_port()
    os.environ["COMPTOIR_SANDBOX_URL"] = f"http://127.0.0.1:{port}"
    options = {
        "--port": port,
        "--data": (settings.COMPTOIR_DATA / "payments.sqlite").resolve(),
        "--webhook": f"{webhook_address}/api/v1/payments/notices/",
        "--secret": settings.COMPTOIR_SANDBOX_SECRET,
    }
    words = [str(word) for option in options.items() for word in option]
    return [python("payment sandbox", "-m", "payment_sandbox", *words, folder=settings.BASE_DIR / "src")]


class Children:
    """The processes that this one runs. Leaving the ``with`` block stops them all."""

    def __init__(self, *kept_open: int) -> None:
        """The file descriptors *kept_open* are the children's, too."""
        self._kept_open = kept_open
        self._parts: dict[str, Part] = {}
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
            _bury(process)

    def start(self, part: Part) -> None:
        """Start a part; again, where it has ended."""
        with contextlib.ExitStack() as files:
            output = files.enter_context(part.log.open("ab")) if part.log else None
            self._parts[part.name] = part
            self._processes[part.name] = subprocess.Popen(  # noqa: S603 the commands are this package's own
                part.command,
                cwd=part.folder,
                env=os.environ | part.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C reaches the whole group of the terminal: a group of its own leaves the stopping to us.
                start_new_session=True,
                # As a user of the embedded server in its own right, it keeps its database even if we are killed.
                pass_fds=(*embedded_postgres.held_locks(), *self._kept_open),
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 there are no threads here
            )

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Return True once it is so, False when there is no more use in waiting."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self._stopping and not self._ended():
            if ready():
                return True
            if time.monotonic() > deadline:
                raise SystemExit(f"Not everything answers within {_READY_SECONDS} seconds: see what the processes say.")
            time.sleep(0.1)
        return False

    def watch(self) -> None:
        """Return when we are asked to stop.

        Raises:
            SystemExit: one of the processes has ended by itself.
        """
        while not self._stopping:
            if ended := self._ended():
                name, status = ended[0]
                place = self._parts[name].log
                raise SystemExit(
                    f"The {name} has stopped by itself ({status}), so everything stops: "
                    f"see its messages {f'in {place}' if place else 'above'}."
                )
            time.sleep(0.2)

    def keep(self, say: Say) -> None:
        """Return when we are asked to stop; until then, start again what ends by itself."""
        while not self._stopping:
            for name, status in self._ended():
                say(f"The {name} has stopped by itself ({status}), and is started again.")
                _bury(self._processes[name])
                self.start(self._parts[name])
            time.sleep(0.5)  # between two attempts, too

    def _ended(self) -> list[tuple[str, str]]:
        statuses = {name: process.poll() for name, process in self._processes.items()}
        return [
            (name, f"signal {-status}" if status < 0 else f"exit status {status}")
            for name, status in statuses.items()
            if status is not None
        ]

    def _stop_later(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


def exit_at_signals() -> None:
    """Let whatever asks this process to stop end it in order, until `Children` take over."""
    for number in _SIGNALS:
        signal.signal(number, _exit)


def prepare(say: Say, *, demo: bool) -> None:
    """Bring the database, and the static files, to where this version of the code needs them."""
    say("Preparing the database …")
    call_command("migrate", interactive=False)
    apply_roles()
    if demo:
        call_command("load_demo")
    _collect_static_files(say)
    connections.close_all()


def _collect_static_files(say: Say) -> None:
    """Collect and compress them, which takes a while, unless it was done with these very files."""
    paths = (Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([]))
    found = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
    digest = sha256(repr(found).encode()).hexdigest()
    collected = Path(settings.STATIC_ROOT) / "collected"
    if collected.exists() and collected.read_text() == digest:
        return
    say("Collecting static files …")
    call_command("collectstatic", interactive=False, verbosity=0)
    collected.write_text(digest)


def welcome(address: str, *, demo: bool) -> str:
    """What to open, and as whom."""
    lines = [f"  {address}{path}" for path in ["/", "/dashboard/", "/api/v1/docs/", "/admin/"]]
    if demo:
        lines += ["", f"  Demo logins, all with the password {settings.COMPTOIR_DEMO_PASSWORD}:"]
        lines += [f"    {f'{name}@demo.example':<24} {role}" for name, role in _DEMO_LOGINS.items()]
    return "\n".join([*lines, ""])


def check_data_folder() -> None:
    """Raise SystemExit where nothing can be written."""
    try:
        settings.COMPTOIR_DATA.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.COMPTOIR_DATA):
            pass
    except OSError as error:
        raise SystemExit(
            f"The data folder {settings.COMPTOIR_DATA} cannot be written: {error.strerror}. "
            "Set COMPTOIR_DATA to a folder that you can write to."
        ) from error


def answers(place: str, path: str) -> bool:
    """Whether a web server is at this host and port, and well."""
    connection = http.client.HTTPConnection(place, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _bury(process: "subprocess.Popen[bytes]") -> None:
    # Each leads a group: this ends whatever it did not end itself.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _end_with_parent() -> None:
    """Have Linux send this new process SIGTERM if its parent is killed."""
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
