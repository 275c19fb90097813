"""Carts in the admin, to be read: who means to buy what."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from accounts.interface import accounts
from cart.models import Cart, Line
from catalog.interface import catalog
from shared_kernel.admin import DaysFilter, ReadOnlyAdmin, amount, table
from shared_kernel.money import ZERO


@admin.register(Cart)
class CartAdmin(ReadOnlyAdmin):
    """Carts, those last touched first, at the prices of now."""

    list_display = ["touched_at", "customer", "products", "pieces", "value"]
    list_filter = [("touched_at", DaysFilter)]
    search_fields = ["customer_id"]
    search_help_text = gettext_lazy("A customer's name or e-mail")
    ordering = ["-touched_at"]
    fields = [("customer", "touched_at"), ("products", "pieces"), "value", "goods", "id"]
    readonly_fields = ["customer", "products", "pieces", "value", "goods"]

    def describe(self, rows: Sequence[Any]) -> None:
        customers = {
            one.id: one for one in accounts.customers(ids=[row.customer_id for row in rows if row.customer_id])
        }
        lines: dict[UUID, list[Any]] = defaultdict(list)
        for line in Line.objects.filter(cart_id__in=[row.id for row in rows]):
            lines[line.cart_id].append(line)
        product_ids = {line.product_id for held in lines.values() for line in held}
        products = {product.id: product for product in catalog.products(ids=list(product_ids))}
        for row in rows:
            customer = customers.get(row.customer_id)
            row.customer_name = f"{customer.name} <{customer.email}>" if customer else None
            row.admin_name = row.customer_name or str(row.id)
            row.held = [(products[line.product_id], line.quantity) for line in lines[row.id]]

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        found = rows.filter(customer_id__in=accounts.matching_ids(search=search)) if search else rows
        return found, False

    @display(description=gettext_lazy("Customer"))
    def customer(self, row: Any) -> str | None:
        return str(row.customer_name) if row.customer_name else None

    @display(description=gettext_lazy("Products"))
    def products(self, row: Any) -> int:
        return len(row.held)

    @display(description=gettext_lazy("Pieces"))
    def pieces(self, row: Any) -> int:
        return sum(quantity for _product, quantity in row.held)

    @display(description=gettext_lazy("Value"))
    def value(self, row: Any) -> str:
        return amount(sum((product.price * quantity for product, quantity in row.held), ZERO))

    @display(description=gettext_lazy("Contents"))
    def goods(self, row: Any) -> str:
        rows = [[product.name, quantity, amount(product.price)] for product, quantity in row.held]
        return table([_("Product"), _("Quantity"), _("Price")], rows)
