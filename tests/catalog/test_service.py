"""The catalogue's published calls: what they change, what they publish, and what refuses them."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from catalog.interface import (
    BarcodeNotFound,
    BarcodeTaken,
    InvalidBarcode,
    InvalidProduct,
    KnownProduct,
    Product,
    ProductChanges,
    ProductDraft,
    ProductNotFound,
    SkuTaken,
    catalog,
)
from shared_kernel.ids import new_id
from tests.catalog.conftest import Published
from tests.catalog.rows import nothing_changes, refused
from tests.chain import make_product
from tests.threads import at_once

pytestmark = pytest.mark.django_db

EAN = "4006381333931"
OTHER_EAN = "2000000000015"

DRAFT = ProductDraft(
    sku="INF-1",
    name="Clavier mécanique",
    category="Informatique",
    price=Decimal("89.99"),
    barcode=EAN,
    description="Rétroéclairé",
    tax_rate=Decimal("0.0550"),
    image_url="https://images.example/clavier.jpg",
)


def stored(product: Product) -> Product:
    [found] = catalog.products(ids=[product.id])
    return found


# --- Create ---------------------------------------------------------------------------------------------------------


def test_a_product_is_created_as_drafted(published: Published) -> None:
    product_id = new_id()

    product = catalog.create_product(product_id=product_id, draft=DRAFT)

    assert product == Product(
        id=product_id,
        sku="INF-1",
        barcode=EAN,
        name="Clavier mécanique",
        category="Informatique",
        price=Decimal("89.99"),
        tax_rate=Decimal("0.0550"),
        stocked=True,
        active=True,
    )
    assert stored(product) == product
    assert published() == [("product.created", {"product_id": str(product_id), "stocked": True})]


def test_created_again_it_is_the_same_product(published: Published) -> None:
    product = catalog.create_product(product_id=new_id(), draft=DRAFT)

    with nothing_changes():
        again = catalog.create_product(product_id=product.id, draft=replace(DRAFT, name="Another", sku="INF-2"))

    assert again == product
    assert len(published()) == 1


def test_spaces_around_names_are_nobodys_intention() -> None:
    product = make_product(sku=" INF-1 ", name=" Clavier ", category=" Informatique ", barcode="")

    assert (product.sku, product.name, product.category, product.barcode) == (
        "INF-1",
        "Clavier",
        "Informatique",
        None,
    )


def test_any_number_of_products_have_no_barcode() -> None:
    assert [make_product(barcode=blank).barcode for blank in (None, None, "")] == [None, None, None]


@pytest.mark.parametrize("archived", [False, True])
def test_a_sku_is_taken_for_ever(archived: bool) -> None:
    catalog.archive_product(product_id=make_product(sku="INF-1").id) if archived else make_product(sku="INF-1")

    with refused(SkuTaken) as refusal:
        make_product(sku="INF-1")

    assert refusal.value.sku == "INF-1"


@pytest.mark.parametrize("archived", [False, True])
def test_a_barcode_is_taken_for_ever(archived: bool) -> None:
    product = make_product(barcode=EAN)
    if archived:
        catalog.archive_product(product_id=product.id)

    with refused(BarcodeTaken) as refusal:
        make_product(barcode=EAN)

    assert refusal.value.barcode == EAN


def test_an_unsound_product_is_not_created() -> None:
    with refused(InvalidProduct) as refusal:
        make_product(price=Decimal("0.00"), barcode="4006381333930", category="Brand new")

    assert [error["field"] for error in refusal.value.errors] == ["price", "barcode"]
    assert str(refusal.value) == (
        "price: A price lies between 0.01 and 99999999.99.; "
        "barcode: The last digit of this barcode does not fit the others: check for a typing error."
    )


# --- Update ---------------------------------------------------------------------------------------------------------


def test_a_product_is_given_new_values(published: Published) -> None:
    product = catalog.create_product(product_id=new_id(), draft=DRAFT)
    changes = ProductChanges(
        sku="INF-9",
        name="Clavier silencieux",
        category="Bureau",
        price=Decimal("79.90"),
        barcode=OTHER_EAN,
        tax_rate=Decimal("0.2000"),
    )

    changed = catalog.update_product(product_id=product.id, changes=changes)

    assert changed == replace(
        product,
        sku="INF-9",
        name="Clavier silencieux",
        category="Bureau",
        price=Decimal("79.90"),
        barcode=OTHER_EAN,
        tax_rate=Decimal("0.2000"),
    )
    assert stored(product) == changed
    assert published()[1:] == [("product.updated", {"product_id": str(product.id)})]


def test_what_a_change_leaves_out_stays() -> None:
    product = catalog.create_product(product_id=new_id(), draft=DRAFT)

    changed = catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal("79.90")))

    assert changed == stored(product) == replace(product, price=Decimal("79.90"))
    assert catalog.matching_ids(search="rétroéclairé") == [product.id]


def test_a_barcode_is_removed_by_an_empty_one() -> None:
    product = make_product(barcode=EAN)

    catalog.update_product(product_id=product.id, changes=ProductChanges(barcode=""))

    assert stored(product).barcode is None
    assert make_product(barcode=EAN).barcode == EAN


def test_a_products_own_sku_and_barcode_are_not_taken() -> None:
    product = make_product(sku="INF-1", barcode=EAN)

    assert catalog.update_product(product_id=product.id, changes=ProductChanges(sku="INF-1", barcode=EAN)) == product


def test_an_unknown_product_is_not_changed() -> None:
    unknown = new_id()

    with refused(ProductNotFound) as refusal:
        catalog.update_product(product_id=unknown, changes=ProductChanges(name="Clavier"))

    assert refusal.value.product_ids == [unknown]


def test_another_products_sku_cannot_be_had() -> None:
    make_product(sku="INF-1")
    product = make_product()

    with refused(SkuTaken):
        catalog.update_product(product_id=product.id, changes=ProductChanges(sku="INF-1", category="Brand new"))


def test_another_products_barcode_cannot_be_had() -> None:
    make_product(barcode=EAN)
    product = make_product()

    with refused(BarcodeTaken):
        catalog.update_product(product_id=product.id, changes=ProductChanges(barcode=EAN, name="Clavier"))


def test_a_product_is_not_made_unsound() -> None:
    product = make_product()

    with refused(InvalidProduct):
        catalog.update_product(product_id=product.id, changes=ProductChanges(price=Decimal(-1), name="Clavier"))


# --- Archive --------------------------------------------------------------------------------------------------------


def test_an_archived_product_is_kept_but_not_on_sale(published: Published) -> None:
    product = make_product(name="Clavier", barcode=EAN)

    catalog.archive_product(product_id=product.id)

    assert stored(product) == replace(product, active=False)
    assert catalog.product_page().products == []
    assert catalog.matching_ids(search="clavier") == []
    with pytest.raises(ProductNotFound):
        catalog.products_on_sale(ids=[product.id])
    with pytest.raises(BarcodeNotFound):
        catalog.products_on_sale(barcodes=[EAN])
    assert published()[1:] == [("product.archived", {"product_id": str(product.id)})]


def test_archived_again_nothing_happens() -> None:
    product = make_product()
    catalog.archive_product(product_id=product.id)

    with nothing_changes():
        catalog.archive_product(product_id=product.id)


def test_an_unknown_product_is_not_archived() -> None:
    with refused(ProductNotFound):
        catalog.archive_product(product_id=new_id())


def test_a_change_can_archive_a_product_and_bring_it_back(published: Published) -> None:
    product = make_product()

    archived = catalog.update_product(product_id=product.id, changes=ProductChanges(active=False))
    renamed = catalog.update_product(product_id=product.id, changes=ProductChanges(name="Clavier"))
    back = catalog.update_product(product_id=product.id, changes=ProductChanges(active=True))

    assert [archived.active, renamed.active, back.active] == [False, False, True]
    assert catalog.products_on_sale(ids=[product.id]) == [back]
    assert [name for name, _ in published()[1:]] == [
        "product.updated",
        "product.archived",
        "product.updated",
        "product.updated",
    ]


# --- Ensure ---------------------------------------------------------------------------------------------------------


def known(**values: Any) -> KnownProduct:
    return KnownProduct(new_id(), replace(DRAFT, barcode=None, **values))


def test_products_that_are_missing_are_made(published: Published) -> None:
    keyboard, service = known(sku="INF-1"), known(sku="SRV-1", stocked=False, category="Services")

    ids = catalog.ensure_products(products=[keyboard, service])

    assert ids == {"INF-1": keyboard.id, "SRV-1": service.id}
    assert {
        (product.sku, product.category, product.stocked) for product in catalog.products(ids=list(ids.values()))
    } == {
        ("INF-1", "Informatique", True),
        ("SRV-1", "Services", False),
    }
    assert published() == [
        ("product.created", {"product_id": str(keyboard.id), "stocked": True}),
        ("product.created", {"product_id": str(service.id), "stocked": False}),
    ]


def test_products_that_are_there_stay_as_they_are() -> None:
    product = make_product(sku="INF-1", price=Decimal("1.00"))

    with nothing_changes():
        ids = catalog.ensure_products(products=[known(sku=" INF-1 ")])

    assert ids == {"INF-1": product.id}


def test_only_the_missing_ones_are_published(published: Published) -> None:
    old = make_product(sku="INF-1")
    new = known(sku="INF-2")

    ids = catalog.ensure_products(products=[known(sku="INF-1"), new])

    assert ids == {"INF-1": old.id, "INF-2": new.id}
    assert published()[1:] == [("product.created", {"product_id": str(new.id), "stocked": True})]


def test_no_product_is_made_when_one_has_another_products_barcode() -> None:
    make_product(barcode=EAN)
    taking = KnownProduct(new_id(), replace(DRAFT, sku="INF-2", barcode=EAN))

    with refused(BarcodeTaken) as refusal:
        catalog.ensure_products(products=[known(sku="INF-3", category="Brand new"), taking])

    assert refusal.value.barcode == EAN


def test_no_product_is_made_when_one_is_unsound() -> None:
    with refused(InvalidProduct):
        catalog.ensure_products(products=[known(sku="INF-3"), known(sku="INF-4", price=Decimal("0.001"))])


def test_no_products_are_ensured_by_doing_nothing() -> None:
    with nothing_changes():
        assert catalog.ensure_products(products=[]) == {}


# --- Queries --------------------------------------------------------------------------------------------------------


def test_an_unknown_id_is_left_out() -> None:
    product = make_product()

    assert catalog.products(ids=[new_id(), product.id]) == [product]
    assert catalog.products(ids=[]) == []


def test_products_are_known_by_their_sku_with_all_that_was_decided_about_them() -> None:
    product, archived = catalog.create_product(product_id=new_id(), draft=DRAFT), make_product(sku="INF-2")
    catalog.archive_product(product_id=archived.id)

    found = {known.draft.sku: known for known in catalog.known_products(skus=["INF-1", "INF-2", "INF-3"])}

    assert found.keys() == {"INF-1", "INF-2"}
    assert found["INF-1"] == KnownProduct(product.id, DRAFT)
    assert (found["INF-2"].id, found["INF-2"].draft.active) == (archived.id, False)


def test_products_are_found_by_id_or_barcode_in_one_call() -> None:
    by_id, by_barcode = make_product(), make_product(barcode=EAN)

    found = catalog.products_on_sale(ids=[by_id.id], barcodes=[EAN])

    assert {product.id for product in found} == {by_id.id, by_barcode.id}


def test_all_products_that_are_not_on_sale_are_named() -> None:
    product, archived, unknown = make_product(), make_product(), new_id()
    catalog.archive_product(product_id=archived.id)

    with pytest.raises(ProductNotFound) as refusal:
        catalog.products_on_sale(ids=[product.id, unknown, archived.id])
    with pytest.raises(BarcodeNotFound) as unread:
        catalog.products_on_sale(ids=[product.id], barcodes=[EAN, "12345670"])

    assert refusal.value.product_ids == sorted([archived.id, unknown])
    assert str(archived.id) in str(refusal.value)
    assert unread.value.barcodes == ["12345670", EAN]
    assert str(unread.value) == f"No product on sale has the barcode 12345670, {EAN}: scan again or enter the product."


def test_a_barcode_that_was_misread_is_to_be_scanned_again() -> None:
    make_product(barcode=EAN)

    with pytest.raises(InvalidBarcode) as refusal:
        catalog.products_on_sale(barcodes=[EAN, "4006381333930", "123"])

    assert refusal.value.barcodes == ["4006381333930", "123"]


@pytest.mark.parametrize(("kept", "scanned"), [(12, 13), (13, 12), (12, 12)])
def test_a_upc_is_found_with_and_without_its_leading_zero(kept: int, scanned: int) -> None:
    product = make_product(barcode="0036000291452"[-kept:])

    assert product.barcode == "0036000291452"
    assert catalog.products_on_sale(barcodes=["0036000291452"[-scanned:]]) == [product]
    with pytest.raises(BarcodeTaken):
        make_product(barcode="0036000291452"[-scanned:])


def test_products_are_found_by_barcode_even_when_archived() -> None:
    product = make_product(barcode="12345670")
    catalog.archive_product(product_id=product.id)

    assert catalog.products(barcodes=["12345670", EAN]) == [replace(product, active=False)]


def test_a_page_shows_stocked_products_by_name() -> None:
    names = ["Thé", "Café", "Souris", "Clavier"]
    products = {name: make_product(name=name) for name in names}
    make_product(name="Assembly", stocked=False)

    first, second = catalog.product_page(limit=3), catalog.product_page(offset=3, limit=3)

    assert (first.count, second.count) == (4, 4)
    assert first.products == [products["Café"], products["Clavier"], products["Souris"]]
    assert second.products == [products["Thé"]]


# --- At the same time -----------------------------------------------------------------------------------------------


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
def test_of_many_products_with_one_sku_one_comes_to_be(published: Published) -> None:
    outcomes = at_once([lambda: make_product(sku="INF-1", category="Brand new")] * 8)

    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Product)]
    assert [type(outcome) for outcome in outcomes if outcome is not winner] == [SkuTaken] * 7
    assert catalog.product_page().products == [winner]
    assert published() == [("product.created", {"product_id": str(winner.id), "stocked": True})]


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
def test_one_creation_sent_many_times_at_once_is_carried_out_once(published: Published) -> None:
    product_id = new_id()

    outcomes = at_once([lambda: catalog.create_product(product_id=product_id, draft=DRAFT)] * 8)

    assert outcomes == [stored(outcomes[0])] * 8
    assert len(published()) == 1


@pytest.mark.plain_calls
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("published")
def test_changes_at_once_lose_nothing() -> None:
    product = make_product()
    changes = [ProductChanges(name="Clavier"), ProductChanges(price=Decimal("7.00")), ProductChanges(sku="INF-1")]

    at_once([partial(catalog.update_product, product_id=product.id, changes=change) for change in changes])

    assert stored(product) == replace(product, name="Clavier", price=Decimal("7.00"), sku="INF-1")
