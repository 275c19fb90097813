"""Receipts: their numbers, and what a customer reads on them, as data, as a page and on paper."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from pypdf import PdfReader

from accounts.interface import Role
from inventory.interface import Location
from sales.interface import ReturnedItem, Sale, SoldItem, sales
from shared_kernel.ids import new_id
from tests.chain import client_of, make_product, make_store, sell
from tests.sales.actions import card, cash, euros, give_back, ticket

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_NAME = "Théière en fonte émaillée « Grand Été » à 1,5 litre, avec filtre, dessous-de-plat et 2 tasses à 5 €"


def at(moment: datetime) -> dict[str, object]:
    return {"sale_id": new_id(at=moment), "sold_at": moment}


def tea_for_two() -> tuple[Location, Sale]:
    """A sale of two products at two rates of tax, paid by card and in cash, with change."""
    store = make_store("Comptoir Bellecour")
    pot = make_product(stocked=False, name=LONG_NAME, price=Decimal("60.00"))
    tea = make_product(stocked=False, name="Œillet d’Œuvre", price=Decimal("10.55"), tax_rate=Decimal("0.055"))
    items = [SoldItem(1, pot.id), SoldItem(2, tea.id)]
    return store, ticket(store, items=items, payments=[card("50.00"), cash("40.00")], **at(NOON))


def text_of(pdf: bytes) -> str:
    """What stands on the paper, with wrapped names on one line again."""
    [page] = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


# --- Numbers --------------------------------------------------------------------------------------------------------


def test_receipts_are_numbered_by_store_and_year_returns_included() -> None:
    lyon, lille, service = make_store(), make_store(), make_product(stocked=False)
    last_year = datetime(2025, 12, 31, 12, tzinfo=UTC)

    first = sell(service, lyon, **at(NOON))
    rest = [give_back(first, **at(NOON)), sell(service, lille, **at(NOON)), sell(service, lyon, **at(last_year))]

    assert [sale.receipt_number for sale in (first, *rest)] == [
        "2026-000001",
        "2026-000002",
        "2026-000001",
        "2025-000001",
    ]


def test_the_year_is_that_of_the_store() -> None:
    paris, montreal = make_store(), make_store(time_zone="America/Toronto")
    service, new_year_in_paris = make_product(stocked=False), datetime(2025, 12, 31, 23, 30, tzinfo=UTC)

    numbers = [sell(service, store, **at(new_year_in_paris)).receipt_number for store in (paris, montreal)]

    assert numbers == ["2026-000001", "2025-000001"]


def test_a_sale_is_found_by_its_receipt() -> None:
    store, other, service = make_store(), make_store(), make_product(stocked=False)
    made = [sell(service, store, **at(NOON)) for _ in range(3)]
    sell(service, other, **at(NOON))

    [found] = sales.store_sales(store_id=store.id, receipt_number="2026-000002")

    assert found.id == made[1].id
    assert sales.store_sales(store_id=store.id, receipt_number="2026-000004") == []


def test_the_list_of_sales_is_filtered_by_receipt() -> None:
    store, service = make_store(), make_product(stocked=False)
    made = [sell(service, store, **at(NOON)) for _ in range(2)]
    manager = client_of(Role.STORE_MANAGER, store)

    [found] = manager.get(f"/api/v1/stores/{store.id}/sales/?receipt=2026-000001").json()["results"]
    refused = manager.get(f"/api/v1/stores/{store.id}/sales/?receipt=1")

    assert (found["id"], found["receipt_number"]) == (str(made[0].id), "2026-000001")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "receipt")


# --- What stands on them --------------------------------------------------------------------------------------------


def test_a_receipt_adds_up_the_tax_and_says_what_was_handed_over() -> None:
    _, sale = tea_for_two()

    receipt = sales.receipt(sale_id=sale.id)

    assert receipt.sale == sale
    assert (receipt.store_name, receipt.store_address) == ("Comptoir Bellecour", "1 rue de la Paix, Paris")
    assert receipt.issued_at.isoformat() == "2026-03-02T13:00:00+01:00"
    assert (receipt.tendered, receipt.sale.change) == (euros("40.00"), euros("8.90"))
    assert [(tax.rate, tax.net, tax.tax, tax.total) for tax in receipt.taxes] == [
        (Decimal("0.055"), euros("20.00"), euros("1.10"), euros("21.10")),
        (Decimal("0.2"), euros("50.00"), euros("10.00"), euros("60.00")),
    ]
    assert receipt.returns_of == []


def test_the_receipt_of_a_return_names_those_of_the_sales() -> None:
    store, service = make_store(), make_product(stocked=False)
    first, second = sell(service, store, **at(NOON)), sell(service, store, **at(NOON))

    back = ticket(store, returns=[ReturnedItem(first.id, 1, 1), ReturnedItem(second.id, 1, 1)], **at(NOON))

    assert sales.receipt(sale_id=back.id).returns_of == ["2026-000001", "2026-000002"]


def test_a_receipt_over_rest_is_data_unless_it_is_to_be_printed() -> None:
    store, sale = tea_for_two()

    answer = client_of(Role.CASHIER, store).get(f"/api/v1/sales/{sale.id}/receipt/")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["store_name"], body["sale"]["receipt_number"]) == ("Comptoir Bellecour", "2026-000001")
    assert (body["sale"]["total"], body["tendered"], body["sale"]["change"]) == ("81.10", "40.00", "8.90")


@pytest.mark.parametrize("shape", ["json", "html", "pdf"])
def test_a_receipt_of_a_foreign_store_is_not_found(shape: str) -> None:
    _, sale = tea_for_two()
    stranger = client_of(Role.CASHIER, make_store())

    answer = stranger.get(f"/api/v1/sales/{sale.id}/receipt/?format={shape}")

    assert (answer.status_code, answer.json()["code"]) == (404, "sale_not_found")
    assert Client().get(f"/api/v1/sales/{sale.id}/receipt/?format={shape}").status_code == 401


def test_a_receipt_has_no_other_shape() -> None:
    store, sale = tea_for_two()

    answer = client_of(Role.CASHIER, store).get(f"/api/v1/sales/{sale.id}/receipt/?format=xml")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "format")


def test_a_receipt_on_paper_says_it_all() -> None:
    store, sale = tea_for_two()

    answer = client_of(Role.CASHIER, store).get(f"/api/v1/sales/{sale.id}/receipt/?format=pdf")

    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'inline; filename="2026-000001.pdf"'
    text = text_of(answer.content)
    for part in (
        "Comptoir Bellecour 1 rue de la Paix, Paris Receipt 2026-000001 March 2, 2026, 1 p.m.",
        LONG_NAME,
        "1 × 60.00 60.00 EUR",
        "Œillet d’Œuvre 2 × 10.55 21.10 EUR",
        "Total 81.10 EUR",
        "Card 50.00 EUR",
        "Cash 31.10 EUR",
        "Cash tendered 40.00 EUR",
        "Change 8.90 EUR",
        "Tax 5.5 % of 20.00 EUR 1.10 EUR",
        "Tax 20.0 % of 50.00 EUR 10.00 EUR",
    ):
        assert part in text


def test_the_paper_is_as_wide_as_the_roll_and_as_long_as_what_stands_on_it() -> None:
    store, sale = tea_for_two()
    cashier = client_of(Role.CASHIER, store)
    short = give_back(sale, position=2, **at(NOON))

    [long_page], [short_page] = (
        PdfReader(io.BytesIO(cashier.get(f"/api/v1/sales/{id_}/receipt/?format=pdf").content)).pages
        for id_ in (sale.id, short.id)
    )

    assert round(long_page.mediabox.width / 72 * 25.4) == round(short_page.mediabox.width / 72 * 25.4) == 80
    assert long_page.mediabox.height > short_page.mediabox.height


def test_nothing_runs_off_the_paper_or_into_each_other() -> None:
    store, name = make_store(), "Donaudampfschifffahrtsgesellschaft" * 7
    product = make_product(stocked=False, name=name, price=Decimal("99999999.99"))
    sale = sell(product, store, 9999, **at(NOON))

    answer = client_of(Role.CASHIER, store).get(f"/api/v1/sales/{sale.id}/receipt/?format=pdf")

    [page] = PdfReader(io.BytesIO(answer.content)).pages
    rows = page.extract_text().splitlines()
    assert name in "".join(rows)
    assert max(len(row) for row in rows) <= 50
    assert "Tax 20.0 % of 833249999916.67 EUR" in rows


def test_a_return_on_paper_says_of_what() -> None:
    store, sale = tea_for_two()
    back = give_back(sale, position=2, **at(NOON))

    text = text_of(client_of(Role.CASHIER, store).get(f"/api/v1/sales/{back.id}/receipt/?format=pdf").content)

    for part in ("Receipt 2026-000002", "Return of receipt 2026-000001", "-1 × 10.55 -10.55 EUR", "Card -10.55 EUR"):
        assert part in text


def test_a_page_to_print_says_it_all_and_harms_nobody() -> None:
    store = make_store("<script>alert(1)</script>")
    product = make_product(stocked=False, name="Thé & café <vert>", price=Decimal("60.00"))
    sale = sell(product, store, payments=[cash("100.00")], **at(NOON))

    answer = client_of(Role.CASHIER, store).get(f"/api/v1/sales/{sale.id}/receipt/?format=html")

    page = answer.content.decode()
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert '<html lang="en">' in page
    for part in (
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "Thé &amp; café &lt;vert&gt;<br>1 × 60.00",
        "Receipt 2026-000001",
        "<td>60.00 EUR</td>",
        "<td>40.00 EUR</td>",
        'href="/static/sales/receipt.css"',
    ):
        assert part in page
    assert "<script" not in page
    assert "style=" not in page


@pytest.mark.parametrize("shape", ["html", "pdf"])
def test_what_is_printed_is_in_the_readers_language(shape: str) -> None:
    store, sale = tea_for_two()
    back = give_back(sale, position=2, **at(NOON))
    cashier = client_of(Role.CASHIER, store)

    def read(sale_id: object) -> str:
        answer = cashier.get(
            f"/api/v1/sales/{sale_id}/receipt/?format={shape}", headers={"Accept-Language": "fr-FR,fr;q=0.9"}
        )
        return text_of(answer.content) if shape == "pdf" else answer.content.decode()

    for part in (
        "Ticket 2026-000001",
        "2 mars 2026 13:00",
        "60,00 EUR",
        "Espèces",
        "Carte",
        "Espèces reçues",
        "Monnaie rendue",
    ):
        assert part in read(sale.id)
    assert "TVA 5,5 % sur 20,00 EUR" in read(sale.id)
    assert "Retour du ticket 2026-000001" in read(back.id)
