"""Products and categories over REST: `/products/`."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC
from decimal import Decimal
from functools import cache, partial
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q
from django.db.models.expressions import RawSQL
from django.urls import path
from django.utils.decorators import method_decorator
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.interface import Action, Actor
from catalog import models
from catalog.interface import (
    DEFAULT_TAX_RATE,
    MIN_PRICE,
    ProductChanges,
    ProductDraft,
    ProductNotFound,
    catalog,
    shelves,
)
from shared_kernel.cache import cached
from shared_kernel.ids import new_id
from shared_kernel.postgres.rows import rows_of
from shared_kernel.rest.bodies import StrictSerializer, Text
from shared_kernel.rest.filters import StrictFilterBackend
from shared_kernel.rest.public import public

KEYBOARD = {
    "sku": "INF-0001",
    "name": "Clavier mécanique",
    "category": "Informatique",
    "price": "89.99",
    "barcode": "3760123450010",
    "description": "Clavier mécanique rétroéclairé",
    "tax_rate": "0.2000",
}
BODY_EXAMPLE = OpenApiExample("A keyboard", KEYBOARD, request_only=True)
PRICE_EXAMPLE = OpenApiExample("A new price", {"price": "79.99"}, request_only=True)

# Asked by everybody who looks at something: the ORM would take longer to put it together than to have it answered.
PRODUCT = """
SELECT p.id, p.sku, p.barcode, p.name, c.name AS category_name, p.description, p.price, p.tax_rate, p.active,
    p.image_url, p.created_at, p.updated_at
FROM product p JOIN category c ON c.id = p.category_id WHERE p.id = %s
"""


@extend_schema_field({"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]})
class DecimalBodyField(serializers.DecimalField):
    """A decimal number, sent as a string or as a JSON number."""


class ProductBody(StrictSerializer):
    """All that a client decides about a product; there is no quantity, which is inventory's."""

    sku = Text(max_length=64, help_text="The chain's own article number, unique.")
    name = Text(max_length=255, help_text="What customers and staff call it.")
    category = Text(max_length=100, help_text="A category's name; a new name makes the category.")
    price = DecimalBodyField(
        max_digits=10, decimal_places=2, min_value=MIN_PRICE, help_text="With tax, in the chain's currency."
    )
    barcode = Text(
        max_length=13,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="EAN-13, UPC-A or EAN-8, with its check digit; UPC-A is kept as EAN-13.",
    )
    description = Text(max_length=5000, required=False, allow_blank=True)
    tax_rate = DecimalBodyField(
        max_digits=5,
        decimal_places=4,
        min_value=Decimal(0),
        max_value=Decimal("0.9999"),
        required=False,
        help_text=f"The tax within the price, as a fraction; {DEFAULT_TAX_RATE} when left out.",
    )
    image_url = serializers.URLField(max_length=500, required=False, allow_blank=True)


class ProductAnswer(serializers.ModelSerializer[models.Product]):
    category = serializers.CharField(source="category_name")
    created_at = serializers.DateTimeField(default_timezone=UTC)
    updated_at = serializers.DateTimeField(default_timezone=UTC)
    image_url = serializers.SerializerMethodField(help_text="Null where there is no picture.")
    currency = serializers.SerializerMethodField(help_text="The chain's currency, an ISO 4217 code.")

    class Meta:
        model = models.Product
        fields = [
            "id",
            "sku",
            "barcode",
            "name",
            "category",
            "description",
            "price",
            "currency",
            "tax_rate",
            "active",
            "image_url",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    @classmethod
    def of(cls, product: models.Product) -> dict[str, Any]:
        """The answer about one product; `category_name` stands beside its own columns."""
        return cls._made_once().to_representation(product)

    @classmethod
    @cache
    def _made_once(cls) -> Self:
        # Each serializer makes its fields anew, which takes longer than to read a page of products.
        return cls()

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_image_url(self, product: models.Product) -> str | None:
        return product.image_url or None

    @extend_schema_field(OpenApiTypes.STR)
    def get_currency(self, product: models.Product) -> str:
        return settings.COMPTOIR_CURRENCY


class CategoryAnswer(serializers.ModelSerializer[models.Category]):
    products = serializers.IntegerField(source="on_sale", help_text="How many products on sale it holds.")

    class Meta:
        model = models.Category
        fields = ["id", "name", "products"]
        read_only_fields = fields


@extend_schema_field(OpenApiTypes.BOOL)
class TrueOrFalse(filters.TypedChoiceFilter):
    """A filter that is on, off or absent, where django-filter's own would take anything for absent."""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda value: value == "true", **options)


class ProductFilters(filters.FilterSet):
    search = filters.CharFilter(
        method="resembling",
        max_length=200,
        help_text="Words of the name or description; forgives accents and typing errors.",
    )
    category = filters.CharFilter(field_name="category__name", lookup_expr="iexact", max_length=100)
    sku = filters.CharFilter(max_length=64)
    barcode = filters.CharFilter(
        method="scanned", max_length=13, help_text="As scanned; one whose check digit does not fit is refused."
    )
    min_price = filters.NumberFilter(field_name="price", lookup_expr="gte", max_digits=10, decimal_places=2)
    max_price = filters.NumberFilter(field_name="price", lookup_expr="lte", max_digits=10, decimal_places=2)
    in_stock = TrueOrFalse(
        method="available",
        help_text="true: only what is available somewhere; false: only what is not.",
    )
    ordering = filters.OrderingFilter(
        fields=["name", "price", "sku", "created_at"], help_text="A field to sort by; a leading `-` turns it around."
    )

    class Meta:
        model = models.Product
        fields: list[str] = []

    def resembling(self, rows: models.ProductQuerySet, name: str, value: str) -> models.ProductQuerySet:
        return rows.resembling(value)

    def scanned(self, rows: models.ProductQuerySet, name: str, value: str) -> models.ProductQuerySet:
        return rows.scanned(value)

    def available(self, rows: models.ProductQuerySet, name: str, value: bool) -> models.ProductQuerySet:
        # As one parameter: there may be more products than a statement may have of them.
        in_stock = RawSQL("SELECT unnest(%s::uuid[])", [shelves.products_in_stock()])
        return rows.filter(id__in=in_stock) if value else rows.exclude(id__in=in_stock)


def _require_editor(request: Request) -> None:
    """Raises NotAuthenticated or NotAllowed unless the caller may edit the catalogue."""
    if request.auth is None:
        raise NotAuthenticated
    actor: Actor = request.user  # type: ignore[assignment]  # RestAuthentication puts it there
    actor.require(Action.EDIT_CATALOG)


def _shown(product_id: UUID) -> dict[str, Any]:
    for product in rows_of(models.Product, PRODUCT, [product_id]):
        return ProductAnswer.of(product)
    raise ProductNotFound(product_ids=[product_id])


def _page(name: str, request: Request, read: Callable[[], Response]) -> Response:
    """A page of a list as it is shown, with the addresses of the pages beside it."""
    return Response(cached(name, request.build_absolute_uri(), lambda: read().data))


class ProductListView(generics.ListAPIView[models.Product]):
    queryset = models.Product.objects.on_sale().annotate(category_name=F("category__name")).by_name()
    serializer_class = ProductAnswer
    filter_backends = [StrictFilterBackend]
    filterset_class = ProductFilters

    @extend_schema(operation_id="list_products", tags=["catalog"], auth=[])
    @method_decorator(public("product list"))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The products on sale, by name unless `ordering` or `search` says otherwise. All filters combine."""
        read = partial(self.list, request)
        if "in_stock" not in request.query_params:
            return _page("product list", request, read)
        response = read()
        # What is in stock changes with every sale.
        response["Cache-Control"] = "no-store"
        return response

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([ProductAnswer.of(product) for product in page or []])

    @extend_schema(
        operation_id="create_product",
        tags=["catalog"],
        request=ProductBody,
        responses={201: ProductAnswer},
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Add a product. Stock knows it at once, at zero everywhere.

        Refused with 409 when the sku or the barcode belongs to another product, archived ones included.
        """
        _require_editor(request)
        body = ProductBody.of(request)
        product = catalog.create_product(product_id=new_id(), draft=ProductDraft(**body))
        return Response(_shown(product.id), status=201)


class ProductView(APIView):
    @extend_schema(operation_id="product", tags=["catalog"], auth=[], responses=ProductAnswer)
    @method_decorator(public("product"))
    def get(self, request: Request, product_id: UUID) -> Response:
        """One product. An archived one is still shown, with `active: false`."""
        return Response(cached("product", product_id, partial(_shown, product_id)))

    @extend_schema(
        operation_id="replace_product",
        tags=["catalog"],
        request=ProductBody,
        responses=ProductAnswer,
        examples=[BODY_EXAMPLE],
    )
    def put(self, request: Request, product_id: UUID) -> Response:
        """Give a product all its values anew; what may be left out goes back to its default."""
        _require_editor(request)
        draft = ProductDraft(**ProductBody.of(request))
        values = {field: value for field, value in asdict(draft).items() if field not in {"stocked", "active"}}
        return self._change(product_id, values | {"barcode": draft.barcode or ""})

    @extend_schema(
        operation_id="update_product",
        tags=["catalog"],
        request=ProductBody,
        responses=ProductAnswer,
        examples=[PRICE_EXAMPLE],
    )
    def patch(self, request: Request, product_id: UUID) -> Response:
        """Give a product some values anew; `barcode: null` removes its barcode."""
        _require_editor(request)
        values = ProductBody.of(request, partial=True)
        if "barcode" in values:
            values["barcode"] = values["barcode"] or ""
        return self._change(product_id, values)

    @extend_schema(operation_id="archive_product", tags=["catalog"], responses={204: None})
    def delete(self, request: Request, product_id: UUID) -> Response:
        """Archive a product: gone from lists and sale, kept in history. Archiving again does nothing."""
        _require_editor(request)
        catalog.archive_product(product_id=product_id)
        return Response(status=204)

    def _change(self, product_id: UUID, values: dict[str, Any]) -> Response:
        catalog.update_product(product_id=product_id, changes=ProductChanges(**values))
        return Response(_shown(product_id))


class CategoryListView(generics.ListAPIView[models.Category]):
    # Grouped, the rows lose the order that the model gives them.
    queryset = models.Category.objects.annotate(on_sale=Count("products", filter=Q(products__active=True))).order_by(
        "name"
    )
    serializer_class = CategoryAnswer
    filter_backends = [StrictFilterBackend]

    @extend_schema(operation_id="list_categories", tags=["catalog"], auth=[])
    @method_decorator(public("categories"))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The categories by name, each with the number of its products on sale."""
        return _page("categories", request, partial(super().get, request, *args, **kwargs))


urlpatterns = [
    path("products/", ProductListView.as_view()),
    path("products/categories/", CategoryListView.as_view()),
    path("products/<uuid:product_id>/", ProductView.as_view()),
]
