"""`Idempotency-Key` over REST: a call repeated under its key is answered again, and not done again."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app

from accounts.interface import Role
from inventory.interface import inventory
from shared_kernel import tasks
from shared_kernel.ids import new_id
from shared_kernel.models import IdempotencyKey
from shared_kernel.published import bind
from shared_kernel.rest.idempotency import LIFETIME, forget_old_keys
from tests.chain import books_agree, client_of, make_product, make_store, make_warehouse, on_hand, post
from tests.threads import at_once

pytestmark = pytest.mark.django_db

RECEIPTS, ADJUSTMENTS = "/stock/receipts/", "/stock/adjustments/"


class Delivery:
    """One piece of one product for one warehouse, to be sent as often as a test likes."""

    def __init__(self) -> None:
        self.warehouse, self.product = make_warehouse(), make_product()
        self.client = client_of(Role.WAREHOUSE)

    def body(self, quantity: int = 1, **values: Any) -> dict[str, Any]:
        lines = [{"product_id": str(self.product.id), "quantity": quantity}]
        return {"location_id": str(self.warehouse.id), "lines": lines} | values

    def send(self, key: str, *, quantity: int = 1, client: Client | None = None, **values: Any) -> Any:
        return post(client or self.client, RECEIPTS, self.body(quantity, **values), **{"Idempotency-Key": key})

    @property
    def on_hand(self) -> int:
        return on_hand(self.product, self.warehouse)


@pytest.fixture
def delivery() -> Delivery:
    return Delivery()


def test_a_repeated_call_is_answered_again_and_not_done_again(delivery: Delivery) -> None:
    first, second = delivery.send("key-1"), delivery.send("key-1")

    assert first.status_code == second.status_code == 201
    assert second.content == first.content
    assert second["Content-Type"].partition(";")[0] == first["Content-Type"].partition(";")[0] == "application/json"
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert delivery.on_hand == 1


def test_without_a_key_every_call_counts(delivery: Delivery) -> None:
    answers = [post(delivery.client, RECEIPTS, delivery.body()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert delivery.on_hand == 2
    assert not IdempotencyKey.objects.exists()


def test_a_used_key_does_not_do_for_another_body(delivery: Delivery) -> None:
    delivery.send("key-1")

    answer = delivery.send("key-1", quantity=5)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert delivery.on_hand == 1


def test_a_key_counts_for_one_caller_alone(delivery: Delivery) -> None:
    delivery.send("key-1")

    answer = delivery.send("key-1", client=client_of(Role.WAREHOUSE))

    assert "Idempotency-Replayed" not in answer
    assert delivery.on_hand == 2


def test_a_key_counts_for_one_operation_alone(delivery: Delivery) -> None:
    delivery.send("key-1")
    lines = [{"product_id": str(delivery.product.id), "delta": 3}]
    found = {"location_id": str(delivery.warehouse.id), "lines": lines, "reason": "found"}

    answer = post(delivery.client, ADJUSTMENTS, found, **{"Idempotency-Key": "key-1"})

    assert answer.status_code == 201
    assert delivery.on_hand == 4


def test_what_was_sent_cannot_be_guessed_from_what_is_kept(delivery: Delivery, settings: Any) -> None:
    body = json.dumps(delivery.body()).encode()
    path = f"/api/v1{RECEIPTS}"
    for key in ("ours", "somebody else's"):
        settings.SECRET_KEY = key
        headers = {"Idempotency-Key": str(new_id())}
        delivery.client.generic("POST", path, body, content_type="application/json", headers=headers)

    kept = map(bytes, IdempotencyKey.objects.values_list("body", flat=True))
    assert len({*kept, hashlib.sha256(body).digest()}) == 3


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256, "tab\t"])
def test_a_key_that_is_none_is_refused(delivery: Delivery, key: str) -> None:
    answer = delivery.send(key)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")
    assert delivery.on_hand == 0


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~", "2f1c9c2e-8a55-4f6b-9d8e-3f0b6c0f4d1a"])
def test_a_key_is_any_word(delivery: Delivery, key: str) -> None:
    assert delivery.send(key).status_code == 201


def test_a_refusal_is_not_kept(delivery: Delivery) -> None:
    lines = [{"product_id": str(delivery.product.id), "delta": -1}]
    lost = {"location_id": str(delivery.warehouse.id), "lines": lines, "reason": "lost"}

    refused = post(delivery.client, ADJUSTMENTS, lost, **{"Idempotency-Key": "key-1"})
    delivery.send("key-2")
    done = post(delivery.client, ADJUSTMENTS, lost, **{"Idempotency-Key": "key-1"})

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert done.status_code == 201
    assert delivery.on_hand == 0


@pytest.mark.parametrize("values", [{"lines": []}, {"location_id": str(new_id())}])
def test_a_call_that_fails_leaves_no_key(delivery: Delivery, values: dict[str, Any]) -> None:
    answer = delivery.send("key-1", **values)

    assert answer.status_code in {404, 422}
    assert not IdempotencyKey.objects.exists()


def test_nobody_has_no_key(delivery: Delivery) -> None:
    answers = [
        delivery.send("key-1", client=Client()),
        delivery.send("key-1", client=Client(headers={"Authorization": "Bearer nonsense"})),
        delivery.send("key-1", client=client_of(Role.CASHIER, make_store())),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (401, "login_required"),
        (401, "invalid_token"),
        (403, "not_allowed"),
    ]
    assert not IdempotencyKey.objects.exists()
    assert delivery.on_hand == 0


def test_a_defect_leaves_neither_effect_nor_key(delivery: Delivery) -> None:
    class FailsAtTheEnd:
        def receive(self, **arguments: Any) -> None:
            implementation.receive(**arguments)
            raise RuntimeError("a defect")

    delivery.client.raise_request_exception = False
    implementation = bind(inventory, FailsAtTheEnd())
    try:
        answer = delivery.send("key-1")
    finally:
        bind(inventory, implementation)

    assert answer.status_code == 500
    assert delivery.on_hand == 0
    assert delivery.send("key-1").status_code == 201
    assert delivery.on_hand == 1


# --- At the same time ------------------------------------------------------------------------------------------------


@pytest.fixture
def cleared_queue() -> Iterator[None]:
    yield
    # Django's flush knows no unmanaged tables.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("cleared_queue")
def test_a_call_sent_many_times_at_once_is_done_once() -> None:
    delivery = Delivery()

    answers = at_once([lambda: delivery.send("key-1")] * 8)

    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer for answer in answers) == 7
    assert delivery.on_hand == 1
    assert books_agree()


# --- After a day -----------------------------------------------------------------------------------------------------


def test_keys_are_forgotten_after_their_time(delivery: Delivery) -> None:
    delivery.send("key-1")
    now = datetime.now(UTC)

    assert forget_old_keys(now=now + LIFETIME - timedelta(minutes=1)) == 0
    assert delivery.send("key-1")["Idempotency-Replayed"] == "true"
    assert forget_old_keys(now=now + LIFETIME + timedelta(minutes=1)) == 1
    assert "Idempotency-Replayed" not in delivery.send("key-1")


def test_the_clock_forgets_old_keys(delivery: Delivery) -> None:
    delivery.send("old")
    IdempotencyKey.objects.update(created_at=datetime.now(UTC) - LIFETIME)
    delivery.send("new")

    tasks.forget_old_idempotency_keys(timestamp=0)

    assert "Idempotency-Replayed" not in delivery.send("old")
    assert delivery.send("new")["Idempotency-Replayed"] == "true"


def test_the_worker_does_so_every_hour() -> None:
    [periodic] = [
        periodic
        for periodic in app.periodic_registry.periodic_tasks.values()
        if periodic.task.name == "forget_old_idempotency_keys"
    ]

    assert periodic.cron == "25 * * * *"
