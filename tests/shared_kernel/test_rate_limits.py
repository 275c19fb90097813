"""Limits that hold across replicas: counted in Postgres, each hit by itself, and forgotten in the end."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connection
from django.db.transaction import atomic, set_rollback

from shared_kernel.models import RateLimit
from shared_kernel.rate_limits import Limit, claim, give_back, network_of
from shared_kernel.tasks import forget_ended_rate_limits
from tests.threads import at_once

pytestmark = pytest.mark.django_db

LETTERS = Limit("letters", "2 per minute; 3 per hour", "camille")


def hits() -> list[int]:
    """What the windows have counted, the shortest first."""
    return list(RateLimit.objects.order_by("expires_at").values_list("hits", flat=True))


def end_windows(lasting: timedelta) -> None:
    """Let the time of the windows run out that end within this time."""
    now = datetime.now(UTC)
    RateLimit.objects.filter(expires_at__lt=now + lasting).update(expires_at=now - timedelta(seconds=1))


def test_a_limit_admits_as_many_as_it_says_and_then_tells_how_long_to_wait() -> None:
    assert [claim([LETTERS]) for _ in range(2)] == [0, 0]
    assert 55 <= claim([LETTERS]) <= 60


def test_what_a_narrow_window_turned_away_does_not_count_in_the_wider_one() -> None:
    for _ in range(5):
        claim([LETTERS])

    assert hits() == [5, 2]


def test_a_window_that_has_ended_begins_anew_and_the_wider_one_goes_on() -> None:
    for _ in range(3):
        claim([LETTERS])
    end_windows(timedelta(minutes=2))

    assert claim([LETTERS]) == 0
    assert 3500 <= claim([LETTERS]) <= 3600
    assert sorted(hits()) == [2, 4]


def test_each_is_counted_apart() -> None:
    others = [Limit("letters", LETTERS.rate, "marc"), Limit("orders", LETTERS.rate, "camille")]
    for _ in range(3):
        claim([LETTERS])

    assert [claim([other]) for other in others] == [0, 0]


def test_of_several_limits_those_after_a_full_one_do_not_count() -> None:
    wide = Limit("everything", "100 per hour", "camille")

    waits = [bool(claim([LETTERS, wide])) for _ in range(4)]

    assert waits == [False, False, True, True]
    assert claim([wide]) == 0
    assert RateLimit.objects.get(hits=3)


def test_what_is_given_back_was_never_counted() -> None:
    for _ in range(10):
        assert claim([LETTERS]) == 0
        give_back([LETTERS])

    assert hits() == [0, 0]


def test_nothing_is_given_back_that_was_not_counted() -> None:
    give_back([LETTERS])
    claim([LETTERS])
    for _ in range(3):
        give_back([LETTERS])

    assert hits() == [0, 0]


def test_inside_a_transaction_a_claim_is_part_of_it() -> None:
    with atomic():
        claim([LETTERS])
        set_rollback(True)

    assert hits() == []


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_as_many_pass_as_the_limit_says() -> None:
    limit = Limit("guesses", "5 per minute", "camille")

    waits = at_once([partial(claim, [limit])] * 20)

    assert waits.count(0) == 5
    assert hits() == [20]


@pytest.mark.parametrize("role", settings.COMPTOIR_MODULES)
def test_every_module_may_count(role: str) -> None:
    with connection.cursor() as cursor, atomic():
        cursor.execute(f'SET LOCAL ROLE "{role}"')
        assert claim([LETTERS]) == 0
        give_back([LETTERS])
        cursor.execute("RESET ROLE")


def test_nobodys_name_stands_in_the_table() -> None:
    claim([Limit("guesses", "5 per minute", "camille@example.com")])

    [key] = RateLimit.objects.values_list("key", flat=True)
    assert len(key) == 32
    assert b"camille" not in bytes(key)


def test_a_hit_flushes_nothing_to_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence::text FROM pg_class WHERE relname = 'rate_limit'")
        assert cursor.fetchone() == ("u",)


def test_the_windows_that_have_ended_are_forgotten() -> None:
    claim([LETTERS])
    end_windows(timedelta(minutes=2))

    forget_ended_rate_limits(timestamp=0)

    assert hits() == [1]
    assert RateLimit.objects.get().expires_at > datetime.now(UTC)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_one_network_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
