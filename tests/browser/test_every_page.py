"""Every page in both languages and themes, on a desktop, a till's tablet and a phone.

Axe finds nothing serious, nothing sticks out sideways, no page complains.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe

from accounts.interface import Role
from tests.browser.chain import let_things_happen, open_chain, pages
from tests.browser.visitor import DESKTOP, PHONE, TABLET, Visitor

pytestmark = pytest.mark.plain_calls

SERIOUS = {"serious", "critical"}


def problems(visitor: Visitor) -> list[str]:
    found = Axe().run(visitor.page).response["violations"]
    return [
        f"{visitor.page.url} {problem['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for problem in found
        if problem["impact"] in SERIOUS
        for node in problem["nodes"]
    ]


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [
        (DESKTOP, "en", "light"),
        (PHONE, "fr", "dark"),
        pytest.param(DESKTOP, "fr", "dark", marks=pytest.mark.long),
        pytest.param(TABLET, "fr", "light", marks=pytest.mark.long),
        pytest.param(PHONE, "en", "light", marks=pytest.mark.long),
    ],
)
def test_every_page_can_be_read(visitor: Visitor, size: tuple[int, int], language: str, theme: str) -> None:
    chain = open_chain()
    let_things_happen(chain)
    visitor.use(size, language, theme)
    found, wide = [], []

    for path in ("/", "/login/"):
        visitor.open(path)
        found += problems(visitor)
    visitor.log_in_as(Role.HEAD_OFFICE)
    for name, path in pages(chain.lyon.id, chain.keyboard.id).items():
        visitor.open(path)
        found += problems(visitor)
        wide += [] if visitor.fits() else [name]

    assert found == []
    assert wide == []


def test_a_dialog_can_be_read(visitor: Visitor) -> None:
    let_things_happen(open_chain())
    page = visitor.log_in_as(Role.WAREHOUSE)

    page.get_by_role("button", name="Reject Keyboard, Lyon").click()

    assert problems(visitor) == []


def test_nothing_jumps_while_a_page_is_loaded(visitor: Visitor) -> None:
    chain = open_chain()
    let_things_happen(chain)
    visitor.log_in_as(Role.HEAD_OFFICE)

    for path in ("/dashboard/", f"/dashboard/stores/{chain.lyon.id}/"):
        visitor.open(path)
        shift = visitor.page.evaluate(
            """() => new Promise((resolve) => {
                let sum = 0;
                new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value)))
                    .observe({ type: "layout-shift", buffered: true });
                setTimeout(() => resolve(sum), 300);
            })"""
        )
        assert shift < 0.02, path


def test_the_report_on_paper_is_the_report_alone(visitor: Visitor) -> None:
    chain = open_chain()
    let_things_happen(chain)
    visitor.log_in_as(Role.HEAD_OFFICE)
    page = visitor.open("/dashboard/sales/")

    page.emulate_media(media="print")

    assert page.locator(".report table").is_visible()
    assert not any(page.locator(part).is_visible() for part in (".side", ".bar", ".downloads", "#toasts"))


def test_the_admin_and_the_api_s_documents_load_nothing_that_their_policy_forbids(visitor: Visitor) -> None:
    chain = open_chain()
    page = visitor.log_in_as(Role.HEAD_OFFICE)

    for path in ("/admin/", "/admin/catalog/product/", f"/admin/catalog/product/{chain.keyboard.id}/change/"):
        visitor.open(path)
    visitor.open("/api/v1/docs/")
    page.locator(".opblock").first.wait_for()
    visitor.open("/api/v1/redoc/")
    page.get_by_role("heading", name="Comptoir").first.wait_for()

    # Redoc wants its maker's mark from its maker's server, and is not let.
    visitor.complaints = [complaint for complaint in visitor.complaints if "cdn.redoc.ly" not in complaint]
