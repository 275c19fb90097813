from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.interface import Action, ApiKey, ApiKeyDraft, accounts, new_secret_key
from shared_kernel.errors import Refusal
from shared_kernel.ids import new_id


class Command(BaseCommand):
    help = "Give machines (tills, resellers) keys to the API, for the header X-API-Key. A key is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        create = commands.add_parser("create", help="make a key")
        create.add_argument("name", help="what the machine is called")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            type=Action,
            metavar="ACTION",
            help=f"what it may do; to be repeated. One of {', '.join(Action)}",
        )
        create.add_argument("--store", type=UUID, help="the id of the one store in which it may; everywhere by default")
        rotate = commands.add_parser("rotate", help="make a key that takes an old one's place")
        rotate.add_argument("prefix", help="the beginning of the old key, as `list` shows it")
        rotate.add_argument(
            "--overlap-days", type=int, default=7, help="for how long the old one holds still (7 days by default)"
        )
        for parser_of_new in (create, rotate):
            parser_of_new.add_argument("--expires-in-days", type=int, help="for ever by default")
        revoke = commands.add_parser("revoke", help="let nobody in with this key from now on")
        revoke.add_argument("prefix", help="the beginning of the key, as `list` shows it")
        commands.add_parser("list", help="show all keys, the newest first")

    def handle(self, *args: Any, **options: Any) -> None:
        run = {"create": self._create, "rotate": self._rotate, "revoke": self._revoke, "list": self._list}
        try:
            run[options["command"]](datetime.now(UTC), options)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal

    def _create(self, now: datetime, options: dict[str, Any]) -> None:
        draft = ApiKeyDraft(
            name=options["name"],
            scopes=frozenset(options["scope"]),
            store_id=options["store"],
            expires_at=_in_days(now, options["expires_in_days"]),
        )
        key = new_secret_key()
        accounts.create_api_key(key_id=new_id(), key=key, draft=draft)
        self.stdout.write(key)

    def _rotate(self, now: datetime, options: dict[str, Any]) -> None:
        key = new_secret_key()
        accounts.rotate_api_key(
            key_id=_named(options["prefix"]).id,
            successor_id=new_id(),
            key=key,
            old_until=now + timedelta(days=options["overlap_days"]),
            expires_at=_in_days(now, options["expires_in_days"]),
            now=now,
        )
        self.stdout.write(key)

    def _revoke(self, now: datetime, options: dict[str, Any]) -> None:
        accounts.revoke_api_key(key_id=_named(options["prefix"]).id, now=now)
        self.stdout.write(f"{options['prefix']} lets nobody in any more.")

    def _list(self, now: datetime, options: dict[str, Any]) -> None:
        for key in accounts.api_keys():
            place = f"in {key.store_id}" if key.store_id else "everywhere"
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            scopes = ", ".join(sorted(key.scopes))
            self.stdout.write(f"{key.prefix}  {_state(key, now)}  last used {used}  {key.name}: {scopes} {place}")


def _in_days(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def _named(prefix: str) -> ApiKey:
    found = [key for key in accounts.api_keys() if key.prefix == prefix]
    if not found:
        raise CommandError(f"There is no API key {prefix}: `list` shows them all.")
    return found[0]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if not key.expires_at:
        return "holds for ever"
    return f"{'expired' if key.expires_at <= now else 'holds until'} {key.expires_at:%Y-%m-%d}"
