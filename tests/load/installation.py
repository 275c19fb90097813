"""What is under load, but for the stack: a database of its own, and a payment sandbox."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from config.ports import free_ports
from tests.bench.installation import fresh_database
from tests.payment_sandbox.running import SECRET
from tests.payment_sandbox.running import running as sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "var" / "load"
RESULTS = DATA / "results"


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """A server with an empty database, a sandbox, and Django: this process takes part in what it measures."""
    from manage import provide_database

    site, prometheus, payments = free_ports(3)
    os.environ |= {
        "COMPTOIR_DATA": str(DATA),
        "COMPTOIR_PROXY_PORT": str(site),
        "COMPTOIR_PROMETHEUS_PORT": str(prometheus),
        # Everybody comes from one address.
        "COMPTOIR_PROXY_RATE": "100000",
        "COMPTOIR_PROXY_CONNECTIONS": "4000",
        "COMPTOIR_RATE_PER_CALLER": "",
        "COMPTOIR_RATE_PER_ADDRESS": "",
        "COMPTOIR_RATE_OPERATIONS": "false",
        "COMPTOIR_SANDBOX_URL": f"http://127.0.0.1:{payments}",
        "COMPTOIR_SANDBOX_SECRET": SECRET,
        "REDIS_URL": "",
        "AMQP_URL": "",
        "COMPTOIR_WEBHOOKS": "false",
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    for file in DATA.glob("books.sqlite*"):
        file.unlink()
    provide_database()
    with fresh_database(), sandbox(DATA, payments, f"http://127.0.0.1:{site}/api/v1/payments/notices/"):
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        try:
            yield
        finally:
            connections.close_all()


def say(text: str) -> None:
    """Tell whoever ran make how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
