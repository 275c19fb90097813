"""`manage.py run`, which is `make run` without its environment: started for real, asked, stopped, and killed."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.ports import free_port
from tests.processes import PATIENCE, wait_until
from tests.token_keys import new_private_key

ROOT = Path(__file__).resolve().parent.parent.parent
# Starts sooner: it has no demo data.
PRODUCTION = {
    "COMPTOIR_PRODUCTION": "true",
    "COMPTOIR_HTTPS": "false",
    "SECRET_KEY": "a-long-value-of-our-own",
    "ALLOWED_HOSTS": "127.0.0.1",
    "COMPTOIR_TOKEN_KEYS": new_private_key(),
    "COMPTOIR_STRIPE_KEY": "none",
    "COMPTOIR_STRIPE_WEBHOOK_SECRET": "none",
}


class Installation:
    """One data folder and one port of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.output = data.parent / "output"

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        # An empty DATABASE_URL is none, and hides the one in the tests' own environment and in `.env`.
        chosen = {
            "DATABASE_URL": "",
            "COMPTOIR_DATA": str(self.data),
            "COMPTOIR_PORT": str(self.port),
            "TMPDIR": str(self.data.parent),  # what a killed process leaves behind goes with the test
        }
        with self.output.open("w") as output:
            return subprocess.Popen(
                [sys.executable, ROOT / "manage.py", *command],
                env=os.environ | chosen | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def refusal(self, *command: str, **environment: str) -> str:
        """The last line that a refused command prints; the others may say how far it came."""
        assert self.start(*command, **environment).wait(PATIENCE) == 1
        assert "Traceback" not in self.output.read_text()
        return self.output.read_text().splitlines()[-1]

    def run(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Start everything, and return when it says that it is ready."""
        process = self.start("run", **environment)
        wait_until(lambda: "Comptoir is ready" in self.output.read_text() or process.poll() is not None)
        assert process.poll() is None, self.output.read_text()
        return process

    def get(self, path: str) -> tuple[int, bytes]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def products(self) -> set[str]:
        status, body = self.get("/api/v1/products/?page_size=100")
        assert status == 200, body
        return {product["id"] for product in json.loads(body)["results"]}

    def processes(self) -> dict[int, str]:
        """Every living process that was started for this data folder, by its inherited environment."""
        mark = f"COMPTOIR_DATA={self.data}"
        if Path("/proc/self/environ").exists():
            return {
                int(path.name): command_of(path)
                for path in Path("/proc").glob("[0-9]*")
                if mark in environment_of(path)
            }
        listing = subprocess.run(
            ["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=True
        ).stdout
        return {int(line.split()[0]): line for line in listing.splitlines() if mark in line}


def environment_of(process: Path) -> str:
    try:
        return (process / "environ").read_text(errors="replace")
    except OSError:
        return ""


def command_of(process: Path) -> str:
    return (process / "cmdline").read_text().replace("\0", " ")


@pytest.fixture
def installation(folder: Path) -> Iterator[Installation]:
    installation = Installation(folder / "var")
    yield installation
    for pid in installation.processes():
        os.kill(pid, signal.SIGKILL)


def test_it_runs_stops_and_starts_again(installation: Installation) -> None:
    process = installation.run()
    output = installation.output.read_text()
    for line in ("/api/v1/docs/", "/admin/", "cashier@demo.example", "head@demo.example", "demo-comptoir"):
        assert line in output
    assert installation.get("/health/live")[0] == 200
    products = installation.products()
    assert len(products) >= 40
    beside = installation.start("shell", "-c", "from django.db import connection; connection.cursor()")
    assert beside.wait(PATIENCE) == 0
    assert installation.get("/health/ready")[0] == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert installation.processes() == {}

    process = installation.run()
    assert "Collecting static files" not in installation.output.read_text()
    assert installation.products() == products
    # A second Ctrl-C changes nothing.
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert installation.processes() == {}


def test_production_has_no_demo_logins_and_ends_when_a_part_dies(installation: Installation) -> None:
    process = installation.run(**PRODUCTION)
    assert "demo" not in installation.output.read_text()
    assert installation.products() == set()
    worker = next(pid for pid, command in installation.processes().items() if "procrastinate worker" in command)
    os.kill(worker, signal.SIGKILL)
    assert process.wait(PATIENCE) == 1
    assert "The background worker has stopped by itself (signal 9)" in installation.output.read_text()
    assert installation.processes() == {}


@pytest.mark.long
def test_when_it_is_killed_its_parts_end(installation: Installation) -> None:
    process = installation.run(**PRODUCTION)
    process.kill()
    process.wait()
    if sys.platform == "linux":  # elsewhere the parts outlive it, with their database
        wait_until(lambda: all("postgres" in command for command in installation.processes().values()))
        # The next user of the database is its last, and stops it.
        assert installation.start("check", **PRODUCTION).wait(PATIENCE) == 0
        assert installation.processes() == {}


def test_a_port_in_use_is_one_sentence(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        assert installation.refusal("run") == (
            f"Comptoir cannot listen on 127.0.0.1:{installation.port}: Address already in use. Stop the program that "
            f"has this port, or choose another one: COMPTOIR_PORT={installation.port + 1} make run"
        )
    assert installation.processes() == {}


def test_a_port_that_is_no_number_is_one_sentence(installation: Installation) -> None:
    assert "COMPTOIR_PORT" in installation.refusal("run", COMPTOIR_PORT="http")


def test_a_folder_that_cannot_be_written_is_one_sentence(installation: Installation) -> None:
    installation.data.touch()  # a file: not even root can write into it
    assert installation.refusal("run").endswith(
        "Set COMPTOIR_DATA to a folder that you can write to, or DATABASE_URL to a PostgreSQL server."
    )


def test_with_a_server_of_ones_own_the_folder_must_still_be_writable(installation: Installation) -> None:
    installation.data.touch()
    url = os.environ["DATABASE_URL"]
    assert "cannot be written" in installation.refusal("run", DATABASE_URL=url)
