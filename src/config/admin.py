"""What the admin shows that takes more than one module: its sidebar, the stores that people's roles are held in, and
the audit trail."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Field, Q, QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ExportMixin
from import_export.fields import Field as Column
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.contrib.import_export.forms import SelectableFieldsExportForm
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin import ApiKeyAdmin, MembershipInline, PersonAdmin
from accounts.interface import accounts
from catalog.interface import catalog
from config import webhooks  # noqa: F401 where Django looks for what is in the admin
from inventory.interface import inventory
from shared_kernel.admin import DaysFilter, Label, NamedFilter, ReadOnlyAdmin, second
from shared_kernel.audit import Deed, record
from shared_kernel.csv_files import harmless
from shared_kernel.models import AuditEntry

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
            (gettext_lazy("Orders"), "package_2", "checkout.order"),
            (gettext_lazy("Carts"), "shopping_cart", "cart.cart"),
        ],
    ),
    (
        gettext_lazy("Reference data"),
        [
            (gettext_lazy("Products"), "sell", "catalog.product"),
            (gettext_lazy("Categories"), "category", "catalog.category"),
            (gettext_lazy("Places"), "store", "inventory.location"),
        ],
    ),
    (
        gettext_lazy("People"),
        [
            (gettext_lazy("Customers"), "group", "accounts.customer"),
            (gettext_lazy("Staff"), "badge", "accounts.user"),
            (gettext_lazy("API keys"), "key", "accounts.apikey"),
        ],
    ),
    (
        gettext_lazy("Integrations"),
        [
            (gettext_lazy("Webhook endpoints"), "webhook", "shared_kernel.webhookendpoint"),
            (gettext_lazy("Webhook deliveries"), "outbox", "shared_kernel.webhookdelivery"),
        ],
    ),
    (gettext_lazy("Security"), [(gettext_lazy("Audit trail"), "policy", "shared_kernel.auditentry")]),
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


def stores() -> dict[UUID, str]:
    """The stores by their names."""
    return {store.id: store.name for store in inventory.stores()}


class StoreMembershipInline(MembershipInline):
    """The same, with stores chosen by name: people lie below the places, and know only their ids."""

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name != "store_id":
            return super().formfield_for_dbfield(db_field, request, **options)
        return forms.TypedChoiceField(
            label=_("Store"),
            choices=[("", _("The whole chain")), *stores().items()],
            # To see what has changed, the field coerces what is there, too: an id already.
            coerce=lambda value: UUID(str(value)),
            empty_value=None,
            required=False,
            widget=UnfoldAdminSelectWidget,
        )


# --- The audit trail ------------------------------------------------------------------------------------------------

DEEDS = {
    Deed.CREATED: gettext_lazy("Created"),
    Deed.CHANGED: gettext_lazy("Changed"),
    Deed.DELETED: gettext_lazy("Deleted"),
    Deed.REFUSED: gettext_lazy("Refused"),
    Deed.EXPORTED: gettext_lazy("Exported"),
}

# What the triggers call the things that they watch.
SUBJECTS = {
    "person": gettext_lazy("Person"),
    "role": gettext_lazy("Role"),
    "login": gettext_lazy("Login"),
    "session": gettext_lazy("Browser session"),
    "api_key": gettext_lazy("API key"),
    "operation": gettext_lazy("Operation"),
    "product": gettext_lazy("Product"),
    "location": gettext_lazy("Place"),
    "stock_movement": gettext_lazy("Correction of stock"),
    "discrepancy": gettext_lazy("Discrepancy"),
    "refund": gettext_lazy("Refund"),
    "order": gettext_lazy("Order"),
    "order_refund": gettext_lazy("Refund of an order"),
    "till": gettext_lazy("Closing of a till"),
    "cash": gettext_lazy("Cash in and out"),
    "request": gettext_lazy("Replenishment request"),
    "webhook": gettext_lazy("Webhook endpoint"),
    "audit_trail": gettext_lazy("Audit trail"),
}

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EXPORTED_AT_ONCE = 1000


class DeedFilter(NamedFilter):
    title = gettext_lazy("Deed")
    parameter_name = "deed"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return DEEDS.items()


class SubjectFilter(NamedFilter):
    title = gettext_lazy("Subject")
    parameter_name = "subject"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return SUBJECTS.items()


def describe(entries: Sequence[Any]) -> None:
    """Put onto these entries, in words, who did it to what; with one call to each module that knows things by name."""
    ids = {UUID(known) for entry in entries for known in ID.findall(_ids_of(entry))}
    names = {
        **{product.id: product.name for product in catalog.products(ids=list(ids))},
        **{place.id: place.name for place in inventory.locations(ids=list(ids))},
        **accounts.names(person_ids=list(ids)),
    }
    words = {str(known): name for known, name in names.items()}
    for entry in entries:
        entry.who_in_words = words.get(str(entry.actor_id), entry.actor_id) or entry.job
        entry.subject_in_words = words.get(entry.subject_id, entry.subject_id)
        entry.about_in_words = words.get(str(entry.about_id), entry.about_id)
        entry.changes_in_words = "; ".join(_change(column, change, words) for column, change in entry.changes.items())
        entry.admin_name = f"{SUBJECTS.get(entry.subject, entry.subject)} {entry.subject_in_words}".strip()


def _ids_of(entry: AuditEntry) -> str:
    return f"{entry.actor_id} {entry.subject_id} {entry.about_id} {entry.changes}"


def _change(column: str, change: Any, words: dict[str, str]) -> str:
    # As Django calls a field, so that the translations know it.
    name = _("superuser status" if column == "is_superuser" else column.replace("_", " "))
    if change is None:
        return name
    before, after = change if isinstance(change, list) else (None, change)
    old, new = (words.get(str(value), "–" if value is None else str(value)) for value in (before, after))
    return f"{name}: {new}" if before is None else f"{name}: {old} → {new}"


class AuditEntryResource(ModelResource):  # type: ignore[type-arg]  # no subscript at run time
    """An entry as a line of CSV or XLSX."""

    at = Column("at")
    who = Column("who_in_words")
    thing = Column("subject_in_words")
    about = Column("about_in_words")
    changes = Column("changes_in_words")

    class Meta:
        model = AuditEntry
        fields = [
            "id",
            "at",
            "who",
            "actor_id",
            "job",
            "deed",
            "subject",
            "subject_id",
            "thing",
            "about_id",
            "about",
            "changes",
            "address",
            "request_id",
        ]
        export_order = fields

    def iter_queryset(self, queryset: QuerySet[Any]) -> Iterator[Any]:
        entries = super().iter_queryset(queryset)
        while some := list(islice(entries, EXPORTED_AT_ONCE)):
            describe(some)
            yield from some

    def export_field(self, field: Any, instance: Any, **options: Any) -> Any:
        if field.attribute == "at":
            return instance.at.isoformat()
        return harmless(super().export_field(field, instance, **options))


@admin.register(AuditEntry)
class AuditEntryAdmin(ExportMixin, ReadOnlyAdmin):  # type: ignore[type-arg]  # no subscript at run time
    """The audit trail, newest first."""

    resource_classes = [AuditEntryResource]
    formats = [CSV, XLSX]
    export_form_class = SelectableFieldsExportForm
    list_display = ["moment", "who", "what", "thing", "other_thing", "differences", "address", "request_id"]
    list_filter = [("at", DaysFilter), DeedFilter, SubjectFilter]
    search_fields = ["request_id"]
    search_help_text = gettext_lazy("A name, an e-mail, an IP address, or an id of anything")
    ordering = ["-id"]
    fields = [
        ("moment", "what"),
        ("who", "actor_id"),
        ("thing", "subject_id"),
        ("other_thing", "about_id"),
        "differences",
        ("address", "request_id"),
        "job",
    ]
    readonly_fields = ["moment", "what", "who", "thing", "other_thing", "differences"]

    def describe(self, rows: Sequence[Any]) -> None:
        describe(rows)

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        if not search:
            return rows, False
        if ID.fullmatch(search):
            found = Q(actor_id=search) | Q(about_id=search)
        else:
            people = accounts.matching_ids(search=search)
            found = Q(actor_id__in=people) | Q(about_id__in=people) | Q(subject_id__in=[str(one) for one in people])
        return rows.filter(found | Q(subject_id=search) | Q(request_id=search) | Q(address=search)), False

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], **options: Any) -> Any:
        record(subject="audit_trail", subject_id="", deed=Deed.EXPORTED)
        return super().get_export_data(file_format, request, queryset, **options)

    @display(description=gettext_lazy("When"))
    def moment(self, entry: AuditEntry) -> str:
        return format_html('<span class="whitespace-nowrap">{}</span>', second(entry.at))

    @display(description=gettext_lazy("By"))
    def who(self, entry: Any) -> str | None:
        return str(entry.who_in_words) if entry.who_in_words else None

    @display(description=gettext_lazy("Deed"), label={Deed.REFUSED.value: "danger", Deed.DELETED.value: "warning"})
    def what(self, entry: AuditEntry) -> Label:
        return Label(entry.deed, str(DEEDS[Deed(entry.deed)]))

    @display(description=gettext_lazy("Subject"))
    def thing(self, entry: Any) -> str:
        return str(entry.admin_name)

    @display(description=gettext_lazy("About"))
    def other_thing(self, entry: Any) -> str | None:
        return str(entry.about_in_words) if entry.about_in_words else None

    @display(description=gettext_lazy("Changes"))
    def differences(self, entry: Any) -> str:
        return str(entry.changes_in_words)


def translate_names() -> None:
    """Let the names of models and fields, which Django takes from the code, go through the translations."""
    applications: Any = map(apps.get_app_config, ["shared_kernel", *settings.COMPTOIR_MODULES])
    for application in applications:
        application.verbose_name = gettext_lazy(application.verbose_name)
        for model in application.get_models():
            names: Any = model._meta
            names.verbose_name = gettext_lazy(names.verbose_name)
            names.verbose_name_plural = gettext_lazy(names.verbose_name_plural)
            for field in names.local_fields:
                field.verbose_name = gettext_lazy(field.verbose_name)
                if field.help_text:
                    field.help_text = gettext_lazy(field.help_text)


PersonAdmin.inlines = [StoreMembershipInline]
ApiKeyAdmin.stores = staticmethod(stores)
apps.get_app_config("shared_kernel").verbose_name = "Security"
translate_names()
# Roles are what the policy knows; Django's groups would do nothing. Jobs are for the operators' commands.
admin.site.unregister([Group, ProcrastinateJob])
