"""Products and categories over REST."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.interface import Role
from catalog.interface import catalog
from shared_kernel.ids import new_id
from tests.catalog.conftest import Published
from tests.catalog.rows import nothing_changes
from tests.chain import client_of, make_product, make_store, make_warehouse, put_in_stock, sell

pytestmark = pytest.mark.django_db

EAN = "4006381333931"
KEYBOARD = {"sku": "INF-1", "name": "Clavier mécanique", "category": "Informatique", "price": "89.99"}

PRODUCTS = "/api/v1/products/"

WRITES: list[tuple[str, str, Any]] = [
    ("POST", PRODUCTS, KEYBOARD),
    ("PUT", PRODUCTS + "{id}/", KEYBOARD),
    ("PATCH", PRODUCTS + "{id}/", {"price": "1.00"}),
    ("DELETE", PRODUCTS + "{id}/", None),
]


def call(client: Client, method: str, path: str, body: Any = None) -> Any:
    """Any request with a JSON body, or without one."""
    content = {} if body is None else {"data": body, "content_type": "application/json"}
    return getattr(client, method.lower())(path, **content)


def listed(query: str = "") -> list[str]:
    """The names of the products that anybody gets for this query, in order."""
    answer = Client().get(f"{PRODUCTS}?{query}")
    assert answer.status_code == 200, answer.content
    return [product["name"] for product in answer.json()["results"]]


def fields_in_error(answer: Any) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.content
    return [error["field"] for error in answer.json()["errors"]]


def at(product_id: UUID | str) -> str:
    return f"{PRODUCTS}{product_id}/"


@pytest.fixture
def editor() -> Client:
    return client_of(Role.CATALOG_MANAGER)


# --- Who may ---------------------------------------------------------------------------------------------------------


def test_anybody_reads_products_and_categories() -> None:
    product = make_product(name="Clavier", category="Informatique")

    assert listed() == ["Clavier"]
    assert Client().get(at(product.id)).json()["name"] == "Clavier"
    [category] = Client().get(f"{PRODUCTS}categories/").json()["results"]
    assert (category["name"], category["products"]) == ("Informatique", 1)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_nobody_writes_without_a_login(method: str, path: str, body: Any) -> None:
    path = path.format(id=make_product().id)

    with nothing_changes():
        answer = call(Client(), method, path, body)

    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER, Role.WAREHOUSE])
def test_most_roles_do_not_write(role: Role) -> None:
    product, client = make_product(), client_of(role, make_store())

    with nothing_changes():
        answers = [call(client, method, path.format(id=product.id), body) for method, path, body in WRITES]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert {(answer.json()["code"], answer.json()["action"]) for answer in answers} == {("not_allowed", "catalog.edit")}


@pytest.mark.parametrize("role", [Role.CATALOG_MANAGER, Role.HEAD_OFFICE])
def test_two_roles_write(role: Role) -> None:
    product, client = make_product(), client_of(role)

    answers = [
        call(client, "POST", PRODUCTS, KEYBOARD),
        call(client, "PUT", at(product.id), KEYBOARD | {"sku": "INF-2"}),
        call(client, "PATCH", at(product.id), {"price": "1.00"}),
        call(client, "DELETE", at(product.id)),
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 204]


# --- The list --------------------------------------------------------------------------------------------------------


def test_the_list_comes_in_pages() -> None:
    for number in range(5):
        make_product(name=f"Product {number}")

    pages = [Client().get(f"{PRODUCTS}?page_size=2&page={page}").json() for page in (1, 2, 3, 4)]

    assert [[product["name"][-1] for product in page["results"]] for page in pages] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
        [],
    ]
    assert {page["count"] for page in pages} == {5}
    assert (pages[0]["previous"], pages[2]["next"], pages[3]["next"]) == (None, None, None)
    assert Client().get(pages[0]["next"]).json() == pages[1]
    assert Client().get(pages[1]["previous"]).json() == pages[0]
    assert pages[0].keys() == {"count", "next", "previous", "results"}


def test_a_page_holds_twenty_unless_asked_otherwise() -> None:
    for _ in range(21):
        make_product()

    assert len(listed()) == 20
    assert len(listed("page_size=100")) == 21


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "page_size=0", "page_size=101", "page=100001"])
def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    assert fields_in_error(Client().get(f"{PRODUCTS}?{query}")) == [query.partition("=")[0]]


def test_the_next_page_keeps_the_filters() -> None:
    for name in ("Thé vert", "Thé noir", "Thé blanc"):
        make_product(name=name, category="Boissons")

    following = Client().get(f"{PRODUCTS}?search=the&category=Boissons&page_size=2").json()["next"]

    assert len(Client().get(following).json()["results"]) == 1
    assert "search=the&category=Boissons" in following


@pytest.fixture
def shop() -> None:
    """Four products to be told apart by any filter."""
    make_product(sku="A", name="Clavier mécanique", category="Informatique", price=Decimal("89.99"), barcode=EAN)
    make_product(sku="B", name="Souris optique", category="Informatique", price=Decimal("25.50"))
    make_product(sku="C", name="Café bio", category="Boissons", price=Decimal("15.99"), description="En grains")
    make_product(sku="D", name="Tapis de souris", category="Accessoires", price=Decimal("9.90"))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Café bio", "Clavier mécanique", "Souris optique", "Tapis de souris"]),
        ("category=Informatique", ["Clavier mécanique", "Souris optique"]),
        ("category=informatique", ["Clavier mécanique", "Souris optique"]),
        ("category=Info", []),
        ("search=sourus", ["Souris optique", "Tapis de souris"]),
        ("search=grains", ["Café bio"]),
        ("category=Accessoires&search=sourus", ["Tapis de souris"]),
        ("category=Boissons&search=sourus", []),
        ("sku=B", ["Souris optique"]),
        ("sku=b", []),
        (f"barcode={EAN}", ["Clavier mécanique"]),
        ("barcode=2000000000015", []),
        ("min_price=25.50", ["Clavier mécanique", "Souris optique"]),
        ("max_price=25.50", ["Café bio", "Souris optique", "Tapis de souris"]),
        ("min_price=10&max_price=30", ["Café bio", "Souris optique"]),
        ("min_price=30&max_price=10", []),
        ("ordering=price", ["Tapis de souris", "Café bio", "Souris optique", "Clavier mécanique"]),
        ("ordering=-price", ["Clavier mécanique", "Souris optique", "Café bio", "Tapis de souris"]),
        ("ordering=-name", ["Tapis de souris", "Souris optique", "Clavier mécanique", "Café bio"]),
        ("ordering=sku", ["Clavier mécanique", "Souris optique", "Café bio", "Tapis de souris"]),
        ("ordering=-created_at", ["Tapis de souris", "Café bio", "Souris optique", "Clavier mécanique"]),
        ("search=souris&ordering=price", ["Tapis de souris", "Souris optique"]),
        ("search=", ["Café bio", "Clavier mécanique", "Souris optique", "Tapis de souris"]),
    ],
)
def test_a_filter_keeps_what_it_names(shop: None, query: str, names: list[str]) -> None:
    assert listed(query) == names


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("serch=clavier", "serch"),
        ("in_stok=true", "in_stok"),
        ("quantity=3", "quantity"),
        ("ordering=quantity", "ordering"),
        ("min_price=cheap", "min_price"),
        ("max_price=NaN", "max_price"),
        ("min_price=1.999", "min_price"),
        ("in_stock=maybe", "in_stock"),
        (f"search={'x' * 201}", "search"),
        (f"barcode={EAN}0", "barcode"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(query: str, field: str) -> None:
    assert fields_in_error(Client().get(f"{PRODUCTS}?{query}")) == [field]


@pytest.mark.parametrize("misread", ["4006381333930", "123", "12345671"])
def test_a_barcode_that_was_misread_is_refused(shop: None, misread: str) -> None:
    answer = Client().get(f"{PRODUCTS}?barcode={misread}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_barcode")
    assert answer.json()["barcodes"] == [misread]


@pytest.mark.parametrize("scanned", ["036000291452", "0036000291452"])
def test_a_upc_is_listed_with_and_without_its_leading_zero(scanned: str) -> None:
    make_product(name="Mouchoirs", barcode="036000291452")

    assert listed(f"barcode={scanned}") == ["Mouchoirs"]


def test_in_stock_tells_what_is_available_somewhere() -> None:
    store = make_store()
    available, sold_out, never_held = make_product(name="A"), make_product(name="B"), make_product(name="C")
    put_in_stock(available, make_warehouse(), 1)
    put_in_stock(sold_out, store, 2)
    sell(sold_out, store, 2)

    assert listed("in_stock=true") == [available.name]
    assert listed("in_stock=false") == [sold_out.name, never_held.name]
    assert listed() == ["A", "B", "C"]


def test_categories_count_what_is_on_sale() -> None:
    make_product(category="Boissons")
    for _ in range(2):
        make_product(category="Accessoires")
    archived = make_product(category="Confiserie")
    catalog.archive_product(product_id=archived.id)

    answer = Client().get(f"{PRODUCTS}categories/").json()

    assert [(category["name"], category["products"]) for category in answer["results"]] == [
        ("Accessoires", 2),
        ("Boissons", 1),
        ("Confiserie", 0),
    ]
    assert answer["count"] == 3
    assert fields_in_error(Client().get(f"{PRODUCTS}categories/?name=Boissons")) == ["name"]


# --- One product -----------------------------------------------------------------------------------------------------


def test_a_product_is_answered_whole(editor: Client) -> None:
    body = KEYBOARD | {
        "barcode": EAN,
        "description": "Rétroéclairé",
        "tax_rate": "0.0550",
        "image_url": "https://images.example/clavier.jpg",
    }

    made = call(editor, "POST", PRODUCTS, body)

    answer = made.json()
    assert made.status_code == 201
    assert answer == body | {
        "id": answer["id"],
        "currency": "EUR",
        "active": True,
        "created_at": answer["created_at"],
        "updated_at": answer["updated_at"],
    }
    assert UUID(answer["id"]).version == 7
    assert answer["created_at"].endswith("Z")
    assert Client().get(at(answer["id"])).json() == answer
    assert Client().get(PRODUCTS).json()["results"] == [answer]


def test_what_is_left_out_has_its_default(editor: Client) -> None:
    answer = call(editor, "POST", PRODUCTS, KEYBOARD | {"price": 89.99}).json()

    assert (answer["price"], answer["tax_rate"], answer["barcode"], answer["description"], answer["image_url"]) == (
        "89.99",
        "0.2000",
        None,
        "",
        None,
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_unknown_product_is_not_found(editor: Client, method: str) -> None:
    unknown = str(new_id())

    answer = call(editor, method, at(unknown), KEYBOARD if method in {"PUT", "PATCH"} else None)

    assert (answer.status_code, answer.json()["code"]) == (404, "product_not_found")
    assert answer.json()["product_ids"] == [unknown]


def test_an_address_without_an_id_is_not_found() -> None:
    assert Client().get(f"{PRODUCTS}INF-1/").status_code == 404


def test_a_new_product_is_at_zero_everywhere_at_once(editor: Client) -> None:
    warehouse, store = make_warehouse("Entrepôt"), make_store("Bellecour")

    product_id = call(editor, "POST", PRODUCTS, KEYBOARD).json()["id"]

    rows = Client().get(f"{at(product_id)}stock/").json()["results"]
    assert [(row["location_id"], row["on_hand"], row["reserved"], row["available"]) for row in rows] == [
        (str(warehouse.id), 0, 0, 0),
        (str(store.id), 0, 0, 0),
    ]
    assert {(row["product_id"], row["sku"]) for row in rows} == {(product_id, "INF-1")}


UNSOUND: list[tuple[dict[str, Any], list[str]]] = [
    ({"quantity": 5}, ["quantity"]),
    ({"id": "550e8400-e29b-41d4-a716-446655440001"}, ["id"]),
    ({"active": False}, ["active"]),
    ({"stocked": False, "currency": "USD"}, ["currency", "stocked"]),
    ({"sku": ""}, ["sku"]),
    ({"sku": 12}, ["sku"]),
    ({"sku": "x" * 65}, ["sku"]),
    ({"name": None}, ["name"]),
    ({"name": "x" * 256}, ["name"]),
    ({"category": "  "}, ["category"]),
    ({"category": "x" * 101}, ["category"]),
    ({"price": "0.00"}, ["price"]),
    ({"price": "-1"}, ["price"]),
    ({"price": "1.999"}, ["price"]),
    ({"price": "100000000"}, ["price"]),
    ({"price": "cheap"}, ["price"]),
    ({"price": True}, ["price"]),
    ({"barcode": "4006381333930"}, ["barcode"]),
    ({"barcode": "40063813339311"}, ["barcode"]),
    ({"tax_rate": "1"}, ["tax_rate"]),
    ({"tax_rate": "-0.1"}, ["tax_rate"]),
    ({"tax_rate": "0.00001"}, ["tax_rate"]),
    ({"image_url": "javascript:alert(1)"}, ["image_url"]),
    ({"image_url": "clavier.jpg"}, ["image_url"]),
    ({"description": "x" * 5001}, ["description"]),
    ({"name": "", "price": 0}, ["name", "price"]),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_unsound_values_are_refused(editor: Client, method: str) -> None:
    path = PRODUCTS if method == "POST" else at(make_product().id)
    rest = {} if method == "PATCH" else KEYBOARD

    with nothing_changes():
        answers = [call(editor, method, path, rest | values) for values, _ in UNSOUND]

    assert [fields_in_error(answer) for answer in answers] == [fields for _, fields in UNSOUND]


def test_what_is_missing_is_named(editor: Client) -> None:
    assert fields_in_error(call(editor, "POST", PRODUCTS, {})) == ["sku", "name", "category", "price"]
    assert fields_in_error(call(editor, "PUT", at(make_product().id), {"sku": "INF-1"})) == [
        "name",
        "category",
        "price",
    ]


@pytest.mark.parametrize("body", ["[]", '"clavier"', "1", "null"])
def test_a_body_is_an_object(editor: Client, body: str) -> None:
    assert fields_in_error(editor.post(PRODUCTS, body, content_type="application/json"))


def test_a_taken_sku_or_barcode_is_a_conflict(editor: Client) -> None:
    make_product(sku="INF-1")
    catalog.archive_product(product_id=make_product(barcode=EAN).id)
    product = make_product()

    with nothing_changes():
        answers = [
            call(editor, "POST", PRODUCTS, KEYBOARD),
            call(editor, "PATCH", at(product.id), {"sku": "INF-1"}),
            call(editor, "PUT", at(product.id), KEYBOARD | {"sku": "INF-2", "barcode": EAN}),
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "sku_taken"),
        (409, "sku_taken"),
        (409, "barcode_taken"),
    ]
    assert [answers[0].json()["sku"], answers[2].json()["barcode"]] == ["INF-1", EAN]


def test_put_sets_every_value_anew(editor: Client) -> None:
    product = make_product(barcode=EAN, description="Old", tax_rate=Decimal("0.0550"), image_url="https://a.example/b")

    answer = call(editor, "PUT", at(product.id), KEYBOARD)

    expected = KEYBOARD | {"barcode": None, "description": "", "tax_rate": "0.2000", "image_url": None}
    assert answer.status_code == 200
    assert answer.json() | expected == answer.json()
    assert Client().get(at(product.id)).json() == answer.json()


def test_patch_sets_some_values(editor: Client) -> None:
    product = make_product(name="Clavier", barcode=EAN, description="Old")
    before = Client().get(at(product.id)).json()

    answer = call(editor, "PATCH", at(product.id), {"price": "79.99", "description": ""}).json()

    assert answer == before | {"price": "79.99", "description": "", "updated_at": answer["updated_at"]}
    assert answer["updated_at"] > before["updated_at"]
    assert Client().get(at(product.id)).json() == answer


@pytest.mark.parametrize("nothing", [None, ""])
def test_patch_removes_a_barcode(editor: Client, nothing: str | None) -> None:
    product = make_product(barcode=EAN)

    assert call(editor, "PATCH", at(product.id), {"barcode": nothing}).json()["barcode"] is None
    assert Client().get(at(product.id)).json()["barcode"] is None


def test_an_archived_product_leaves_the_lists_and_keeps_its_address(editor: Client) -> None:
    product = make_product(name="Clavier", sku="INF-1", category="Informatique")
    before = Client().get(at(product.id)).json()

    answer = call(editor, "DELETE", at(product.id))

    assert (answer.status_code, answer.content) == (204, b"")
    assert listed() == listed("search=clavier") == listed("sku=INF-1") == listed("category=Informatique") == []
    after = Client().get(at(product.id)).json()
    assert after == before | {"active": False, "updated_at": after["updated_at"]}


def test_archiving_again_does_nothing(editor: Client, published: Published) -> None:
    product = make_product()
    call(editor, "DELETE", at(product.id))

    with nothing_changes():
        answer = call(editor, "DELETE", at(product.id))

    assert answer.status_code == 204
    assert [name for name, _ in published()] == ["product.created", "product.archived"]


def test_a_change_leaves_an_archived_product_archived(editor: Client) -> None:
    product = make_product()
    call(editor, "DELETE", at(product.id))

    answers = [
        call(editor, "PATCH", at(product.id), {"price": "1.00"}),
        call(editor, "PUT", at(product.id), KEYBOARD),
    ]

    assert [(answer.status_code, answer.json()["active"]) for answer in answers] == [(200, False), (200, False)]
    assert listed() == []


# --- ETag ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PRODUCTS, PRODUCTS + "{id}/", PRODUCTS + "categories/"])
def test_what_has_not_changed_is_not_sent_again(editor: Client, path: str) -> None:
    product = make_product(category="Things")
    path = path.format(id=product.id)
    etag = Client().get(path)["ETag"]

    unchanged = Client().get(path, headers={"If-None-Match": etag})
    call(editor, "PATCH", at(product.id), {"name": "Clavier", "category": "Informatique"})
    changed = Client().get(path, headers={"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", etag)
    assert changed.status_code == 200
    assert changed["ETag"] != etag
