"""Webhooks in the admin: endpoints are made and changed by the head office, and their log is read there."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.interface import Role
from shared_kernel.models import WebhookDelivery, WebhookEndpoint
from shared_kernel.webhooks import _cipher
from tests.admin import Step, browser, errors_of, shows_step, told
from tests.chain import make_store
from tests.events.actions import deliver_to_endpoint, endpoint_at

pytestmark = pytest.mark.django_db

ENDPOINTS = "/admin/shared_kernel/webhookendpoint/"
DELIVERIES = "/admin/shared_kernel/webhookdelivery/"
FILLED_IN = {"name": "Shop", "url": "https://shop.example/hooks", "event_types": ["order.paid"], "active": "on"}


@pytest.fixture(autouse=True)
def webhooks_are_on(settings: Any) -> None:
    settings.COMPTOIR_WEBHOOKS = True


@pytest.fixture
def head() -> Client:
    return browser(Role.HEAD_OFFICE)


def create(client: Client) -> Step:
    return Step(client, f"{ENDPOINTS}create/")


def edit(client: Client, endpoint_id: Any) -> Step:
    return Step(client, f"{ENDPOINTS}{endpoint_id}/edit/")


def waiting_jobs() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'send_webhook' AND status = 'todo'")
        return int(cursor.fetchone()[0])


def test_an_endpoint_is_made_and_its_secret_shown_once(head: Client) -> None:
    event = "product.updated"

    page = create(head).submit(**FILLED_IN | {"event_types": [event]}).content.decode()

    row = WebhookEndpoint.objects.get()
    [secret] = set(re.findall(r"whsec_[\w-]+", page))
    assert (row.name, row.url, row.event_types, row.active) == ("Shop", FILLED_IN["url"], [event], True)
    assert _cipher().decrypt(bytes(row.secret)).decode() == secret
    later = [head.get(f"{ENDPOINTS}{path}").content.decode() for path in ("", f"{row.pk}/change/")]
    assert ["whsec_" in page for page in later] == [False, False]


def test_a_form_sent_twice_makes_one_endpoint_and_shows_one_secret(head: Client) -> None:
    form = create(head)
    values = FILLED_IN | {"event_types": []}
    form.submit(**values)

    [said] = told(form.submit(**values), head)

    assert said.startswith("This endpoint was made a moment ago")
    assert WebhookEndpoint.objects.count() == 1


def test_a_url_that_is_refused_comes_back_beside_its_field(head: Client) -> None:
    answer = create(head).submit(**FILLED_IN | {"url": "http://shop.example/", "event_types": []})

    assert errors_of(answer) == {"url": ["The url must begin with https://."]}
    assert WebhookEndpoint.objects.count() == 0


def test_only_events_that_there_are_can_be_asked_for(head: Client) -> None:
    answer = create(head).submit(**FILLED_IN | {"event_types": ["nothing.happened"]})

    assert "event_types" in errors_of(answer)
    assert WebhookEndpoint.objects.count() == 0


def test_an_endpoint_is_changed_and_keeps_its_secret(head: Client) -> None:
    endpoint_id = endpoint_at("https://shop.example/", "stock.low")
    secret = bytes(WebhookEndpoint.objects.get().secret)
    form = edit(head, endpoint_id)
    shown = [form.page.context["form"].fields[name].initial for name in ("name", "url", "event_types", "active")]

    [said] = told(form.submit(name="Other", url="https://other.example/", event_types=["stock.changed"]), head)

    assert shown == ["Shop", "https://shop.example/", ["stock.low"], True]
    assert said == "Other is saved."
    row = WebhookEndpoint.objects.get()
    assert (row.name, row.url, row.event_types, row.active) == (
        "Other",
        "https://other.example/",
        ["stock.changed"],
        False,
    )
    assert bytes(row.secret) == secret


def test_while_webhooks_are_off_the_list_says_so(head: Client, settings: Any) -> None:
    on = head.get(ENDPOINTS).content.decode()
    settings.COMPTOIR_WEBHOOKS = False
    off = head.get(ENDPOINTS).content.decode()

    assert ["COMPTOIR_WEBHOOKS" in page for page in (on, off)] == [False, True]


def test_deliveries_are_sent_again(head: Client) -> None:
    parked, other = deliver_to_endpoint(), deliver_to_endpoint()
    WebhookDelivery.objects.filter(pk=parked.pk).update(state="parked", attempts=10, next_try_at=None)

    [said] = told(Step(head, DELIVERIES, "send_again", parked.pk).submit(), head)

    assert said == "1 event is sent again."
    parked.refresh_from_db()
    assert (parked.state, parked.attempts) == ("waiting", 0)
    assert waiting_jobs() == 1
    assert WebhookDelivery.objects.get(pk=other.pk).attempts == 0


def test_the_log_is_searched_and_filtered(head: Client) -> None:
    one, other = deliver_to_endpoint(), deliver_to_endpoint()
    WebhookDelivery.objects.filter(pk=one.pk).update(state="parked", next_try_at=None)

    def listed(query: str) -> list[bool]:
        page = head.get(f"{DELIVERIES}?{query}").content.decode()
        return [str(row.pk) in page for row in (one, other)]

    assert listed("state=parked") == [True, False]
    assert listed(f"endpoint_id={other.endpoint_id}") == [False, True]
    assert listed(f"q={other.event_id}") == [False, True]
    assert listed("q=nonsense") == [False, False]
    assert listed("endpoint_id=nonsense") == [True, True]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD_OFFICE])
def test_nobody_else_sees_makes_or_sends_anything(role: Role) -> None:
    delivery = deliver_to_endpoint()
    client = browser(role, make_store())
    again = {"action": "send_again", "_selected_action": [str(delivery.pk)]}

    answers = [
        client.get(ENDPOINTS),
        client.get(f"{ENDPOINTS}create/"),
        client.post(f"{ENDPOINTS}create/", FILLED_IN),
        client.post(f"{ENDPOINTS}{delivery.endpoint_id}/edit/", FILLED_IN),
        client.get(DELIVERIES),
        client.post(DELIVERIES, again),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert not any(map(shows_step, answers))
    assert WebhookEndpoint.objects.get().url == "https://shop.example/hooks"
    assert waiting_jobs() == 0
