"""How often somebody may call the API: a ceiling for everybody, and less often what is guessed at or sends mail.

A call counts for its address until it is known who calls, and then for them. The ceilings are counted in each process;
the limits of single operations in Postgres, for all replicas together.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil
from threading import Lock
from time import time
from typing import ClassVar, cast
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string

from accounts.interface import caller_of
from shared_kernel.errors import Refusal, TooMany
from shared_kernel.rate_limits import Limit, claim, network_of

log = structlog.get_logger("comptoir.limits")


@dataclass(eq=False)
class TooManyRequests(TooMany):
    """Somebody calls more often than they may."""

    code: ClassVar[str] = "too_many_requests"

    def __str__(self) -> str:
        return f"Too many calls: try again in {self.retry_after} seconds."


@dataclass(frozen=True)
class Quota:
    """What is left of a ceiling."""

    name: str
    window: RateLimitItem
    remaining: int

    @property
    def headers(self) -> dict[str, str]:
        """The same as draft-ietf-httpapi-ratelimit-headers says it."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.window.amount};w={self.window.get_expiry()}',
            "RateLimit": f'"{self.name}";r={self.remaining}',
        }


class ProcessStorage:
    """Counts in this process alone, as far as this asks for. The library's own starts a thread at each call."""

    SWEPT_EVERY = 60.0

    def __init__(self) -> None:
        self.lock = Lock()
        self.counts: dict[str, tuple[int, float]] = {}
        self.swept_at = time()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a count that ends `expiry` seconds after it began. Returns what it is then."""
        now = time()
        with self.lock:
            if self.swept_at + self.SWEPT_EVERY < now:
                self.counts = {name: count for name, count in self.counts.items() if count[1] > now}
                self.swept_at = now
            hits, until = self.counts.get(key, (0, 0.0))
            if until <= now:
                hits, until = 0, now + expiry
            self.counts[key] = hits + amount, until
        return hits + amount

    def get_expiry(self, key: str) -> float:
        """When a count ends, in seconds since 1970."""
        return self.counts.get(key, (0, 0.0))[1]


def count_call(request: HttpRequest) -> None:
    """Count a call for its address, and under the limit of its operation. Raises TooManyRequests."""
    network = request.network = network_of(request.address)  # type: ignore[attr-defined]
    seconds = _hit(request, "address", settings.COMPTOIR_RATE_PER_ADDRESS, network)
    # Whoever can be told from the others at a busy address is not held up by them.
    if seconds and _caller_id(request) is None:
        raise TooManyRequests(retry_after=seconds)
    route = request.resolver_match.route.removeprefix("api/v1") if request.resolver_match else ""
    limited = settings.COMPTOIR_RATE_LIMITS.get(f"{request.method} {route}")
    if limited is None:
        return
    name, counted_by, rate = limited
    who = (_caller_id(request) if counted_by == "caller" else None) or network
    if seconds := claim([Limit(name, rate, str(who))]):
        raise TooManyRequests(retry_after=seconds)


def count_caller(request: HttpRequest, actor_id: UUID) -> None:
    """Count a call for whoever makes it, and no more for their address. Raises TooManyRequests."""
    network = getattr(request, "network", None)
    if network is None:
        # A page, which `count_call` has not seen.
        return
    if seconds := _hit(request, "caller", settings.COMPTOIR_RATE_PER_CALLER, str(actor_id)):
        raise TooManyRequests(retry_after=seconds)
    _give_back("address", settings.COMPTOIR_RATE_PER_ADDRESS, network)


def is_within(name: str, rate: str, who: str) -> bool:
    """Count something that nobody asks for, and say whether it is still within this rate."""
    window = _window(rate)
    try:
        return _storage().incr(window.key_for(name, who), window.get_expiry()) <= window.amount
    except StorageError as error:
        log.warning("rate storage away", error=str(error))
        return True


def _caller_id(request: HttpRequest) -> UUID | None:
    """Who calls, or None where nobody says so, or it does not hold. Raises TooManyRequests."""
    try:
        actor = caller_of(request)
    except TooManyRequests:
        raise
    except Refusal:
        return None
    return actor.id if actor else None


def _hit(request: HttpRequest, name: str, rate: str, who: str) -> int:
    """Count a call under a ceiling. Returns 0, or after how many seconds a call is admitted again."""
    if not rate:
        return 0
    window = _window(rate)
    key = window.key_for(name, who)
    try:
        hits = _storage().incr(key, window.get_expiry())
        request.quota = Quota(name, window, max(0, window.amount - hits))  # type: ignore[attr-defined]
        return 0 if hits <= window.amount else max(1, ceil(_storage().get_expiry(key) - time()))
    except StorageError as error:
        # A ceiling protects; where it cannot be counted, the chain still sells.
        log.warning("rate storage away", error=str(error))
        return 0


def _give_back(name: str, rate: str, who: str) -> None:
    if rate:
        window = _window(rate)
        try:
            _storage().incr(window.key_for(name, who), window.get_expiry(), amount=-1)
        except StorageError as error:
            log.warning("rate storage away", error=str(error))


@cache
def _storage() -> Storage | ProcessStorage:
    if settings.COMPTOIR_RATE_STORAGE == "memory://":
        return ProcessStorage()
    return cast("Storage", storage_from_string(settings.COMPTOIR_RATE_STORAGE, wrap_exceptions=True))


@cache
def _window(rate: str) -> RateLimitItem:
    return parse(rate)
