"""What the pages do without being loaded anew."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from accounts.interface import Role
from catalog.interface import catalog
from checkout.interface import checkout
from replenishment.interface import replenishment
from tests.browser.chain import Chain, let_things_happen, open_chain
from tests.browser.visitor import PHONE, Visitor
from tests.chain import make_product

pytestmark = pytest.mark.plain_calls


@pytest.fixture
def chain(transactional_db: None) -> Chain:
    return open_chain()


def mark(visitor: Visitor) -> None:
    """Something that a page loaded anew would have lost."""
    visitor.page.evaluate("window.still = true")


def is_the_same(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("window.still === true"))


def test_search_and_filters_follow_what_is_typed_and_the_address_with_them(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.CASHIER, chain.lyon)
    mark(visitor)

    page.get_by_role("searchbox").press_sequentially("mouse")
    expect(page.locator("#live tbody tr")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("searchbox").fill("")
    page.get_by_text("Low", exact=True).click()
    expect(page.get_by_role("rowheader")).to_have_text(["Keyboard " + chain.keyboard.sku])

    assert is_the_same(visitor)
    assert page.url.endswith("?search=&show=low")

    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("mouse")
    expect(page.get_by_role("rowheader")).to_have_text(["Mouse " + chain.mouse.sku])


def test_a_request_is_undone_where_it_was_made(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.CASHIER, chain.lyon)
    mark(visitor)

    page.get_by_role("link", name="Request Keyboard").click()
    page.get_by_role("button", name="Request from the warehouse").click()
    expect(page.get_by_text("21 requested", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("21 requested", exact=True)).to_have_count(0)
    expect(page.locator(".toast").last).to_contain_text("Taken back: 21 × Keyboard for Lyon.")

    assert is_the_same(visitor)
    assert [request.status for request in replenishment.requests().requests] == ["cancelled"]


def test_what_is_wrong_stands_beside_its_field_and_the_field_says_so(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.CASHIER, chain.lyon)
    mark(visitor)

    page.get_by_role("link", name="Request Keyboard").click()
    page.get_by_label("Quantity").fill("101")
    page.get_by_role("button", name="Request from the warehouse").click()

    field = page.get_by_label("Quantity")
    expect(field).to_have_accessible_description("The warehouse has 100 pieces available: ask for fewer.")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert is_the_same(visitor)
    assert replenishment.requests().count == 0


def test_a_product_is_edited_and_restored(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.CATALOG_MANAGER)
    mark(visitor)

    page.get_by_role("link", name="Edit Keyboard").click()
    page.get_by_label("Name").fill("Silent keyboard")
    page.get_by_label("Price").fill("99.90")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("rowheader", name="Silent keyboard")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("rowheader", name="Silent keyboard")).to_have_count(0)

    draft = catalog.details(ids=[chain.keyboard.id])[0].draft
    assert (draft.name, draft.price, draft.description) == ("Keyboard", Decimal("89.90"), "Clicks")
    assert is_the_same(visitor)


def test_several_are_selected_and_rejected_by_keyboard_alone(visitor: Visitor, chain: Chain) -> None:
    let_things_happen(chain)
    page = visitor.log_in_as(Role.WAREHOUSE)

    reject = page.get_by_role("button", name="Reject the selected requests")
    expect(reject).to_be_disabled()
    page.get_by_label("Select all on this page").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("2 selected")).to_be_visible()
    reject.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    page.get_by_label("Reason, for the stores").fill("Closed")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("2 requests rejected.")

    assert {request.status for request in replenishment.requests().requests} == {"rejected", "approved"}
    assert replenishment.requests().count == 4


def test_suggestions_become_requests(visitor: Visitor, chain: Chain) -> None:
    let_things_happen(chain)
    page = visitor.log_in_as(Role.HEAD_OFFICE)
    page.goto("/dashboard/replenishment/?tab=suggestions")

    page.get_by_role("button", name="Request Mouse, Lyon").click()
    expect(page.locator(".toast").last).to_contain_text("1 request made.")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Make requests").click()
    page.get_by_role("dialog").get_by_role("button", name="Make requests").click()
    expect(page.get_by_text("Nothing to suggest")).to_be_visible()

    pending = [request for request in replenishment.requests().requests if request.status == "pending"]
    assert {request.store_name for request in pending if request.product_name == "Mouse"} == {"Lyon", "Lille"}


def statuses() -> list[str]:
    """Where the orders stand, oldest first."""
    return [order.status for order in checkout.orders(limit=100)][::-1]


def test_an_order_is_packed_and_handed_over(visitor: Visitor, chain: Chain) -> None:
    let_things_happen(chain)
    before = statuses()
    page = visitor.log_in_as(Role.CASHIER, chain.lyon)
    page.get_by_role("link", name="Orders").click()
    mark(visitor)

    page.get_by_role("button", name="Start packing").click()
    expect(page.locator(".toast").last).to_contain_text("is being packed.")
    expect(page.get_by_text("Nothing to pack")).to_be_visible()
    page.get_by_role("link", name="Being packed").click()
    expect(page.get_by_role("button", name="Handed over")).to_have_count(2)
    page.get_by_role("button", name="Handed over").first.click()
    expect(page.locator(".toast").last).to_contain_text("is handed over.")
    expect(page.get_by_role("button", name="Handed over")).to_have_count(1)

    assert is_the_same(visitor)
    # The one that was packed just now is the older one, and so the first to be handed over.
    assert before[5:7] == ["paid", "processing"]
    assert statuses() == [*before[:5], "completed", "processing", *before[7:]]


def test_some_pieces_are_refunded_by_keyboard_alone(visitor: Visitor, chain: Chain) -> None:
    let_things_happen(chain)
    page = visitor.log_in_as(Role.HEAD_OFFICE)
    page.goto("/dashboard/orders/")
    mark(visitor)

    page.get_by_role("button", name="Refund").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Keyboard").fill("0")
    page.get_by_role("dialog").get_by_label("Mouse").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("€20.00 go back.")
    expect(page.get_by_role("heading", name="Refunded", exact=True)).to_be_visible()

    assert is_the_same(visitor)


def test_orders_that_come_in_appear_but_not_while_somebody_is_at_the_page(visitor: Visitor, chain: Chain) -> None:
    visitor.log_in_as(Role.HEAD_OFFICE)
    page = visitor.page
    page.clock.install()
    page.goto("/dashboard/orders/")
    let_things_happen(chain)
    mark(visitor)

    page.get_by_role("searchbox").focus()
    page.clock.run_for(61_000)
    expect(page.get_by_text("Nothing to pack")).to_be_visible()
    page.get_by_role("searchbox").blur()
    page.clock.run_for(61_000)
    expect(page.get_by_role("button", name="Start packing")).to_have_count(2)

    assert is_the_same(visitor)


def test_the_days_are_chosen_without_leaving_the_page(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.HEAD_OFFICE)
    mark(visitor)

    page.get_by_text("28 days", exact=True).click()
    page.wait_for_url("**/dashboard/?period=28**")
    page.get_by_text("From … to", exact=True).click()
    page.wait_for_url("**/dashboard/?period=custom**")
    page.get_by_label("To", exact=True).fill("2020-01-01")
    expect(page.get_by_role("alert")).to_contain_text("The last day lies before the first.")

    assert is_the_same(visitor)


def test_a_definition_opens_by_keyboard(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.HEAD_OFFICE)

    page.get_by_role("button", name="Refund rate").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#tile-refund_rate")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#tile-refund_rate")).to_be_hidden()


def test_the_first_key_leads_past_the_navigation(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.HEAD_OFFICE)

    page.goto("/dashboard/products/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_page_works_without_scripts(visitor: Visitor, chain: Chain) -> None:
    visitor.log_in_as(Role.CASHIER, chain.lyon)
    session = visitor.context.storage_state()
    plain = visitor.chromium.new_context(
        java_script_enabled=False, storage_state=session, base_url=visitor.server.address, locale="en"
    )
    page = plain.new_page()

    page.goto(f"/dashboard/stores/{chain.lyon.id}/stock/")
    page.get_by_role("link", name="Request Keyboard").click()
    page.get_by_role("button", name="Request from the warehouse").click()
    expect(page.locator(".toast")).to_contain_text("21 pieces of Keyboard requested.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")
    plain.close()

    assert [request.status for request in replenishment.requests().requests] == ["cancelled"]


def test_a_name_that_is_a_script_is_text(visitor: Visitor, chain: Chain) -> None:
    make_product(name="<script>window.stolen = true</script><img src=x onerror='window.stolen = true'>")
    page = visitor.log_in_as(Role.CATALOG_MANAGER)

    expect(page.get_by_role("rowheader", name="window.stolen")).to_be_visible()

    assert page.evaluate("window.stolen") is None


def test_a_script_that_was_smuggled_in_does_not_run(visitor: Visitor, chain: Chain) -> None:
    page = visitor.log_in_as(Role.CATALOG_MANAGER)

    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.stolen = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.stolen = true'>");
        }"""
    )
    page.wait_for_timeout(300)

    assert page.evaluate("window.stolen") is None
    assert any("Content Security Policy" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_the_theme_is_there_from_the_first_moment_and_stays(visitor: Visitor, chain: Chain) -> None:
    page = visitor.use(PHONE, theme="auto")
    visitor.log_in_as(Role.CATALOG_MANAGER)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.emulate_media(color_scheme="dark")
    by_system = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()

    assert light != by_system == page.evaluate(ground)
