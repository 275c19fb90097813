"""The relay to a real RabbitMQ, which may be away; and a program that listens."""

import gc
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.conf import settings
from kombu.connection import Connection
from kombu.entity import Queue, binding
from kombu.exceptions import OperationalError
from procrastinate.jobs import Job

from config.ports import free_port
from shared_kernel import outbox
from shared_kernel.events import Event
from shared_kernel.ids import new_id
from shared_kernel.relay import EXCHANGE, disconnect, relay
from tests.broker import PATIENCE, Broker
from tests.events.queue import jobs, make_all_due, states, work

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class TrainArrived(Event):
    type: ClassVar[str] = "train.arrived"
    train_id: UUID
    stop: int


@dataclass(frozen=True)
class TrainLate(Event):
    type: ClassVar[str] = "train.late"
    train_id: UUID


passengers: list[Event] = []


def wait_for_train(event: TrainArrived) -> None:
    passengers.append(event)


@pytest.fixture(scope="session")
def server() -> Iterator[Broker]:
    with tempfile.TemporaryDirectory(prefix="comptoir-broker-") as folder:
        broker = Broker(Path(folder))
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


@pytest.fixture(autouse=True)
def broker(server: Broker, settings: Any, own_subscribers: None) -> Iterator[Broker]:
    """A broker that is there, and to which everything is relayed."""
    if server.process is None:
        server.start()
    settings.AMQP_URL = server.url
    outbox.forward(relay, in_order=True)
    yield server
    disconnect()


class Ears:
    """A durable queue of a test."""

    def __init__(self, broker: Broker, *keys: str) -> None:
        self.url = broker.url
        self.queue = Queue(f"test.{new_id()}", bindings=[binding(EXCHANGE, key) for key in keys], durable=True)
        with Connection(self.url) as connection:
            self.queue(connection.channel()).declare()

    def messages(self) -> list[Any]:
        """All that has come, acknowledged."""
        with Connection(self.url) as connection:
            queue = self.queue(connection.channel())
            heard = []
            while (message := queue.get(no_ack=True)) is not None:
                heard.append(message)
            return heard

    def events(self) -> list[Any]:
        return [message.decode() for message in self.messages()]


def relay_all() -> None:
    """Do the relay's jobs one after the other, as the worker does."""
    for job in jobs("relay_event"):
        relay(**job)


def test_an_event_reaches_the_exchange_under_its_type_as_the_world_is_told_of_it(broker: Broker) -> None:
    ears, deaf_ears = Ears(broker, "train.*"), Ears(broker, "order.#")
    event = TrainArrived(new_id(), stop=3)
    outbox.publish([event])
    [job] = jobs("relay_event")

    relay(**job)

    [message] = ears.messages()
    told = message.decode()
    assert told == job["event"]
    assert (told["type"], told["data"]) == ("train.arrived", {"train_id": str(event.train_id), "stop": 3})
    assert message.delivery_info["routing_key"] == "train.arrived"
    assert message.content_type == "application/json"
    assert (message.properties["message_id"], message.properties["delivery_mode"]) == (told["id"], 2)
    assert deaf_ears.messages() == []


def test_an_event_that_nobody_asked_for_is_no_failure(broker: Broker) -> None:
    outbox.publish([TrainLate(new_id())])

    relay_all()


def test_a_thread_keeps_its_connection(broker: Broker) -> None:
    ears = Ears(broker, "#")
    outbox.publish([TrainLate(new_id())] * 200)
    relay_all()

    began = time.monotonic()
    relay_all()

    assert time.monotonic() - began < 5
    assert len(ears.messages()) == 400


def test_messages_and_the_exchange_outlive_the_broker(broker: Broker) -> None:
    ears = Ears(broker, "#")
    outbox.publish([TrainLate(new_id())])
    relay_all()

    broker.kill()
    broker.start()

    assert [event["type"] for event in ears.events()] == ["train.late"]


# The worker's threads keep their connections until they end, and nobody closes them then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_away_delays_its_events_and_nothing_else(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[[int], Any]
) -> None:
    ears = Ears(broker, "#")
    passengers.clear()
    outbox.subscribe(TrainArrived, wait_for_train)
    trains = [new_id(), new_id(), new_id()]
    relayed = [TrainArrived(train, stop) for stop in (1, 2) for train in trains]
    outbox.publish(relayed)
    work(monkeypatch, "relay")

    broker.kill()
    with django_assert_num_queries(1):
        outbox.publish([TrainArrived(train, stop) for stop in (3, 4, 5) for train in trains])
    work(monkeypatch, "relay")
    work(monkeypatch, "events")
    # Only the first of each train was tried: the others wait for it.
    while_away = [attempts for state, attempts in states("relay_event") if state == "todo"]
    broker.start()
    for _ in range(5):
        make_all_due()
        work(monkeypatch, "relay")
    gc.collect()

    assert while_away == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert len(passengers) == 15
    assert {state for state, _ in states("relay_event")} == {"succeeded"}
    events = ears.events()
    for train in trains:
        stops = [event["data"]["stop"] for event in events if event["data"]["train_id"] == str(train)]
        assert list(dict.fromkeys(stops)) == [1, 2, 3, 4, 5]
        # One may come twice, but none after a later one.
        assert stops == sorted(stops)


def test_a_broker_that_was_away_between_two_events_is_found_again(broker: Broker) -> None:
    ears = Ears(broker, "#")
    outbox.publish([TrainLate(new_id())])
    relay_all()

    broker.kill()
    broker.start()
    with pytest.raises(OSError):  # noqa: PT011 whatever the connection says
        relay_all()
    relay_all()

    assert len(ears.messages()) == 2


def test_a_broker_that_hangs_is_no_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared_kernel.relay.CONFIRM_SECONDS", 0.5)
    outbox.publish([TrainLate(new_id())])
    relay_all()
    began = time.monotonic()

    broker.pause()
    try:
        with pytest.raises(OSError):  # noqa: PT011 whatever the connection says
            relay_all()
    finally:
        broker.resume()

    assert time.monotonic() - began < 8
    relay_all()


def test_without_a_broker_a_job_is_given_back_at_once(settings: Any) -> None:
    settings.AMQP_URL = f"amqp://127.0.0.1:{free_port()}//"
    disconnect()
    outbox.publish([TrainLate(new_id())])
    began = time.monotonic()

    with pytest.raises(OperationalError, match="refused"):
        relay_all()

    assert time.monotonic() - began < 1


def test_the_relay_tries_for_ever_and_waits_a_minute_at_most() -> None:
    def wait(attempts: int) -> float:
        job = Job(id=1, queue="relay", lock=None, queueing_lock=None, task_name="", attempts=attempts)
        decision = relay.retry_strategy.get_retry_decision(exception=OSError(), job=job)
        return round(decision.retry_at.timestamp() - time.time())

    assert [wait(attempts) for attempts in (0, 1, 2, 5, 6, 100_000)] == [1, 2, 4, 32, 60, 60]


# --- A program that listens -----------------------------------------------------------------------------------------


class Program:
    """`manage.py listen`, as somebody runs it."""

    def __init__(self, broker: Broker, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "listen", *arguments],
            cwd=settings.BASE_DIR,
            env={"AMQP_URL": broker.url, "DATABASE_URL": "postgresql:///none", "PATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


def wait_for_queue(broker: Broker, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with Connection(broker.url) as connection:
            try:
                connection.channel().queue_declare(name, passive=True)
            except connection.channel_errors:
                time.sleep(0.1)
            else:
                return
    raise AssertionError(f"{name} is not there.")


def test_a_program_hears_what_it_asked_for_also_after_the_broker_was_gone(broker: Broker) -> None:
    name, first, second = f"test.{new_id()}", new_id(), new_id()
    with Program(broker, "train.late", "bus.*", "--queue", name) as program:
        wait_for_queue(broker, name)
        outbox.publish([TrainArrived(first, stop=1), TrainLate(first)])
        relay_all()
        heard = [program.line()]
        broker.kill()
        broker.start()
        disconnect()
        outbox.publish([TrainLate(second)])
        relay(**jobs("relay_event")[-1])
        while len(heard) < 2:
            event = program.line()
            heard += [event] if event["id"] != heard[0]["id"] else []
        program.process.send_signal(signal.SIGTERM)
        status = program.process.wait(PATIENCE)

    assert [(event["type"], event["data"]) for event in heard] == [
        ("train.late", {"train_id": str(first)}),
        ("train.late", {"train_id": str(second)}),
    ]
    assert status == 0


def test_what_happens_while_nobody_listens_is_heard_later(broker: Broker) -> None:
    name = f"test.{new_id()}"
    with Program(broker, "--queue", name):
        wait_for_queue(broker, name)
    outbox.publish([TrainLate(new_id())])
    relay_all()

    with Program(broker, "--queue", name) as program:
        event = program.line()

    assert event["type"] == "train.late"
