"""From the registration to the refund over REST: with a real web server, a real worker and a real payment provider."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from accounts.interface import Role
from catalog.interface import Product
from payment_sandbox.webhooks import SIGNATURE_HEADER, signature
from shared_kernel.ids import new_id
from shared_kernel.models import IdempotencyKey
from tests.chain import PASSWORD, make_person, put_in_stock
from tests.checkout.actions import EMAIL, HOME, Shop, all_is_well
from tests.gunicorn_server import Server
from tests.journeys.installation import NOTICES, Installation, installed
from tests.payment_sandbox.running import (
    APPROVED,
    DECLINED,
    LATE,
    SECRET,
    SILENT,
    SLOW,
    STUMBLING,
    TOLD_TWICE,
)
from tests.processes import wait_until

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("real_commits", "same_provider")]

WRONG = "4242 4242 4242 4241"
AT_HOME = {"shipping_address": {**vars(HOME), "email": EMAIL}}


class Caller:
    """Somebody who calls the API."""

    def __init__(self, server: Server, **headers: str) -> None:
        self.server = server
        self.headers = headers

    def get(self, path: str) -> Any:
        answer = self.server.call("GET", path, **self.headers)
        assert answer.status == 200, answer
        return answer.body

    def write(self, method: str, path: str, body: Any, status: int) -> Any:
        answer = self.server.call(method, path, body, **self.headers, **{"Idempotency-Key": str(new_id())})
        assert answer.status == status, answer
        return answer.body

    def post(self, path: str, body: Any, status: int) -> Any:
        return self.write("POST", path, body, status)

    def log_in(self, email: str) -> None:
        tokens = self.post("/auth/login/", {"email": email, "password": PASSWORD}, 200)
        self.headers = {"Authorization": f"Bearer {tokens['access']}"}

    # --- Orders -----------------------------------------------------------------------------------------------------

    def begin_payment(self, order: Any, number: str, status: int = 202) -> Any:
        return self.post(f"/orders/{order['id']}/payment/", {"card": card(number)}, status)

    def pay(self, order: Any, number: str) -> Any:
        """What the job says of a payment when it has come to its end."""
        return self.end_of(self.begin_payment(order, number))

    def end_of(self, begun: Any) -> Any:
        address = f"/jobs/{begun['job_id']}/"
        wait_until(lambda: self.get(address)["status"] in {"succeeded", "failed"})
        return self.get(address)

    def order(self, order: Any) -> Any:
        return self.get(f"/orders/{order['id']}/")


def card(number: str) -> dict[str, Any]:
    return {"number": number, "expiry_month": 12, "expiry_year": 2040, "security_code": "123"}


@pytest.fixture(scope="module")
def installation(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With a worker that works, and logs that hold all that there is to say."""
    with installed(
        tmp_path_factory.mktemp("web shop"), LOG_LEVEL="DEBUG", COMPTOIR_PAYMENT_TIMEOUT="4"
    ) as installation:
        yield installation


@pytest.fixture
def worker(installation: Installation) -> Iterator[None]:
    installation.worker.start()
    yield
    installation.worker.stop()


@pytest.fixture
def head(installation: Installation, worker: None) -> Caller:
    """The head office, while the worker works."""
    head = Caller(installation.server)
    head.log_in(make_person(Role.HEAD_OFFICE))
    return head


@pytest.fixture
def shop() -> Shop:
    """With ten pieces in the warehouse, and ten in Lyon."""
    shop = Shop(10)
    put_in_stock(shop.product, shop.lyon, 10)
    return shop


@pytest.fixture
def visitor(installation: Installation) -> Caller:
    """Somebody without a login."""
    return Caller(installation.server)


def open_cart(visitor: Caller) -> Any:
    cart = visitor.post("/cart/", {}, 201)
    visitor.headers = {"X-Cart-Token": cart["token"]}
    return cart


def register(visitor: Caller) -> Any:
    """The visitor becomes a customer, and finds a cart of their own."""
    person = {"email": EMAIL, "name": "Camille Martin", "password": PASSWORD}
    visitor.post("/customers/register/", person, 201)
    visitor.log_in(EMAIL)
    return visitor.get("/cart/mine/")


def add(caller: Caller, cart: Any, product: Product, quantity: int = 1) -> Any:
    return caller.post(f"/cart/{cart['id']}/items/", {"product_id": str(product.id), "quantity": quantity}, 200)


def reported(head: Caller) -> dict[str, tuple[str, str, int, int]]:
    """What the sales report says of the web shop at each place: sold, gone back, sales and returns."""
    report = head.get("/reports/sales/?channel=online")
    rows = {row["store_id"]: row for row in report["stores"] if row["channel"] == "online"}
    return {
        store_id: (row["gross"], row["returned"], row["sales"], row["returns"])
        for store_id, row in rows.items()
        if row["sales"] or row["returns"]
    }


def steps(order: Any) -> list[str]:
    return [step["step"] for step in order["steps"]]


@pytest.mark.parametrize("is_pickup", [False, True], ids=["sent home", "picked up"])
def test_from_the_registration_to_the_refund(
    installation: Installation, visitor: Caller, head: Caller, shop: Shop, is_pickup: bool
) -> None:
    place = shop.lyon if is_pickup else shop.warehouse
    destination = {"pickup_store_id": str(shop.lyon.id)} if is_pickup else AT_HOME
    camille = visitor
    cart = add(camille, register(camille), shop.product, 2)
    assert cart["total"] == "20.00"
    head.write("PATCH", f"/products/{shop.product.id}/", {"price": "12.00"}, 200)

    quote = camille.post("/checkout/validate/", {"cart_id": cart["id"], **destination}, 200)
    assert (quote["total"], len(quote["changed_prices"]), quote["missing"]) == ("24.00", 1, [])
    refused = camille.post("/checkout/process/", {"cart_id": cart["id"], **destination}, 409)
    assert (refused["code"], refused["lines"][0]["unit_price"]) == ("price_changed", "12.00")
    assert [line["quantity"] for line in camille.get("/cart/mine/")["lines"]] == [2]
    accepted = {"cart_id": cart["id"], "accept_prices": True, **destination}
    order = camille.post("/checkout/process/", accepted, 201)
    assert (order["status"], order["total"], order["tax"]) == ("pending", "24.00", "4.00")
    assert camille.get("/cart/mine/")["lines"] == []
    assert shop.shelf(place) == (10, 2)

    declined = camille.pay(order, DECLINED)
    assert (declined["status"], declined["outcome"]["code"]) == ("failed", "card_declined")
    approved = camille.pay(order, APPROVED)
    assert (approved["status"], approved["outcome"]["last4"]) == ("succeeded", "4242")
    assert camille.begin_payment(order, APPROVED, 409)["code"] == "order_not_pending"
    assert steps(camille.order(order)) == ["placed", "payment_started", "payment_failed", "payment_started", "paid"]
    assert shop.shelf(place) == (8, 0)
    wait_until(lambda: bool(reported(head)))
    assert reported(head) == {str(place.id): ("24.00", "0.00", 1, 0)}

    head.post(f"/orders/{order['id']}/refund/", {"reason": "too loud"}, 202)
    wait_until(lambda: camille.order(order)["status"] == "refunded")
    assert camille.order(order)["refunded"] == "24.00"
    assert shop.shelf(place) == (10, 0)
    assert reported(head) == {str(place.id): ("24.00", "24.00", 1, 1)}
    assert all_is_well()
    assert traces_of_cards(installation) == []


def test_a_guest_orders_and_pays_with_the_carts_token(
    installation: Installation, visitor: Caller, head: Caller, shop: Shop
) -> None:
    cart = add(visitor, open_cart(visitor), shop.product)
    without_mail = {"shipping_address": AT_HOME["shipping_address"] | {"email": ""}}
    refused = visitor.post("/checkout/process/", {"cart_id": cart["id"], **without_mail}, 422)
    assert [error["field"] for error in refused["errors"]] == ["email"]

    order = visitor.post("/checkout/process/", {"cart_id": cart["id"], **AT_HOME}, 201)
    assert visitor.post(f"/orders/{order['id']}/payment/", {"card": card(WRONG)}, 422)["code"] == "card_invalid"
    wordy = card(APPROVED) | {"expiry_month": 13}
    assert visitor.post(f"/orders/{order['id']}/payment/", {"card": wordy}, 422)["code"] == "invalid"
    begun = visitor.begin_payment(order, APPROVED)
    assert visitor.end_of(begun)["status"] == "succeeded"
    stranger = Caller(installation.server)
    open_cart(stranger)
    for address in (f"/orders/{order['id']}/", f"/jobs/{begun['job_id']}/"):
        assert stranger.server.call("GET", address, **stranger.headers).status == 404
    assert visitor.order(order)["status"] == "paid"
    wait_until(lambda: reported(head) == {str(shop.warehouse.id): ("10.00", "0.00", 1, 0)})

    head.post(f"/orders/{order['id']}/refund/", {"restock": False}, 202)
    wait_until(lambda: visitor.order(order)["status"] == "refunded")
    assert shop.shelf() == (9, 0)
    assert all_is_well()
    assert traces_of_cards(installation) == []


def test_whatever_the_provider_does_each_card_pays_once(
    installation: Installation, visitor: Caller, head: Caller, shop: Shop
) -> None:
    cards = [SLOW, SILENT, STUMBLING, TOLD_TWICE, LATE]
    cart, orders = open_cart(visitor), []
    for _ in cards:
        add(visitor, cart, shop.product)
        orders.append(visitor.post("/checkout/process/", {"cart_id": cart["id"], **AT_HOME}, 201))

    begun = [visitor.begin_payment(order, number) for order, number in zip(orders, cards, strict=True)]

    assert [visitor.end_of(payment)["status"] for payment in begun] == ["succeeded"] * len(cards)
    for payment in begun:
        [charge] = installation.provider.charged(payment["job_id"])
        assert (charge["amount"], charge["amount_refunded"]) == (1000, 0)
    wait_until(lambda: {visitor.order(order)["status"] for order in orders} == {"paid"})
    wait_until(lambda: reported(head) == {str(shop.warehouse.id): ("50.00", "0.00", 5, 0)})
    assert shop.shelf() == (5, 0)
    assert all_is_well()
    assert traces_of_cards(installation) == []


def test_a_webhook_that_comes_again_or_too_late_changes_nothing(
    installation: Installation, visitor: Caller, head: Caller, shop: Shop
) -> None:
    cart = add(visitor, open_cart(visitor), shop.product)
    order = visitor.post("/checkout/process/", {"cart_id": cart["id"], **AT_HOME}, 201)
    paid = visitor.pay(order, APPROVED)
    wait_until(lambda: bool(reported(head)))
    [charge] = installation.provider.charged(paid["job_id"])
    before = visitor.order(order)
    assert tell(installation, charge) == 204
    assert visitor.order(order) == before

    head.post(f"/orders/{order['id']}/refund/", {}, 202)
    wait_until(lambda: visitor.order(order)["status"] == "refunded")
    before = visitor.order(order)
    assert tell(installation, charge) == tell(installation, charge | {"status": "failed"}) == 204
    assert tell(installation, charge, secret="another") == 403

    assert visitor.order(order) == before
    assert reported(head) == {str(shop.warehouse.id): ("10.00", "10.00", 1, 1)}
    assert shop.shelf() == (10, 0)
    assert all_is_well()


def tell(installation: Installation, charge: Any, *, secret: str = SECRET) -> int:
    """The answer to a webhook about this charge."""
    body = json.dumps({"type": f"charge.{charge['status']}", "data": {"object": charge}}).encode()
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature(body, secret, time.time())}
    with closing(HTTPConnection("127.0.0.1", installation.server.port, timeout=10)) as client:
        client.request("POST", NOTICES, body, headers)
        return client.getresponse().status


# --- A card's number is nowhere -------------------------------------------------------------------------------------


def traces_of_cards(installation: Installation) -> list[str]:
    """Where the number of a card of these tests stands: in the database, the logs, or the provider's books."""
    texts = {str(file): file.read_bytes() for file in [*installation.logs, *books(installation)]}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} AS t")
            texts[table] = (cursor.fetchone()[0] or "").encode()
    return [name for name, text in texts.items() if NUMBERS.search(text)]


@pytest.mark.parametrize("number", ["4242424242424242", APPROVED, "4000-0000-0000-0002"])
def test_a_cards_number_would_be_found(installation: Installation, number: str) -> None:
    IdempotencyKey.objects.create(call=b"call", body=b"body", answer=number.encode(), created_at=datetime.now(UTC))
    app.configure_task("charge_payment", queue="payments").defer(payment_id=number)

    assert set(traces_of_cards(installation)) == {"public.procrastinate_jobs", "public.idempotency_key"}


def books(installation: Installation) -> list[Path]:
    return list(installation.provider.data.parent.glob(f"{installation.provider.data.name}*"))


def written(number: str) -> str:
    """A pattern for a number with or without anything between its fours, as text or as the hexadecimal of it."""
    fours = number.split()
    return f"{'[^0-9]?'.join(fours)}|{'(..)?'.join(four.encode().hex() for four in fours)}"


CARDS = [APPROVED, DECLINED, SLOW, SILENT, STUMBLING, TOLD_TWICE, LATE, WRONG]
NUMBERS = re.compile("|".join(written(number) for number in CARDS).encode())
