"""The sandbox's books, in one SQLite file: what a call does, and what is to be told of it, are written together or not
at all.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from payment_sandbox.cards import FAILING, Behaviour, KnownCard
from payment_sandbox.refused import Refused

LATE_SECONDS = 3
STUMBLES = 2

_TABLES = """
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, brand TEXT NOT NULL, last4 TEXT NOT NULL, exp_month INTEGER NOT NULL,
    exp_year INTEGER NOT NULL, behaviour TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS charge (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, idempotency_key TEXT NOT NULL UNIQUE, request TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, metadata TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('succeeded', 'failed', 'pending')), failure_code TEXT NOT NULL,
    created REAL NOT NULL, settles REAL CHECK ((settles IS NOT NULL) = (status = 'pending'))
);
CREATE INDEX IF NOT EXISTS unsettled ON charge (settles) WHERE settles IS NOT NULL;
CREATE TABLE IF NOT EXISTS refund (
    id TEXT PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, request TEXT NOT NULL,
    charge TEXT NOT NULL REFERENCES charge (id), amount INTEGER NOT NULL CHECK (amount > 0)
);
CREATE INDEX IF NOT EXISTS refund_of_charge ON refund (charge);
CREATE TABLE IF NOT EXISTS stumble (idempotency_key TEXT PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notice (
    id INTEGER PRIMARY KEY, body TEXT NOT NULL, attempts INTEGER NOT NULL, due REAL NOT NULL, heard REAL
);
CREATE INDEX IF NOT EXISTS unheard ON notice (due) WHERE heard IS NULL;
"""


@dataclass(frozen=True)
class ChargeRequest:
    """A charge as it was asked for; the amount in the currency's smallest unit."""

    amount: int
    currency: str
    source: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class RefundRequest:
    """A refund as it was asked for."""

    charge: str
    amount: int


@dataclass(frozen=True)
class Made:
    """A charge, and what its card does for whoever has just had it made; None for a charge that was there before."""

    charge: dict[str, Any]
    behaviour: Behaviour | None


@dataclass(frozen=True)
class Notice:
    """Something to tell, and how often that was tried."""

    id: int
    body: str
    attempts: int


class Bank:
    """Tokens, charges, refunds, and what is to be told of them. Its methods may be called by any thread."""

    def __init__(self, file: Path) -> None:
        self._lock = Lock()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=30)
        self._connection.row_factory = sqlite3.Row
        # What was answered is on the disk, whenever the process or the machine ends.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")
        self._connection.executescript(_TABLES)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def tokenise(self, card: KnownCard) -> dict[str, Any]:
        """A new token for a card."""
        token = f"tok_{secrets.token_hex(16)}"
        values = (token, card.brand, card.last4, card.exp_month, card.exp_year, card.behaviour)
        with self._transaction() as books:
            books.execute("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)", values)
        known = {name: value for name, value in asdict(card).items() if name != "behaviour"}
        return {"id": token, "object": "token", "card": known}

    def charge(self, key: str, request: ChargeRequest) -> Made:
        """The charge under this key, made by the first call; later ones find it as it stands by then.

        Refuses a key that was used for something else, and an unknown token. Raises Stumbled, having done nothing, on
        the first calls for a card that stumbles.
        """
        with self._transaction() as books:
            row = books.execute("SELECT id, request FROM charge WHERE idempotency_key = ?", [key]).fetchone()
            if _is_repeated(row, request):
                return Made(_charge(books, row["id"]), None)
            token = books.execute("SELECT behaviour FROM token WHERE id = ?", [request.source]).fetchone()
            if token is None:
                raise Refused(400, "resource_missing", "There is no such token.")
            behaviour = Behaviour(token["behaviour"])
            stumbled = behaviour == Behaviour.STUMBLING and _stumbles(books, key)
            if not stumbled:
                charge = _new_charge(books, key, request, behaviour)
        # Outside of the transaction, which is to remember it.
        if stumbled:
            raise Stumbled
        return Made(charge, behaviour)

    def charges(self, *, key: str | None, after: str | None, limit: int) -> dict[str, Any]:
        """The charge under this key, or a page of all in the order in which they were made, beginning `after` one."""
        with self._transaction() as books:
            if key is not None:
                rows = books.execute("SELECT id FROM charge WHERE idempotency_key = ?", [key]).fetchall()
            else:
                begin = books.execute("SELECT position FROM charge WHERE id = ?", [after]).fetchone()
                if after is not None and begin is None:
                    raise Refused(400, "resource_missing", "There is no such charge.")
                rows = books.execute(
                    "SELECT id FROM charge WHERE position > ? ORDER BY position LIMIT ?",
                    [begin["position"] if begin else 0, limit + 1],
                ).fetchall()
            data = [_charge(books, row["id"]) for row in rows[:limit]]
        return {"object": "list", "data": data, "has_more": len(rows) > limit}

    def refund(self, key: str, request: RefundRequest) -> dict[str, Any]:
        """The refund under this key, made by the first call.

        Refuses a key that was used for something else, a charge that took nothing, and more than is left of it.
        """
        with self._transaction() as books:
            row = books.execute("SELECT id, request FROM refund WHERE idempotency_key = ?", [key]).fetchone()
            if _is_repeated(row, request):
                return _refund(row["id"], request)
            charge = _charge(books, request.charge)
            if charge["status"] != "succeeded":
                raise Refused(400, "charge_not_succeeded", "This charge took no money.")
            if request.amount > charge["amount"] - charge["amount_refunded"]:
                raise Refused(400, "amount_too_large", "More would be given back than is left of the charge.")
            refund = f"re_{secrets.token_hex(12)}"
            values = (refund, key, _text(request), request.charge, request.amount)
            books.execute("INSERT INTO refund VALUES (?, ?, ?, ?, ?)", values)
            return _refund(refund, request)

    def settle(self) -> None:
        """Bring the charges to their end whose time has come."""
        now = time.time()
        with self._transaction() as books:
            for row in books.execute("SELECT id FROM charge WHERE settles <= ?", [now]).fetchall():
                books.execute("UPDATE charge SET status = 'succeeded', settles = NULL WHERE id = ?", [row["id"]])
                _tell(books, _charge(books, row["id"]), now)

    def untold(self) -> list[Notice]:
        """What is to be told now, the oldest first."""
        sql = "SELECT id, body, attempts FROM notice WHERE heard IS NULL AND due <= ? ORDER BY id LIMIT 20"
        with self._transaction() as books:
            return [Notice(**row) for row in books.execute(sql, [time.time()]).fetchall()]

    def heard(self, notice: Notice) -> None:
        """Somebody has taken note of it."""
        with self._transaction() as books:
            books.execute("UPDATE notice SET heard = ? WHERE id = ?", [time.time(), notice.id])

    def unheard(self, notice: Notice) -> None:
        """Nobody has taken note of it: to be tried again, after a longer while each time."""
        wait = min(5, 0.2 * 2 ** min(notice.attempts, 5))
        with self._transaction() as books:
            sql = "UPDATE notice SET attempts = attempts + 1, due = ? WHERE id = ?"
            books.execute(sql, [time.time() + wait, notice.id])


class Stumbled(Exception):
    """The card makes the sandbox fail, this time."""


def _is_repeated(row: sqlite3.Row | None, request: ChargeRequest | RefundRequest) -> bool:
    """Whether the key's row was made by this very request."""
    if row and row["request"] != _text(request):
        raise Refused(400, "idempotency_key_reused", "This key was used for something else.")
    return row is not None


def _text(request: ChargeRequest | RefundRequest) -> str:
    return json.dumps(asdict(request), sort_keys=True)


def _stumbles(books: sqlite3.Connection, key: str) -> bool:
    books.execute("INSERT INTO stumble VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1", [key])
    row = books.execute("SELECT times FROM stumble WHERE idempotency_key = ?", [key]).fetchone()
    return bool(row["times"] <= STUMBLES)


def _new_charge(books: sqlite3.Connection, key: str, request: ChargeRequest, behaviour: Behaviour) -> dict[str, Any]:
    now = time.time()
    status, code, settles = "succeeded", "", None
    if behaviour in FAILING:
        status, code = "failed", str(behaviour)
    elif behaviour == Behaviour.LATE:
        status, settles = "pending", now + LATE_SECONDS
    charge = f"ch_{secrets.token_hex(12)}"
    asked = (key, _text(request), request.amount, request.currency, json.dumps(request.metadata))
    values = (None, charge, *asked, status, code, now, settles)
    books.execute("INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    made = _charge(books, charge)
    if status != "pending":
        _tell(books, made, now, times=2 if behaviour == Behaviour.TOLD_TWICE else 1)
    return made


def _tell(books: sqlite3.Connection, charge: dict[str, Any], now: float, *, times: int = 1) -> None:
    """Note that the charge's end is to be told."""
    event = {"id": f"evt_{secrets.token_hex(12)}", "object": "event", "type": f"charge.{charge['status']}"}
    body = json.dumps(event | {"created": int(now), "data": {"object": charge}})
    books.executemany("INSERT INTO notice VALUES (NULL, ?, 0, ?, NULL)", [(body, now)] * times)


def _charge(books: sqlite3.Connection, charge: str) -> dict[str, Any]:
    """A charge as it is shown."""
    row = books.execute(
        """
        SELECT id, idempotency_key, amount, currency, status, failure_code, metadata, created,
            (SELECT coalesce(sum(amount), 0) FROM refund WHERE charge = charge.id) AS amount_refunded
        FROM charge WHERE id = ?
        """,
        [charge],
    ).fetchone()
    if row is None:
        raise Refused(400, "resource_missing", "There is no such charge.")
    shown = {"failure_code": row["failure_code"] or None, "metadata": json.loads(row["metadata"])}
    return {"object": "charge", **dict(row), **shown, "created": int(row["created"])}


def _refund(refund: str, request: RefundRequest) -> dict[str, Any]:
    """A refund as it is shown."""
    return {"id": refund, "object": "refund", "status": "succeeded", **asdict(request)}
