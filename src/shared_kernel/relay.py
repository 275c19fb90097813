"""The relay: every event goes to a RabbitMQ exchange too, when there is one.

A broker that is away makes the relay's jobs wait, in a queue of their own, and nothing else.
"""

import threading
from typing import Any

from django.conf import settings
from kombu.connection import Connection
from kombu.entity import Exchange
from kombu.messaging import Producer
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

EXCHANGE = Exchange("comptoir", type="topic", durable=True)
QUEUE = "relay"

CONNECT_SECONDS = 3
CONFIRM_SECONDS = 5
LONGEST_WAIT = 60

# A connection is for one thread; the worker's threads keep theirs from job to job.
_own = threading.local()


class ForEver(BaseRetryStrategy):
    """Again after 1, 2, 4 … seconds, at most a minute, until it works."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts, 10), LONGEST_WAIT)})


@app.task(name="relay_event", queue=QUEUE, retry=ForEver())
def relay(*, event: dict[str, Any]) -> None:
    """Give one event to the broker, and return once it has said that it keeps it.

    An event that no queue is bound for goes nowhere: nobody has asked for it. Raises what the connection raises.
    """
    try:
        _producer().publish(
            event,
            routing_key=event["type"],
            serializer="json",
            message_id=event["id"],
            type=event["type"],
            confirm_timeout=CONFIRM_SECONDS,
        )
    except BaseException:
        disconnect()
        raise


def disconnect() -> None:
    """Close this thread's connection, if there is one: the next event is told over a new one."""
    if connection := vars(_own).pop("connection", None):
        connection.release()


def broker(*, heartbeat: int) -> Connection:
    """A connection to be opened. With TLS (`amqps://`) the broker must prove its name."""
    return Connection(
        settings.AMQP_URL,
        ssl={"server_hostname": None} if settings.AMQP_URL.startswith("amqps:") else False,
        heartbeat=heartbeat,
        connect_timeout=CONNECT_SECONDS,
        transport_options={
            "confirm_publish": True,
            "read_timeout": CONFIRM_SECONDS,
            "write_timeout": CONFIRM_SECONDS,
        },
    )


def _producer() -> Producer:
    connection = getattr(_own, "connection", None)
    if connection is None:
        # Between two jobs nobody would answer heartbeats; a dead connection is told by the missing confirmation.
        connection = broker(heartbeat=0)
        connection.ensure_connection(max_retries=0)
        _own.connection, _own.producer = connection, Producer(connection.channel(), exchange=EXCHANGE)
    return _own.producer  # type: ignore[no-any-return]  # what a thread owns has no types
