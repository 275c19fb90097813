"""Stock levels in the admin: read-only, and changed by counts, corrections and transfers."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from accounts.interface import Action
from catalog.interface import catalog
from inventory.admin.rows import StockAdmin
from inventory.admin.steps import AdjustmentForm, TransferForm
from inventory.interface import (
    inventory,
)
from inventory.models import StockLevel
from shared_kernel.admin import (
    Label,
    ModelAdmin,
    actor_of,
)


class HowMuch(DropdownFilter):
    """Keeps the shelves that want filling."""

    title = gettext_lazy("Stock")
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("low", _("Low")), ("out", _("Out of stock"))]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        match self.value():
            case "low":
                return rows.low()
            case "out":
                return rows.out()
        return rows


@admin.register(StockLevel)
class StockLevelAdmin(StockAdmin):
    """What is where. It changes through what is done with it."""

    list_display = [
        "product",
        "sku",
        "location",
        "state",
        "on_hand",
        "reserved",
        "available",
        "in_transit",
        "reorder_point",
        "target",
    ]
    list_filter = [("location", RelatedDropdownFilter), HowMuch]
    list_select_related = ["location"]
    search_fields = ["product_id"]
    search_help_text = gettext_lazy("Name or description of a product")
    # That of the index over them, which serves one place as well as all.
    ordering = ["location_id", "product_id"]
    actions = ["count", "adjust", "transfer"]
    fields = [
        ("product", "sku"),
        ("location", "state"),
        ("on_hand", "available"),
        ("reserved", "in_transit"),
        ("reorder_point", "target"),
        "safety_stock",
    ]
    readonly_fields = ["product", "sku", "state", "available"]

    def has_adjust_permission(self, request: HttpRequest) -> bool:
        return bool(actor_of(request).may(Action.ADJUST_STOCK))

    def has_transfer_permission(self, request: HttpRequest) -> bool:
        return bool(actor_of(request).may(Action.TRANSFER_STOCK))

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockLevel]:
        return StockLevel.objects.with_available(datetime.now(UTC))

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        found = rows.filter(product_id__in=catalog.matching_ids(search=search)) if search else rows
        return found, False

    @display(description=gettext_lazy("Product"))
    def product(self, level: Any) -> str:
        return str(level.product_name)

    @display(description=gettext_lazy("SKU"))
    def sku(self, level: Any) -> str:
        return str(level.sku)

    @display(description=gettext_lazy("Available"))
    def available(self, level: Any) -> int:
        return int(level.available)

    @display(description=gettext_lazy("Stock"), label={"out": "danger", "low": "warning", "enough": "success"})
    def state(self, level: Any) -> Label:
        if level.available == 0:
            return Label("out", _("Out of stock"))
        is_low = level.reorder_point > 0 and level.available <= level.reorder_point
        return Label("low", _("Low")) if is_low else Label("enough", _("Enough"))

    @action(description=gettext_lazy("Count the shelf"), permissions=["count"])
    def count(self, request: HttpRequest, levels: QuerySet[StockLevel]) -> HttpResponse | None:
        return self.count_step(request, self.chosen(request))

    @action(description=gettext_lazy("Correct the stock"), permissions=["adjust"])
    def adjust(self, request: HttpRequest, levels: QuerySet[StockLevel]) -> HttpResponse | None:
        rows = self.chosen(request)

        def adjust(form: AdjustmentForm) -> None:
            inventory.adjust(
                operation_id=form.key,
                location_id=rows[0].location_id,
                lines=form.lines(),
                note=form.cleaned_data["note"],
                actor_id=request.user.pk,
                now=datetime.now(UTC),
            )

        title = _("Correct the stock")
        return self.stock_step(request, rows, Action.ADJUST_STOCK, AdjustmentForm, title=title, act=adjust)

    @action(description=gettext_lazy("Move to another place"), permissions=["transfer"])
    def transfer(self, request: HttpRequest, levels: QuerySet[StockLevel]) -> HttpResponse | None:
        rows = self.chosen(request)

        def transfer(form: TransferForm) -> None:
            inventory.transfer(
                operation_id=form.key,
                from_location_id=rows[0].location_id,
                to_location_id=form.cleaned_data["to"].id,
                lines=form.lines(),
                document=form.cleaned_data["document"],
                actor_id=request.user.pk,
                now=datetime.now(UTC),
            )

        title = _("Move to another place")
        return self.stock_step(request, rows, Action.TRANSFER_STOCK, TransferForm, title=title, act=transfer)
