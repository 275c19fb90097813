"""The sandbox's HTTP side: reads a call, has the bank carry it out, and answers in JSON.

No line is printed of a call, since a card may stand in it.
"""

import hmac
import json
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from payment_sandbox.bank import Bank, ChargeRequest, RefundRequest, Stumbled
from payment_sandbox.cards import Behaviour, read_card
from payment_sandbox.refused import Refused

SLOW_SECONDS = 3
# Longer than anybody waits for an answer.
SILENT_SECONDS = 30

_Kind = TypeVar("_Kind")
_TYPES: dict[type, str] = {dict: "object", int: "integer", str: "string"}

_LONGEST_BODY = 65_536
_LONGEST_PAGE = 100
_LARGEST_AMOUNT = 99_999_999


class Server(ThreadingHTTPServer):
    """A thread for each connection. Whoever knows the secret may call."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], bank: Bank, secret: str) -> None:
        super().__init__(address, _Handler)
        self.bank = bank
        self.authorization = f"Bearer {secret}".encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A caller who did not wait for the answer is no error.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    # An answer goes out in one piece: the connections stay, and in two it would wait for the caller's kernel.
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer({"/v1/charges": self._charges})

    def do_POST(self) -> None:
        self._answer({"/v1/tokens": self._token, "/v1/charges": self._charge, "/v1/refunds": self._refund})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's own name
        pass

    def _answer(self, calls: dict[str, Callable[[], dict[str, Any]]]) -> None:
        try:
            status, answer = 200, self._carry_out(calls)
        except Refused as refused:
            status, answer = refused.status, {"error": {"code": refused.code, "message": refused.message}}
        except Stumbled:
            status, answer = 500, {"error": {"code": "api_error", "message": "Something went wrong here."}}
        except _Silence:
            time.sleep(SILENT_SECONDS)
            self.close_connection = True
            return
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _carry_out(self, calls: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
        body = self._body()
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.authorization):
            raise Refused(401, "authentication_required", "Send the secret key: Authorization: Bearer …")
        call = calls.get(urlsplit(self.path).path)
        if call is None:
            raise Refused(404, "not_found", "There is nothing here.")
        self._fields = _object(body) if self.command == "POST" else {}
        return call()

    def _body(self) -> bytes:
        """What was sent; read in any case, since the next call comes behind it."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,9}", length):
            self.close_connection = True
            raise Refused(411, "length_required", "Say how long the body is: Content-Length.")
        if int(length) > _LONGEST_BODY:
            self.close_connection = True
            raise Refused(413, "body_too_large", f"A body has up to {_LONGEST_BODY} bytes.")
        return self.rfile.read(int(length))

    def _token(self) -> dict[str, Any]:
        card = _field(self._fields, "card", dict)
        known = read_card(
            _field(card, "number", str),
            _field(card, "exp_month", int),
            _field(card, "exp_year", int),
            _field(card, "cvc", str),
            now=datetime.now(UTC),
        )
        return self.server.bank.tokenise(known)

    def _charge(self) -> dict[str, Any]:
        source = _field(self._fields, "source", str)
        metadata = {
            name: str(value) for name, value in _field({"metadata": {}} | self._fields, "metadata", dict).items()
        }
        request = ChargeRequest(self._amount(), self._currency(), source, metadata)
        made = self.server.bank.charge(self._key(), request)
        if made.behaviour == Behaviour.SILENT:
            raise _Silence
        if made.behaviour == Behaviour.SLOW:
            time.sleep(SLOW_SECONDS)
        return made.charge

    def _refund(self) -> dict[str, Any]:
        request = RefundRequest(_field(self._fields, "charge", str), self._amount())
        return self.server.bank.refund(self._key(), request)

    def _charges(self) -> dict[str, Any]:
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        limit = asked.get("limit", "20")
        if not re.fullmatch("[0-9]{1,3}", limit) or not 1 <= int(limit) <= _LONGEST_PAGE:
            raise Refused(400, "invalid_limit", f"limit is a number from 1 to {_LONGEST_PAGE}.")
        key, after = asked.get("idempotency_key"), asked.get("starting_after")
        return self.server.bank.charges(key=key, after=after, limit=int(limit))

    def _key(self) -> str:
        key = self.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= 255:
            raise Refused(400, "idempotency_key_required", "Send an Idempotency-Key of up to 255 characters.")
        return key

    def _amount(self) -> int:
        amount = _field(self._fields, "amount", int)
        if not 1 <= amount <= _LARGEST_AMOUNT:
            raise Refused(400, "invalid_amount", f"amount is a whole number of cents from 1 to {_LARGEST_AMOUNT}.")
        return amount

    def _currency(self) -> str:
        currency = _field(self._fields, "currency", str).lower()
        if not re.fullmatch("[a-z]{3}", currency):
            raise Refused(400, "invalid_currency", "currency is a code of three letters.")
        return currency


class _Silence(Exception):
    """The call was carried out, and is never answered."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
        # Half a character, which JSON can write, is no text.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(400, "invalid_json", "The body is not a JSON object.")
    return value


def _field(fields: dict[str, Any], name: str, kind: type[_Kind]) -> _Kind:
    value = fields.get(name)
    # A bool would be an int.
    if not isinstance(value, kind) or type(value) is not kind:
        raise Refused(400, "invalid_request", f"{name} is missing, or not of the type {_TYPES[kind]}.")
    return value
