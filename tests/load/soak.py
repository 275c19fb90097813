"""A shop day for long: memory, connections and the queue are to stay as they are."""

import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import psutil
from django.db import connection

from shared_kernel.jobs import queues
from tests.load import chain, pictures
from tests.load.facts import Facts
from tests.load.installation import RESULTS
from tests.load.run import SHOP_DAY, finish, measure, started
from tests.stack.running import Stack, story_of

MEGABYTE = 1_000_000
SAMPLE_SECONDS = 10
# What may come and go without being a leak.
MEMORY_SHARE, CONNECTIONS, JOBS = 0.05, 2, 20


@dataclass(frozen=True)
class Sample:
    """How things are, so many seconds after the beginning; memory by process, in megabytes."""

    seconds: float
    memory: dict[str, float]
    connections: int
    jobs: int


def soak(*, minutes: int, users: int, rate: float) -> None:
    """Watch a shop day. Raises SystemExit when something grows, a request failed or the books disagree."""
    built = chain.build(pieces=0)
    scenario = SHOP_DAY.asked(users, rate)
    samples: list[Sample] = []
    with started("--redis", "--cache") as stack:
        begun = time.monotonic()

        def watch(process: "subprocess.Popen[bytes]") -> None:
            while process.poll() is None:
                samples.append(_sample(stack, time.monotonic() - begun))
                time.sleep(SAMPLE_SECONDS)

        told = Facts(built, [stack.addresses.site], scenario.pace)
        _, found = measure(scenario, told, "soak", seconds=minutes * 60, meanwhile=watch)
    _draw(samples)
    finish(found + leaks(samples))


def leaks(samples: Sequence[Sample]) -> list[str]:
    """What grows, in words."""
    found = []
    for name in sorted(set.intersection(*(set(sample.memory) for sample in samples))):
        used = [sample.memory[name] for sample in samples]
        if grows(used, allowance=MEMORY_SHARE * used[len(used) // 4]):
            found.append(f"The memory of {name} grows: from {used[len(used) // 4]:.0f} to {used[-1]:.0f} MB.")
    connections = [sample.connections for sample in samples]
    if grows(connections, allowance=CONNECTIONS):
        found.append(f"Connections leak: from {connections[len(connections) // 4]} to {connections[-1]}.")
    jobs = [sample.jobs for sample in samples]
    if grows(jobs, allowance=JOBS):
        found.append(f"The queue grows: from {jobs[len(jobs) // 4]} to {jobs[-1]} jobs.")
    return found


def grows(values: Sequence[float], *, allowance: float) -> bool:
    """Whether values rise steadily, beyond an allowance.

    Without the first quarter, in which everything warms up, the rest is cut into three: the median of each third is
    above that of the one before, and that of the last above that of the first by more than the allowance.
    """
    rest = values[len(values) // 4 :]
    third = len(rest) // 3
    if third == 0:
        return False
    first, second, last = (median(rest[number * third : (number + 1) * third]) for number in range(3))
    return first < second < last and last - first > allowance


def _sample(stack: Stack, seconds: float) -> Sample:
    memory: Counter[str] = Counter()
    for pid in stack.processes():
        try:
            if name := _name_of(pid):
                memory[name] += psutil.Process(pid).memory_info().rss / MEGABYTE
        except (OSError, psutil.Error):  # it has just ended
            continue
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        connections = cursor.fetchone()[0]
    return Sample(seconds, dict(memory), connections, sum(queue.due + queue.doing for queue in queues()))


def _name_of(pid: int) -> str:
    """Of a replica or the worker; nothing for what is not ours."""
    story = story_of(pid)
    if "COMPTOIR_SERVED_BY=" in story:
        return story.partition("COMPTOIR_SERVED_BY=")[2].partition("\0")[0]
    return "worker" if "procrastinate\0worker" in story else ""


def _draw(samples: Sequence[Sample]) -> None:
    times = [sample.seconds for sample in samples]
    names = sorted({name for sample in samples for name in sample.memory})
    memory = {name: (times, [sample.memory.get(name, 0) for sample in samples]) for name in names}
    pictures.draw(
        RESULTS / f"soak-{datetime.now(UTC):%Y%m%d-%H%M%S}.png",
        "soak: what must not grow",
        {
            "MB": memory,
            "connections": {"connections": (times, [sample.connections for sample in samples])},
            "jobs": {"jobs": (times, [sample.jobs for sample in samples])},
        },
    )
