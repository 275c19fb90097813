"""Sales and tills in the admin: each sees those of their stores, and takes back what was sold there."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts.interface import Role
from inventory.interface import inventory
from sales.interface import SoldItem, sales
from shared_kernel.ids import new_id
from tests.admin import Step, browser, errors_of, person_of, shows_step, told
from tests.chain import books_agree, make_product, make_store, on_hand, put_in_stock, sell
from tests.sales.actions import card, close_till, everything, give_back, open_till

pytestmark = pytest.mark.django_db

SALES = "/admin/sales/sale/"
TILLS = "/admin/sales/tillsession/"


def shown(client: Client, path: str) -> list[str]:
    """What a list calls its rows."""
    return [row.admin_name for row in client.get(path).context["cl"].result_list]


def test_sales_are_found_by_receipt_reference_id_store_and_day() -> None:
    paris, lyon, product = make_store("Paris"), make_store("Lyon"), make_product()
    for store in (paris, lyon):
        put_in_stock(product, store, 10)
    first, second = sell(product, paris, client_reference="T1-77"), sell(product, paris)
    third = sell(product, lyon)
    client = browser(Role.HEAD_OFFICE)
    today = datetime.now(UTC).date().isoformat()

    assert shown(client, SALES) == [sale.receipt_number for sale in (third, second, first)]
    assert shown(client, f"{SALES}?q={second.receipt_number}") == [second.receipt_number]
    assert shown(client, f"{SALES}?q=T1-77") == [first.receipt_number]
    assert shown(client, f"{SALES}?q={third.id}") == [third.receipt_number]
    assert shown(client, f"{SALES}?q=nothing") == []
    assert shown(client, f"{SALES}?store_id={lyon.id}") == [third.receipt_number]
    assert shown(client, f"{SALES}?channel=online") == []
    assert len(shown(client, f"{SALES}?sold_on_from={today}")) == 3


def test_a_sale_is_shown_with_its_lines_and_payments() -> None:
    store, product = make_store("Paris"), make_product(name="Clavier", price=Decimal("89.99"))
    put_in_stock(product, store, 10)
    sale = sell(product, store, 2, payments=[card("179.98")])

    page = browser(Role.STORE_MANAGER, store).get(f"{SALES}{sale.id}/change/").content.decode()

    assert all(text in page for text in ("Clavier", "179.98", "Card", "Paris"))


def test_a_manager_sees_the_sales_of_their_own_stores_alone() -> None:
    own, other, product = make_store(), make_store(), make_product()
    for store in (own, other):
        put_in_stock(product, store, 10)
    mine, theirs = sell(product, own), sell(product, other)
    client = browser(Role.STORE_MANAGER, own)

    assert shown(client, SALES) == [mine.receipt_number]
    assert client.get(f"{SALES}{theirs.id}/change/").status_code == 302
    assert client.get(f"{SALES}{theirs.id}/refund/").status_code == 302


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_who_may_not_read_sales_sees_none(role: Role) -> None:
    client = browser(role)

    assert [client.get(path).status_code for path in (SALES, TILLS)] == [403, 403]


def test_nobody_writes_sales() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale, client = sell(product, store), browser(Role.HEAD_OFFICE)
    before = everything()

    answers = [
        client.post(f"{SALES}add/", {"gross": "1"}),
        client.post(f"{SALES}{sale.id}/change/", {"gross": "1"}),
        client.post(f"{SALES}{sale.id}/delete/", {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert everything() == before


# --- Taking back -----------------------------------------------------------------------------------------------------


def test_goods_come_back_at_the_price_and_by_the_payment_of_their_sale() -> None:
    store = make_store()
    keyboard, mouse = make_product(price=Decimal("50.00")), make_product(price=Decimal("20.00"))
    for product in (keyboard, mouse):
        put_in_stock(product, store, 10)
    items = [SoldItem(3, keyboard.id), SoldItem(1, mouse.id)]
    sale = sell(keyboard, store, items=items, payments=[card("170.00")])
    client = browser(Role.CASHIER, store)

    answer = Step(client, f"{SALES}{sale.id}/refund/").submit(row_1="2", restock="on", note="too loud")

    [refund, _] = sales.store_sales(store_id=store.id)
    assert told(answer, client) == [f"Refunded: 100.00 EUR, receipt {refund.receipt_number}."]
    assert (refund.returned, refund.cashier_id, refund.note) == (Decimal("100.00"), person_of(client), "too loud")
    assert [(paid.method, paid.amount) for paid in sales.sale(sale_id=refund.id).payments] == [
        ("card", Decimal("-100.00"))
    ]
    assert [line.quantity_returned for line in sales.sale(sale_id=sale.id).lines] == [2, 0]
    assert (on_hand(keyboard, store), on_hand(mouse, store)) == (9, 9)
    assert inventory.movements(limit=1)[0].actor_id == person_of(client)
    assert books_agree()


def test_what_is_written_off_does_not_come_back_to_the_shelf() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale = sell(product, store, 2)

    answer = Step(browser(Role.CASHIER, store), f"{SALES}{sale.id}/refund/").submit(row_1="2")

    assert answer.status_code == 302
    assert on_hand(product, store) == 8
    assert sales.sale(sale_id=sale.id).lines[0].quantity_returned == 2


def test_cash_is_paid_out_of_the_till_that_was_chosen() -> None:
    store, product = make_store(), make_product(price=Decimal("10.00"))
    put_in_stock(product, store, 10)
    sale, till = sell(product, store, 2), open_till(store)

    Step(browser(Role.CASHIER, store), f"{SALES}{sale.id}/refund/").submit(row_1="1", till=str(till.id))

    assert sales.till_session(session_id=till.id).expected_cash == Decimal("90.00")


def test_more_than_was_sold_is_refused_beside_its_line() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale = sell(product, store, 3)
    step = Step(browser(Role.CASHIER, store), f"{SALES}{sale.id}/refund/")
    give_back(sale, 2)
    before = everything()

    too_many, never_sold, nothing = step.submit(row_1="2"), step.submit(row_1="4"), step.submit(row_1="")

    assert errors_of(too_many) == {"row_1": ["Only 1 can still come back."]}
    assert errors_of(never_sold) == {"row_1": ["Ensure this value is less than or equal to 3."]}
    assert errors_of(nothing) == {"__all__": ["Give a number of pieces for at least one row."]}
    assert everything() == before


def test_a_refund_sent_twice_is_one() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale = sell(product, store, 1)
    step = Step(browser(Role.CASHIER, store), f"{SALES}{sale.id}/refund/")

    answers = [step.submit(row_1="1", restock="on") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(sales.store_sales(store_id=store.id)) == 2
    assert on_hand(product, store) == 10


def test_a_key_that_is_a_sale_s_id_refunds_all_the_same() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale, other = sell(product, store, 1), sell(product, store, 1)
    step = Step(browser(Role.CASHIER, store), f"{SALES}{sale.id}/refund/")

    answer = step.submit(row_1="1", restock="on", operation_id=str(other.id))

    assert answer.status_code == 302
    assert len(sales.store_sales(store_id=store.id)) == 3
    assert on_hand(product, store) == 9


def test_a_sale_that_does_not_exist_is_not_refunded() -> None:
    answer = browser(Role.HEAD_OFFICE).get(f"{SALES}{new_id()}/refund/")

    assert answer.status_code == 302


# --- Tills -----------------------------------------------------------------------------------------------------------


def test_a_manager_sees_what_should_be_in_their_tills() -> None:
    own, other = make_store(), make_store()
    till = open_till(own, "Till 1")
    open_till(other, "Till 2")
    close_till(till, "97.50")
    client = browser(Role.STORE_MANAGER, own)

    page = client.get(f"{TILLS}{till.id}/change/").content.decode()

    assert shown(client, TILLS) == [f"Till 1, {own.name}"]
    assert shown(client, f"{TILLS}?q=till 1") == [f"Till 1, {own.name}"]
    assert all(amount in page for amount in ("100.00", "97.50", "-2.50"))


def test_a_cashier_who_counts_blindly_does_not() -> None:
    store = make_store()
    till, client = open_till(store), browser(Role.CASHIER, store)

    assert [client.get(path).status_code for path in (TILLS, f"{TILLS}{till.id}/change/")] == [403, 403]


def test_a_cashier_of_the_store_is_offered_the_refund_of_a_sale() -> None:
    store, product = make_store(), make_product()
    put_in_stock(product, store, 10)
    sale = sell(product, store)

    assert shows_step(browser(Role.CASHIER, store).get(f"{SALES}{sale.id}/refund/"))
