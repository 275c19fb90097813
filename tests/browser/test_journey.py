"""A day in the chain, at the pages: each role logs in and does its part."""

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from accounts.interface import Role
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from tests.browser.chain import Chain, open_chain
from tests.browser.visitor import Visitor
from tests.chain import PASSWORD, make_person, sell

pytestmark = pytest.mark.plain_calls


@pytest.fixture
def chain(transactional_db: None) -> Chain:
    return open_chain()


def test_from_a_low_shelf_to_the_report(visitor: Visitor, chain: Chain) -> None:
    head, manager = make_person(Role.HEAD_OFFICE), make_person(Role.STORE_MANAGER, chain.lyon)

    # The head office sees the chain, and that something is low in Lyon.
    page = visitor.log_in(head)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Lille")).to_be_visible()
    expect(page.locator(".alert", has_text="product running low").get_by_role("link", name="Lyon")).to_be_visible()

    # The manager finds the shelf and asks for 21.
    page = visitor.log_in(manager)
    expect(page.get_by_role("heading", name="Lyon")).to_be_visible()
    page.get_by_role("link", name="Request Keyboard").click()
    expect(page.get_by_label("Quantity")).to_have_value("21")
    page.get_by_role("button", name="Request from the warehouse").click()
    expect(page.locator(".toast")).to_contain_text("21 pieces of Keyboard requested.")
    expect(page.get_by_text("21 requested", exact=True)).to_be_visible()
    assert chain.shelves() == (100, 20)

    # And for 7 more, which the warehouse is to reject.
    page.goto(f"/dashboard/stores/{chain.lyon.id}/stock/?open={chain.keyboard.id}")
    page.get_by_label("Quantity").fill("7")
    page.get_by_role("button", name="Request from the warehouse").click()
    expect(page.get_by_text("28 requested", exact=True)).to_be_visible()

    # The warehouse approves the one and rejects the other.
    page = visitor.log_in_as(Role.WAREHOUSE)
    page.wait_for_url("**/dashboard/replenishment/")
    asked = page.locator("#live tbody tr")
    asked.filter(has=page.locator("input[max='21']")).get_by_role("button", name="Approve").click()
    expect(page.locator(".toast").last).to_contain_text("Approved: 21 × Keyboard for Lyon.")
    expect(asked).to_have_count(1)
    assert chain.shelves() == (79, 41)
    asked.get_by_role("button", name="Reject").click()
    page.get_by_label("Reason, for the store", exact=True).fill("Enough for now")
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(page.get_by_text("No request waits for a decision.")).to_be_visible()
    assert [(request.status, request.reason) for request in replenishment.requests().requests] == [
        ("rejected", "Enough for now"),
        ("approved", ""),
    ]
    assert chain.shelves() == (79, 41)
    page.goto(f"/dashboard/products/{chain.keyboard.id}/")
    expect(page.get_by_role("row", name=re.compile("Central 79 79"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Lyon 41 41"))).to_be_visible()

    # A sale at the till shows on the manager's page.
    page = visitor.log_in(manager)
    revenue = page.locator(".tile.main dd").first
    expect(revenue).to_have_text("€0.00")
    sell_at_the_till(visitor, chain)
    page.evaluate("htmx.trigger(document.body, 'stale')")
    expect(revenue).to_have_text("€179.80")
    page.wait_for_function("[...document.querySelectorAll('canvas')].filter(Chart.getChart).length === 2")

    # In French, amounts are written in French.
    page.get_by_role("button", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(revenue).to_have_text("179,80\u00a0€")
    expect(page.get_by_role("link", name="Vue d’ensemble")).to_be_visible()

    page.get_by_role("link", name="Rapport des ventes").click()
    expect(page.locator("#report-total")).to_have_text("179,80\u00a0€")
    assert total_of_the_file(visitor) == Decimal(visitor.api("/reports/sales/").json()["total"]["total"])
    assert total_of_the_file(visitor) == Decimal("179.80")


def sell_at_the_till(visitor: Visitor, chain: Chain) -> None:
    """Two keyboards in Lyon, over the API."""
    cashier = {"email": make_person(Role.CASHIER, chain.lyon), "password": PASSWORD}
    token = visitor.server.call("POST", "/auth/login/", cashier, Authorization="").body["access"]
    sale = {"store_id": str(chain.lyon.id), "lines": [{"product_id": str(chain.keyboard.id), "quantity": 2}]}
    assert visitor.server.call("POST", "/sales/", sale, token=token).status == 201


def total_of_the_file(visitor: Visitor) -> Decimal:
    """What the lines of the downloaded CSV add up to."""
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="CSV").click()
    lines = csv.DictReader(io.StringIO(download.value.path().read_text()))
    return sum((Decimal(line["total"]) for line in lines if line["total"]), Decimal(0))


def test_a_manager_of_another_store_is_refused_everywhere(visitor: Visitor, chain: Chain) -> None:
    sale = sell(chain.keyboard, chain.lyon)
    request = replenishment.request(
        request_id=new_id(),
        product_id=chain.keyboard.id,
        store_id=chain.lyon.id,
        quantity=21,
        actor_id=None,
        now=datetime.now(UTC),
    )
    page = visitor.log_in_as(Role.STORE_MANAGER, chain.lille)

    refused = [
        page.goto(f"/dashboard/stores/{chain.lyon.id}/"),
        page.goto(f"/dashboard/sales/?store={chain.lyon.id}"),
    ]

    assert [answer.status for answer in refused if answer] == [403, 403]
    rows = [
        f"sales/sale/{sale.id}/change/",
        f"sales/sale/{sale.id}/refund/",
        f"replenishment/request/{request.id}/change/",
    ]
    for row in rows:
        page.goto(f"/admin/{row}")
        assert str(sale.id) not in page.url
        assert str(request.id) not in page.url
        expect(page.get_by_text("Keyboard")).to_have_count(0)
    assert visitor.api(f"/stores/{chain.lyon.id}/sales/").status == 403
    assert visitor.api(f"/reports/sales/?store_id={chain.lyon.id}").status == 403


@pytest.mark.parametrize(
    ("role", "heading"),
    [
        (Role.CASHIER, "Stock of Lyon"),
        (Role.STORE_MANAGER, "Lyon"),
        (Role.WAREHOUSE, "Replenishment"),
        (Role.CATALOG_MANAGER, "Products"),
        (Role.HEAD_OFFICE, "Overview"),
    ],
)
def test_each_role_arrives_at_its_own_work_and_leaves_again(
    visitor: Visitor, chain: Chain, role: Role, heading: str
) -> None:
    page = visitor.log_in_as(role, *[chain.lyon][: role in {Role.CASHIER, Role.STORE_MANAGER}])

    expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
