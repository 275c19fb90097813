from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import Membership, User


class MembershipInline(admin.TabularInline[Membership, User]):
    model = Membership
    extra = 0


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """People who leave are made inactive, never deleted, since the ledger speaks of them for ever."""

    ordering = ["email"]
    list_display = ["email", "name", "is_active"]
    list_filter = ["is_active", "memberships__role"]
    search_fields = ["email", "name"]
    inlines = [MembershipInline]
    fieldsets = [(None, {"fields": ["email", "password", "name", "is_active"]})]
    add_fieldsets = [(None, {"fields": ["email", "name", "usable_password", "password1", "password2"]})]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
