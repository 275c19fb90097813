"""Search over names and descriptions: what it forgives, what it finds, and that an index serves it."""

import unicodedata

import pytest
from django.db import connection

from catalog.interface import catalog
from catalog.models import Product
from tests.chain import make_product

pytestmark = pytest.mark.django_db

PRODUCTS = {
    "Clavier mécanique": "Rétroéclairé, interrupteurs bruns",
    "Souris optique": "Filaire, 1600 ppp",
    "Café Premium Bio": "En grains, issu de l'agriculture biologique",
    "Chocolat Noir 70%": "Tablette de cacao",
    "Chocolat au lait": "Tablette pour le goûter",
    "Écouteurs Bluetooth": "Sans fil, réduction de bruit",
    "Œufs en chocolat": "Pour Pâques",
    "Câble USB_C": "Tressé, 2 m",
}


@pytest.fixture(autouse=True)
def products() -> None:
    for name, description in PRODUCTS.items():
        make_product(name=name, description=description)


def found(search: str) -> list[str]:
    return [product.name for product in catalog.product_page(search=search).products]


@pytest.mark.parametrize("search", ["clavier mécanique", "clavier mecanique", "CLAVIER  MÉCANIQUE "])
def test_case_accents_and_spaces_do_not_matter(search: str) -> None:
    assert found(search) == ["Clavier mécanique"]


def test_accents_may_be_typed_as_letter_and_mark() -> None:
    assert found(unicodedata.normalize("NFD", "écouteurs")) == ["Écouteurs Bluetooth"]
    name = make_product(name=unicodedata.normalize("NFD", "Bière brune")).name
    assert found("biere brune") == [name]


def test_ligatures_are_found_by_their_letters() -> None:
    assert found("oeufs") == ["Œufs en chocolat"]


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("clavir mecanique", "Clavier mécanique"),
        ("clavier mecanqiue", "Clavier mécanique"),
        ("sourus", "Souris optique"),
        ("souri", "Souris optique"),
        ("ecouteur blutooth", "Écouteurs Bluetooth"),
        ("cafe premum", "Café Premium Bio"),
    ],
)
def test_typing_errors_are_forgiven(search: str, name: str) -> None:
    assert found(search) == [name]


@pytest.mark.parametrize("search", ["bio café premium", "café bio", "Premium biologique"])
def test_words_may_come_in_any_order(search: str) -> None:
    assert found(search) == ["Café Premium Bio"]


def test_every_word_has_to_be_found() -> None:
    assert found("chocolat souris") == []
    assert found("chocolat noir") == ["Chocolat Noir 70%"]


@pytest.mark.parametrize("search", ["rétroéclairé", "interrupteur", "clavier bruns"])
def test_the_description_counts_too(search: str) -> None:
    assert found(search) == ["Clavier mécanique"]


def test_a_part_of_a_word_is_enough() -> None:
    assert found("opti") == ["Souris optique"]
    assert found("bi") == ["Café Premium Bio"]


def test_the_closest_come_first() -> None:
    assert found("chocolat au lait") == ["Chocolat au lait"]
    assert found("tablette lait") == ["Chocolat au lait"]
    assert found("chocolat") == ["Chocolat au lait", "Chocolat Noir 70%", "Œufs en chocolat"]
    make_product(name="Chocolats fins")
    assert found("chocolats")[0] == "Chocolats fins"


def test_percent_and_underscore_are_letters_like_others() -> None:
    assert found("70%") == ["Chocolat Noir 70%"]
    assert found("%") == ["Chocolat Noir 70%"]
    assert found("usb_c") == found("_") == ["Câble USB_C"]
    assert found("%%%") == found("__") == found("\\") == []


@pytest.mark.parametrize("search", ["xylophone", "zzz", "qwertz", "'; DROP TABLE product; --", "🦄"])
def test_nonsense_finds_nothing(search: str) -> None:
    assert found(search) == []


def test_spaces_alone_ask_for_nothing_in_particular() -> None:
    assert len(found("   ")) == len(PRODUCTS)


def test_a_long_search_looks_for_its_first_words() -> None:
    assert found("clavier " * 8 + "xylophone") == ["Clavier mécanique"]


def test_matching_ids_are_those_of_the_page() -> None:
    ids = {product.id for product in catalog.product_page(search="tablette").products}

    assert set(catalog.matching_ids(search="tablette")) == ids
    assert len(ids) == 2


@pytest.fixture
def twenty_thousand_products() -> None:
    """Texts of three words out of twenty, so that a search matches neither next to nothing nor everything."""
    words = ["lampe", "chaise", "table", "bureau", "miroir", "tapis", "rideau", "coussin", "vase", "cadre"]
    words += ["horloge", "bougie", "panier", "crochet", "assiette", "verre", "tasse", "bol", "couteau", "fourchette"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO product (id, sku, name, category_id, description, price, tax_rate, stocked, active, image_url,
                created_at, updated_at)
            SELECT gen_random_uuid(), 'BULK-' || n, w[1 + n %% 20] || ' ' || w[1 + n / 20 %% 20] || ' ' || n,
                (SELECT id FROM category LIMIT 1), w[1 + n / 400 %% 20], 1, 0.2, true, true, '', now(), now()
            FROM generate_series(1, 20000) AS n, (SELECT %s::text[] AS w) AS words
            """,
            [words],
        )
        # What the server's autovacuum does by itself a little later.
        cursor.execute("SELECT gin_clean_pending_list('product_search')")
        cursor.execute("ANALYZE product")


def test_the_trigram_index_serves_a_search(twenty_thousand_products: None) -> None:
    for search in ("clavir mecanique", "sourus", "tasse bureau"):
        plan = Product.objects.on_sale().resembling(search)[:20].explain()

        assert "Bitmap Index Scan on product_search" in plan
        assert "Seq Scan on product" not in plan
