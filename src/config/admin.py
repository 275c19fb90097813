"""What the admin shows that takes more than one module: its sidebar, and the stores that people's roles are held in."""

from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.conf import settings
from django.db.models import Field
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin import MembershipInline, PersonAdmin
from inventory.interface import inventory

# Each entry: its title, its icon, and the rows that it leads to.
SIDEBAR = [
    (
        gettext_lazy("Stock"),
        [
            (gettext_lazy("Stock levels"), "inventory_2", "inventory.stocklevel"),
            (gettext_lazy("Stock movements"), "swap_vert", "inventory.stockmovement"),
            (gettext_lazy("Discrepancies"), "report", "inventory.stockdiscrepancy"),
        ],
    ),
    (
        gettext_lazy("Replenishment"),
        [
            (gettext_lazy("Requests"), "local_shipping", "replenishment.request"),
            (gettext_lazy("Suggestions"), "lightbulb", "replenishment.suggestion"),
        ],
    ),
    (
        gettext_lazy("Sales"),
        [
            (gettext_lazy("Sales"), "receipt_long", "sales.sale"),
            (gettext_lazy("Till sessions"), "point_of_sale", "sales.tillsession"),
        ],
    ),
    (
        gettext_lazy("Reference data"),
        [
            (gettext_lazy("Products"), "sell", "catalog.product"),
            (gettext_lazy("Categories"), "category", "catalog.category"),
            (gettext_lazy("Places"), "store", "inventory.location"),
            (gettext_lazy("People"), "group", "accounts.user"),
        ],
    ),
]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The way to the pages, to the rows that the policy shows, and to the API's documents."""
    links = [
        {"title": _("Dashboards"), "icon": "monitoring", "link": "/dashboard/"},
        {"title": _("REST API"), "icon": "api", "link": "/api/v1/docs/"},
    ]
    groups: list[dict[str, Any]] = [{"items": links}]
    for title, entries in SIDEBAR:
        items = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{model.replace('.', '_')}_changelist")}
            for name, icon, model in entries
            if request.user.has_perm(model.replace(".", ".view_"))
        ]
        groups.append({"title": title, "separator": True, "items": items})
    return groups


def icon(request: HttpRequest) -> str:
    return static("dashboards/icon.svg")


class StoreMembershipInline(MembershipInline):
    """The same, with stores chosen by name: people lie below the places, and know only their ids."""

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name != "store_id":
            return super().formfield_for_dbfield(db_field, request, **options)
        return forms.TypedChoiceField(
            label=_("Store"),
            choices=[("", _("The whole chain")), *((store.id, store.name) for store in inventory.stores())],
            coerce=UUID,
            empty_value=None,
            required=False,
            widget=UnfoldAdminSelectWidget,
        )


def translate_names() -> None:
    """Let the names of models and fields, which Django takes from the code, go through the translations."""
    applications: Any = map(apps.get_app_config, settings.COMPTOIR_MODULES)
    for application in applications:
        application.verbose_name = gettext_lazy(application.verbose_name)
        for model in application.get_models():
            names: Any = model._meta
            names.verbose_name = gettext_lazy(names.verbose_name)
            names.verbose_name_plural = gettext_lazy(names.verbose_name_plural)
            for field in names.fields:
                field.verbose_name = gettext_lazy(field.verbose_name)
                if field.help_text:
                    field.help_text = gettext_lazy(field.help_text)


PersonAdmin.inlines = [StoreMembershipInline]
translate_names()
