"""What it costs to tell the world: nothing while nobody listens, and what goes out holds up nothing inside."""

from typing import Any

import pytest
from django.conf import settings as installation
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django import app

from config.processes import workers
from shared_kernel import outbox
from shared_kernel.relay import relay
from shared_kernel.webhooks import announce
from tests.chain import make_product, make_store, put_in_stock, sell

pytestmark = pytest.mark.django_db


def statements_of_a_sale() -> int:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    with CaptureQueriesContext(connection) as captured:
        sell(product, store)
    return len(captured)


@pytest.mark.plain_calls
def test_a_till_sale_costs_two_statements_more_when_the_world_is_told_and_none_otherwise(own_subscribers: None) -> None:
    silent = statements_of_a_sale()
    outbox.forward(relay, in_order=True)
    relayed = statements_of_a_sale()
    outbox.forward(announce, in_order=False)
    relayed_and_announced = statements_of_a_sale()

    assert (relayed - silent, relayed_and_announced - silent) == (2, 2)


def test_one_worker_does_everything_while_nothing_goes_out() -> None:
    assert workers() == {"background worker": ["--concurrency", "4"]}


def test_what_goes_out_has_workers_of_its_own_and_every_queue_has_one(settings: Any) -> None:
    settings.AMQP_URL, settings.COMPTOIR_WEBHOOKS = "amqp://broker", True

    queues = {name: options[1].split(",") for name, options in workers().items()}

    assert (queues["relay"], queues["webhook worker"]) == (["relay"], ["webhooks"])
    assert sorted(queue for taken in queues.values() for queue in taken) == sorted(
        {task.queue for task in app.tasks.values()}
    )
    operations = (installation.BASE_DIR / "docs" / "operations.md").read_text()
    assert all(f"worker {' '.join(options)}`" in operations for options in workers().values())


def test_the_relay_does_one_job_at_a_time(settings: Any) -> None:
    settings.AMQP_URL = "amqp://broker"

    assert workers()["relay"] == ["--queues", "relay"]
    assert "webhook worker" not in workers()
