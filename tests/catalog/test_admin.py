"""The catalogue in Django's admin: forms and files, which tell the other modules what they change."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import tablib
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.interface import Role
from accounts.models import User
from catalog.interface import Product, catalog
from catalog.models import Category
from inventory.interface import inventory
from tests.catalog.conftest import Published
from tests.catalog.rows import nothing_changes
from tests.chain import make_person, make_product, make_store, make_warehouse

pytestmark = pytest.mark.django_db

ADMIN = "/admin/catalog/product/"
EAN = "4006381333931"
CSV, XLSX = 0, 1
COLUMNS = ["sku", "barcode", "name", "category", "description", "price", "tax_rate", "stocked", "active", "image_url"]


def browser(role: Role) -> Client:
    """A browser in which a member of staff is logged in."""
    client = Client()
    client.force_login(User.objects.get(email=make_person(role, make_store())))
    return client


@pytest.fixture
def editor() -> Client:
    return browser(Role.CATALOG_MANAGER)


def of_sku(sku: str) -> Product:
    [product] = [product for product in catalog.product_page(limit=100).products if product.sku == sku]
    return product


# --- Who may ---------------------------------------------------------------------------------------------------------


def test_a_superuser_reads_and_changes_the_catalogue() -> None:
    product, client = make_product(name="Clavier"), Client()
    client.force_login(User.objects.create_superuser("root@comptoir.example", "secret", name="Root"))

    pages = [client.get(path) for path in ("/admin/", ADMIN, f"{ADMIN}{product.id}/change/", f"{ADMIN}add/")]

    assert [page.status_code for page in pages] == [200] * 4
    assert b"Clavier" in pages[1].content
    assert b"Save" in pages[2].content


@pytest.mark.parametrize("role", [Role.CATALOG_MANAGER, Role.HEAD_OFFICE])
def test_the_policy_lets_people_in(role: Role) -> None:
    client = browser(role)

    assert b"Products" in client.get("/admin/").content
    assert client.get(ADMIN).status_code == client.get(f"{ADMIN}import/").status_code == 200


@pytest.mark.parametrize("role", [Role.CASHIER, Role.STORE_MANAGER, Role.WAREHOUSE])
def test_the_policy_keeps_people_out(role: Role) -> None:
    product, client = make_product(), browser(role)
    paths = [ADMIN, f"{ADMIN}add/", f"{ADMIN}{product.id}/change/", f"{ADMIN}export/", "/admin/catalog/category/"]

    with nothing_changes():
        uploaded = upload(client, f"sku,name,category,price\n{product.sku},Clavier,Things,0.01\n")

    assert [client.get(path).status_code for path in paths] == [403] * 5
    assert uploaded.status_code == 403
    assert b"Products" not in client.get("/admin/").content


# --- Forms -----------------------------------------------------------------------------------------------------------


def form(**values: Any) -> dict[str, Any]:
    """What a browser sends; an unticked box is left out."""
    category, _ = Category.objects.get_or_create(name="Informatique")
    sound = {"sku": "INF-1", "name": "Clavier", "category": str(category.id), "price": "89.99", "tax_rate": "0.2"}
    return sound | {"stocked": "on", "active": "on"} | values


def test_an_added_product_is_published_and_known_to_stock(editor: Client, published: Published) -> None:
    warehouse = make_warehouse()

    answer = editor.post(f"{ADMIN}add/", form(barcode=EAN))

    assert answer.status_code == 302
    product = of_sku("INF-1")
    assert (product.name, product.category, product.price, product.barcode) == (
        "Clavier",
        "Informatique",
        Decimal("89.99"),
        EAN,
    )
    assert published() == [("product.created", {"product_id": str(product.id), "stocked": True})]
    [row] = inventory.stock_levels(product_ids=[product.id], location_ids=[warehouse.id])
    assert row.on_hand == 0


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"barcode": "4006381333930"}, "barcode"),
        ({"barcode": "123"}, "barcode"),
        ({"price": "0"}, "price"),
        ({"price": ""}, "price"),
        ({"tax_rate": "1"}, "tax_rate"),
        ({"sku": " "}, "sku"),
        ({"category": ""}, "category"),
        ({"category": "550e8400-e29b-41d4-a716-446655440001"}, "category"),
    ],
)
def test_a_form_with_an_error_comes_back(editor: Client, values: dict[str, str], field: str) -> None:
    body = form(**values)

    with nothing_changes():
        answer = editor.post(f"{ADMIN}add/", body)

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]


@pytest.mark.parametrize("taken", [{"sku": "INF-1"}, {"barcode": EAN}])
def test_a_taken_sku_or_barcode_comes_back(editor: Client, taken: dict[str, str]) -> None:
    make_product(sku="INF-1", barcode=EAN)
    body = form(sku="INF-2") | taken

    with nothing_changes():
        answer = editor.post(f"{ADMIN}add/", body)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors


def test_a_changed_product_is_published(editor: Client, published: Published) -> None:
    product = make_product(sku="INF-1", barcode=EAN, category="Informatique")

    answer = editor.post(f"{ADMIN}{product.id}/change/", form(name="Clavier silencieux", price="79.90"))

    assert answer.status_code == 302
    assert of_sku("INF-1") == replace(product, name="Clavier silencieux", price=Decimal("79.90"), barcode=None)
    assert published()[1:] == [("product.updated", {"product_id": str(product.id)})]


def test_whether_a_product_is_stocked_is_settled_when_it_is_made(editor: Client) -> None:
    product = make_product(sku="INF-1")
    unticked = form()
    del unticked["stocked"]

    editor.post(f"{ADMIN}{product.id}/change/", unticked)
    editor.post(f"{ADMIN}add/", unticked | {"sku": "SRV-1"})

    assert of_sku("INF-1").stocked is True
    assert [row.sku for row in Category.objects.get(name="Informatique").products.filter(stocked=False)] == ["SRV-1"]


def test_the_box_active_archives_a_product_and_brings_it_back(editor: Client, published: Published) -> None:
    product = make_product(sku="INF-1")
    unticked = form()
    del unticked["active"]

    editor.post(f"{ADMIN}{product.id}/change/", unticked)
    [archived] = catalog.products(ids=[product.id])
    editor.post(f"{ADMIN}{product.id}/change/", form())

    assert archived.active is False
    assert of_sku("INF-1").active is True
    assert [name for name, _ in published()[1:]] == ["product.updated", "product.archived", "product.updated"]


def test_selected_products_are_archived(editor: Client, published: Published) -> None:
    one, other, kept = make_product(), make_product(), make_product()

    answer = editor.post(ADMIN, {"action": "archive", "_selected_action": [str(one.id), str(other.id)]})

    assert answer.status_code == 302
    assert catalog.product_page().products == [kept]
    assert {data["product_id"] for name, data in published() if name == "product.archived"} == {
        str(one.id),
        str(other.id),
    }


def test_an_archived_product_has_a_history(editor: Client) -> None:
    product = make_product()

    editor.post(ADMIN, {"action": "archive", "_selected_action": [str(product.id)]})

    assert "Archived." in editor.get(f"{ADMIN}{product.id}/history/").content.decode()


def test_no_product_is_deleted(editor: Client) -> None:
    product = make_product()

    with nothing_changes():
        answers = [
            editor.post(f"{ADMIN}{product.id}/delete/", {"post": "yes"}),
            editor.post(ADMIN, {"action": "delete_selected", "_selected_action": [str(product.id)], "post": "yes"}),
        ]

    assert answers[0].status_code == 403
    assert b"delete_selected" not in editor.get(ADMIN).content


def test_products_are_searched_and_categories_suggested(editor: Client) -> None:
    make_product(name="Clavier", category="Informatique")
    make_product(name="Souris", category="Accessoires")
    suggestion = {"term": "info", "app_label": "catalog", "model_name": "product", "field_name": "category"}

    found = editor.get(ADMIN, {"q": "clav"}).content
    suggested = editor.get("/admin/autocomplete/", suggestion).json()["results"]

    assert (b"Clavier" in found, b"Souris" in found) == (True, False)
    assert [result["text"] for result in suggested] == ["Informatique"]


def test_an_empty_category_can_be_added_and_deleted(editor: Client) -> None:
    editor.post("/admin/catalog/category/add/", {"name": "Jouets"})
    category = Category.objects.get(name="Jouets")

    editor.post(f"/admin/catalog/category/{category.id}/delete/", {"post": "yes"})

    assert not Category.objects.exists()


# --- Files -----------------------------------------------------------------------------------------------------------


def upload(client: Client, content: str | bytes, kind: int = CSV) -> Any:
    file = SimpleUploadedFile("products", content.encode() if isinstance(content, str) else content)
    return client.post(f"{ADMIN}import/", {"import_file": file, "format": kind, "resource": 0})


def download(client: Client, kind: int) -> bytes:
    """The whole catalogue as a file with every column."""
    columns = {f"productresource_{column}": "on" for column in COLUMNS}
    answer = client.post(f"{ADMIN}export/", {"format": kind, "resource": 0} | columns)
    assert answer.status_code == 200
    return bytes(answer.content)


def test_a_file_creates_and_updates_by_sku(editor: Client, published: Published) -> None:
    keyboard = make_product(sku="INF-1", name="Clavier", barcode=EAN, category="Informatique")
    same = make_product(sku="INF-2", name="Souris", price=Decimal("25.50"), category="Informatique")

    answer = upload(
        editor,
        "sku,barcode,name,category,price,stocked\n"
        f"INF-1,{EAN},Clavier mécanique,Bureau,89.99,1\n"
        "INF-2,,Souris,Informatique,25.50,1\n"
        "BOI-1,,Café,Boissons,15.99,\n"
        "SRV-1,,Livraison,Services,4.90,0\n",
    )

    assert answer.status_code == 302
    assert of_sku("INF-1") == replace(keyboard, name="Clavier mécanique", category="Bureau", price=Decimal("89.99"))
    assert of_sku("INF-2") == same
    coffee = of_sku("BOI-1")
    assert (coffee.name, coffee.category, coffee.price, coffee.barcode, coffee.stocked, coffee.active) == (
        "Café",
        "Boissons",
        Decimal("15.99"),
        None,
        True,
        True,
    )
    [_, _, updated, created, service] = published()
    assert updated == ("product.updated", {"product_id": str(keyboard.id)})
    assert created == ("product.created", {"product_id": str(coffee.id), "stocked": True})
    assert (service[0], service[1]["stocked"]) == ("product.created", False)


def test_a_file_archives_and_brings_back(editor: Client, published: Published) -> None:
    going, coming = make_product(sku="A"), make_product(sku="B")
    catalog.archive_product(product_id=coming.id)

    upload(editor, "sku,active\nA,0\nB,1\n")

    assert {product.sku: product.active for product in catalog.products(ids=[going.id, coming.id])} == {
        "A": False,
        "B": True,
    }
    assert published()[-3:] == [
        ("product.updated", {"product_id": str(going.id)}),
        ("product.archived", {"product_id": str(going.id)}),
        ("product.updated", {"product_id": str(coming.id)}),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "BOI-1,,Café,Boissons,0,1",
        "BOI-1,,Café,Boissons,cheap,1",
        "BOI-1,,Café,Boissons,,1",
        "BOI-1,,,Boissons,15.99,1",
        "BOI-1,,Café,,15.99,1",
        "BOI-1,4006381333930,Café,Boissons,15.99,1",
        f"BOI-1,{EAN},Café,Boissons,15.99,1",
        f"BOI-1,,{'x' * 256},Boissons,15.99,1",
        ",,Café,Boissons,15.99,1",
        " INF-2 ,,Café,Boissons,15.99,1",
        "INF-2,,Souris,Informatique,25.50,0",
        "BOI-1,,Café,Boissons,15.99,perhaps",
    ],
)
def test_a_line_with_an_error_refuses_the_whole_file(editor: Client, line: str) -> None:
    make_product(sku="INF-1", barcode=EAN)
    make_product(sku="INF-2")

    with nothing_changes():
        answer = upload(editor, f"sku,barcode,name,category,price,stocked\nINF-9,,Clavier,Brand new,89.99,1\n{line}\n")

    assert answer.status_code == 200
    result = answer.context["result"]
    assert (result.has_errors(), result.has_validation_errors()) in {(True, False), (False, True)}


@pytest.mark.parametrize("content", ["", "name,price\nClavier,1.00\n", b"\xff\xfe\x00"])
def test_a_file_that_is_none_is_refused(editor: Client, content: str | bytes) -> None:
    with nothing_changes():
        answer = upload(editor, content)

    assert answer.status_code == 200


def test_a_spreadsheet_is_imported_too(editor: Client) -> None:
    rows = tablib.Dataset(headers=COLUMNS)
    rows.append([12, 4006381333931, "Clavier", "Informatique", None, 89.99, None, True, None, None])

    answer = upload(editor, rows.export("xlsx"), XLSX)

    assert answer.status_code == 302
    product = of_sku("12")
    assert (product.barcode, product.price, product.tax_rate, product.active) == (
        EAN,
        Decimal("89.99"),
        Decimal("0.2000"),
        True,
    )


@pytest.mark.parametrize("kind", [CSV, XLSX])
def test_an_export_shows_everything(editor: Client, kind: int) -> None:
    make_product(sku="INF-1", name="Clavier", category="Informatique", price=Decimal("89.99"), barcode=EAN)
    catalog.archive_product(product_id=make_product(sku="SRV-1", stocked=False, description="Par coursier").id)

    file = download(editor, kind)

    table = tablib.Dataset().load(file.decode(), "csv") if kind == CSV else tablib.Dataset().load(file, "xlsx")
    rows = {row["sku"]: row for row in table.dict}

    assert rows["INF-1"].keys() == set(COLUMNS)
    keyboard, service = rows["INF-1"], rows["SRV-1"]
    assert [keyboard[column] for column in ("barcode", "name", "category")] == [EAN, "Clavier", "Informatique"]
    assert [Decimal(str(keyboard[column])) for column in ("price", "tax_rate")] == [Decimal("89.99"), Decimal("0.2")]
    assert [keyboard[column] in {"1", True} for column in ("stocked", "active")] == [True, True]
    assert [service[column] in {"1", True} for column in ("stocked", "active")] == [False, False]
    assert service["description"] == "Par coursier"


@pytest.mark.parametrize("kind", [CSV, XLSX])
def test_an_export_imported_again_changes_nothing(editor: Client, kind: int) -> None:
    make_product(sku="0012", name="Clavier", barcode="0036000291452")
    make_product(sku="INF-2", price=Decimal("5.00"), stocked=False, description='Deux\nlignes, "citées"')
    catalog.archive_product(product_id=make_product().id)
    file = download(editor, kind)

    with nothing_changes():
        answer = upload(editor, file, kind)

    assert answer.status_code == 302
