"""Tells the shop of charges that have ended, again and again until it says that it heard."""

import hashlib
import hmac
import http.client
import time
from typing import NoReturn
from urllib.parse import SplitResult, urlunsplit

from payment_sandbox.bank import Bank

# As Stripe's, so that the shop has one place to look at.
SIGNATURE_HEADER = "Stripe-Signature"

_PAUSE = 0.1
_PATIENCE = 5


def tell_forever(bank: Bank, address: SplitResult, secret: str) -> NoReturn:
    """Send what the bank has to tell to this address, one at a time, signed with the secret."""
    while True:
        bank.settle()
        notices = bank.untold()
        for notice in notices:
            if _is_heard(address, notice.body.encode(), secret):
                bank.heard(notice)
            else:
                bank.unheard(notice)
        if not notices:
            time.sleep(_PAUSE)


def signature(body: bytes, secret: str, now: float) -> str:
    """What proves that a body is ours, and of this time."""
    signed = hmac.new(secret.encode(), b"%d.%b" % (now, body), hashlib.sha256)
    return f"t={int(now)},v1={signed.hexdigest()}"


def _is_heard(address: SplitResult, body: bytes, secret: str) -> bool:
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=_PATIENCE)
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature(body, secret, time.time())}
    try:
        connection.request("POST", urlunsplit(("", "", address.path or "/", address.query, "")), body, headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
