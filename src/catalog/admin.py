"""The catalogue in Django's admin. Products are written through the published interface, so that others hear of it."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from import_export.admin import ImportExportModelAdmin
from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource
from import_export.widgets import BooleanWidget, CharWidget, ForeignKeyWidget
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter
from unfold.contrib.import_export.forms import ImportForm, SelectableFieldsExportForm
from unfold.decorators import action
from unfold.widgets import UnfoldAdminURLInputWidget

from catalog import rules
from catalog.interface import ProductChanges, ProductDraft, catalog
from catalog.models import Category, Product
from shared_kernel.admin import ModelAdmin
from shared_kernel.cache import outdate


def save(row: Product, *, is_new: bool) -> None:
    """Carry out what a form or a line of a file says."""
    if is_new:
        catalog.create_product(product_id=row.id, draft=row.draft())
        return
    values = asdict(row.draft())
    del values["stocked"]
    values["barcode"] = row.barcode or ""
    catalog.update_product(product_id=row.id, changes=ProductChanges(**values))


class CategoryWidget(ForeignKeyWidget):  # type: ignore[type-arg]  # no subscript at run time
    """A category by its name, made when it is new."""

    def clean(self, value: str | None, row: object = None, **options: object) -> Category | None:
        return Category.objects.get_or_create(name=value.strip())[0] if value else None


class TrueOrFalse(BooleanWidget):
    """Refuses a word that it does not know, where the library's own takes it for false."""

    def clean(self, value: object, row: Any = None, **options: Any) -> Any:
        if value not in [*self.TRUE_VALUES, *self.FALSE_VALUES, *self.NULL_VALUES]:
            raise ValueError("1 or 0 is wanted.")
        return super().clean(value, row, **options)


class ProductResource(ModelResource):  # type: ignore[type-arg]  # no subscript at run time
    """A product as a line of CSV or XLSX; lines are matched to products by sku.

    A column that is left out leaves its values as they are, an empty cell sets the default.
    """

    barcode = Field("barcode", "barcode", CharWidget(), default=None)
    category = Field("category", "category", CategoryWidget(Category, field="name"))
    description = Field("description", "description", CharWidget())
    stocked = Field("stocked", "stocked", TrueOrFalse(), default=True)
    active = Field("active", "active", TrueOrFalse(), default=True)
    image_url = Field("image_url", "image_url", CharWidget())

    class Meta:
        model = Product
        import_id_fields = ["sku"]
        fields = [
            "sku",
            "barcode",
            "name",
            "category",
            "description",
            "price",
            "tax_rate",
            "stocked",
            "active",
            "image_url",
        ]
        export_order = fields
        clean_model_instances = True
        skip_unchanged = True

    def after_init_instance(self, instance: Product, new: bool, row: dict[str, Any], **options: Any) -> None:
        if not new and "stocked" in row and self.fields["stocked"].clean(row) != instance.stocked:
            raise ValidationError({"stocked": "Whether a product is stocked is settled when it is made."})

    def do_instance_save(self, instance: Product, is_create: bool) -> None:  # type: ignore[override]  # stubs lag
        save(instance, is_new=is_create)


class ProductForm(forms.ModelForm[Product]):
    image_url = forms.URLField(max_length=500, required=False, assume_scheme="https", widget=UnfoldAdminURLInputWidget)

    def clean(self) -> dict[str, Any] | None:
        values = super().clean()
        if values is not None and not self.errors:
            for error in rules.errors_of(ProductDraft(**values | {"category": values["category"].name})):
                self.add_error(error["field"], error["message"])
        return values


@admin.register(Product)
class ProductAdmin(ModelAdmin, ImportExportModelAdmin):  # type: ignore[misc, type-arg]  # the theme's is not typed
    """Products are archived here, never deleted, since sales speak of them for ever."""

    form = ProductForm
    resource_classes = [ProductResource]
    formats = [CSV, XLSX]
    import_form_class = ImportForm
    export_form_class = SelectableFieldsExportForm
    # At once, all lines or none: a file kept for a second step would be out of reach of the other replicas.
    skip_import_confirm = True
    list_display = ["sku", "name", "category", "price", "active"]
    list_filter = [("active", BooleanRadioFilter), ("category", RelatedDropdownFilter)]
    list_select_related = ["category"]
    search_fields = ["sku", "barcode", "name"]
    autocomplete_fields = ["category"]
    actions = ["archive"]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> list[str]:
        return ["id", "created_at", "updated_at", *(["stocked"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Product, form: object, change: bool) -> None:
        save(obj, is_new=not change)

    @action(description=gettext_lazy("Archive the selected products"), permissions=["change"])
    def archive(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        for product in self.chosen(request):
            catalog.archive_product(product_id=product.id)
            self.log_change(request, product, "Archived.")


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    search_fields = ["name"]

    def save_model(self, request: HttpRequest, obj: Category, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        outdate("catalog")

    def delete_model(self, request: HttpRequest, obj: Category) -> None:
        super().delete_model(request, obj)
        outdate("catalog")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Category]) -> None:
        with atomic():
            super().delete_queryset(request, queryset)
            outdate("catalog")
