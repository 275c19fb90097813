"""Tells events again."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from shared_kernel.jobs import Choice, discard, tell_again


class Command(BaseCommand):
    help = (
        "Hand events again to the subscribers that they were told to: parked ones, and those of the last days, as long "
        "as they are kept; and do other parked jobs again. All are idempotent. The worker does it within seconds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--parked", action="store_true", help="only what failed for the last time")
        parser.add_argument("--type", help="only events of this type, as order.paid")
        parser.add_argument("--id", type=UUID, help="only this event")
        parser.add_argument("--since", type=moment, help="only events from this time on, as 2026-03-01T08:00+01:00")
        parser.add_argument(
            "--subscriber",
            help="only to this one: a handler, as cart.tasks.withdraw_archived_product, or a task, as relay_event",
        )
        parser.add_argument("--discard", action="store_true", help="remove what is parked instead, for good")

    def handle(self, *args: Any, **options: Any) -> None:
        if not any(options[name] for name in ("parked", "type", "id", "since", "subscriber", "discard")):
            raise CommandError("Say which events: --parked, or one of the others. See --help.")
        choice = Choice(
            event_type=options["type"],
            event_id=options["id"],
            subscriber=options["subscriber"],
            since=options["since"],
            parked_only=options["parked"],
        )
        if options["discard"]:
            self.stdout.write(f"{discard(choice)} parked jobs removed.")
        else:
            self.stdout.write(f"{tell_again(choice)} jobs to be done again.")


def moment(text: str) -> datetime:
    """A time, in UTC unless it says otherwise."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
