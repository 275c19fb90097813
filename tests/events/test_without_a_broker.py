"""Where there is no RabbitMQ, its tests are left out aloud; under CI that is a failure."""

import os
import subprocess
import sys

from django.conf import settings


def run_broker_tests(**environment: str) -> subprocess.CompletedProcess[str]:
    tests = ["tests/events/test_broker.py", "tests/config/test_metrics.py"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *tests, "-q", "--collect-only"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"PATH": "", "RABBITMQ_SERVER": "/nowhere", "CI": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_last_line_says_what_is_missing() -> None:
    outcome = run_broker_tests()

    assert outcome.returncode == 0, outcome.stdout
    assert "test_metrics" in outcome.stdout
    assert "test_broker" not in outcome.stdout
    assert outcome.stdout.splitlines()[-1].startswith("BROKER TESTS LEFT OUT (")


def test_under_ci_it_is_a_failure() -> None:
    assert run_broker_tests(CI="true").returncode == 1
