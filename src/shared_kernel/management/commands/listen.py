"""Prints events as they come from the broker: how another program listens."""

import json
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from kombu.entity import Queue, binding
from kombu.mixins import ConsumerMixin

from shared_kernel.relay import EXCHANGE, broker

HEARTBEAT_SECONDS = 10
TAKEN_AT_ONCE = 100


class Command(BaseCommand):
    help = (
        "Print each event of the RabbitMQ of AMQP_URL as a line of JSON. The queue is durable: what happens while "
        "nobody listens is kept for later. An event is acknowledged once it is printed, so it comes at least once, and "
        "events about one thing come in order, repeated ones aside: a program that must act once keeps the ids that it "
        "has acted on, in the transaction in which it acts, and skips an id that it has. One queue is for one program; "
        "of several that share it, each gets some of the events, in no order."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "keys", nargs="*", default=["#"], help="types of events, as order.paid, order.* or # for all"
        )
        parser.add_argument("--queue", default="comptoir.listen", help="the queue's name, one for each program")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AMQP_URL:
            raise CommandError("AMQP_URL is not set: there is no broker to listen to.")
        listener = Listener(options["queue"], options["keys"], self.stdout)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, listener.stop)
        listener.run()  # type: ignore[no-untyped-call]  # it knows no types


class Listener(ConsumerMixin):
    """Prints what comes into a queue of its own; when the broker is gone, connects again until it is back."""

    def __init__(self, name: str, keys: list[str], out: Any) -> None:
        self.connection = broker(heartbeat=HEARTBEAT_SECONDS)
        self.queue = Queue(name, bindings=[binding(EXCHANGE, key) for key in keys], durable=True)
        self.out = out

    def get_consumers(self, make: Any, channel: Any) -> list[Any]:
        return [make(queues=[self.queue], on_message=self.tell, prefetch_count=TAKEN_AT_ONCE)]

    def tell(self, message: Any) -> None:
        self.out.write(json.dumps(message.decode(), ensure_ascii=False))
        self.out.flush()
        message.ack()

    def stop(self, number: int, frame: object) -> None:
        self.should_stop = True
