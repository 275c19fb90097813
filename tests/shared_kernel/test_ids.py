"""Ids: UUIDs of version 7 that carry a time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import RFC_4122, UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared_kernel.ids import new_id, part_of, time_of

times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def test_an_id_is_a_uuid_of_version_7() -> None:
    for identifier in (new_id(), new_id(at=datetime(2026, 1, 1, tzinfo=UTC))):
        assert (identifier.version, identifier.variant) == (7, RFC_4122)


def test_an_id_carries_the_time_of_its_making() -> None:
    before = datetime.now(UTC)

    made = time_of(new_id())

    assert before - timedelta(milliseconds=1) <= made <= datetime.now(UTC)


@given(times)
def test_an_id_carries_the_time_it_is_given_to_the_millisecond(at: datetime) -> None:
    assert time_of(new_id(at=at)) == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_the_time_zone_does_not_matter() -> None:
    noon = datetime(2026, 7, 1, 12, 0, 0, 1000, tzinfo=ZoneInfo("Europe/Paris"))

    assert time_of(new_id(at=noon)) == datetime(2026, 7, 1, 10, 0, 0, 1000, tzinfo=UTC)


@given(st.lists(times, min_size=2, max_size=10, unique_by=lambda at: int(at.timestamp() * 1000) // 2))
def test_ids_stand_in_the_order_of_their_times(moments: list[datetime]) -> None:
    ids = [new_id(at=moment) for moment in sorted(moments)]

    assert all(earlier < later for earlier, later in pairwise(ids))
    assert [str(identifier) for identifier in ids] == sorted(map(str, ids))


def test_ids_of_one_moment_differ() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    assert len({new_id(at=moment) for _ in range(10_000)}) == 10_000


def test_the_layout_is_that_of_rfc_9562() -> None:
    # The example of its appendix A.6: 22 February 2022, 14:22:22.00 in New York.
    at = datetime(2022, 2, 22, 14, 22, 22, tzinfo=ZoneInfo("America/New_York"))

    assert time_of(UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")) == at
    assert str(new_id(at=at)).startswith("017f22e2-79b0-7")


def test_a_part_of_a_write_has_an_id_of_its_own_and_of_the_same_time() -> None:
    key, one, other = new_id(), new_id(), new_id()

    part = part_of(key, one)

    assert part == part_of(key, one)
    others = [(key, other), (new_id(), one), (key, one, other), (key, other, one), (key, one, 4), (key, f"{one} 4")]
    assert len({key, part, *(part_of(*names) for names in others)}) == 8
    assert (part.version, part.variant) == (7, RFC_4122)
    assert time_of(part) == time_of(key)
