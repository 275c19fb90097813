"""The cache, over a real Redis: read once, outdated by each change, and missed by nobody while it is away."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.core.cache import cache
from django.db.transaction import atomic, set_rollback
from redis import Redis
from redis.exceptions import RedisError

from shared_kernel import cache as caching
from shared_kernel.cache import Caching, cached, outdate, outdate_for_good, set_up
from shared_kernel.ids import new_id
from tests.events.queue import jobs
from tests.redis_server import RedisServer
from tests.threads import PATIENCE, at_once

THING = "a thing"
GENERATION = "generation:things"


@dataclass(frozen=True)
class Thing:
    id: UUID
    price: Decimal
    made_at: datetime


@pytest.fixture(autouse=True)
def things() -> Iterator[None]:
    set_up([Caching(THING, "things", seconds=60)])
    yield
    del caching._rules[THING]


class Source:
    """What is read where nothing is kept: a number, and how often it was asked for."""

    def __init__(self, value: Any = 1) -> None:
        self.value = value
        self.reads = 0

    def read(self) -> Any:
        self.reads += 1
        return self.value


def get(source: Source, key: object = "key", **values: Any) -> Any:
    return cached(THING, key, source.read, **values)


# --- Kept -------------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_not_read_again(redis_server: RedisServer) -> None:
    source = Source()

    assert [get(source), get(source), source.reads] == [1, 1, 1]


def test_each_key_is_kept_apart(redis_server: RedisServer) -> None:
    one, other = Source(1), Source(2)

    assert [get(one, ("a", 1)), get(other, ("a", 2)), get(one, ("a", 1)), one.reads] == [1, 2, 1, 1]


def test_nothing_is_kept_that_is_not_listed(redis_server: RedisServer) -> None:
    with pytest.raises(KeyError):
        cached("something else", "key", Source().read)


def test_a_value_comes_back_as_it_was_and_lies_there_as_json(redis_server: RedisServer) -> None:
    source = Source([Thing(new_id(), Decimal("9.90"), datetime.now(UTC))])

    first, second = get(source, shape=list[Thing]), get(source, shape=list[Thing])

    assert (first, second, source.reads) == (source.value, source.value, 1)
    with Redis.from_url(redis_server.url) as client:
        [key] = client.keys("*a thing:*[0-9a-f]")
        assert client.get(key).startswith(b'["')
        assert 0 < client.ttl(key) <= 60


def test_what_another_version_kept_in_another_shape_is_read_anew(redis_server: RedisServer) -> None:
    get(Source({"id": "of old", "price": "9.90"}))
    source = Source(Thing(new_id(), Decimal("9.90"), datetime.now(UTC)))

    assert get(source, shape=Thing) == source.value


# --- Many at once ----------------------------------------------------------------------------------------------------


def test_of_twenty_who_ask_at_once_one_reads(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "PATIENCE_SECONDS", PATIENCE)
    source = Source()

    def slow() -> Any:
        threading.Event().wait(0.05)
        return source.read()

    assert at_once([lambda: cached(THING, "key", slow)] * 20) == [1] * 20
    assert source.reads == 1


def test_nobody_waits_long_for_somebody_who_reads_for_ever(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "PATIENCE_SECONDS", 0.02)
    began, goes_on = threading.Event(), threading.Event()
    source = Source()

    def hang() -> Any:
        began.set()
        goes_on.wait(PATIENCE)

    def patient() -> list[Any]:
        began.wait(PATIENCE)
        answers = [get(source), get(source)]
        goes_on.set()
        return answers

    assert at_once([lambda: cached(THING, "key", hang), patient]) == [None, [1, 1]]
    assert source.reads == 1


def test_a_reader_who_fails_holds_up_nobody(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "PATIENCE_SECONDS", PATIENCE)

    def fail() -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        cached(THING, "key", fail)

    began = time.monotonic()
    assert get(Source()) == 1
    assert time.monotonic() - began < PATIENCE


# --- Outdated --------------------------------------------------------------------------------------------------------


def lose_everything() -> None:
    cache.clear()


@pytest.mark.parametrize(
    "change",
    [lambda: caching._begin_generations([GENERATION]), lambda: cache.delete(GENERATION), lose_everything],
    ids=["outdated", "evicted", "restarted"],
)
def test_a_slow_reader_keeps_nothing_that_changed_meanwhile(
    redis_server: RedisServer, change: Callable[[], Any]
) -> None:
    get(Source(0), "something before")
    source = Source("old")

    def slow() -> Any:
        value = source.read()
        source.value = "new"
        change()
        return value

    assert [cached(THING, "key", slow), get(source), get(source), source.reads] == ["old", "new", "new", 2]


def change(source: Source, value: Any, **about: Any) -> None:
    source.value = value
    outdate("things", **about)


@pytest.mark.usefixtures("committing")
class TestInTransactions:
    def test_a_commit_outdates_and_a_rollback_does_not(self, redis_server: RedisServer) -> None:
        source = Source("old")
        get(source)

        with atomic():
            change(source, "never")
            set_rollback(True)
        rolled_back = get(source)
        with atomic():
            change(source, "new")

        assert [rolled_back, get(source)] == ["old", "new"]

    def test_only_what_it_is_about_is_outdated(self, redis_server: RedisServer) -> None:
        one, other = Source("old"), Source("old")
        ids = [new_id(), new_id()]
        for source, about in zip((one, other), ids, strict=True):
            get(source, about, about=about)

        with atomic():
            change(one, "new", about=[ids[0]])

        assert [get(one, ids[0], about=ids[0]), get(other, ids[1], about=ids[1])] == ["new", "old"]
        assert other.reads == 1

    def test_a_thousand_changes_in_one_transaction_outdate_once(
        self, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[Any] = []
        monkeypatch.setattr(caching, "_begin_generations", begun.append)

        with atomic():
            for _ in range(1000):
                outdate("things")

        assert begun == [(GENERATION,)]
        assert jobs("outdate") == [{"generation_keys": [GENERATION]}]

    def test_what_a_savepoint_takes_back_is_said_again(self, redis_server: RedisServer) -> None:
        source = Source("old")
        get(source)

        with atomic():
            with atomic():
                outdate("things")
                set_rollback(True)
            change(source, "new")

        assert get(source) == "new"
        assert len(jobs("outdate")) == 1

    def test_a_transaction_reads_for_itself_and_keeps_nothing(self, redis_server: RedisServer) -> None:
        source = Source("kept")
        get(source)

        with atomic():
            source.value = "not committed"
            seen = get(source)
            set_rollback(True)

        assert [seen, get(source)] == ["not committed", "kept"]

    def test_without_a_cache_there_is_nothing_to_do(self) -> None:
        with atomic():
            outdate("things")

        assert jobs("outdate") == []


# --- Away ------------------------------------------------------------------------------------------------------------


def test_without_a_redis_all_is_read_and_no_process_keeps_anything() -> None:
    source = Source()

    assert [get(source), get(source), source.reads] == [1, 1, 2]


def test_a_redis_that_is_killed_is_missed_by_nobody_and_logged_once(redis_server: RedisServer) -> None:
    source = Source("old")
    get(source)
    redis_server.kill()
    source.value = "new"

    with structlog.testing.capture_logs() as logged:
        answers = [get(source) for _ in range(100)]

    assert answers == ["new"] * 100
    assert [entry["event"] for entry in logged] == ["cache away"]


def test_a_redis_that_hangs_costs_its_time_out_once(redis_server: RedisServer, settings: Any) -> None:
    settings.CACHES = {"default": settings.REDIS_CACHE | {"LOCATION": redis_server.url.replace("/0", "/1")}}
    source = Source()
    get(source)
    redis_server.pause()
    try:
        began = time.monotonic()
        answers = [get(source) for _ in range(100)]
        took = time.monotonic() - began
    finally:
        redis_server.resume()

    assert answers == [1] * 100
    assert took < 5


def test_a_redis_that_is_back_is_used_again(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    get(source)
    redis_server.kill()
    get(source)
    redis_server.start()
    left_alone = [get(source), get(source), source.reads]
    monkeypatch.setattr(caching.redis, "_again_at", time.monotonic())

    with structlog.testing.capture_logs() as logged:
        back = [get(source), get(source), source.reads]

    assert (left_alone, back) == ([1, 1, 4], [1, 1, 5])
    assert [entry["event"] for entry in logged] == ["cache back"]


def test_the_job_fails_until_redis_is_there(redis_server: RedisServer) -> None:
    get(Source("old"))
    redis_server.kill()
    with pytest.raises(RedisError):
        outdate_for_good(generation_keys=[GENERATION])

    redis_server.start()
    outdate_for_good(generation_keys=[GENERATION])

    assert cache.get(GENERATION) is not None
