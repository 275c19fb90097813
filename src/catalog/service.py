"""Carries out what `catalog.interface` publishes."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from catalog import models, rules
from catalog.interface import (
    BarcodeNotFound,
    BarcodeTaken,
    InvalidBarcode,
    InvalidProduct,
    KnownProduct,
    Product,
    ProductArchived,
    ProductChanges,
    ProductCreated,
    ProductDraft,
    ProductNotFound,
    ProductPage,
    ProductUpdated,
    SkuTaken,
    full_barcode,
)
from shared_kernel.cache import cached, outdate
from shared_kernel.events import Event
from shared_kernel.money import to_cents
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write, constraint_of

BATCH = 1000

# Asked by every sale: the ORM would take six times as long to put it together as to have it answered.
PRODUCTS = """
SELECT p.id, p.sku, p.barcode, p.name, c.name, p.price, p.tax_rate, p.stocked, p.active
FROM product p JOIN category c ON c.id = p.category_id
WHERE p.id = ANY(%s::uuid[]) OR p.barcode = ANY(%s::text[])
"""


class CatalogService:
    def products(self, *, ids: Sequence[UUID] = (), barcodes: Sequence[str] = ()) -> list[Product]:
        if not ids and not barcodes:
            return []
        with connection.cursor() as cursor:
            cursor.execute(PRODUCTS, [list(ids), [full_barcode(barcode) for barcode in barcodes]])
            return [Product(*row) for row in cursor.fetchall()]

    def archived_ids(self) -> list[UUID]:
        return list(models.Product.objects.filter(active=False).values_list("id", flat=True))

    def details(self, *, ids: Sequence[UUID]) -> list[KnownProduct]:
        rows = models.Product.objects.select_related("category").filter(id__in=ids)
        return [KnownProduct(row.id, row.draft()) for row in rows]

    def known_products(self, *, skus: Sequence[str]) -> list[KnownProduct]:
        rows = models.Product.objects.select_related("category").filter(sku__in=skus)
        return [KnownProduct(row.id, row.draft()) for row in rows]

    def products_on_sale(self, *, ids: Sequence[UUID] = (), barcodes: Sequence[str] = ()) -> list[Product]:
        if misread := [barcode for barcode in barcodes if rules.barcode_error(barcode)]:
            raise InvalidBarcode(barcodes=misread)
        found = [product for product in self.products(ids=ids, barcodes=barcodes) if product.active]
        if missing := list(set(ids) - {product.id for product in found}):
            raise ProductNotFound(product_ids=sorted(missing))
        read = {product.barcode for product in found}
        if unread := {barcode for barcode in barcodes if full_barcode(barcode) not in read}:
            raise BarcodeNotFound(barcodes=sorted(unread))
        return found

    def product_page(self, *, search: str = "", offset: int = 0, limit: int = 20) -> ProductPage:
        read = partial(_page, search, offset, limit)
        return cached("product page", (search, offset, limit), read, shape=ProductPage)

    def matching_ids(self, *, search: str) -> list[UUID]:
        return list(models.Product.objects.on_sale().resembling(search).values_list("id", flat=True))

    @atomic_write
    def create_product(self, *, product_id: UUID, draft: ProductDraft) -> Product:
        _check(draft)
        known = models.Product.objects.filter(id=product_id).values_of()
        if known:
            return known[0]
        row = models.Product(id=product_id, **_columns(draft))
        _save(row, force_insert=True)
        _tell([ProductCreated(product_id=product_id, stocked=draft.stocked)])
        return row.value()

    @atomic_write
    def update_product(self, *, product_id: UUID, changes: ProductChanges) -> Product:
        row = _locked(product_id)
        before = row.draft()
        draft = rules.changed(before, changes)
        _check(draft)
        for column, value in _columns(draft).items():
            setattr(row, column, value)
        _save(row)
        _tell([ProductUpdated(product_id=product_id)])
        if before.active and not draft.active:
            _tell([ProductArchived(product_id=product_id)])
        return row.value()

    @atomic_write
    def archive_product(self, *, product_id: UUID) -> None:
        row = _locked(product_id)
        if row.active:
            row.active = False
            row.save(update_fields=["active", "updated_at"])
            _tell([ProductArchived(product_id=product_id)])

    @atomic_write
    def ensure_products(self, *, products: Sequence[KnownProduct]) -> dict[str, UUID]:
        for product in products:
            _check(product.draft)
        skus = [product.draft.sku.strip() for product in products]
        before = _ids_by_sku(skus)
        new = {sku: product for sku, product in zip(skus, products, strict=True) if sku not in before}
        if not new:
            return before
        categories = _ensure_categories({product.draft.category.strip() for product in new.values()})
        rows = [models.Product(id=product.id, **_columns(product.draft, categories)) for product in new.values()]
        models.Product.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
        after = _ids_by_sku(skus)
        for row in rows:
            if row.sku not in after:
                raise BarcodeTaken(barcode=str(row.barcode))
        made = [row for row in rows if after[row.sku] == row.id]
        _tell([ProductCreated(product_id=row.id, stocked=row.stocked) for row in made])
        return after


def _page(search: str, offset: int, limit: int) -> ProductPage:
    rows = models.Product.objects.on_sale().filter(stocked=True)
    rows = rows.resembling(search) if search else rows.by_name()
    return ProductPage(count=rows.count(), products=rows[offset : offset + limit].values_of())


def _tell(events: Sequence[Event]) -> None:
    """Tell whoever wants to know, and the cache, that the catalogue has changed."""
    outdate("catalog")
    publish(events)


def _check(draft: ProductDraft) -> None:
    if errors := rules.errors_of(draft):
        raise InvalidProduct(errors=errors)


def _locked(product_id: UUID) -> models.Product:
    row = models.Product.objects.select_for_update(of=["self"]).select_related("category").filter(id=product_id).first()
    if row is None:
        raise ProductNotFound(product_ids=[product_id])
    return row


def _columns(draft: ProductDraft, categories: dict[str, models.Category] | None = None) -> dict[str, Any]:
    name = draft.category.strip()
    return {
        "sku": draft.sku.strip(),
        "barcode": full_barcode(draft.barcode) if draft.barcode else None,
        "name": draft.name.strip(),
        "category": (categories or _ensure_categories({name}))[name],
        "description": draft.description,
        "price": to_cents(draft.price),
        "tax_rate": draft.tax_rate,
        "stocked": draft.stocked,
        "active": draft.active,
        "image_url": draft.image_url,
    }


def _ensure_categories(names: set[str]) -> dict[str, models.Category]:
    models.Category.objects.bulk_create([models.Category(name=name) for name in sorted(names)], ignore_conflicts=True)
    return {category.name: category for category in models.Category.objects.filter(name__in=names)}


def _ids_by_sku(skus: list[str]) -> dict[str, UUID]:
    return dict(models.Product.objects.filter(sku__in=skus).values_list("sku", "id"))


def _save(row: models.Product, *, force_insert: bool = False) -> None:
    try:
        row.save(force_insert=force_insert)
    except IntegrityError as error:
        match constraint_of(error):
            case "product_sku_unique":
                raise SkuTaken(sku=row.sku) from error
            case "product_barcode_unique":
                raise BarcodeTaken(barcode=str(row.barcode)) from error
            case "product_pkey":
                raise AlreadyDone from error
        raise
