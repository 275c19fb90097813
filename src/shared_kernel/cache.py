"""The cache: what has been read is kept in a Redis for all replicas, and never used once it may be outdated.

What is kept belongs to a group, such as the catalogue, and a group has a generation: a random name that is a new one
after each change. A value is kept with the generation that its reader saw *before* it read the database, and is used
while that is still the group's generation. So a slow reader, who read what was true before a change and keeps it
after, keeps it under a generation that has ended; and a generation that Redis has lost never comes back.

Nothing needs Redis: without one, or while it is away, everything is read from the database. `config/caching.py` lists
what is kept.
"""

import functools
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.transaction import on_commit
from procrastinate.contrib.django import app
from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

from shared_kernel.outbox import later
from shared_kernel.relay import ForEver

T = TypeVar("T")

# For how long a process does without a Redis that did not answer.
LEFT_ALONE_SECONDS = 5.0
# Who finds that somebody reads a value already waits so long for it, and then reads it as well.
PATIENCE_SECONDS = 0.5
POLL_SECONDS = 0.01
# A reader who takes longer, or was killed, holds up nobody any more.
READING_SECONDS = 2
# A generation that runs out is replaced by a new one: what was kept under it is read again.
GENERATION_SECONDS = 86_400

MISSING = object()

READS = Counter(
    "comptoir_cache_reads", "Reads through the cache: hit, miss, or while it was away.", ["name", "outcome"]
)

log = structlog.get_logger("comptoir.cache")


@dataclass(frozen=True)
class Caching:
    """How something is kept: a change of its `group` outdates it, and so do, at the latest, these seconds.

    `public_seconds`: for how long browsers and proxies may use an answer of it without asking whether it has changed.
    """

    name: str
    group: str
    seconds: int
    public_seconds: int = 0


class Reach:
    """Asks Redis, unless it did not answer a moment ago: then nobody waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # 0 while it answers.
        self._again_at = 0.0

    def ask(self, question: Callable[[], T]) -> T | None:
        """What Redis answers; None while it is away. One call in LEFT_ALONE_SECONDS finds out whether it is back."""
        if self._again_at:
            with self._lock:
                if time.monotonic() < self._again_at:
                    return None
                self._again_at = time.monotonic() + LEFT_ALONE_SECONDS
        try:
            answer = question()
        except (RedisError, OSError) as error:
            self._note(time.monotonic() + LEFT_ALONE_SECONDS, "cache away", error=str(error))
            return None
        if self._again_at:
            self._note(0.0, "cache back")
        return answer

    def _note(self, again_at: float, event: str, **details: str) -> None:
        with self._lock:
            if bool(self._again_at) != bool(again_at):
                log.warning(event, **details)
            self._again_at = again_at


@dataclass(frozen=True)
class Outdating:
    """Begins new generations, as far as Redis can be reached at this moment."""

    generation_keys: tuple[str, ...]

    def __call__(self) -> None:
        redis.ask(partial(_begin_generations, self.generation_keys))


redis = Reach()
_rules: dict[str, Caching] = {}


def set_up(rules: Sequence[Caching]) -> None:
    """Say what is kept, and how. Nothing else can be."""
    _rules.update({rule.name: rule for rule in rules})


def caching(name: str) -> Caching:
    """How something is kept, by its name."""
    return _rules[name]


def cached(name: str, key: object, read: Callable[[], T], *, shape: Any = Any, about: UUID | None = None) -> T:
    """What `read` answers, or has answered for this `key` since the last change of its group.

    `shape` is the type of it where that is more than JSON; `about` names the one thing whose changes matter, in a group
    of many. Of many who ask at once, one reads. In a transaction it is always read: what is decided there is decided
    on what is true there, and what is not committed yet must not be kept.
    """
    rule = caching(name)
    if not settings.REDIS_URL or connection.in_atomic_block:
        return read()
    value_key = f"{name}:{sha256(repr(key).encode()).hexdigest()}"
    look = partial(_look, _generation_key(rule.group, about), value_key, shape)
    waits_until = time.monotonic() + PATIENCE_SECONDS
    while True:
        if (seen := redis.ask(look)) is None:
            READS.labels(name, "away").inc()
            return read()
        generation, value = seen
        if value is not MISSING:
            READS.labels(name, "hit").inc()
            return value  # type: ignore[no-any-return]  # it was read as this shape
        reading_key = f"{value_key}:{generation}:reading"
        is_taken = redis.ask(partial(cache.add, reading_key, True, READING_SECONDS)) is False
        if not is_taken or time.monotonic() > waits_until:
            break
        time.sleep(POLL_SECONDS)
    READS.labels(name, "miss").inc()
    try:
        answer = read()
    except BaseException:
        redis.ask(partial(cache.delete, reading_key))
        raise
    kept = [generation, _adapter(shape).dump_python(answer, mode="json")]
    redis.ask(partial(cache.set, value_key, kept, rule.seconds))
    return answer


def outdate(group: str, *, about: Sequence[UUID | None] = (None,)) -> None:
    """Let nothing that is kept of a group, or about some things in it, be used after the caller's transaction.

    To be called in the transaction that changes them; however often there, it is done once. This process does it right
    after the commit; and the worker once more, by a job that commits with the transaction, since the process may be
    killed in between, or not reach Redis.
    """
    if not settings.REDIS_URL:
        return
    calls = [entry[1] for entry in connection.run_on_commit]
    done = {key for call in calls if isinstance(call, Outdating) for key in call.generation_keys}
    keys = [key for key in (_generation_key(group, one) for one in about) if key not in done]
    if keys:
        on_commit(Outdating(tuple(keys)))
        later("outdate", queue="events", generation_keys=keys)


@app.task(name="outdate", queue="events", retry=ForEver())
def outdate_for_good(*, generation_keys: list[str]) -> None:
    """Begin new generations. Raises what Redis raises, and is then tried again until it is back."""
    _begin_generations(generation_keys)


def is_there() -> bool:
    """Whether Redis answers at this moment."""
    return redis.ask(partial(cache.get_many, ["anything"])) is not None


def _generation_key(group: str, about: UUID | None) -> str:
    return f"generation:{group}:{about}" if about else f"generation:{group}"


def _begin_generations(generation_keys: Sequence[str]) -> None:
    cache.set_many({key: uuid.uuid4().hex for key in generation_keys}, GENERATION_SECONDS)


def _look(generation_key: str, value_key: str, shape: Any) -> tuple[str, Any]:
    """The generation of a group at this moment, and what is kept of it, or MISSING."""
    found = cache.get_many([generation_key, value_key])
    if generation_key not in found:
        cache.add(generation_key, uuid.uuid4().hex, GENERATION_SECONDS)
        return cache.get(generation_key), MISSING
    generation = found[generation_key]
    kept_under, value = found.get(value_key, (None, None))
    if kept_under != generation:
        return generation, MISSING
    try:
        return generation, _adapter(shape).validate_python(value)
    except ValidationError:
        # Kept by another version of this program.
        return generation, MISSING


@functools.cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)
