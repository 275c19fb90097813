"""Machines' keys: what they allow and where, for how long, and how one follows another."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client

from accounts.interface import (
    Action,
    Actor,
    ApiKey,
    ApiKeyDraft,
    ApiKeyEnded,
    ApiKeyNotFound,
    InvalidApiKey,
    InvalidDetails,
    accounts,
    new_secret_key,
)
from accounts.models import ApiKey as ApiKeyRow
from shared_kernel.ids import new_id
from tests.accounts.actions import everything, nothing_changes, refused
from tests.chain import make_product, make_store, post, put_in_stock

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STORE, OTHER_STORE = UUID(int=1), UUID(int=2)


def make(key: str, **values: Any) -> ApiKey:
    fields = {"name": "Till 1", "scopes": frozenset({Action.SELL, Action.READ_STOCK})}
    return accounts.create_api_key(key_id=new_id(), key=key, draft=ApiKeyDraft(**(fields | values)))


def rotate(old: ApiKey, key: str, *, successor_id: UUID | None = None, days: int = 7, now: datetime = NOW) -> ApiKey:
    return accounts.rotate_api_key(
        key_id=old.id,
        successor_id=successor_id or new_id(),
        key=key,
        old_until=now + days * DAY,
        expires_at=None,
        now=now,
    )


def actor(key: str, now: datetime = NOW) -> Actor:
    return accounts.actor_of_key(key=key, now=now)


def opens(key: str, now: datetime = NOW) -> bool:
    try:
        return bool(actor(key, now))
    except InvalidApiKey:
        return False


# --- What a key allows -----------------------------------------------------------------------------------------------


def test_a_key_of_a_store_allows_its_scopes_there() -> None:
    key = new_secret_key()
    made = make(key, store_id=STORE)

    machine = actor(key)

    assert (machine.id, machine.name, machine.roles) == (made.id, "Till 1", frozenset())
    assert machine.may(Action.SELL, at=STORE)
    assert machine.stores_for(Action.SELL) == {STORE}
    assert not machine.may(Action.SELL, at=OTHER_STORE)
    assert not machine.may(Action.REFUND, at=STORE)


def test_a_key_of_the_chain_allows_its_scopes_everywhere() -> None:
    key = new_secret_key()
    make(key)

    assert actor(key).everywhere == {Action.SELL, Action.READ_STOCK}
    assert actor(key).stores_for(Action.SELL) is None
    assert not actor(key).may(Action.EDIT_PEOPLE)


def test_what_a_machine_did_is_told_by_its_name() -> None:
    made = make(new_secret_key())

    assert accounts.names(person_ids=[made.id, new_id()]) == {made.id: "Till 1"}


def test_only_a_digest_and_the_prefix_of_a_key_are_kept() -> None:
    key = new_secret_key()

    made = make(key)

    assert re.fullmatch(r"cpt_[0-9a-f]{8}_[\w-]{43}", key)
    assert made.prefix == key[:12]
    assert key[12:] not in str(everything())
    assert key.encode() not in bytes(ApiKeyRow.objects.get().digest)


@pytest.mark.parametrize("key", ["", "nonsense", "cpt_", "é", "\x00"])
def test_what_is_no_key_opens_nothing(key: str) -> None:
    make(new_secret_key())

    with refused(InvalidApiKey):
        actor(key)


def test_a_prefix_opens_nothing() -> None:
    key = new_secret_key()

    assert not opens(make(key).prefix)
    assert not opens(key[:-1])
    assert opens(key)


def test_making_a_key_twice_makes_one() -> None:
    key, key_id = new_secret_key(), new_id()
    draft = ApiKeyDraft(name="Till 1", scopes=frozenset({Action.SELL}))
    made = accounts.create_api_key(key_id=key_id, key=key, draft=draft)

    with nothing_changes():
        assert accounts.create_api_key(key_id=key_id, key=key, draft=draft) == made


@pytest.mark.parametrize(("values", "field"), [({"name": " "}, "name"), ({"scopes": frozenset()}, "scopes")])
def test_a_key_has_a_name_and_allows_something(values: dict[str, Any], field: str) -> None:
    with refused(InvalidDetails) as refusal:
        make(new_secret_key(), **values)

    assert [error["field"] for error in refusal.value.errors] == [field]


def test_the_database_takes_no_key_that_allows_nothing() -> None:
    make(new_secret_key())

    with pytest.raises(IntegrityError, match="api_key_may_something"), connection.cursor() as cursor:
        cursor.execute("UPDATE api_key SET scopes = '{}'")


def test_a_scope_that_is_no_action_any_more_allows_nothing() -> None:
    key = new_secret_key()
    make(key)
    ApiKeyRow.objects.update(scopes=["sales.record", "sales.forgotten"])

    assert actor(key).everywhere == {Action.SELL}


# --- For how long ----------------------------------------------------------------------------------------------------


def test_a_key_of_a_store_from_earlier_reads_no_customers() -> None:
    key = new_secret_key()
    make(key, store_id=new_id())
    ApiKeyRow.objects.update(scopes=["people.read", "sales.record"])

    assert accounts.actor_of_key(key=key, now=NOW).in_stores.keys() == {Action.SELL}


def test_a_key_ends_when_it_expires() -> None:
    key = new_secret_key()
    make(key, expires_at=NOW + DAY)

    assert opens(key, NOW + DAY - MINUTE)
    assert not opens(key, NOW + DAY)


def test_a_revoked_key_opens_nothing() -> None:
    key = new_secret_key()
    made = make(key)

    revoked = accounts.revoke_api_key(key_id=made.id, now=NOW)
    with nothing_changes():
        assert accounts.revoke_api_key(key_id=made.id, now=NOW + DAY) == revoked

    assert revoked.revoked_at == NOW
    assert not opens(key)


def test_a_use_is_noted_once_a_minute() -> None:
    key = new_secret_key()
    make(key)
    noted = []

    for seconds in [0, 30, 59, 60, 90, 121]:
        actor(key, NOW + timedelta(seconds=seconds))
        noted.append(accounts.api_keys()[0].last_used_at)

    assert [(time - NOW).seconds for time in noted if time] == [0, 0, 0, 60, 60, 121]


def test_a_key_follows_another_without_a_break() -> None:
    old, new = new_secret_key(), new_secret_key()
    made = make(old, store_id=STORE)

    follower = rotate(made, new)

    assert (follower.name, follower.scopes, follower.store_id) == ("Till 1", made.scopes, STORE)
    assert opens(old, NOW + 7 * DAY - MINUTE)
    assert not opens(old, NOW + 7 * DAY)
    assert opens(new, NOW + 7 * DAY)
    assert [key.id for key in accounts.api_keys()] == [follower.id, made.id]


def test_rotating_twice_makes_one_follower() -> None:
    made, new, successor_id = make(new_secret_key()), new_secret_key(), new_id()
    follower = rotate(made, new, successor_id=successor_id)

    with nothing_changes():
        assert rotate(made, new, successor_id=successor_id) == follower


def test_the_old_key_does_not_live_longer_for_being_rotated() -> None:
    key = new_secret_key()

    rotate(make(key, expires_at=NOW + DAY), new_secret_key())

    assert not opens(key, NOW + DAY)


def test_a_key_that_has_ended_has_no_follower() -> None:
    revoked, expired = make(new_secret_key()), make(new_secret_key(), expires_at=NOW)
    accounts.revoke_api_key(key_id=revoked.id, now=NOW)

    for ended in (revoked, expired):
        with refused(ApiKeyEnded) as refusal:
            rotate(ended, new_secret_key())
        assert str(refusal.value) == f"The API key {ended.id} is revoked or has expired: create a new one."


def test_an_unknown_key_is_named() -> None:
    unknown = new_id()

    with refused(ApiKeyNotFound) as refusal:
        accounts.revoke_api_key(key_id=unknown, now=NOW)

    assert str(refusal.value) == f"There is no API key {unknown}."


# --- Over REST -------------------------------------------------------------------------------------------------------


def test_a_till_sells_in_its_store_and_nowhere_else() -> None:
    store, other, product, key = make_store(), make_store(), make_product(), new_secret_key()
    for place in (store, other):
        put_in_stock(product, place, 5)
    make(key, store_id=store.id)
    till = Client(headers={"X-API-Key": key})

    answers = [
        post(till, "/sales/", {"store_id": str(place.id), "lines": [{"product_id": str(product.id), "quantity": 1}]})
        for place in (store, other)
    ]

    assert [answer.status_code for answer in answers] == [201, 403]
    assert till.get("/api/v1/customers/").status_code == 403
    assert till.get("/api/v1/customers/me/").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/stock/movements/", "/api/v1/products/", "/api/v1/customers/"])
def test_a_key_that_does_not_hold_is_refused_even_where_none_is_needed(path: str) -> None:
    answer = Client(headers={"X-API-Key": "nonsense"}).get(path)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")


# --- By command ------------------------------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    printed = io.StringIO()
    call_command("api_key", *arguments, stdout=printed)
    return printed.getvalue().strip()


def test_the_command_makes_a_key_and_shows_it_once() -> None:
    key = command("create", "Till 1", "--scope", "sales.record", "--scope", "stock.read", "--store", str(STORE))

    machine = actor(key)
    assert (machine.name, machine.in_stores) == ("Till 1", {Action.SELL: {STORE}, Action.READ_STOCK: {STORE}})
    assert command("list") == (
        f"{key[:12]}  holds for ever  last used 2026-11-21 12:00  Till 1: sales.record, stock.read in {STORE}"
    )


def test_the_command_lets_one_key_follow_another() -> None:
    old = command("create", "Reseller", "--scope", "stock.read")
    new = command("rotate", old[:12], "--overlap-days", "2", "--expires-in-days", "30")
    now = datetime.now(UTC)

    assert (opens(old, now), opens(new, now)) == (True, True)
    assert (opens(old, now + 3 * DAY), opens(new, now + 3 * DAY), opens(new, now + 31 * DAY)) == (False, True, False)
    assert [line.split("  ")[1][:11] for line in command("list").splitlines()] == ["holds until", "holds until"]


def test_the_command_revokes_a_key() -> None:
    key = command("create", "Reseller", "--scope", "stock.read", "--expires-in-days", "0")

    assert "  expired " in command("list")
    assert command("revoke", key[:12]) == f"{key[:12]} lets nobody in any more."
    assert "  revoked " in command("list")
    assert "  last used never  Reseller: stock.read everywhere" in command("list")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["revoke", "cpt_nothing"], "There is no API key cpt_nothing: `list` shows them all."),
        (["create", " ", "--scope", "stock.read"], "name: This has 1 to 200 characters, all in one line."),
        (["create", "Till"], "Error: the following arguments are required: --scope"),
        (["create", "Till", "--scope", "everything"], "Error: argument --scope: invalid Action value: 'everything'"),
        (["create", "Till", "--scope", "stock.read", "--store", "x"], "Error: argument --store: invalid UUID value"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], sentence: str) -> None:
    with nothing_changes(), pytest.raises(CommandError, match=f"^{re.escape(sentence)}"):
        command(*arguments)
