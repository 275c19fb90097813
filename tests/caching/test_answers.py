"""What the API and the pages show of the cache: quick, and never old."""

from collections.abc import Callable
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.interface import Role
from catalog.interface import KnownProduct, Product, ProductChanges, ProductDraft, catalog
from catalog.models import Category
from config.caching import CACHED, GROUPS
from inventory.interface import Location
from shared_kernel import cache as caching
from shared_kernel.cache import Outdating
from shared_kernel.ids import new_id
from tests.admin import browser
from tests.chain import client_of, make_product, make_store, put_in_stock
from tests.events.queue import jobs, work
from tests.redis_server import RedisServer
from tests.threads import at_once

PRODUCTS, STORES = "/api/v1/products/", "/api/v1/stores/"

without_redis = pytest.mark.django_db


def with_redis(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test of the cache: its calls must not lie in a transaction that a change of role needs."""
    return pytest.mark.plain_calls(pytest.mark.usefixtures("committing", "redis_server")(test))


def get(path: str, client: Client | None = None, **query: Any) -> Any:
    answer = (client or Client()).get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def statements(path: str, client: Client | None = None) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        get(path, client)
    return [query["sql"] for query in captured]


def price(product: Product) -> str:
    return str(get(f"{PRODUCTS}{product.id}/")["price"])


def set_price(product: Product, cents: int) -> None:
    catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(cents) / 100))


def address_of(kind: str, product: Product, store: Location) -> str:
    return {
        "product": f"{PRODUCTS}{product.id}/",
        "list": f"{PRODUCTS}?search=product&page_size=5",
        "categories": f"{PRODUCTS}categories/",
        "stores": STORES,
        "store": f"{STORES}{store.id}/",
    }[kind]


KINDS = pytest.mark.parametrize("kind", ["product", "list", "categories", "stores", "store"])


# --- Read once -------------------------------------------------------------------------------------------------------


@with_redis
@KINDS
def test_what_is_kept_costs_no_statement(kind: str) -> None:
    path = address_of(kind, make_product(), make_store())
    first = get(path)

    assert (statements(path), get(path)) == ([], first)


@with_redis
def test_what_depends_on_the_stock_is_never_kept() -> None:
    product, store = make_product(), make_store()
    there = [get(PRODUCTS, in_stock="true")["count"], get(f"{PRODUCTS}{product.id}/stock/")["results"][0]["available"]]

    put_in_stock(product, store, 3)

    assert there == [0, 0]
    assert get(PRODUCTS, in_stock="true")["count"] == 1
    assert get(f"{PRODUCTS}{product.id}/stock/")["results"][0]["available"] == 3


# --- Outdated --------------------------------------------------------------------------------------------------------


@with_redis
@KINDS
def test_a_change_is_seen_at_once(kind: str) -> None:
    product, store = make_product(), make_store()
    path = address_of(kind, product, store)
    before = get(path)

    catalog.update_product(
        product_id=product.id, changes=ProductChanges(name="Produit changed", category="Other things")
    )
    client_of(Role.HEAD_OFFICE).put(
        f"{STORES}{store.id}/", {"name": "Vaise", "address": "Lyon"}, content_type="application/json"
    )

    after = get(path)
    settings.REDIS_URL = ""
    assert after == get(path) != before


@with_redis
def test_archived_products_leave_the_list() -> None:
    product = make_product()
    before = get(PRODUCTS)["count"]

    catalog.archive_product(product_id=product.id)

    assert (before, get(PRODUCTS)["count"], get(f"{PRODUCTS}{product.id}/")["active"]) == (1, 0, False)


@with_redis
def test_a_stores_stock_names_its_products_as_they_are_called_now() -> None:
    product, store = make_product(), make_store()
    path, client = f"{STORES}{store.id}/stock/", client_of(Role.HEAD_OFFICE)
    get(path, client)

    catalog.update_product(product_id=product.id, changes=ProductChanges(name="Clavier"))

    assert get(path, client)["results"][0]["product_name"] == "Clavier"


@with_redis
def test_the_admin_outdates_what_it_changes() -> None:
    product, store = make_product(category="Informatique"), make_store()
    admin, category = browser(Role.HEAD_OFFICE), Category.objects.get()
    places = {"name": "Vaise", "kind": "store", "address": "Lyon", "time_zone": "Europe/Paris", "lead_time_days": 2}
    get(PRODUCTS), get(STORES), get(f"{PRODUCTS}categories/")

    admin.post(f"/admin/inventory/location/{store.id}/change/", places)
    admin.post(f"/admin/catalog/category/{category.id}/change/", {"name": "Jeux"})
    renamed = [get(STORES)["results"][0]["name"], get(f"{PRODUCTS}{product.id}/")["category"]]
    admin.post("/admin/catalog/category/add/", {"name": "Jouets"})
    added = get(f"{PRODUCTS}categories/")["count"]
    empty = Category.objects.get(name="Jouets")
    chosen = {"action": "delete_selected", "_selected_action": [str(empty.id)], "post": "yes"}
    admin.post("/admin/catalog/category/", chosen)

    assert (renamed, added, get(f"{PRODUCTS}categories/")["count"]) == (["Vaise", "Jeux"], 2, 1)


@with_redis
def test_an_import_outdates_once() -> None:
    drafts = [ProductDraft(f"SKU-{number}", "Thing", "Things", Decimal(1)) for number in range(20)]

    catalog.ensure_products(products=[KnownProduct(new_id(), draft) for draft in drafts])

    assert jobs("outdate") == [{"generation_keys": ["generation:catalog"]}]


@with_redis
def test_a_file_of_the_admin_outdates_once() -> None:
    lines = "".join(f"SKU-{number},Thing,Things,1.00\n" for number in range(20))
    file = SimpleUploadedFile("products", f"sku,name,category,price\n{lines}".encode())

    browser(Role.HEAD_OFFICE).post("/admin/catalog/product/import/", {"import_file": file, "format": 0, "resource": 0})

    assert get(PRODUCTS)["count"] == 20
    assert jobs("outdate") == [{"generation_keys": ["generation:catalog"]}]


# --- Under load ------------------------------------------------------------------------------------------------------


def hammer(product: Product, changes: Callable[[Callable[[int], None]], None]) -> list[int]:
    """Read a product's price in four threads while it rises.

    `changes` is given what to call when a price, in cents, must be seen from now on. Returns how often each thread
    read; fails on a price that had been replaced when it was asked for.
    """
    settled, over = [1000], Event()

    def read() -> int:
        reads = 0
        while not over.is_set():
            least = settled[0]
            assert int(Decimal(price(product)) * 100) >= least
            reads += 1
        return reads

    def write() -> int:
        try:
            changes(lambda cents: settled.__setitem__(0, cents))
        finally:
            over.set()
        return 1

    return at_once([read, read, read, read, write])


@with_redis
def test_no_reader_sees_an_old_price_after_it_has_changed() -> None:
    product = make_product(price=Decimal("10.00"))

    def changes(settle: Callable[[int], None]) -> None:
        for cents in range(1001, 1031):
            set_price(product, cents)
            settle(cents)

    assert min(hammer(product, changes)) > 0
    assert price(product) == "10.30"


@with_redis
def test_no_reader_sees_an_old_price_after_the_job_although_its_writer_was_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = make_product(price=Decimal("10.00"))
    # Killed between its commit and what follows on that.
    monkeypatch.setattr(Outdating, "__call__", lambda outdating: None)
    seen = []

    def changes(settle: Callable[[int], None]) -> None:
        for cents in range(1001, 1006):
            price(product)
            set_price(product, cents)
            seen.append(price(product))
            work(monkeypatch, "events")
            settle(cents)

    assert min(hammer(product, changes)) > 0
    assert price(product) == "10.05"
    # What the job has repaired: the test would find nothing without it.
    assert "10.00" in seen


@with_redis
def test_redis_may_be_killed_and_come_back_while_prices_change(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "LEFT_ALONE_SECONDS", 0.01)
    product = make_product(price=Decimal("10.00"))

    def changes(settle: Callable[[int], None]) -> None:
        for cents in range(1001, 1021):
            if cents % 10 == 5:
                redis_server.kill()
            if cents % 10 == 0:
                redis_server.start()
            set_price(product, cents)
            settle(cents)

    assert min(hammer(product, changes)) > 0
    assert price(product) == "10.20"


# --- Browsers and proxies ---------------------------------------------------------------------------------------------


@without_redis
@KINDS
def test_everybody_may_keep_a_public_answer_for_a_moment_and_then_ask_whether_it_has_changed(kind: str) -> None:
    path = address_of(kind, make_product(), make_store())
    first = Client().get(path)
    again = Client().get(path, headers={"If-None-Match": first["ETag"]})

    seconds = 60 if kind in {"categories", "stores", "store"} else 5
    assert first["Cache-Control"] == f"public, max-age={seconds}, must-revalidate"
    assert (again.status_code, again.content) == (304, b"")
    assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])


@without_redis
@KINDS
def test_what_somebody_is_told_who_says_who_they_are_is_not_public(kind: str) -> None:
    path = address_of(kind, make_product(), make_store())

    for client in (client_of(Role.HEAD_OFFICE), browser(Role.HEAD_OFFICE), Client(headers={"X-API-Key": "cpt_x"})):
        assert "public" not in client.get(path).get("Cache-Control", "")


@without_redis
@pytest.mark.parametrize(
    "path", [f"{PRODUCTS}?in_stock=true", f"{PRODUCTS}?colour=red", f"{STORES}00000000-0000-7000-8000-000000000000/"]
)
def test_neither_is_what_depends_on_the_stock_nor_a_refusal(path: str) -> None:
    assert "public" not in Client().get(path).get("Cache-Control", "")


# --- The table -------------------------------------------------------------------------------------------------------


def test_the_documentation_lists_what_is_kept() -> None:
    text = (settings.BASE_DIR / "docs" / "caching.md").read_text()
    listed = [line for line in text.splitlines() if line.startswith("| ") and " s | " in line]

    def row(rule: caching.Caching) -> str:
        public = f"{rule.public_seconds} s" if rule.public_seconds else "–"
        return f"| {rule.name} | {rule.seconds} s | {public} | {GROUPS[rule.group]} |"

    assert listed == [row(rule) for rule in CACHED]
