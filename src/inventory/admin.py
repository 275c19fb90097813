from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from inventory.models import Location


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin[Location]):
    """Warehouses and stores: opened and renamed here, never deleted, since the ledger speaks of them for ever."""

    list_display = ["name", "kind", "address", "time_zone"]
    list_filter = ["kind"]
    search_fields = ["name", "address"]
    readonly_fields = ["id", "created_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
