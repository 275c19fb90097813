"""Webhooks in the admin: endpoints, and the log of what was sent to them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.interface import Action
from shared_kernel.admin import (
    TO_BE_MADE,
    DaysFilter,
    Label,
    NamedFilter,
    ReadOnlyAdmin,
    Secret,
    StepForm,
    actor_of,
    allow,
    second,
)
from shared_kernel.errors import Refusal
from shared_kernel.events import event_types
from shared_kernel.ids import uuid_of
from shared_kernel.models import WebhookDelivery, WebhookEndpoint
from shared_kernel.webhooks import (
    EndpointDraft,
    InvalidEndpoint,
    change_endpoint,
    create_endpoint,
    new_secret,
    send_again,
)

STATES = {
    "waiting": gettext_lazy("Waiting"),
    "delivered": gettext_lazy("Delivered"),
    "parked": gettext_lazy("Parked"),
}


class EndpointForm(StepForm):
    """Asks where an integrator wants to be told of what."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    url = forms.CharField(
        label=gettext_lazy("URL"),
        help_text=gettext_lazy("Where events are sent by POST, beginning with https://."),
        max_length=2000,
        widget=UnfoldAdminTextInputWidget,
    )
    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        help_text=gettext_lazy("None: all of them."),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget
    )
    field_order = ["name", "url", "event_types", "active"]

    def __init__(self, rows: Sequence[Any], data: Any = None) -> None:
        super().__init__(rows, data)
        field: Any = self.fields["event_types"]
        field.choices = [(name, name) for name in event_types()]
        if rows != [TO_BE_MADE]:
            for name in self.field_order:
                self.fields[name].initial = getattr(rows[0], name)

    @property
    def draft(self) -> EndpointDraft:
        return EndpointDraft(**{name: self.cleaned_data[name] for name in self.field_order})

    def refuse(self, refusal: Refusal) -> None:
        self.add_error("url" if isinstance(refusal, InvalidEndpoint) else None, str(refusal))


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Integrators' endpoints, by name. What signs is shown once, when an endpoint is made."""

    list_display = ["name", "url", "events", "state", "created_at"]
    ordering = ["name", "id"]
    search_fields = ["name", "url"]
    actions_list = ["create"]
    actions_row = ["edit"]
    actions_detail = ["edit"]
    fields = ["name", "url", "events", "state", "created_at", "id"]
    readonly_fields = ["events", "state"]

    def has_manage_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(actor_of(request).may(Action.MANAGE_KEYS))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not settings.COMPTOIR_WEBHOOKS:
            self.message_user(request, _("Nothing is sent until COMPTOIR_WEBHOOKS is set."), messages.WARNING)
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page

    @display(description=gettext_lazy("Events"))
    def events(self, row: WebhookEndpoint) -> str:
        return ", ".join(row.event_types) or _("All of them")

    @display(description=gettext_lazy("State"), label={"active": "success", "off": "danger"})
    def state(self, row: WebhookEndpoint) -> Label:
        return Label("active", _("Active")) if row.active else Label("off", _("Off"))

    @action(description=gettext_lazy("Create an endpoint"), permissions=["manage"])
    def create(self, request: HttpRequest) -> HttpResponse:
        allow(request, Action.MANAGE_KEYS)

        def make(form: EndpointForm) -> Secret | None:
            secret = new_secret()
            if not create_endpoint(endpoint_id=form.key, secret=secret, draft=form.draft):
                return None
            return Secret(
                title=form.draft.name,
                heading=_("The secret of %(title)s") % {"title": form.draft.name},
                advice=_("Give it to the integrator now, to verify Comptoir-Signature with: it is not shown again."),
                label=_("Secret"),
                value=secret,
                way_back=_("Back to the endpoints"),
            )

        return self.step_to_secret(
            request,
            EndpointForm,
            TO_BE_MADE,
            title=_("Create an endpoint"),
            make=make,
            made_before=_(
                "This endpoint was made a moment ago, and its secret shown then. If nobody has kept it, make another."
            ),
        )

    @action(description=gettext_lazy("Edit"), permissions=["manage"])
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        allow(request, Action.MANAGE_KEYS)
        row = self.get_object(request, object_id)

        def change(form: EndpointForm) -> str:
            change_endpoint(endpoint_id=row.pk, draft=form.draft)
            return _("%(name)s is saved.") % {"name": form.draft.name}

        return self.step_on(request, EndpointForm, row, title=_("Edit"), about=str, act=change)


class StateFilter(NamedFilter):
    title = gettext_lazy("State")
    parameter_name = "state"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return STATES.items()


class EndpointFilter(NamedFilter):
    title = gettext_lazy("Endpoint")
    parameter_name = "endpoint_id"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return WebhookEndpoint.objects.order_by("name").values_list("id", "name")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was sent, or is to be sent again, the latest first."""

    list_display = ["created", "event_type", "endpoint", "condition", "attempts", "outcome", "next_try"]
    list_filter = [StateFilter, EndpointFilter, ("created_at", DaysFilter)]
    list_select_related = ["endpoint"]
    search_fields = ["event_id"]
    search_help_text = gettext_lazy("The id of an event")
    # That of the primary key, which grows with the time of the event.
    ordering = ["-id"]
    actions = ["send_again"]
    fields = [
        ("event_type", "event_id"),
        ("endpoint", "condition"),
        ("attempts", "next_try_at"),
        ("status", "milliseconds"),
        "error",
        "body",
        "created_at",
        "id",
    ]
    readonly_fields = ["condition"]

    def has_manage_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(actor_of(request).may(Action.MANAGE_KEYS))

    def describe(self, rows: Sequence[Any]) -> None:
        for row in rows:
            row.admin_name = f"{row.event_type}, {row.endpoint.name}"

    def get_search_results(self, request: HttpRequest, rows: Any, search: str) -> tuple[Any, bool]:
        return rows.filter(event_id=uuid_of(search)) if search else rows, False

    @display(description=gettext_lazy("When"))
    def created(self, row: WebhookDelivery) -> str:
        return second(row.created_at)

    @display(description=gettext_lazy("State"), label={"waiting": "info", "delivered": "success", "parked": "danger"})
    def condition(self, row: WebhookDelivery) -> Label:
        return Label(row.state, str(STATES[row.state]))

    @display(description=gettext_lazy("Outcome"))
    def outcome(self, row: WebhookDelivery) -> str | None:
        if row.attempts == 0:
            return row.error or None
        return f"{row.error or row.status}, {row.milliseconds} ms"

    @display(description=gettext_lazy("Next try"))
    def next_try(self, row: WebhookDelivery) -> str | None:
        return second(row.next_try_at) if row.next_try_at else None

    @admin.action(description=gettext_lazy("Send again"), permissions=["manage"])
    def send_again(self, request: HttpRequest, queryset: object) -> HttpResponse | None:
        allow(request, Action.MANAGE_KEYS)
        rows = self.chosen(request)

        def act(form: StepForm) -> str:
            count = send_again(delivery_ids=[row.pk for row in rows], now=datetime.now(UTC))
            said = ngettext("%(count)d event is sent again.", "%(count)d events are sent again.", count)
            return said % {"count": count}

        return self.step(request, StepForm, rows, title=_("Send again"), act=act)
