"""Each page for each role: the same policy as the API's."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client

from accounts.interface import Role
from replenishment.interface import replenishment
from shared_kernel.ids import new_id
from tests.chain import make_store
from tests.dashboards.conftest import Chain, visitor

ROLES = list(Role)


def pages(chain: Chain) -> dict[str, str]:
    return {
        "chain": "/dashboard/",
        "store": f"/dashboard/stores/{chain.lyon.id}/",
        "another store": f"/dashboard/stores/{chain.lille.id}/",
        "stock": f"/dashboard/stores/{chain.lyon.id}/stock/",
        "replenishment": "/dashboard/replenishment/",
        "suggestions": "/dashboard/replenishment/?tab=suggestions",
        "orders": "/dashboard/orders/",
        "report": "/dashboard/sales/",
        "report of another store": f"/dashboard/sales/?store={chain.lille.id}",
        "spreadsheet": "/dashboard/sales/sales.xlsx",
        "products": "/dashboard/products/",
        "product": f"/dashboard/products/{chain.keyboard.id}/",
    }


OPEN_TO_ALL = {"stock", "products", "product"}
OPEN = {
    Role.CASHIER: OPEN_TO_ALL | {"replenishment", "suggestions", "orders"},
    Role.STORE_MANAGER: OPEN_TO_ALL | {"store", "replenishment", "suggestions", "orders", "report", "spreadsheet"},
    Role.WAREHOUSE: OPEN_TO_ALL | {"replenishment", "suggestions", "orders"},
    Role.CATALOG_MANAGER: OPEN_TO_ALL,
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_other(chain: Chain, role: Role) -> None:
    stores = [chain.lyon] if role in {Role.CASHIER, Role.STORE_MANAGER} else []
    client = visitor(role, *stores)

    found = {name for name, path in pages(chain).items() if client.get(path).status_code == 200}

    assert found == OPEN.get(role, set(pages(chain)))


@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_not_open_is_refused_in_a_sentence(chain: Chain, role: Role) -> None:
    stores = [chain.lyon] if role in {Role.CASHIER, Role.STORE_MANAGER} else []
    client = visitor(role, *stores)

    for name, path in pages(chain).items():
        answer = client.get(path)
        if answer.status_code not in {200, 302}:
            assert answer.status_code == 403, name
            assert "You may not do this here" in answer.content.decode()


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.CASHIER, "/dashboard/stock/"),
        (Role.WAREHOUSE, "/dashboard/replenishment/"),
        (Role.CATALOG_MANAGER, "/dashboard/products/"),
    ],
)
def test_without_figures_to_see_home_is_ones_own_work(chain: Chain, role: Role, home: str) -> None:
    assert visitor(role, *[chain.lyon][: role is Role.CASHIER]).get("/dashboard/").url == home


def test_a_cashier_works_at_the_stock_of_their_own_store(chain: Chain) -> None:
    answer = visitor(Role.CASHIER, chain.lyon).get("/dashboard/stock/")

    assert answer.url == f"/dashboard/stores/{chain.lyon.id}/stock/"


def test_a_manager_of_one_store_begins_there(chain: Chain) -> None:
    answer = visitor(Role.STORE_MANAGER, chain.lyon).get("/dashboard/")

    assert answer.url == f"/dashboard/stores/{chain.lyon.id}/"


def test_a_manager_of_two_stores_sees_these_side_by_side_and_no_other(chain: Chain) -> None:
    make_store("Nantes")

    page = visitor(Role.STORE_MANAGER, chain.lyon, chain.lille).get("/dashboard/")

    assert [store.name for store in page.context["stores"]] == ["Lille", "Lyon"]


def test_the_navigation_shows_what_may_be_opened(chain: Chain) -> None:
    warehouse = visitor(Role.WAREHOUSE).get("/dashboard/replenishment/")
    manager = visitor(Role.STORE_MANAGER, chain.lyon).get("/dashboard/replenishment/")

    assert [entry.pages[0] for entry in warehouse.context["navigation"]] == [
        "stocks",
        "replenishment",
        "orders",
        "products",
    ]
    assert [entry.pages[0] for entry in manager.context["navigation"]] == [
        "chain",
        "stocks",
        "replenishment",
        "orders",
        "sales",
        "products",
    ]


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/replenishment/", "/dashboard/sales/sales.xlsx"])
@pytest.mark.django_db
def test_whoever_is_not_logged_in_goes_to_the_login_and_comes_back(path: str) -> None:
    assert Client().get(path).url == f"/login/?next={path}"


@pytest.mark.django_db
def test_a_page_that_reads_itself_anew_after_the_session_has_ended_goes_to_the_login() -> None:
    answer = Client().get("/dashboard/?period=28", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/login/?next=/dashboard/%3Fperiod%3D28")


def test_a_form_sent_after_the_session_has_ended_comes_back_to_the_page_that_it_was_on(chain: Chain) -> None:
    stock = f"/dashboard/stores/{chain.lyon.id}/stock/"

    answer = Client().post(f"{stock}{chain.keyboard.id}/request/?show=low", {"quantity": "1"})

    assert answer.url == f"/login/?next={stock}%3Fshow%3Dlow"


def test_an_unknown_store_or_product_is_not_found(chain: Chain) -> None:
    client = visitor(Role.HEAD_OFFICE)
    paths = ["/dashboard/stores/{}/", "/dashboard/stores/{}/stock/", "/dashboard/products/{}/"]

    answers = [client.get(path.format(uuid4())) for path in paths]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert all(b"There is no such" in answer.content for answer in answers)


def test_a_refusal_in_a_living_page_is_a_toast_after_which_it_reads_its_figures_anew(chain: Chain) -> None:
    answer = visitor(Role.WAREHOUSE).get("/dashboard/sales/", headers={"HX-Request": "true"})

    assert answer.status_code == 403
    assert (answer["HX-Retarget"], answer["HX-Reswap"], answer["HX-Reselect"]) == ("#toasts", "beforeend", ".toast")
    assert "stale" in answer["HX-Trigger-After-Settle"]


@pytest.mark.parametrize("form", ["stock/{product}/request/", "stock/{product}/count/"])
def test_a_form_that_is_shown_again_reads_itself_anew_from_its_page(chain: Chain, form: str) -> None:
    home = f"/dashboard/stores/{chain.lyon.id}/"
    client = visitor(Role.HEAD_OFFICE)

    page = client.post(f"{home}{form.format(product=chain.keyboard.id)}?show=low", {"quantity": "-1"})

    content = page.content.decode()
    assert page.status_code == 422
    assert f'hx-get="{home}stock/?show=low"' in content
    assert content.count(f'name="next" value="{home}stock/?show=low"') == 2
    assert client.get(f"{home}stock/?show=low").status_code == 200


def test_languages_and_themes_are_chosen_on_a_page_and_not_on_its_form(chain: Chain) -> None:
    edit = f"/dashboard/products/{chain.keyboard.id}/edit/?search=a"
    refused = f"/dashboard/replenishment/{uuid4()}/approve/?tab=way"
    client = visitor(Role.HEAD_OFFICE)

    pages = [client.post(path, {"name": ""}).content.decode() for path in (edit, refused)]

    assert [page.count('name="next" value="/dashboard/products/?search=a"') for page in pages] == [2, 0]
    assert [page.count('name="next" value="/dashboard/replenishment/?tab=way"') for page in pages] == [0, 2]


def test_what_waits_for_the_warehouse_is_shown_to_those_who_may_see_requests(chain: Chain) -> None:
    replenishment.request(
        request_id=new_id(),
        product_id=chain.keyboard.id,
        store_id=chain.lyon.id,
        quantity=7,
        actor_id=None,
        now=datetime.now(UTC),
    )
    roles = {
        "own": visitor(Role.CASHIER, chain.lyon),
        "warehouse": visitor(Role.WAREHOUSE),
        "other": visitor(Role.STORE_MANAGER, chain.lille),
        "catalogue": visitor(Role.CATALOG_MANAGER),
    }

    seen = {name: client.get(f"/dashboard/stores/{chain.lyon.id}/stock/") for name, client in roles.items()}

    shown = {name for name, page in seen.items() if "7 requested" in page.content.decode()}
    assert shown == {"own", "warehouse"}
