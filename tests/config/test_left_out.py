"""Where a program is missing, the tests that need it are left out aloud; under CI that is a failure."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

TESTS = [
    *("bench/test_wrk.py", "browser/test_journey.py", "events/test_broker.py", "caching/test_answers.py"),
    "config/test_metrics.py",
]


def collect(**environment: str) -> "subprocess.CompletedProcess[str]":
    """What pytest finds to run where nothing is installed."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *(f"tests/{path}" for path in TESTS), "-q", "--collect-only"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"PATH": "", "RABBITMQ_SERVER": "/nowhere", "CI": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_last_lines_say_what_is_missing() -> None:
    outcome = collect()

    assert outcome.returncode == 0, outcome.stdout
    assert "test_metrics" in outcome.stdout
    assert not any(
        left_out in outcome.stdout for left_out in ("test_wrk", "test_journey", "test_broker", "test_answers")
    )
    assert [line.partition(" (")[0] for line in outcome.stdout.splitlines()[-4:]] == [
        *("BENCH TESTS LEFT OUT", "BROWSER TESTS LEFT OUT", "BROKER TESTS LEFT OUT", "CACHE TESTS LEFT OUT"),
    ]


def test_under_ci_it_is_a_failure() -> None:
    assert collect(CI="true").returncode == 1


def test_the_installer_does_nothing_where_everything_is_there(tmp_path: Path) -> None:
    for name in ("chromium", "nginx", "prometheus", "rabbitmq-server", "redis-server", "wrk"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)

    outcome = subprocess.run(
        [settings.BASE_DIR / "deploy" / "install-test-tools"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
