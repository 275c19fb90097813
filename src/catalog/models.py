from typing import Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.functions import Concat
from django.utils.timezone import now

from catalog import rules
from catalog.interface import DEFAULT_TAX_RATE, MIN_PRICE, InvalidBarcode, ProductDraft, full_barcode
from catalog.interface import Product as ProductValue
from shared_kernel.ids import new_id


class Fold(Func):
    """A text without case and accents, as search compares it. The function is made by the first migration."""

    function = "catalog.fold"
    output_field = TextField()


class Category(models.Model):
    """A shelf of the catalogue."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        db_table = "category"
        ordering = ["name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def on_sale(self) -> Self:
        return self.filter(active=True)

    def by_name(self) -> Self:
        """As a dictionary sorts them: É stands with E."""
        return self.order_by(Fold("name"), "id")

    def scanned(self, barcode: str) -> Self:
        """The product with this barcode. Raises InvalidBarcode."""
        if rules.barcode_error(barcode):
            raise InvalidBarcode(barcodes=[barcode])
        return self.filter(barcode=full_barcode(barcode))

    def resembling(self, search: str) -> Self:
        """The products with a word like each word of `search`, in name or description; the closest first.

        Both conditions on a word use the trigram index. `<%` forgives typing errors (its threshold is set on the
        connection); LIKE finds what is too short to be resembled.
        """
        found = self
        for word in rules.search_words(search):
            found = found.filter(
                Q(search_text__trigram_word_similar=Fold(Value(word))) | Q(search_text__contains=Fold(Value(word)))
            )
        closeness = Func(
            Fold(Value(search)), F("search_text"), function="word_similarity", output_field=models.FloatField()
        )
        return found.annotate(closeness=closeness).order_by("-closeness", Fold("name"), "id")

    def values_of(self) -> list[ProductValue]:
        """These rows as published values, in one statement."""
        fields = ("id", "sku", "barcode", "name", "category__name", "price", "tax_rate", "stocked", "active")
        return [ProductValue(*row) for row in self.values_list(*fields)]


class Product(models.Model):
    """Something that is sold. How many there are is not known here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sku = models.CharField(max_length=64)
    # Null, not empty: many products without a barcode do not share one.
    barcode = models.CharField(max_length=13, null=True, blank=True)  # noqa: DJ001
    name = models.CharField(max_length=255)
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, help_text="With tax.")
    tax_rate = models.DecimalField(
        max_digits=5, decimal_places=4, default=DEFAULT_TAX_RATE, help_text="A fraction: 0.2 for 20 %."
    )
    stocked = models.BooleanField(default=True, help_text="Off for a service, of which there is nothing to count.")
    active = models.BooleanField(default=True, help_text="Off takes the product out of lists and sale.")
    image_url = models.URLField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    search_text = models.GeneratedField(
        expression=Fold(Concat("name", Value(" "), "description", output_field=TextField())),
        output_field=TextField(),
        db_persist=True,
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        db_table = "product"
        constraints = [
            models.UniqueConstraint("sku", name="product_sku_unique"),
            models.UniqueConstraint("barcode", name="product_barcode_unique"),
            models.CheckConstraint(condition=Q(price__gte=MIN_PRICE), name="product_price_positive"),
            models.CheckConstraint(condition=Q(tax_rate__gte=0, tax_rate__lt=1), name="product_tax_rate_fraction"),
            models.CheckConstraint(condition=~Q(sku="") & ~Q(name=""), name="product_named"),
        ]
        indexes = [
            # Without fastupdate: a search after a large import would first have to go through what is pending.
            GinIndex(fields=["search_text"], opclasses=["gin_trgm_ops"], fastupdate=False, name="product_search"),
            models.Index(Fold("name"), "id", condition=Q(active=True), name="product_by_name"),
            models.Index(fields=["category", "name"], condition=Q(active=True), name="product_by_category"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    def value(self) -> ProductValue:
        """This row as a published value."""
        return ProductValue(
            id=self.id,
            sku=self.sku,
            barcode=self.barcode,
            name=self.name,
            category=self.category.name,
            price=self.price,
            tax_rate=self.tax_rate,
            stocked=self.stocked,
            active=self.active,
        )

    def draft(self) -> ProductDraft:
        """What a person decides about this row."""
        return ProductDraft(
            sku=self.sku,
            name=self.name,
            category=self.category.name,
            price=self.price,
            barcode=self.barcode,
            description=self.description,
            tax_rate=self.tax_rate,
            image_url=self.image_url,
            stocked=self.stocked,
            active=self.active,
        )
