"""Warehouses and stores in the admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from inventory.interface import (
    LocationKind,
)
from inventory.models import Location
from shared_kernel.admin import (
    ModelAdmin,
    NamedFilter,
)
from shared_kernel.cache import outdate

KINDS = {LocationKind.WAREHOUSE: gettext_lazy("Warehouse"), LocationKind.STORE: gettext_lazy("Store")}


class KindFilter(NamedFilter):
    title = gettext_lazy("Kind")
    parameter_name = "kind"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return KINDS.items()


@admin.register(Location)
class LocationAdmin(ModelAdmin):
    """Warehouses and stores: opened and renamed here, never deleted, since the ledger speaks of them for ever."""

    list_display = ["name", "what", "address", "time_zone", "lead_time_days", "uses_transit"]
    list_filter = [KindFilter]
    search_fields = ["name", "address"]
    fields = ["name", "kind", "address", "time_zone", "lead_time_days", "uses_transit", "id", "created_at"]
    readonly_fields = ["id", "created_at"]

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, **options, choices=KINDS.items())

    @display(description=gettext_lazy("Kind"))
    def what(self, location: Location) -> str:
        return str(KINDS[LocationKind(location.kind)])

    def save_model(self, request: HttpRequest, obj: Location, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        outdate("stores")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


# --- Forms ----------------------------------------------------------------------------------------------------------
