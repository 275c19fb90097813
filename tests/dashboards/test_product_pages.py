"""The products, to find and to edit; and one product."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.interface import Role
from catalog.interface import catalog
from inventory.interface import LocationDraft, LocationKind, inventory
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from tests.chain import make_product, sell
from tests.dashboards.conftest import Chain, visitor

HOME = "/dashboard/products/"


def edit(client: Client, chain: Chain, **values: str) -> Any:
    given = {"name": "Keyboard", "price": "10.00", "description": ""} | values
    return client.post(f"{HOME}{chain.keyboard.id}/edit/?search=board", given)


def known(chain: Chain) -> tuple[str, Decimal, str]:
    draft = catalog.details(ids=[chain.keyboard.id])[0].draft
    return draft.name, draft.price, draft.description


def test_the_search_finds_by_name(chain: Chain) -> None:
    make_product(name="Mouse")

    page = visitor(Role.CATALOG_MANAGER).get(f"{HOME}?search=keybord")

    assert [product.name for product in page.context["products"]] == ["Keyboard"]


def test_more_than_a_page_is_paged(chain: Chain) -> None:
    for number in range(20):
        make_product(name=f"Thing {number:02}")
    client = visitor(Role.CATALOG_MANAGER)

    first, second = client.get(HOME), client.get(f"{HOME}?page=2")

    assert [len(page.context["products"]) for page in (first, second)] == [20, 1]
    assert "Page 1 of 2" in first.content.decode()


def test_name_price_and_description_are_changed(chain: Chain) -> None:
    answer = edit(visitor(Role.CATALOG_MANAGER), chain, name="Keys", price="12.50", description="Loud")

    assert (answer.status_code, answer.url) == (302, f"{HOME}?search=board")
    assert known(chain) == ("Keys", Decimal("12.50"), "Loud")


def test_undo_gives_the_former_values_back(chain: Chain) -> None:
    client = visitor(Role.CATALOG_MANAGER)
    edit(client, chain, name="Keys", price="12.50", description="Loud")
    message = next(iter(client.get(HOME).context["messages"]))

    client.post(f"{HOME}{chain.keyboard.id}/edit/", {"name": "Keyboard", "price": "10.00", "description": ""})

    assert message.message == "Keys saved."
    assert '"name": "Keyboard", "price": "10.00", "description": ""' in message.extra_tags
    assert known(chain) == ("Keyboard", Decimal("10.00"), "")


def test_a_price_is_written_as_the_language_writes_it(chain: Chain) -> None:
    client = visitor(Role.CATALOG_MANAGER)
    client.post("/i18n/setlang/", {"language": "fr"})

    opened = client.get(f"{HOME}?open={chain.keyboard.id}").content.decode()
    edit(client, chain, price="12,50")

    assert 'value="10,00"' in opened
    assert known(chain)[1] == Decimal("12.50")


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 256), ("name", "a\0b"), ("price", "0"), ("price", "1.005"), ("price", "free")],
)
def test_a_wrong_value_is_told_beside_its_field_and_changes_nothing(chain: Chain, field: str, value: str) -> None:
    answer = edit(visitor(Role.CATALOG_MANAGER), chain, **{field: value})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert known(chain) == ("Keyboard", Decimal("10.00"), "")


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER, Role.WAREHOUSE])
def test_who_may_not_edit_sees_no_form_and_is_refused(chain: Chain, role: Role) -> None:
    client = visitor(role, *[chain.lyon][: role is not Role.WAREHOUSE])

    page = client.get(f"{HOME}?open={chain.keyboard.id}").content.decode()
    answer = edit(client, chain, name="Mine")

    assert (answer.status_code, known(chain)[0]) == (403, "Keyboard")
    assert "/edit/" not in page


def test_a_name_is_text_whatever_it_holds(chain: Chain) -> None:
    make_product(name='<script>alert("x")</script>')

    page = visitor(Role.HEAD_OFFICE).get(HOME).content.decode()

    assert "&lt;script&gt;alert(" in page
    assert "<script>alert(" not in page


def test_a_product_shows_where_it_is_and_how_it_moved(chain: Chain) -> None:
    sell(chain.keyboard, chain.lyon, quantity=3)

    page = visitor(Role.WAREHOUSE).get(f"{HOME}{chain.keyboard.id}/")

    assert [(row.location_name, row.on_hand) for row in page.context["rows"]] == [
        ("Central", 100),
        ("Lille", 0),
        ("Lyon", 17),
    ]
    assert [row.delta for row in page.context["movements"]] == [-3, 20, 100]
    assert "chart" not in page.context


def test_its_curve_covers_the_stores_whose_reports_one_reads(chain: Chain) -> None:
    sell(chain.keyboard, chain.lyon, quantity=3)
    client, other = visitor(Role.STORE_MANAGER, chain.lyon), visitor(Role.STORE_MANAGER, chain.lille)

    chart = client.get(f"{HOME}{chain.keyboard.id}/?days=90").context["chart"]
    empty = other.get(f"{HOME}{chain.keyboard.id}/").context["chart"]

    assert (len(chart.labels), sum(chart.series[0].values)) == (90, Decimal("30.00"))
    assert (len(empty.labels), empty.is_empty) == (28, True)


def test_goods_on_their_way_show_as_what_travels(chain: Chain) -> None:
    draft = LocationDraft(LocationKind.WAREHOUSE, "Central", "Lyon", "Europe/Paris", uses_transit=True)
    inventory.save_location(location_id=chain.central.id, draft=draft)
    now = datetime.now(UTC)
    asked = replenishment.request(
        request_id=new_id(),
        product_id=chain.keyboard.id,
        store_id=chain.lyon.id,
        quantity=7,
        actor_id=None,
        now=now,
    )
    replenishment.approve(decision_id=new_id(), request_id=asked.id, actor_id=None, now=now)
    replenishment.ship(shipment_id=new_id(), request_id=asked.id, actor_id=None, now=now)

    page = visitor(Role.WAREHOUSE).get(f"{HOME}{chain.keyboard.id}/").content.decode()

    assert "+7 in transit" in page
    assert 'data-label="Pieces">0' not in page
