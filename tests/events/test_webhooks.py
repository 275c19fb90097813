"""Webhooks: integrators are told, signed, once; again where they do not answer; and nobody inside is reached."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.test import Client

from catalog.interface import ProductUpdated
from config.ports import free_port
from shared_kernel import outbox, outgoing
from shared_kernel.ids import new_id
from shared_kernel.models import WebhookDelivery, WebhookEndpoint
from shared_kernel.webhooks import (
    WAITS,
    EndpointDraft,
    InvalidEndpoint,
    announce,
    change_endpoint,
    create_endpoint,
    forget_deliveries,
    new_secret,
    send,
    send_again,
)
from tests.events.actions import SECRET, endpoint_at
from tests.events.queue import jobs, make_all_due, work
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


class Integrator:
    """A program of somebody else, that answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], str]] = []
        self.answers: list[int] = []
        self.silent = Flag()
        integrator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                integrator.heard.append((self.path, dict(self.headers), body))
                if integrator.silent.is_set():
                    return
                self.send_response(integrator.answers.pop(0) if integrator.answers else 204)
                self.send_header("Location", integrator.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?shop=1"


@pytest.fixture(autouse=True)
def forwarded(own_subscribers: None) -> None:
    outbox.forward(announce, in_order=False)


@pytest.fixture
def integrator() -> Iterator[Integrator]:
    program = Integrator()
    thread = Thread(target=program.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield program
    program.server.shutdown()
    thread.join()
    program.server.server_close()


def told() -> dict[str, Any]:
    """Publish an event and let the endpoints be told of it; returns it as the world is told."""
    outbox.publish([ProductUpdated(new_id())])
    job = jobs("announce_event")[-1]
    announce(**job)
    return dict(job["event"])


def send_latest() -> WebhookDelivery:
    send(**jobs("send_webhook")[-1])
    return WebhookDelivery.objects.latest("id")


# --- One event ------------------------------------------------------------------------------------------------------


def test_an_endpoint_is_told_of_an_event_signed(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    event = told()

    delivery = send_latest()

    [(path, headers, body)] = integrator.heard
    assert path == "/hooks?shop=1"
    assert json.loads(body) == event
    assert headers["Content-Type"] == "application/json"
    assert (headers["Comptoir-Event"], headers["Comptoir-Event-Id"]) == ("product.updated", event["id"])
    time_part, _, proof = headers["Comptoir-Signature"].partition(",v1=")
    moment = time_part.removeprefix("t=")
    assert proof == hmac.new(SECRET.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    assert abs(datetime.now(UTC).timestamp() - int(moment)) < 60
    assert (delivery.state, delivery.attempts, delivery.status, delivery.error) == ("delivered", 1, 204, "")
    assert (delivery.next_try_at, str(delivery.event_id)) == (None, event["id"])
    assert delivery.milliseconds is not None


def test_the_worker_does_all_of_it(integrator: Integrator, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint_at(integrator.url)
    outbox.publish([ProductUpdated(new_id())])

    work(monkeypatch, "webhooks")
    make_all_due()
    work(monkeypatch, "webhooks")

    assert len(integrator.heard) == 1
    assert jobs("send_webhook") == []


def test_an_event_told_twice_is_sent_once(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    told()
    announce(**jobs("announce_event")[0])

    for job in jobs("send_webhook") * 2:
        send(**job)

    assert len(integrator.heard) == 1
    assert WebhookDelivery.objects.count() == 1


def test_an_event_told_twice_at_once_is_sent_once(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    outbox.publish([ProductUpdated(new_id())])
    [job] = jobs("announce_event")

    at_once([lambda: announce(**job)] * 4)
    for sent in jobs("send_webhook"):
        send(**sent)

    assert WebhookDelivery.objects.count() == 1
    assert len(integrator.heard) == 1


def test_each_endpoint_is_told_of_what_it_asked_for_while_it_is_active(integrator: Integrator) -> None:
    wanted = [endpoint_at(integrator.url), endpoint_at(integrator.url, "order.paid", "product.updated")]
    endpoint_at(integrator.url, "order.paid")
    endpoint_at(integrator.url, active=False)

    told()

    assert sorted(WebhookDelivery.objects.values_list("endpoint_id", flat=True)) == sorted(wanted)


# --- An endpoint that does not answer -------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_failure_is_written_down_and_tried_again_later(integrator: Integrator, answer: int) -> None:
    endpoint_at(integrator.url)
    told()
    integrator.answers = [answer]

    failed = send_latest()
    again = send_latest()

    assert (failed.state, failed.attempts, failed.status) == ("waiting", 1, answer)
    assert failed.error == f"The endpoint answered {answer}."
    assert failed.next_try_at is not None
    assert timedelta(seconds=5) < failed.next_try_at - datetime.now(UTC) <= WAITS[0]
    assert (again.state, again.attempts, again.status, again.error) == ("delivered", 2, 204, "")
    assert len(integrator.heard) == 2, "a redirect is not followed"


def test_silence_is_a_failure(integrator: Integrator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.3)
    integrator.silent.set()
    endpoint_at(integrator.url)
    told()

    delivery = send_latest()

    assert (delivery.state, delivery.status) == ("waiting", None)
    assert delivery.error


def test_nobody_there_is_a_failure() -> None:
    endpoint_at(f"http://127.0.0.1:{free_port()}/")
    told()

    delivery = send_latest()

    assert delivery.state == "waiting"
    assert "refused" in delivery.error


def test_after_a_day_of_growing_waits_a_delivery_is_parked_and_the_metrics_say_so(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    told()
    integrator.answers = [500] * (len(WAITS) + 1)

    tries = [send_latest() for _ in range(len(WAITS) + 1)]

    assert [row.state for row in tries] == ["waiting"] * len(WAITS) + ["parked"]
    assert (tries[-1].attempts, tries[-1].next_try_at) == (len(WAITS) + 1, None)
    assert sorted(WAITS) == WAITS
    assert timedelta(hours=23) < sum(WAITS, timedelta()) <= timedelta(hours=25)
    assert b"\ncomptoir_parked_webhooks 1.0\n" in Client().get("/metrics").content


def test_what_is_parked_can_be_sent_again_with_all_its_tries(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    told()
    integrator.answers = [500] * (len(WAITS) + 1)
    parked = [send_latest() for _ in range(len(WAITS) + 1)][-1]

    count = send_again(delivery_ids=[parked.id], now=datetime.now(UTC))
    delivery = send_latest()

    assert count == 1
    assert (delivery.state, delivery.attempts) == ("delivered", 1)


def test_what_waits_to_be_sent_again_is_sent_at_once_when_somebody_asks(
    integrator: Integrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint_at(integrator.url)
    told()
    integrator.answers = [500]
    work(monkeypatch, "webhooks")
    [waiting] = WebhookDelivery.objects.all()
    assert (waiting.state, waiting.attempts) == ("waiting", 1)

    send_again(delivery_ids=[waiting.id], now=datetime.now(UTC))
    work(monkeypatch, "webhooks")

    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts, len(integrator.heard)) == ("delivered", 1, 2)
    assert jobs("send_webhook") == []


def test_asking_again_during_a_try_counts_more_than_its_answer(
    integrator: Integrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint_at(integrator.url)
    told()
    integrator.answers = [500]
    send_latest()
    [late] = WebhookDelivery.objects.all()
    [second_try] = [job for job in jobs("send_webhook") if job["attempts"] == 1]

    def post(*args: Any, **kwargs: Any) -> int:
        send_again(delivery_ids=[late.id], now=datetime.now(UTC))
        return 500

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(outgoing, "post", post)
        send(**second_try)

    late.refresh_from_db()
    assert (late.state, late.attempts, jobs("send_webhook")[-1]["attempts"]) == ("waiting", 0, 0)


def test_a_job_of_before_does_nothing_beside_the_one_that_counts(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    told()
    integrator.answers = [500]
    send_latest()
    old = jobs("send_webhook")[0]

    send(**old)

    assert len(integrator.heard) == 1


def test_what_waits_for_an_endpoint_that_is_not_active_any_more_is_parked(integrator: Integrator) -> None:
    endpoint_id = endpoint_at(integrator.url)
    told()
    change_endpoint(endpoint_id=endpoint_id, draft=EndpointDraft("Shop", integrator.url, active=False))

    delivery = send_latest()

    assert integrator.heard == []
    assert (delivery.state, delivery.attempts, delivery.error) == ("parked", 0, "The endpoint is not active.")


def test_deliveries_are_forgotten_in_the_end(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    told()
    now = datetime.now(UTC)

    assert forget_deliveries(before=now - timedelta(minutes=1)) == 0
    assert forget_deliveries(before=now) == 1
    send(**jobs("send_webhook")[0])
    assert integrator.heard == []


def test_the_database_knows_an_event_and_an_endpoint_once(integrator: Integrator) -> None:
    endpoint_at(integrator.url)
    told()
    row = WebhookDelivery.objects.get()
    row.id = new_id()

    with pytest.raises(IntegrityError, match="webhook_delivery_once"), atomic():
        row.save(force_insert=True)


# --- Endpoints ------------------------------------------------------------------------------------------------------


def test_a_secret_is_not_readable_where_it_is_kept() -> None:
    endpoint_at("https://shop.example/")

    kept = bytes(WebhookEndpoint.objects.get().secret)

    assert SECRET.encode() not in kept
    assert b"whsec" not in kept


def test_a_secret_survives_a_change_of_the_installations_key(integrator: Integrator, settings: Any) -> None:
    endpoint_at(integrator.url)
    told()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"

    assert send_latest().state == "delivered"


def test_without_its_key_nothing_is_sent_unsigned(integrator: Integrator, settings: Any) -> None:
    endpoint_at(integrator.url)
    told()
    settings.SECRET_KEY = "another key"

    delivery = send_latest()

    assert delivery.error.startswith("InvalidToken")
    assert integrator.heard == []


def test_secrets_are_long_and_none_is_like_another() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert {len(secret) for secret in made} == {49}


def test_an_endpoint_made_twice_keeps_its_first_secret() -> None:
    endpoint_id, draft = new_id(), EndpointDraft("Shop", "https://shop.example/")

    made = [create_endpoint(endpoint_id=endpoint_id, secret=new_secret(), draft=draft) for _ in range(2)]

    assert made == [True, False]


def test_making_and_changing_an_endpoint_is_in_the_audit_trail_without_url_and_secret() -> None:
    endpoint_id = endpoint_at("https://shop.example/token-in-the-path")

    with connection.cursor() as cursor:
        cursor.execute("SELECT deed, changes FROM audit_entry WHERE subject_id = %s", [str(endpoint_id)])
        [(deed, changes)] = cursor.fetchall()

    assert deed == "created"
    assert "Shop" in str(changes)
    assert "token-in-the-path" not in str(changes)
    assert "gAAAA" not in str(changes)


# --- Where nothing is sent ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "ftp://shop.example/",
        "shop.example",
        "https://",
        "https://user:password@shop.example/",
        "https://user@shop.example/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example/a b",
        "https://shop.example/\r\nX-Evil: 1",
        "https://[::1",
        "http://127.0.0.1.shop.example/",
        "http://localhost/",
        "",
    ],
)
@pytest.mark.parametrize("production", [False, True])
def test_some_urls_are_refused_and_nothing_is_made(url: str, production: bool, settings: Any) -> None:
    settings.COMPTOIR_PRODUCTION = production

    with pytest.raises(InvalidEndpoint):
        endpoint_at(url)

    assert WebhookEndpoint.objects.count() == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[fd00::1]", "[::ffff:10.0.0.1]"]
)
def test_private_addresses_are_refused_in_production(host: str, settings: Any) -> None:
    settings.COMPTOIR_PRODUCTION = True

    with pytest.raises(InvalidEndpoint):
        endpoint_at(f"https://{host}/")


def test_this_machine_may_be_called_by_http_outside_production_alone(integrator: Integrator, settings: Any) -> None:
    endpoint_at(integrator.url)
    told()
    settings.COMPTOIR_PRODUCTION = True

    delivery = send_latest()

    assert delivery.error.startswith("AddressRefused")
    assert integrator.heard == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("0.0.0.0", False),  # noqa: S104 nothing is bound to it
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_what_is_an_address_of_the_world(address: str, public: bool) -> None:
    assert outgoing.is_public(ip_address(address)) is public


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["fe80::1%eth0"]])
def test_a_name_that_leads_inside_is_refused_in_production(
    addresses: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COMPTOIR_PRODUCTION = True
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (one, 443)) for one in addresses])
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, to: connected.append(to))
    endpoint_at("https://shop.example/")
    told()

    delivery = send(**jobs("send_webhook")[-1]) or WebhookDelivery.objects.get()

    assert delivery.error == "AddressRefused: shop.example is a private address."
    assert connected == []


def test_the_connection_goes_to_the_address_that_was_checked(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means something else when it is asked for again leads nowhere else."""
    settings.COMPTOIR_PRODUCTION = True
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if host == "shop.example" and len(asked) == 1 else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[Any] = []

    def connect(_: Any, to: Any) -> None:
        connected.append(to)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", connect)

    with pytest.raises(Exception, match=r"93\.184\.216\.34"):
        outgoing.post("https://shop.example/", "{}", {}, production=True)

    assert connected == [("93.184.216.34", 443)]
    assert asked == ["shop.example", "93.184.216.34"]
