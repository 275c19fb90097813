"""How often something may be done, counted in Postgres, so that a limit holds across replicas.

`limits` reads the rates ("5 per 5 minutes; 20 per hour") and knows the windows: each begins with its first hit and ends
for good when its time is over. Hits are counted before the thing is done. Each is one statement that counts and tells
the sum, so that of a hundred at once no two get the same number and none is lost. Outside a transaction it stays
whatever becomes of the caller; inside one it is the transaction's, and whoever counts the same waits for its end.

The clock is the database's, which all replicas share.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from django.db import Error, connection
from django.db.models.functions import Now
from limits import RateLimitItem, parse_many
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from shared_kernel.ids import digest_of
from shared_kernel.models import RateLimit

# A window that has ended begins anew.
HIT = """
    INSERT INTO rate_limit AS known (key, hits, expires_at)
    VALUES (%s, %s, statement_timestamp() + make_interval(secs => %s))
    ON CONFLICT (key) DO UPDATE SET
        hits = excluded.hits + CASE WHEN known.expires_at > statement_timestamp() THEN known.hits ELSE 0 END,
        expires_at = CASE
            WHEN known.expires_at > statement_timestamp() THEN known.expires_at ELSE excluded.expires_at
        END
    RETURNING hits
"""
GIVE_BACK = """
    UPDATE rate_limit SET hits = hits - 1 WHERE key = %s AND hits > 0 AND expires_at > statement_timestamp()
"""


@dataclass(frozen=True)
class Limit:
    """A rate for something by its name, counted apart for each `who`."""

    name: str
    rate: str
    who: str

    def windows(self) -> list[RateLimitItem]:
        return _windows(self.rate)


def claim(limits: Sequence[Limit]) -> int:
    """Count one more under each of these limits. Returns 0, or, when a window is full, after how many seconds it ends.

    Windows that come after a full one do not count what was turned away, so the narrowest comes first.
    """
    for limit in limits:
        for window in limit.windows():
            if not _counter.hit(window, limit.name, limit.who):
                reset = _storage.get_expiry(window.key_for(limit.name, limit.who))
                return max(1, ceil(reset - time.time()))
    return 0


def give_back(limits: Sequence[Limit]) -> None:
    """Take one hit off each of these limits: what was claimed turned out to be nothing to count."""
    for limit in limits:
        for window in limit.windows():
            _storage.decr(window.key_for(limit.name, limit.who))


def forget_ended_windows(*, now: datetime) -> int:
    """Remove the windows that have ended; returns how many. Safe to repeat."""
    return RateLimit.objects.filter(expires_at__lte=now).delete()[0]


def network_of(address: str) -> str:
    """Whom an address stands for: itself, or its /64 network, of which one customer has all addresses."""
    if ":" not in address:
        return address
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed) >> 64 << 64, 64)))


class PostgresStorage(Storage):
    """Keeps the counters of `limits` in one table, under digests of their keys."""

    STORAGE_SCHEME = None

    @property
    def base_exceptions(self) -> type[Exception]:
        return Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        with connection.cursor() as cursor:
            cursor.execute(HIT, [digest_of(key), amount, expiry])
            return int(cursor.fetchone()[0])

    def decr(self, key: str) -> None:
        """Take one hit off, unless its window has ended."""
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [digest_of(key)])

    def get(self, key: str) -> int:
        row = self._row(key)
        return row.hits if row else 0

    def get_expiry(self, key: str) -> float:
        row = self._row(key)
        return row.expires_at.timestamp() if row else time.time()

    def check(self) -> bool:
        return connection.is_usable()

    def reset(self) -> int:
        return RateLimit.objects.all().delete()[0]

    def clear(self, key: str) -> None:
        RateLimit.objects.filter(key=digest_of(key)).delete()

    def _row(self, key: str) -> RateLimit | None:
        return RateLimit.objects.filter(key=digest_of(key), expires_at__gt=Now()).first()


@cache
def _windows(rate: str) -> list[RateLimitItem]:
    return parse_many(rate)


_storage = PostgresStorage()
_counter = FixedWindowRateLimiter(_storage)
