"""Where there is no Chromium, the browser tests are left out aloud; under CI that is a failure."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def run_browser_tests(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "tests/browser/test_journey.py", "tests/config/test_metrics.py", "-q"]
    return subprocess.run(
        [*command, "--collect-only", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"PATH": "", "CI": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_last_line_says_what_is_missing() -> None:
    outcome = run_browser_tests()

    assert outcome.returncode == 0, outcome.stdout
    assert "test_metrics" in outcome.stdout
    assert "test_journey" not in outcome.stdout
    assert outcome.stdout.splitlines()[-1].startswith("BROWSER TESTS LEFT OUT (")


def test_under_ci_it_is_a_failure() -> None:
    assert run_browser_tests(CI="true").returncode == 1


def test_the_installer_does_nothing_where_everything_is_there(tmp_path: Path) -> None:
    for name in ("chromium", "rabbitmq-server"):
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
