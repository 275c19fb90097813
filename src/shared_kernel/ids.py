"""Ids: UUID version 7 (RFC 9562), whose first 48 bits are a time, so that rows of one time lie together on disk."""

import hashlib
import secrets
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
KEY_LASTS = timedelta(days=1)
CLOCK_TOLERANCE = timedelta(minutes=1)


def time_of(identifier: UUID) -> datetime:
    """The time that an id of ours carries, to the millisecond."""
    return EPOCH + (identifier.int >> 80) * MILLISECOND


def is_fresh(key: UUID) -> bool:
    """Whether a form's key is one of ours, and not too old to act upon."""
    return key.version == 7 and -CLOCK_TOLERANCE <= datetime.now(UTC) - time_of(key) <= KEY_LASTS


def uuid_of(text: str) -> UUID | None:
    """The id that somebody's text is; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def new_id(*, at: datetime | None = None) -> UUID:
    """A fresh id; `at` is the business time to carry (of the sale, say) where that is not now.

    Made by hand because libraries' UUIDv7 take no time.
    """
    milliseconds = time.time_ns() // 1_000_000 if at is None else (at - EPOCH) // MILLISECOND
    version, variant = 0x7 << 76, 0b10 << 62
    return UUID(int=milliseconds << 80 | version | secrets.randbits(12) << 64 | variant | secrets.randbits(62))


def part_of(key: UUID, *names: UUID | str | int | None) -> UUID:
    """An id that follows from a caller's key and what it is for: the same for the same, and of the key's time."""
    text = repr([str(name) for name in (key, *names)])
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:10])
    version, variant = 0x7 << 76, 0b10 << 62
    return UUID(int=key.int >> 80 << 80 | version | digest >> 68 << 64 | variant | digest & (1 << 62) - 1)


def digest_of(text: str) -> bytes:
    """What is kept of a token or a key, and found by it, so that nobody who reads it there can send it.

    A quick hash will do: nobody guesses 256 random bits.
    """
    return hashlib.sha256(text.encode()).digest()
