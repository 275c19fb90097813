"""The payment sandbox as a process of its own, and somebody who hears what it tells."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

from tests.processes import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "the-sandbox-and-the-shop-know-it"
PATIENCE = 30  # seconds, on a machine that is busy with other tests

APPROVED = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
WITHOUT_FUNDS = "4000 0000 0000 9995"
EXPIRED = "4000 0000 0000 0069"
SLOW = "4000 0000 0000 3030"
SILENT = "4000 0000 0000 0408"
STUMBLING = "4000 0000 0000 5050"
TOLD_TWICE = "4000 0000 0000 2222"
LATE = "4000 0000 0000 7007"


class Hearer:
    """Takes webhooks, and answers them with the statuses that it was given, then with 200."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[int] = []
        self.heard: list[tuple[bytes, str]] = []
        hearer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                # The sandbox was killed while it told this.
                if len(body) < length:
                    return
                status = hearer.answers.pop(0) if hearer.answers else 200
                hearer.heard.append((body, self.headers["Stripe-Signature"]))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's own name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, args=[0.05])
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/heard"

    def events(self) -> list[tuple[str, str]]:
        """Of each webhook its type, and the charge that it is about."""
        bodies = [json.loads(body) for body, _ in list(self.heard)]
        return [(body["type"], body["data"]["object"]["id"]) for body in bodies]

    def times(self) -> Counter[str]:
        """How often each charge was told."""
        return Counter(charge for _, charge in self.events())

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class Said:
    """What the sandbox says to a call."""

    status: int
    body: Any


class Running:
    """One sandbox: a port, a file with its books, and a process that may be killed and started again."""

    def __init__(self, folder: Path, port: int, webhook: str) -> None:
        self.port = port
        self.data = folder / "books.sqlite"
        self.output = folder / "output"
        self._webhook = webhook
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = {"--port": self.port, "--data": self.data, "--webhook": self._webhook, "--secret": SECRET}
        arguments = [str(word) for option in options.items() for word in option]
        with self.output.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "payment_sandbox", *arguments],
                env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._listens)

    def kill(self) -> None:
        """SIGKILL: it can do nothing about it."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        secret: str = SECRET,
        patience: float = PATIENCE,
    ) -> Said:
        """One call, on a connection of its own. Raises OSError or HTTPException when no answer comes."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)) as connection:
            connection.request(method, path, sent, headers | ({"Idempotency-Key": key} if key else {}))
            answer = connection.getresponse()
            return Said(answer.status, json.loads(answer.read()))

    def token(self, number: str = APPROVED) -> str:
        card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
        said = self.call("POST", "/v1/tokens", {"card": card})
        assert said.status == 200, said.body
        token: str = said.body["id"]
        return token

    def charge(self, token: str, *, key: str = "", amount: int = 1000, patience: float = PATIENCE) -> Said:
        sent = {"amount": amount, "currency": "eur", "source": token, "metadata": {}}
        return self.call("POST", "/v1/charges", sent, key=key or str(uuid4()), patience=patience)

    def charged(self, key: str) -> list[Any]:
        """The charges in the books under a key."""
        found: list[Any] = self.call("GET", f"/v1/charges?idempotency_key={key}").body["data"]
        return found

    def refund(self, charge: str, amount: int, *, key: str = "") -> Said:
        return self.call("POST", "/v1/refunds", {"charge": charge, "amount": amount}, key=key or str(uuid4()))

    def _listens(self) -> bool:
        assert self._process, "it was not started"
        assert self._process.poll() is None, self.output.read_text()
        with contextlib.suppress(OSError):
            return self.call("GET", "/v1/charges").status == 200
        return False


@contextlib.contextmanager
def running(folder: Path, port: int, webhook: str) -> Iterator[Running]:
    """A sandbox, until the block is left."""
    sandbox = Running(folder, port, webhook)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.kill()
