"""A pytest plugin that leaves out the browser tests where there is no Chromium, and says so; under CI that fails.

Named by ``-p`` in pyproject.toml, so that the controller of pytest-xdist knows it too.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

BROWSER_TESTS = Path(__file__).resolve().parent / "browser"
LEFT_OUT = pytest.StashKey[int]()

MESSAGE = "BROWSER TESTS LEFT OUT ({count}): Chromium is missing. On Debian or Ubuntu: sudo apt-get install chromium"


def executable() -> str | None:
    """Chromium, where there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.path.is_relative_to(BROWSER_TESTS)]
    if executable() or not left_out:
        return
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = len(left_out)
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = len(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist has ended: its controller is to know what it left out."""
    if count := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = count


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(LEFT_OUT, 0) and os.environ.get("CI"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """After pytest's own last line."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    count = config.stash.get(LEFT_OUT, 0)
    if reporter and count and not hasattr(config, "workeroutput"):
        reporter.write_line(MESSAGE.format(count=count), red=True, bold=True)
