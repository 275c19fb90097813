"""All of the admin together: what each role is shown, that every page opens, and what its lists cost."""

import pytest
from django.contrib import admin

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from accounts.models import ApiKey, Customer, User
from cart.models import Cart
from catalog.models import Category, Product
from checkout.models import Order
from inventory.models import Location, StockDiscrepancy, StockLevel, StockMovement
from replenishment.models import Request, Suggestion
from sales.models import Sale, TillSession
from shared_kernel.ids import new_id
from shared_kernel.models import AuditEntry, WebhookDelivery, WebhookEndpoint
from tests.accounts.actions import register
from tests.admin import browser, statements
from tests.cart.actions import add, owner_of
from tests.chain import make_person, make_store, sell
from tests.checkout.actions import order
from tests.events.actions import deliver_to_endpoint
from tests.inventory.actions import issue_departed
from tests.replenishment.actions import Chain, request, set_thresholds, suggest_product
from tests.sales.actions import open_till

pytestmark = pytest.mark.django_db

MODELS = [
    Customer,
    User,
    ApiKey,
    Category,
    Product,
    Location,
    StockLevel,
    StockMovement,
    StockDiscrepancy,
    Sale,
    TillSession,
    Order,
    Request,
    Suggestion,
    Cart,
    AuditEntry,
    WebhookEndpoint,
    WebhookDelivery,
]


def list_of(model: type) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"  # type: ignore[attr-defined]


def one_of_each() -> None:
    """At least one more row for each list, by other people, about other products in other stores."""
    chain = Chain()
    person = User.objects.get(email=make_person(Role.CASHIER, chain.store)).id
    sell(chain.product, chain.store, cashier_id=person)
    issue_departed(chain.store, (chain.product, 30), actor_id=person)
    open_till(chain.store, actor_id=person)
    add(owner_of(register(email=f"{person}@example.com").id), chain.product)
    draft = ApiKeyDraft("Till", frozenset({Action.SELL}), store_id=chain.store.id)
    accounts.create_api_key(key_id=new_id(), key=new_secret_key(), draft=draft)
    set_thresholds(chain.store, chain.product, reorder_point=30, target=42)
    suggest_product(chain)
    made = Chain()
    request(made, actor_id=person)
    order((made.product, 1), actor_id=person)
    deliver_to_endpoint()


@pytest.mark.parametrize("model", MODELS)
def test_every_page_opens(model: type) -> None:
    one_of_each()
    client = browser(Role.HEAD_OFFICE)
    row = model.objects.first()  # type: ignore[attr-defined]

    paths = ["", f"{row.pk}/change/", f"{row.pk}/history/", "?q=product"]
    pages = [client.get(f"{list_of(model)}{path}") for path in paths]

    assert [page.status_code for page in pages] == [200] * 4
    assert f"{model.__name__} object" not in pages[0].content.decode()


@pytest.mark.parametrize("model", [User, Category, Product, Location])
def test_every_form_opens(model: type) -> None:
    assert browser(Role.HEAD_OFFICE).get(f"{list_of(model)}add/").status_code == 200


@pytest.mark.parametrize("path", ["import/", "export/"])
def test_products_are_imported_and_exported(path: str) -> None:
    assert browser(Role.CATALOG_MANAGER).get(f"{list_of(Product)}{path}").status_code == 200


@pytest.mark.plain_calls
def test_lists_take_as_many_statements_for_fifty_rows_as_for_one_and_count_none() -> None:
    client = browser(Role.HEAD_OFFICE)
    one_of_each()
    few = {model: statements(client, list_of(model)) for model in MODELS}
    for _ in range(49):
        one_of_each()

    many = {model: statements(client, list_of(model)) for model in MODELS}

    assert {model: len(page) for model, page in many.items()} == {model: len(page) for model, page in few.items()}
    assert max(map(len, many.values())) <= 12
    assert not [statement for page in many.values() for statement in page if "COUNT(" in statement.upper()]


@pytest.mark.parametrize("page", ["9999999999", "nonsense", "-1"])
def test_a_page_far_beyond_the_last_reads_no_table(page: str) -> None:
    answer = browser(Role.HEAD_OFFICE).get(f"{list_of(Sale)}?p={page}")

    assert answer.status_code in {200, 302}


@pytest.mark.parametrize("model", admin.site._registry)
def test_a_list_is_narrowed_by_its_filters_alone(model: type) -> None:
    one_of_each()
    client, path = browser(Role.HEAD_OFFICE), list_of(model)
    fields = [field.name for field in model._meta.concrete_fields]  # type: ignore[attr-defined]
    lookups = [f"{field}{lookup}" for field in fields for lookup in ("", "__startswith", "__regex")]
    names = {name for spec in client.get(path).context["cl"].filter_specs for name in spec.expected_parameters()}

    answers = {name: client.get(path, {name: "("}).status_code for name in lookups if name not in names}
    filtered = [
        client.get(path, {name: value})
        for name in names
        for value in ("", "(", "x", "-1", "99999999999999999999", "0001-01-01", "9999-12-31", "99999-01-01")
    ]

    assert set(answers.values()) == {400}
    assert {answer.status_code for answer in filtered} <= {200, 302}


def test_nobody_reads_a_digest_of_a_password_by_filters() -> None:
    customer = register()
    digest = User.objects.get(id=customer.id).password
    client = browser(Role.STORE_MANAGER, make_store())

    answers = [client.get(list_of(Customer), {"password__startswith": begin}) for begin in (digest[:20], "nonsense")]

    assert [answer.status_code for answer in answers] == [400, 400]


LINKS: dict[Role, set[type]] = {
    Role.CASHIER: {StockLevel, StockMovement, StockDiscrepancy, Request, Suggestion, Sale, Order},
    Role.STORE_MANAGER: {
        StockLevel,
        StockMovement,
        StockDiscrepancy,
        Request,
        Suggestion,
        Sale,
        Order,
        TillSession,
        Customer,
        Cart,
    },
    Role.WAREHOUSE: {StockLevel, StockMovement, StockDiscrepancy, Request, Suggestion, Order},
    Role.CATALOG_MANAGER: {StockLevel, StockMovement, StockDiscrepancy, Request, Suggestion, Product, Category},
    Role.HEAD_OFFICE: set(MODELS),
}


@pytest.mark.parametrize("role", LINKS)
def test_each_role_is_led_to_what_it_may_see_and_kept_from_the_rest(role: Role) -> None:
    client = browser(role, make_store())

    index = client.get("/admin/").content.decode()
    opened = {model for model in MODELS if client.get(list_of(model)).status_code == 200}

    assert {model for model in MODELS if f'href="{list_of(model)}"' in index} == opened == LINKS[role]
    assert 'href="/dashboard/"' in index
    assert 'href="/api/v1/docs/"' in index


@pytest.mark.parametrize("missing", ["0193477a-5800-7b4c-aa0a-02718871ba2f", "nonsense"])
def test_a_row_that_does_not_exist_leads_back(missing: str) -> None:
    client = browser(Role.HEAD_OFFICE)

    answers = [client.get(f"{list_of(model)}{missing}/change/") for model in MODELS]

    assert [answer.status_code for answer in answers] == [302] * len(MODELS)
