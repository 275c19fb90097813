"""How the application is served while it is measured; either way with the worker and the payment sandbox."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.management import call_command

from config import embedded_postgres, processes
from config.ports import free_ports
from tests.bench import processor
from tests.bench.installation import DATA, ROOT, SANDBOX_PORT
from tests.journeys.installation import NOTICES, Worker
from tests.payment_sandbox.running import running
from tests.stack.running import Stack, story_of

REPLICAS = 2
# What `make stack` allows one address is too little for a whole load.
CALLS_A_SECOND = 1_000_000
CONNECTIONS = 1_000

START_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True)
class Site:
    """An address, and the processes behind it: web servers, and others beside the database."""

    address: str
    web: Callable[[], list[int]]
    others: Callable[[], list[int]]

    def times(self) -> processor.Times:
        return processor.now(self.web(), self.others())


@contextlib.contextmanager
def replicas(*, redis: bool) -> Iterator[Site]:
    """Replicas of one process each behind nginx, as `make stack` starts them; their logs are files."""
    site_port, prometheus_port = free_ports(2)
    stack = Stack(
        DATA,
        {
            "COMPTOIR_PROXY_PORT": str(site_port),
            "COMPTOIR_PROMETHEUS_PORT": str(prometheus_port),
            "COMPTOIR_PROXY_RATE": str(CALLS_A_SECOND),
            "COMPTOIR_PROXY_CONNECTIONS": str(CONNECTIONS),
        },
    )
    stack.make("--down")  # what a killed run has left
    try:
        started = stack.make("--replicas", str(REPLICAS), "--no-demo", *(["--redis"] if redis else []))
        if started.returncode:
            raise SystemExit(started.stdout + started.stderr)
        address = stack.addresses.site
        mark = "COMPTOIR_SERVED_BY=replica-"
        web = [pid for pid in stack.processes() if mark in story_of(pid)]
        with running_sandbox(address):
            yield Site(address, lambda: web, lambda: _beside(web, stack.processes()))
    finally:
        stack.make("--down")


@contextlib.contextmanager
def gunicorn() -> Iterator[Site]:
    """Gunicorn by itself, configured as in production; its log is a file."""
    call_command("collectstatic", interactive=False, verbosity=0)
    [port] = free_ports(1)
    worker = Worker(DATA / "worker.log", {})
    with (
        (DATA / "gunicorn.log").open("w") as log,
        tempfile.TemporaryDirectory(prefix="comptoir-metrics-") as metrics,
        contextlib.ExitStack() as cleanup,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "src/config/gunicorn.py", "config.wsgi"],
            cwd=ROOT,
            env=os.environ | {"COMPTOIR_PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": metrics},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=embedded_postgres.held_locks(),
        )
        cleanup.callback(_stop, process)
        cleanup.callback(worker.stop)
        worker.start()
        _wait_until_ready(port, process)
        web = [process.pid, *processor.family(process.pid)]
        address = f"http://127.0.0.1:{port}"
        with running_sandbox(address):
            yield Site(address, lambda: web, lambda: _beside(web, []))


def running_sandbox(address: str) -> contextlib.AbstractContextManager[object]:
    """The payment provider, with new books, that tells this address of charges."""
    for file in DATA.glob("books.sqlite*"):
        file.unlink()
    return running(DATA, SANDBOX_PORT, f"{address}{NOTICES}")


def _beside(web: list[int], stack: list[int]) -> list[int]:
    """What serves beside the web servers: of the stack, and of what this process has started itself."""
    return sorted({*stack, *processor.family(os.getpid())} - {*web})


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while not processes.answers(f"127.0.0.1:{port}", "/health/ready"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The web server does not start: see {DATA / 'gunicorn.log'}.")
        time.sleep(0.1)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
