"""Everything that the web shop runs on, as processes of their own: web servers, the worker, the payment provider."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.ports import free_port
from tests.gunicorn_server import Server, database_url, serving
from tests.payment_sandbox.running import SECRET, Running, running

PATIENCE = 180  # seconds, on a machine that is busy with other tests
NOTICES = "/api/v1/payments/notices/"


class Worker:
    """The background worker, as `make run` starts it."""

    def __init__(self, log: Path, variables: dict[str, str]) -> None:
        self.log = log
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self._started()

    def work_off(self) -> None:
        """Do what can be done now, and end."""
        self._process = self._started("--one-shot")
        assert self._process.wait(PATIENCE) == 0, self.log.read_text()

    def kill(self) -> None:
        """SIGKILL: it can do nothing about it."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Let it finish what it is at."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        self.kill()

    def _started(self, *options: str) -> "subprocess.Popen[bytes]":
        with self.log.open("a") as file:
            return subprocess.Popen(
                [sys.executable, "manage.py", "procrastinate", "worker", *options],
                cwd=settings.BASE_DIR,
                env=os.environ | self._variables,
                stdout=file,
                stderr=subprocess.STDOUT,
            )


@dataclass(frozen=True)
class Installation:
    """Replicas of the web server, a worker that has not been started yet, and the payment provider."""

    servers: list[Server]
    worker: Worker
    provider: Running

    @property
    def server(self) -> Server:
        return self.servers[0]

    def begin_new_books(self) -> None:
        """Let the provider forget all charges, since the test's own database knows of none."""
        self.provider.kill()
        for file in self.provider.data.parent.glob(f"{self.provider.data.name}*"):
            file.unlink()
        self.provider.start()

    @property
    def logs(self) -> list[Path]:
        return [*(server.log for server in self.servers), self.worker.log, self.provider.output]


@contextlib.contextmanager
def installed(folder: Path, *, replicas: int = 1, **variables: str) -> Iterator[Installation]:
    """All of it over the test's own database, or that of DATABASE_URL among these variables."""
    port = free_port()
    known = {
        "DATABASE_URL": database_url(),
        "LOG_LEVEL": "WARNING",
        "COMPTOIR_RATE_OPERATIONS": "false",
        "COMPTOIR_SANDBOX_URL": f"http://127.0.0.1:{port}",
        "COMPTOIR_SANDBOX_SECRET": SECRET,
        **variables,
    }
    worker = Worker(folder / "worker", known)
    worker.log.touch()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(serving(folder / f"server {number}", **known)) for number in range(replicas)]
        stack.callback(worker.stop)
        provider = stack.enter_context(running(folder, port, f"{servers[0].address}{NOTICES}"))
        yield Installation(servers, worker, provider)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in (line.split() for line in listed.splitlines()) if int(parent) == pid]
