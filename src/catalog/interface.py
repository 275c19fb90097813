"""What other modules may know of the catalogue, and ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol
from uuid import UUID

from shared_kernel.errors import Conflict, Invalid, InvalidFields, NotFound
from shared_kernel.events import Event
from shared_kernel.published import published

DEFAULT_TAX_RATE = Decimal("0.2000")
MIN_PRICE = Decimal("0.01")


def full_barcode(barcode: str) -> str:
    """A barcode as the catalogue keeps it: UPC-A, of 12 digits, is EAN-13 without its leading zero."""
    return barcode.zfill(13) if len(barcode) == 12 else barcode


@dataclass(frozen=True)
class Product:
    """Something that is sold. `price` includes tax at `tax_rate`, a fraction: 0.2 for 20 %.

    A product that is not `stocked` is a service: there is nothing to count. One that is not `active` is archived: out
    of lists and of sale, kept for history.
    """

    id: UUID
    sku: str
    barcode: str | None
    name: str
    category: str
    price: Decimal
    tax_rate: Decimal
    stocked: bool
    active: bool


@dataclass(frozen=True)
class ProductPage:
    """Some products of a longer list, and how many the whole list holds."""

    count: int
    products: list[Product]


@dataclass(frozen=True)
class ProductDraft:
    """All that a person decides about a product. `category` is a name; a new one makes the category."""

    sku: str
    name: str
    category: str
    price: Decimal
    barcode: str | None = None
    description: str = ""
    tax_rate: Decimal = DEFAULT_TAX_RATE
    image_url: str = ""
    stocked: bool = True
    active: bool = True


@dataclass(frozen=True)
class ProductChanges:
    """New values for some of a product's fields; None leaves a field as it is, an empty barcode removes it.

    `active` False archives the product, True brings an archived one back.
    """

    sku: str | None = None
    name: str | None = None
    category: str | None = None
    price: Decimal | None = None
    barcode: str | None = None
    description: str | None = None
    tax_rate: Decimal | None = None
    image_url: str | None = None
    active: bool | None = None


@dataclass(frozen=True)
class KnownProduct:
    """A product's id with all that a person decided about it: one that is there, or is to come from an import."""

    id: UUID
    draft: ProductDraft


@dataclass(eq=False)
class ProductNotFound(NotFound):
    """Products that were named do not exist, or are archived where they must be on sale."""

    code: ClassVar[str] = "product_not_found"
    product_ids: list[UUID]

    def __str__(self) -> str:
        return f"There is no product {', '.join(map(str, self.product_ids))} on sale: look it up in the catalogue."


@dataclass(eq=False)
class BarcodeNotFound(NotFound):
    """No product on sale carries these barcodes."""

    code: ClassVar[str] = "barcode_not_found"
    barcodes: list[str]

    def __str__(self) -> str:
        return f"No product on sale has the barcode {', '.join(self.barcodes)}: scan again or enter the product."


@dataclass(eq=False)
class InvalidBarcode(Invalid):
    """What was scanned is no barcode: it has the wrong length, or its check digit does not fit."""

    code: ClassVar[str] = "invalid_barcode"
    barcodes: list[str]

    def __str__(self) -> str:
        return f"{', '.join(self.barcodes)} was not read rightly, its last digit tells: scan again."


@dataclass(eq=False)
class SkuTaken(Conflict):
    """Another product, on sale or archived, has this sku."""

    code: ClassVar[str] = "sku_taken"
    sku: str

    def __str__(self) -> str:
        return f"Another product has the sku {self.sku}: choose a different one."


@dataclass(eq=False)
class BarcodeTaken(Conflict):
    """Another product, on sale or archived, has this barcode."""

    code: ClassVar[str] = "barcode_taken"
    barcode: str

    def __str__(self) -> str:
        return f"Another product has the barcode {self.barcode}: check which product carries it."


class InvalidProduct(InvalidFields):
    """A value breaks one of the catalogue's rules."""


@dataclass(frozen=True)
class ProductCreated(Event):
    """A product came into the catalogue."""

    type: ClassVar[str] = "product.created"
    product_id: UUID
    stocked: bool


@dataclass(frozen=True)
class ProductUpdated(Event):
    """A product's description, price or other value changed."""

    type: ClassVar[str] = "product.updated"
    product_id: UUID


@dataclass(frozen=True)
class ProductArchived(Event):
    """A product left lists and sale."""

    type: ClassVar[str] = "product.archived"
    product_id: UUID


class Catalog(Protocol):
    """Products and their prices."""

    def products(self, *, ids: Sequence[UUID] = (), barcodes: Sequence[str] = ()) -> list[Product]:
        """These products, each named by its id or its barcode, archived ones included, in no particular order; an
        unknown one is left out."""
        ...

    def archived_ids(self) -> list[UUID]:
        """The ids of all archived products, in no particular order."""
        ...

    def details(self, *, ids: Sequence[UUID]) -> list[KnownProduct]:
        """All that was decided about these products, archived ones included, in no particular order; an unknown id is
        left out."""
        ...

    def known_products(self, *, skus: Sequence[str]) -> list[KnownProduct]:
        """The products with these skus, archived ones included, in no particular order; an unknown sku is left out."""
        ...

    def products_on_sale(self, *, ids: Sequence[UUID] = (), barcodes: Sequence[str] = ()) -> list[Product]:
        """These products, each named by its id or its barcode, if all are on sale.

        Raises InvalidBarcode, or else ProductNotFound or BarcodeNotFound, naming all that are unknown or archived.
        """
        ...

    def product_page(self, *, search: str = "", offset: int = 0, limit: int = 20) -> ProductPage:
        """The stocked products on sale, by name, or the best matches first when `search` is given."""
        ...

    def matching_ids(self, *, search: str) -> list[UUID]:
        """The ids of all products on sale whose name or description resembles `search`, in no particular order."""
        ...

    def create_product(self, *, product_id: UUID, draft: ProductDraft) -> Product:
        """Add a product to the catalogue, and publish ProductCreated.

        Idempotent by `product_id`. Raises SkuTaken, BarcodeTaken, InvalidProduct.
        """
        ...

    def update_product(self, *, product_id: UUID, changes: ProductChanges) -> Product:
        """Give a product these new values, and publish ProductUpdated (and ProductArchived, if so). Idempotent.

        Raises ProductNotFound, SkuTaken, BarcodeTaken, InvalidProduct.
        """
        ...

    def archive_product(self, *, product_id: UUID) -> None:
        """Take a product out of lists and sale, and publish ProductArchived. Again: nothing happens.

        Raises ProductNotFound.
        """
        ...

    def ensure_products(self, *, products: Sequence[KnownProduct]) -> dict[str, UUID]:
        """Make those of these products whose sku is unknown, and publish ProductCreated for each.

        One transaction. Idempotent by sku: a product that exists stays as it is. Returns the id of every sku given.
        Raises BarcodeTaken, InvalidProduct.
        """
        ...


class Shelves(Protocol):
    """What the catalogue needs of whoever keeps the stock, which lies above it: config binds one to the other."""

    def products_in_stock(self) -> list[UUID]:
        """The ids of all products of which at least one is available somewhere."""
        ...


catalog = published(Catalog)
shelves = published(Shelves)
