"""Names that are code: every page and every admin list shows them as the text they are, and runs nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib import admin

from accounts.interface import NewStaff, Role, accounts
from catalog.interface import ProductChanges, catalog
from checkout.interface import Destination, OrderAddress, OrderedItem, OrderStatus, checkout
from inventory.interface import LocationDraft, LocationKind, inventory
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from tests.browser.chain import Chain, let_things_happen, open_chain, pages
from tests.browser.visitor import Visitor
from tests.chain import PASSWORD, sell
from tests.sales.actions import open_till

pytestmark = pytest.mark.plain_calls

# Out of a text, an attribute in either quotes, a script, and a template.
CODE = """</script>"'><img src=x onerror="document.run=1"><script>document.run=1</script>{{7*7}}"""
# What any of it would leave behind.
RAN = (
    "() => Boolean(document.run || document.querySelector('img[src=\"x\"]')) || document.body.innerText.includes('>49')"
)


def name_everything(chain: Chain) -> None:
    """Give the product, the store, the person who acts and what they write names that are code."""
    now = datetime.now(UTC)
    catalog.update_product(
        product_id=chain.keyboard.id, changes=ProductChanges(name=CODE, description=CODE, category=CODE)
    )
    inventory.save_location(
        location_id=chain.lyon.id, draft=LocationDraft(LocationKind.STORE, CODE, CODE, chain.lyon.time_zone)
    )
    person = NewStaff("hostile@comptoir.example", CODE, PASSWORD, Role.HEAD_OFFICE)
    [person_id] = accounts.ensure_staff(staff=[person])
    replenishment.request(
        request_id=new_id(),
        product_id=chain.keyboard.id,
        store_id=chain.lyon.id,
        quantity=1,
        actor_id=person_id,
        now=now,
    )
    address = OrderAddress(name=CODE, line1=CODE, city=CODE[:100], postal_code="69002", country="FR")
    order = checkout.place_order(
        order_id=new_id(),
        items=[OrderedItem(chain.keyboard.id, 1)],
        destination=Destination(email="hostile@example.com", address=address),
        customer_id=None,
        actor_id=None,
        now=now,
    )
    checkout.advance(order_id=order.id, status=OrderStatus.PAID, actor_id=person_id, now=now)
    open_till(chain.lyon, till=CODE[:40], actor_id=person_id, opening_float=Decimal("0.00"))
    sell(chain.keyboard, chain.lyon, cashier_id=person_id, client_reference="<script>")


@pytest.fixture
def hostile_chain(transactional_db: None) -> Chain:
    chain = open_chain()
    let_things_happen(chain)
    name_everything(chain)
    return chain


def test_no_page_runs_a_name(hostile_chain: Chain, visitor: Visitor) -> None:
    page = visitor.log_in("hostile@comptoir.example")
    ran, showing = [], 0

    for name, path in pages(hostile_chain.lyon.id, hostile_chain.keyboard.id).items():
        visitor.open(path)
        ran += [name] if page.evaluate(RAN) else []
        showing += "onerror=" in page.inner_text("body")

    assert ran == []
    assert showing > 5


def test_no_list_of_the_admin_runs_a_name(hostile_chain: Chain, visitor: Visitor) -> None:
    page = visitor.log_in("hostile@comptoir.example")
    ran = []

    for model in [model for model in admin.site._registry if model._meta.app_label in settings.COMPTOIR_MODULES]:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        visitor.open(path)
        ran += [path] if page.evaluate(RAN) else []
        if page.locator("#result_list th a").count():
            page.locator("#result_list th a").first.click()
            page.wait_for_load_state("networkidle")
            ran += [page.url] if page.evaluate(RAN) else []

    assert ran == []


def test_no_receipt_runs_a_name(hostile_chain: Chain, visitor: Visitor) -> None:
    page = visitor.log_in("hostile@comptoir.example")
    [sale, *_] = visitor.api(f"/stores/{hostile_chain.lyon.id}/sales/").json()["results"]

    visitor.open(f"/api/v1/sales/{sale['id']}/receipt/?format=html")

    assert not page.evaluate(RAN)
    assert "onerror=" in page.inner_text("body")
