"""API keys in Django's admin: a key is shown once, to whoever made it, and is nowhere afterwards."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.timezone import localdate

from accounts.interface import Action, ApiKeyDraft, InvalidApiKey, Role, accounts, new_secret_key
from accounts.models import ApiKey
from shared_kernel.ids import new_id
from tests.accounts.actions import everything, nothing_changes
from tests.admin import Step, browser, errors_of, shows_step, told
from tests.chain import make_store

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/apikey/"
CREATE = f"{LIST}create/"
TILL = {"name": "Till 2, Lyon", "scopes": ["sales.record", "stock.read"], "store_id": "", "last_day": ""}


def make_key(**values: Any) -> tuple[UUID, str]:
    """A key, by its id and by itself."""
    draft = {"name": "Till", "scopes": frozenset({Action.SELL})} | values
    key_id, key = new_id(), new_secret_key()
    accounts.create_api_key(key_id=key_id, key=key, draft=ApiKeyDraft(**draft))
    return key_id, key


def revoke(key_id: UUID) -> None:
    accounts.revoke_api_key(key_id=key_id, now=datetime.now(UTC))


def page_of(key_id: UUID, step: str = "change") -> str:
    return f"{LIST}{key_id}/{step}/"


def key_on(page: Any) -> str:
    """The key that the page shows."""
    assert page.status_code == 200
    [key] = re.findall(r'value="(cpt_[^"]+)"', page.content.decode())
    return str(key)


def lets_in(key: str) -> bool:
    try:
        accounts.actor_of_key(key=key, now=datetime.now(UTC))
    except InvalidApiKey:
        return False
    return True


def test_a_key_that_is_made_lets_the_machine_do_that_alone() -> None:
    store = make_store("Lyon")

    page = Step(browser(Role.HEAD_OFFICE), CREATE).submit(**TILL | {"store_id": str(store.id)})

    actor = accounts.actor_of_key(key=key_on(page), now=datetime.now(UTC))
    assert actor.name == "Till 2, Lyon"
    assert actor.everywhere == frozenset()
    assert actor.in_stores == dict.fromkeys([Action.SELL, Action.READ_STOCK], frozenset({store.id}))


def test_a_key_is_shown_once_and_nowhere_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    client = browser(Role.HEAD_OFFICE)

    page = Step(client, CREATE).submit(**TILL)

    key = key_on(page)
    [row] = ApiKey.objects.all()
    later = [client.get(path).content.decode() for path in (LIST, page_of(row.pk), f"{page_of(row.pk, 'history')}")]
    assert "no-store" in page["Cache-Control"]
    assert not any(key in text for text in [*later, caplog.text, str(everything())])
    assert not any(key in str(session.get_decoded()) for session in Session.objects.all())


def test_a_form_sent_twice_makes_one_key_and_shows_no_other() -> None:
    client = browser(Role.HEAD_OFFICE)
    step = Step(client, CREATE)

    key = key_on(step.submit(**TILL))
    [said] = told(step.submit(**TILL), client)

    assert said.startswith("This key was made a moment ago")
    assert [row.prefix for row in ApiKey.objects.all()] == [key[:12]]
    assert lets_in(key)


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"name": ""}, {"name": ["This field is required."]}),
        ({"scopes": []}, {"scopes": ["This field is required."]}),
        (
            {"scopes": ["everything"]},
            {"scopes": ["Select a valid choice. everything is not one of the available choices."]},
        ),
        ({"last_day": "2020-01-01"}, {"last_day": ["This day is past."]}),
        ({"name": "a\nb"}, {"name": ["This has 1 to 200 characters, all in one line."]}),
    ],
)
def test_what_is_wrong_stands_beside_its_field(values: dict[str, Any], errors: dict[str, list[str]]) -> None:
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = Step(client, CREATE).submit(**TILL | values)

    assert errors_of(answer) == errors


def test_what_is_of_the_whole_chain_is_not_given_in_one_store() -> None:
    asked = TILL | {"scopes": ["sales.record", "catalog.edit", "stock.transfer"], "store_id": str(make_store().id)}
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = Step(client, CREATE).submit(**asked)

    text = "These are of the whole chain, and cannot be kept to a store: catalog.edit, stock.transfer."
    assert errors_of(answer) == {"scopes": [text]}


def test_a_key_holds_to_the_end_of_its_last_day() -> None:
    Step(browser(Role.HEAD_OFFICE), CREATE).submit(**TILL | {"last_day": localdate().isoformat()})

    [row] = ApiKey.objects.all()
    assert row.expires_at is not None
    assert localdate(row.expires_at) == localdate()
    assert localdate(row.expires_at + timedelta(seconds=1)) == localdate() + timedelta(days=1)


def test_rotating_shows_a_new_key_beside_which_the_old_one_holds_for_hours() -> None:
    store = make_store()
    key_id, old = make_key(store_id=store.id)

    page = Step(browser(Role.HEAD_OFFICE), page_of(key_id, "rotate")).submit(overlap="2", last_day="")

    new = key_on(page)
    now = datetime.now(UTC)
    assert accounts.actor_of_key(key=new, now=now).in_stores == {Action.SELL: frozenset({store.id})}
    assert lets_in(old)
    with pytest.raises(InvalidApiKey):
        accounts.actor_of_key(key=old, now=now + timedelta(hours=2))


def test_revoking_asks_first() -> None:
    key_id, key = make_key()
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        step = Step(client, page_of(key_id, "revoke"))
        unsure = step.submit()

    assert shows_step(step.page)
    assert errors_of(unsure) == {"sure": ["This field is required."]}
    assert lets_in(key)


def test_a_revoked_key_lets_nobody_in() -> None:
    key_id, key = make_key()
    client = browser(Role.HEAD_OFFICE)

    answer = Step(client, page_of(key_id, "revoke")).submit(sure="on")

    assert told(answer, client) == [f"Till, {key[:12]}… is revoked."]
    assert not lets_in(key)


@pytest.mark.parametrize("step", ["rotate", "revoke"])
@pytest.mark.parametrize("end", ["revoked", "expired", "unknown"])
def test_nothing_is_done_with_a_key_that_ended(step: str, end: str) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    key_id = new_id() if end == "unknown" else make_key(expires_at=past if end == "expired" else None)[0]
    if end == "revoked":
        revoke(key_id)
    client = browser(Role.HEAD_OFFICE)

    with nothing_changes():
        answer = client.post(page_of(key_id, step), {"operation_id": str(new_id()), "overlap": "1", "sure": "on"})

    assert told(answer, client) == ["There is nothing to do with these rows any more."]


def test_the_list_says_what_each_key_may_where_and_whether_it_holds() -> None:
    make_key(name="Till", store_id=make_store("Lyon").id)
    make_key(name="Reseller", scopes=frozenset(Action), expires_at=datetime.now(UTC) - timedelta(days=1))
    revoke(make_key(name="Lost")[0])
    client = browser(Role.HEAD_OFFICE)

    page = client.get(LIST).content.decode()
    held = {
        state: [row.name for row in client.get(f"{LIST}?state={state}").context["cl"].result_list]
        for state in ("in_use", "expired", "revoked")
    }

    for text in ("Lyon", "Sell", "Everything", "The whole chain", "In use", "Expired", "Revoked"):
        assert text in page
    assert held == {"in_use": ["Till"], "expired": ["Reseller"], "revoked": ["Lost"]}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD_OFFICE])
def test_keys_are_the_head_offices(role: Role) -> None:
    key_id, _ = make_key()
    client = browser(role, make_store())
    paths = [LIST, CREATE, *(page_of(key_id, step) for step in ("change", "rotate", "revoke"))]

    with nothing_changes():
        answers = [answer for path in paths for answer in (client.get(path), client.post(path, TILL | {"sure": "on"}))]

    assert {answer.status_code for answer in answers} == {403}


def test_a_key_is_neither_added_nor_changed_nor_deleted_past_the_steps() -> None:
    key_id, _ = make_key()
    client: Client = browser(Role.HEAD_OFFICE)
    paths = [f"{LIST}add/", page_of(key_id), page_of(key_id, "delete")]

    with nothing_changes():
        answers = [client.post(path, {"name": "Mine", "scopes": "people.edit", "post": "yes"}) for path in paths]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
