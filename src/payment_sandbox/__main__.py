"""`python -m payment_sandbox`: serves until it is ended, which may happen at any moment."""

import contextlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from payment_sandbox.bank import Bank
from payment_sandbox.server import Server
from payment_sandbox.webhooks import tell_forever


def main() -> None:
    parser = ArgumentParser("payment_sandbox", description="A card processor to try payments with.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--data", type=Path, required=True, help="the file that keeps the books")
    parser.add_argument("--webhook", required=True, help="the address to tell of charges that have ended")
    parser.add_argument(
        "--secret", required=True, help="what callers prove themselves with, and webhooks are signed with"
    )
    chosen = parser.parse_args()
    webhook = urlsplit(chosen.webhook)
    if webhook.scheme not in {"http", "https"} or not webhook.netloc:
        parser.error("--webhook is not an address that begins with http:// or https://")
    bank = Bank(chosen.data)
    server = Server((chosen.host, chosen.port), bank, chosen.secret)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"The payment sandbox listens on http://{chosen.host}:{chosen.port}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        tell_forever(bank, webhook, chosen.secret)


main()
