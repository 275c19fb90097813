from django.contrib import admin
from import_export.admin import ImportExportModelAdmin
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import ForeignKeyWidget

from catalog.models import Category, Product


class CategoryWidget(ForeignKeyWidget):  # type: ignore[type-arg]  # no subscript at run time
    """A category by its name, made when it is new."""

    def clean(self, value: str | None, row: object = None, **options: object) -> Category | None:
        return Category.objects.get_or_create(name=value.strip())[0] if value else None


class ProductResource(ModelResource):  # type: ignore[type-arg]  # no subscript at run time
    """A product as a line of CSV or XLSX; lines are matched to products by sku."""

    category = Field(column_name="category", attribute="category", widget=CategoryWidget(Category, field="name"))

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


@admin.register(Product)
class ProductAdmin(ImportExportModelAdmin):  # type: ignore[type-arg]  # no subscript at run time
    resource_classes = [ProductResource]
    list_display = ["sku", "name", "category", "price", "active"]
    list_filter = ["active", "category"]
    list_select_related = ["category"]
    search_fields = ["sku", "barcode", "name"]
    autocomplete_fields = ["category"]
    readonly_fields = ["id", "created_at", "updated_at"]
    show_full_result_count = False


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin[Category]):
    search_fields = ["name"]
