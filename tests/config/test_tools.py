"""The programs behind make's targets, which no other test starts as they are."""

import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.parametrize("tool", ["tests.bench", "tests.volume", "tests.load", "tests.events.outage"])
def test_a_tool_says_what_it_does(tool: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", tool, "--help"],
        cwd=settings.BASE_DIR,
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("usage: ")
