"""The last pieces and many who want them, and one call sent eight times, at once against real server processes."""

from collections import Counter
from functools import partial

import pytest

from accounts.interface import Role, accounts
from inventory.interface import Location, inventory
from sales.interface import sales
from shared_kernel.ids import new_id
from tests.chain import PASSWORD, books_agree, make_person, make_product, make_store, on_hand, put_in_stock, sell
from tests.gunicorn_server import Server
from tests.threads import at_once, cuts

pytestmark = [pytest.mark.plain_calls, pytest.mark.usefixtures("real_commits")]


def token_of(role: Role, *stores: Location) -> str:
    return accounts.log_in(email=make_person(role, *stores), password=PASSWORD, address="").access


def test_of_64_sales_of_the_last_ten_pieces_exactly_ten_succeed(server: Server) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    token = token_of(Role.CASHIER, store)
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": 1}]}

    answers = at_once([partial(server.call, "POST", "/sales/", body, token=token)] * 64)

    assert Counter(answer.status for answer in answers) == {201: 10, 409: 54}
    refusals = [answer.body for answer in answers if answer.status == 409]
    assert {refusal["code"] for refusal in refusals} == {"insufficient_stock"}
    assert {(line["requested"], line["available"]) for refusal in refusals for line in refusal["lines"]} == {(1, 0)}
    assert len({answer.body["id"] for answer in answers if answer.status == 201}) == 10
    assert len(sales.store_sales(store_id=store.id, limit=100)) == 10
    assert on_hand(product, store) == 0
    assert books_agree()


# --- The same call, eight times at once -----------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [1, 10])
def test_a_call_repeated_under_its_key_is_carried_out_once(server: Server, pieces: int) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    token = token_of(Role.CASHIER, store)
    body = {"store_id": str(store.id), "lines": [{"product_id": str(product.id), "quantity": pieces}]}
    headers = {"Idempotency-Key": str(new_id())}

    answers = at_once([partial(server.call, "POST", "/sales/", body, token=token, **headers)] * 8)

    assert [answer.status for answer in answers] == [201] * 8
    assert all(answer.body == answers[0].body for answer in answers)
    assert sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers) == 7
    assert on_hand(product, store) == 10 - pieces
    assert books_agree()


@pytest.mark.parametrize("pieces", [1, 10])
def test_a_tills_reference_makes_one_sale(server: Server, pieces: int) -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    token = token_of(Role.CASHIER, store)
    body = {
        "store_id": str(store.id),
        "lines": [{"product_id": str(product.id), "quantity": pieces}],
        "client_reference": "till-1/42",
    }

    answers = at_once([partial(server.call, "POST", "/sales/", body, token=token)] * 8)

    assert [answer.status for answer in answers] == [201] * 8
    assert all(answer.body == answers[0].body for answer in answers)
    assert on_hand(product, store) == 10 - pieces
    assert books_agree()


def test_a_transfer_repeated_under_its_key_moves_once(server: Server) -> None:
    store, other, product = make_store(), make_store(), make_product()
    put_in_stock(product, store, 10)
    token = token_of(Role.WAREHOUSE)
    body = {
        "from_location_id": str(store.id),
        "to_location_id": str(other.id),
        "lines": [{"product_id": str(product.id), "quantity": 10}],
    }
    headers = {"Idempotency-Key": str(new_id())}

    answers = at_once([partial(server.call, "POST", "/stock/transfers/", body, token=token, **headers)] * 8)

    assert [answer.status for answer in answers] == [201] * 8
    assert all(answer.body == answers[0].body for answer in answers)
    assert (on_hand(product, store), on_hand(product, other)) == (0, 10)
    assert books_agree()


@pytest.mark.parametrize("pieces", [1, 10])
def test_a_sale_is_recorded_once_whenever_its_repetition_comes(pieces: int) -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 10)

        first, second = cut(*[partial(sell, product, store, pieces, sale_id=new_id())] * 2)

        assert second == first
        assert on_hand(product, store) == 10 - pieces
    assert books_agree()


@pytest.mark.parametrize("pieces", [1, 10])
def test_a_reference_is_one_sale_whenever_its_repetition_comes(pieces: int) -> None:
    for cut in cuts():
        store, product = make_store(), make_product()
        put_in_stock(product, store, 10)
        repeat = partial(sell, product, store, pieces, client_reference="till-1/42")

        first, second = cut(repeat, repeat)

        assert second == first
        assert len(sales.store_sales(store_id=store.id)) == 1
        assert on_hand(product, store) == 10 - pieces
    assert books_agree()


def test_eight_at_once_record_one_sale() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)

    answers = at_once([partial(sell, product, store, 10, sale_id=new_id())] * 8)

    assert all(answer == answers[0] for answer in answers)
    assert [row.delta for row in inventory.movements(product_id=product.id)] == [-10, 10]
    assert books_agree()
