"""People and their roles in the admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.interface import Role
from accounts.models import Membership, User
from shared_kernel.admin import ModelAdmin, NamedFilter

ROLES = {
    Role.CASHIER: gettext_lazy("Cashier"),
    Role.STORE_MANAGER: gettext_lazy("Store manager"),
    Role.WAREHOUSE: gettext_lazy("Warehouse"),
    Role.CATALOG_MANAGER: gettext_lazy("Catalogue manager"),
    Role.HEAD_OFFICE: gettext_lazy("Head office"),
}


class RoleFilter(NamedFilter):
    title = gettext_lazy("Role")
    parameter_name = "memberships__role"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return ROLES.items()

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return super().queryset(request, rows).distinct()


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    verbose_name = gettext_lazy("role")
    verbose_name_plural = gettext_lazy("Roles")

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, **options, choices=ROLES.items())


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # the theme's class is not typed
    """People who leave are made inactive, never deleted, since the ledger speaks of them for ever."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ["email"]
    list_display = ["email", "name", "is_active"]
    list_filter = [("is_active", BooleanRadioFilter), RoleFilter]
    search_fields = ["email", "name"]
    inlines = [MembershipInline]
    fieldsets = [(None, {"fields": ["email", "password", "name", "is_active"]})]
    add_fieldsets = [(None, {"fields": ["email", "name", "usable_password", "password1", "password2"]})]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
