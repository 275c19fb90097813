"""`make stack` and `make stack-down`: the production shape on this machine, beside whoever started it."""

import os
import signal
import subprocess
import sys
import time
from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config import embedded_postgres, processes, stack

_DETACH_SECONDS = 0.5
_RUNS_ALREADY = "The stack runs already: `make stack-down` stops it."


class Command(BaseCommand):
    help = "Start replicas behind nginx with all that they need, and return when they are ready; or stop them."
    # `migrate` runs them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--replicas", type=int, choices=range(1, 17), default=3, metavar="1 … 16")
        parser.add_argument("--redis", action="store_true", help="with a Redis to cache in")
        parser.add_argument("--cache", action="store_true", help="nginx keeps public answers, as long as they allow")
        parser.add_argument("--no-demo", action="store_true", help="without the demonstration's data")
        parser.add_argument("--down", action="store_true", help="stop everything")
        # What this command starts, to stay.
        parser.add_argument("--keeper", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["down"]:
            self._stop()
        elif options["keeper"]:
            self._keep(
                stack.Wanted(
                    replicas=options["replicas"],
                    redis=options["redis"],
                    cache=options["cache"],
                    # The demo accounts have a public password.
                    demo=not (options["no_demo"] or settings.COMPTOIR_PRODUCTION),
                )
            )
        else:
            self._start()

    def _start(self) -> None:
        processes.check_data_folder()
        if stack.Lock(settings.COMPTOIR_DATA).keeper():
            raise SystemExit(_RUNS_ALREADY)
        environment = dict(os.environ)
        if embedded_postgres.held_locks():
            # It is to use the embedded server in its own right, and to stop it at the end.
            environment["DATABASE_URL"] = ""
        reading, writing = os.pipe()
        keeper = subprocess.Popen(  # noqa: S603 the same command
            [sys.executable, *sys.argv, "--keeper"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
        os.close(writing)
        # Until it is ready, or has ended.
        while said := os.read(reading, 4096):
            os.write(sys.stdout.fileno(), said)
        try:
            raise SystemExit(keeper.wait(_DETACH_SECONDS))
        except subprocess.TimeoutExpired:
            return

    def _keep(self, wanted: stack.Wanted) -> None:
        started = time.monotonic()
        processes.exit_at_signals()
        stack.check(wanted)
        lock = stack.Lock(settings.COMPTOIR_DATA)
        if not lock.take():
            raise SystemExit(_RUNS_ALREADY)

        def ready(addresses: stack.Addresses) -> None:
            self._say(f"\nThe stack is ready ({time.monotonic() - started:.1f} s). `make stack-down` stops it.\n")
            self._say(processes.welcome(addresses.site, demo=wanted.demo))
            places = {**addresses.replicas, "redis": addresses.redis, "prometheus": addresses.prometheus}
            for name, address in places.items():
                self._say(f"  {name:<12} {address or 'none'}")
            self._say(f"  {'logs':<12} {settings.COMPTOIR_DATA}/*.log")
            _leave_terminal()

        stack.run(wanted, lock, self._say, ready)

    def _stop(self) -> None:
        processes.check_data_folder()
        lock = stack.Lock(settings.COMPTOIR_DATA)
        if keeper := lock.keeper():
            os.kill(keeper, signal.SIGTERM)
        if lock.wait_until_free():
            self._say("The stack is stopped.")
        else:
            self._say("There is no stack.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # in its place among the lines of the other processes


def _leave_terminal() -> None:
    """Write to a log from here on, and let whoever waits for our last line go."""
    log = os.open(settings.COMPTOIR_DATA / "stack.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(log, descriptor)
    os.close(log)
