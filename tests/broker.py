"""A RabbitMQ that the tests start, and may kill: on a free port and in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from config.ports import free_ports

PATIENCE = 60  # seconds, for an Erlang on a busy machine

# Debian's wrapper would change the account and the folder; behind it is the server itself.
SERVER = Path(os.environ.get("RABBITMQ_SERVER", "/usr/lib/rabbitmq/bin/rabbitmq-server"))


def executable() -> str | None:
    """RabbitMQ's server, where there is one."""
    return str(SERVER) if SERVER.exists() else shutil.which("rabbitmq-server")


class Broker:
    """A RabbitMQ that a test may kill, and start again with what it kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.distribution_port, self.epmd_port = free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers."""
        (self.folder / "plugins").write_text("[].")
        # So few threads because the machine is busy with other tests.
        environment = os.environ | {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"comptoir{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        server = executable()
        assert server
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [server], env=environment, stdout=output, stderr=output, start_new_session=True
            )
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        assert self.process
        deadline = time.monotonic() + PATIENCE
        while not speaks_amqp(self.port):
            assert self.process.poll() is None, (self.folder / "output").read_text()
            assert time.monotonic() < deadline, (self.folder / "output").read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Let it hang: connections stay, and nobody answers."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it, and the daemon with which Erlang's nodes find each other, which left its group."""
        self.kill()
        for status in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"ERL_EPMD_PORT={self.epmd_port}\0" in status.read_text():
                    os.kill(int(status.parent.name), signal.SIGKILL)
            except (OSError, UnicodeDecodeError):
                continue


def speaks_amqp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(connection.recv(8))
    except OSError:
        return False
