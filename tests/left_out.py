"""A pytest plugin that leaves out the tests of what is not installed here, and says so; under CI that fails.

Named by ``-p`` in pyproject.toml, so that the controller of pytest-xdist knows it too.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from tests import broker, chromium, redis_server

HERE = Path(__file__).resolve().parent

STACK = ["nginx", "redis-server", "prometheus", "promtool"]


@dataclass(frozen=True)
class Need:
    """Tests that need a program: a file of them, or a folder; how to find it, and what to say where it is missing."""

    tests: Path
    is_there: Callable[[], object]
    message: str


NEEDS = [
    Need(
        HERE / "bench" / "test_wrk.py",
        lambda: which("wrk"),
        "BENCH TESTS LEFT OUT ({count}): wrk is missing. On Debian or Ubuntu: sudo apt-get install wrk",
    ),
    Need(
        HERE / "browser",
        chromium.executable,
        "BROWSER TESTS LEFT OUT ({count}): Chromium is missing. On Debian or Ubuntu: sudo apt-get install chromium",
    ),
    Need(
        HERE / "events" / "test_broker.py",
        broker.executable,
        "BROKER TESTS LEFT OUT ({count}): RabbitMQ is missing."
        " On Debian or Ubuntu: sudo apt-get install rabbitmq-server",
    ),
    Need(
        HERE / "caching",
        redis_server.executable,
        "CACHE TESTS LEFT OUT ({count}): Redis is missing. On Debian or Ubuntu: sudo apt-get install redis-server",
    ),
    Need(
        HERE / "stack",
        # Debian keeps servers where only root looks for them.
        lambda: all(which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in STACK),
        "STACK TESTS LEFT OUT ({count}): nginx, Redis or Prometheus is missing."
        " On Debian or Ubuntu: sudo apt-get install nginx redis-server prometheus",
    ),
]
# How many were left out, by the message that says so.
LEFT_OUT = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for need in NEEDS:
        left_out = [item for item in items if item.path.is_relative_to(need.tests)]
        if left_out and not need.is_there():
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)
            config.stash[LEFT_OUT][need.message] = len(left_out)
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist has ended: its controller is to know what it left out."""
    node.config.stash[LEFT_OUT].update(getattr(node, "workeroutput", {}).get("left_out", {}))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[LEFT_OUT] and os.environ.get("CI"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """After pytest's own last line."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(config, "workeroutput"):
        for message, count in config.stash[LEFT_OUT].items():
            reporter.write_line(message.format(count=count), red=True, bold=True)
