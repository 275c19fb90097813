"""The stack as `make stack` starts it, with everything of its own: folder, database, ports."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from config import stack
from config.ports import free_ports
from tests.gunicorn_server import Server
from tests.processes import PATIENCE

REPLICAS = {"replica-1", "replica-2", "replica-3"}
# Calls a second of one address: more than a test makes, but for the one that tries.
RATE = 1000

# A chain of one store, made through the published interfaces, its books proved, and somebody who sells there.
CHAIN = """
import json
from datetime import UTC, datetime
from accounts.interface import Role
from sales.interface import sales
from tests.chain import books_agree, make_person, make_product, make_store, put_in_stock
store, product = make_store(), make_product()
put_in_stock(product, store, 10_000)
assert books_agree()
assert sales.verify(now=datetime.now(UTC)).differences == []
print(json.dumps({"store": str(store.id), "product": str(product.id), "head": make_person(Role.HEAD_OFFICE)}))
"""


@dataclass(frozen=True)
class Stack:
    """A data folder, and the ports that are seen from outside."""

    data: Path
    environment: dict[str, str]

    def make(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """`manage.py stack`, to its end."""
        return self.manage("stack", *options)

    def manage(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command of the same installation."""
        return subprocess.run(
            [sys.executable, settings.BASE_DIR / "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def ask(self, program: str) -> Any:
        """What a Python program, run inside the application, prints as JSON."""
        outcome = self.manage("shell", "--verbosity", "0", "--command", program)
        assert outcome.returncode == 0, outcome.stderr
        return json.loads(outcome.stdout)

    @property
    def site(self) -> Server:
        """nginx."""
        return Server(int(self.environment["COMPTOIR_PROXY_PORT"]), self.log("nginx"))

    @property
    def addresses(self) -> stack.Addresses:
        return stack.Addresses(**json.loads((self.data / "addresses.json").read_text()))

    def log(self, name: str) -> Path:
        return self.data / f"{name}.log"

    def processes(self) -> list[int]:
        """What is there, or left, of it."""
        return stack.Lock(self.data).holders()

    def kill(self, *marks: str) -> None:
        """End, as a machine does that runs out of memory, what has one of these in its command or its environment."""
        found = [pid for pid in self.processes() if any(mark in story_of(pid) for mark in marks)]
        assert found
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def kill_replicas(self, *names: str) -> None:
        """All processes of each."""
        self.kill(*(f"COMPTOIR_SERVED_BY={name}\0" for name in names))


def story_of(pid: int) -> str:
    """A process's command, and its environment."""
    return "".join((Path("/proc") / str(pid) / name).read_text(errors="replace") for name in ("cmdline", "environ"))


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """Three replicas with Redis and nginx's cache, and no data."""
    # Not pytest's own folder, which nginx' account could not enter.
    with tempfile.TemporaryDirectory(prefix="comptoir-stack-") as folder:
        Path(folder).chmod(0o755)
        proxy_port, prometheus_port = free_ports(2)
        started = Stack(
            Path(folder),
            {
                # An empty one is none: the stack has a server of its own.
                "DATABASE_URL": "",
                "COMPTOIR_DATA": folder,
                "COMPTOIR_PROXY_PORT": str(proxy_port),
                "COMPTOIR_PROMETHEUS_PORT": str(prometheus_port),
                "COMPTOIR_PROXY_RATE": str(RATE),
                "COMPTOIR_RATE_OPERATIONS": "false",
                "PYTHONPATH": str(settings.BASE_DIR),
            },
        )
        try:
            outcome = started.make("--redis", "--cache", "--no-demo")
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
            yield started
        finally:
            if started.processes():
                started.make("--down")
