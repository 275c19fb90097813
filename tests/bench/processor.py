"""Where the processors' time goes, as Linux tells it in `/proc`."""

import os
import resource
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from django.db import connection

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Times:
    """Milliseconds of processor time: of the web servers, the database, all else that serves, and the load's generator.

    The database's are unknown where it runs on another machine.
    """

    web: float
    database: float | None
    others: float
    load: float

    def since(self, before: "Times", *, requests: int) -> "Times":
        """What has come since then, per request."""
        parts = zip(astuple(self), astuple(before), strict=True)
        return Times(*(None if now is None or then is None else (now - then) / max(1, requests) for now, then in parts))


def now(web: Iterable[int], others: Iterable[int]) -> Times:
    """The time that these processes have taken until now, and the database, and the generators that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Times(_taken(web), _of_database(), _taken(others), (ended.ru_utime + ended.ru_stime) * 1000)


def family(pid: int) -> list[int]:
    """The processes below this one."""
    parents = {
        int(folder.name): int(fields[1]) for folder in Path("/proc").glob("[0-9]*") if (fields := _fields(folder))
    }
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _of_database() -> float | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = _fields(Path("/proc") / str(cursor.fetchone()[0]))
    # The number may be that of another process here, where the database is elsewhere.
    if not backend or backend[-1] != "postgres":
        return None
    server = int(backend[1])
    fields = _fields(Path("/proc") / str(server))
    # What has ended counts for the server itself, which has waited for it.
    of_ended = sum(map(int, fields[13:15])) * 1000 / TICKS
    return _taken([server, *family(server)]) + of_ended


def _taken(pids: Iterable[int]) -> float:
    fields = [_fields(Path("/proc") / str(pid)) for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields if one) * 1000 / TICKS


def _fields(folder: Path) -> list[str]:
    """What stands behind the process's name in its `stat`, and that name at last; nothing for one that has ended."""
    try:
        name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return []
    return [*rest.split(), name]
