"""The ledger and the discrepancies in the admin."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from accounts.interface import accounts
from catalog.interface import catalog
from inventory.admin.rows import StockAdmin
from inventory.interface import (
    MovementReason,
)
from inventory.models import StockDiscrepancy, StockMovement
from shared_kernel.admin import (
    DaysFilter,
    ModelAdmin,
    NamedFilter,
)

REASONS = {
    MovementReason.SALE: gettext_lazy("Sale"),
    MovementReason.RETURN: gettext_lazy("Return"),
    MovementReason.ORDER: gettext_lazy("Web order"),
    MovementReason.RECEIPT: gettext_lazy("Goods in"),
    MovementReason.TRANSFER: gettext_lazy("Transfer"),
    MovementReason.ADJUSTMENT: gettext_lazy("Correction"),
    MovementReason.COUNT: gettext_lazy("Stock count"),
}


class ReasonFilter(NamedFilter):
    title = gettext_lazy("Reason")
    parameter_name = "reason"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return REASONS.items()


@admin.register(StockMovement)
class StockMovementAdmin(StockAdmin):
    """The ledger, newest first."""

    list_display = ["recorded_at", "product", "place", "why", "delta", "before", "after", "document", "note", "actor"]
    list_filter = [
        ("level__location", RelatedDropdownFilter),
        ReasonFilter,
        ("recorded_at", DaysFilter),
    ]
    list_select_related = ["level__location"]
    search_fields = ["document"]
    search_help_text = gettext_lazy("A product; or, where none is called so, a document")
    ordering = ["-id"]
    fields = [
        ("recorded_at", "why"),
        ("product", "place"),
        ("before", "after"),
        ("delta", "in_transit"),
        ("document", "note"),
        "actor",
        "operation_id",
    ]
    readonly_fields = ["product", "place", "why", "actor"]

    def describe(self, rows: Sequence[Any]) -> None:
        super().describe(rows)
        names = accounts.names(person_ids=list({row.actor_id for row in rows if row.actor_id}))
        for row in rows:
            row.actor_name = names.get(row.actor_id)

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        if not search:
            return rows, False
        products = catalog.matching_ids(search=search)
        found = rows.filter(level__product_id__in=products) if products else rows.filter(document=search)
        return found, False

    @display(description=gettext_lazy("Product"))
    def product(self, row: Any) -> str:
        return str(row.level.product_name)

    @display(description=gettext_lazy("Place"))
    def place(self, row: StockMovement) -> str:
        return row.level.location.name

    @display(description=gettext_lazy("Reason"), label=True)
    def why(self, row: StockMovement) -> str:
        return str(REASONS[MovementReason(row.reason)])

    @display(description=gettext_lazy("By"))
    def actor(self, row: Any) -> str | None:
        return str(row.actor_name) if row.actor_name else None


class Settled(DropdownFilter):
    """Keeps the discrepancies that wait for a count, or those that had one."""

    title = gettext_lazy("State")
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("no", _("Open")), ("yes", _("Settled"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return rows.filter(settled_at__isnull=chosen == "no") if chosen in {"no", "yes"} else rows


@admin.register(StockDiscrepancy)
class StockDiscrepancyAdmin(StockAdmin):
    """Pieces that were sold although the books did not hold them, until somebody counts the shelf."""

    list_display = ["found_at", "product", "place", "missing", "document", "settled_at"]
    list_filter = [Settled, ("level__location", RelatedDropdownFilter)]
    list_select_related = ["level__location"]
    ordering = ["-id"]
    actions = ["count"]
    fields = [("product", "place"), ("missing", "document"), ("found_at", "settled_at")]
    readonly_fields = ["product", "place"]

    @display(description=gettext_lazy("Product"))
    def product(self, row: Any) -> str:
        return str(row.level.product_name)

    @display(description=gettext_lazy("Place"))
    def place(self, row: StockDiscrepancy) -> str:
        return row.level.location.name

    @action(description=gettext_lazy("Count the shelf"), permissions=["count"])
    def count(self, request: HttpRequest, discrepancies: QuerySet[StockDiscrepancy]) -> HttpResponse | None:
        return self.count_step(request, list({row.level_id: row.level for row in self.chosen(request)}.values()))
