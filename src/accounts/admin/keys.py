"""API keys in the admin: to be read, and made, rotated and revoked through the published interface."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.interface import API_KEY_PREFIX_LENGTH, Action, ApiKeyDraft, InvalidDetails, accounts, new_secret_key
from accounts.interface import ApiKey as ApiKeyValue
from accounts.models import ApiKey
from shared_kernel.admin import (
    TO_BE_MADE,
    Label,
    NamedFilter,
    ReadOnlyAdmin,
    Secret,
    StepForm,
    actor_of,
    allow,
    day,
    moment,
)
from shared_kernel.errors import Refusal

MAX_OVERLAP_HOURS = 24 * 30

ACTIONS = {
    Action.READ_PEOPLE: gettext_lazy("See customers"),
    Action.EDIT_PEOPLE: gettext_lazy("Edit staff and customers"),
    Action.MANAGE_KEYS: gettext_lazy("Manage API keys"),
    Action.READ_AUDIT: gettext_lazy("See the audit trail"),
    Action.EDIT_CATALOG: gettext_lazy("Edit the catalogue"),
    Action.EDIT_STORES: gettext_lazy("Edit stores"),
    Action.READ_STOCK: gettext_lazy("See stock"),
    Action.COUNT_STOCK: gettext_lazy("Count stock"),
    Action.RECEIVE_STOCK: gettext_lazy("Receive goods"),
    Action.TRANSFER_STOCK: gettext_lazy("Move goods between places"),
    Action.ADJUST_STOCK: gettext_lazy("Correct stock"),
    Action.REQUEST_STOCK: gettext_lazy("Request goods from the warehouse"),
    Action.DECIDE_REQUESTS: gettext_lazy("Decide on requests"),
    Action.SELL: gettext_lazy("Sell"),
    Action.REFUND: gettext_lazy("Take back and refund"),
    Action.RUN_TILL: gettext_lazy("Open and close tills"),
    Action.SUPERVISE_TILL: gettext_lazy("See what should be in a till"),
    Action.READ_SALES: gettext_lazy("See sales"),
    Action.READ_REPORTS: gettext_lazy("See reports"),
    Action.PLACE_ORDERS: gettext_lazy("Place orders"),
    Action.READ_ORDERS: gettext_lazy("See orders"),
    Action.FULFIL_ORDERS: gettext_lazy("Pack and hand over orders"),
    Action.MANAGE_ORDERS: gettext_lazy("Cancel and refund orders"),
}

STATES = {
    "in_use": gettext_lazy("In use"),
    "expired": gettext_lazy("Expired"),
    "revoked": gettext_lazy("Revoked"),
}


class StateFilter(NamedFilter):
    title = gettext_lazy("State")
    parameter_name = "state"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return STATES.items()

    def condition(self, chosen: str) -> Q:
        is_past = Q(expires_at__lte=datetime.now(UTC))
        conditions = {
            "in_use": Q(revoked_at=None) & ~is_past,
            "expired": Q(revoked_at=None) & is_past,
            "revoked": Q(revoked_at__isnull=False),
        }
        return conditions[chosen]


class KeyForm(StepForm):
    """A form of which a key comes: says beside its fields what is wrong with them."""

    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        help_text=gettext_lazy("Empty: it holds until somebody revokes it."),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
    )

    def clean_last_day(self) -> date | None:
        day: date | None = self.cleaned_data["last_day"]
        if day and day < localdate():
            raise ValidationError(_("This day is past."))
        return day

    @property
    def expires_at(self) -> datetime | None:
        day = self.cleaned_data["last_day"]
        return make_aware(datetime.combine(day, time.max)) if day else None

    def refuse(self, refusal: Refusal) -> None:
        if not isinstance(refusal, InvalidDetails):
            super().refuse(refusal)
            return
        for error in refusal.errors:
            self.add_error(error["field"] if error["field"] in self.fields else None, error["message"])


class CreateForm(KeyForm):
    """Asks what a machine is called, and what it may do where."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What the machine is called: Till 2, Lyon."),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )
    scopes = forms.TypedMultipleChoiceField(
        label=gettext_lazy("It may"),
        choices=ACTIONS.items(),
        coerce=Action,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    store_id = forms.TypedChoiceField(
        label=gettext_lazy("Store"), coerce=UUID, empty_value=None, required=False, widget=UnfoldAdminSelectWidget
    )
    field_order = ["name", "scopes", "store_id", "last_day"]

    def __init__(self, rows: Sequence[Any], data: Any = None, *, stores: Mapping[UUID, str]) -> None:
        super().__init__(rows, data)
        field: Any = self.fields["store_id"]
        field.choices = [("", _("The whole chain")), *stores.items()]


class RotateForm(KeyForm):
    """Asks how long the old key holds beside the new one."""

    overlap = forms.IntegerField(
        label=gettext_lazy("Hours for which the old key still holds"),
        min_value=0,
        max_value=MAX_OVERLAP_HOURS,
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ["overlap", "last_day"]


class RevokeForm(StepForm):
    """Asks whether a key is really to be revoked."""

    sure = forms.BooleanField(
        label=gettext_lazy("Revoke this key for good"),
        help_text=gettext_lazy("The machine that sends it is let in no more, from this moment on."),
        widget=UnfoldBooleanSwitchWidget,
    )


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Machines' keys, the newest first. A key itself is shown once, when it is made."""

    # The stores by their names. `config` says which, since machines lie below the places, and know only their ids.
    stores: Callable[[], Mapping[UUID, str]] = staticmethod(dict)

    list_display = ["machine", "may", "place", "state", "created", "expires", "last_used"]
    list_filter = [StateFilter]
    search_fields = ["name", "prefix"]
    search_help_text = gettext_lazy("Name of a machine, or the beginning of its key")
    ordering = ["-created_at", "-id"]
    actions_list = ["create"]
    actions_row = ["rotate", "revoke"]
    actions_detail = ["rotate", "revoke"]
    fields = [
        ("name", "prefix"),
        ("may", "place"),
        ("state", "last_used_at"),
        ("created_at", "expires_at"),
        "revoked_at",
        "id",
    ]
    readonly_fields = ["may", "place", "state"]

    def has_manage_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(actor_of(request).may(Action.MANAGE_KEYS))

    def describe(self, rows: Sequence[Any]) -> None:
        stores = self.stores()
        for row in rows:
            row.store_name = _("The whole chain") if row.store_id is None else stores.get(row.store_id, row.store_id)
            row.admin_name = f"{row.name}, {row.prefix}…"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        return super().get_actions_detail(request, object_id) if self._in_use(request, object_id) else []

    @display(description=gettext_lazy("Machine"), header=True)
    def machine(self, row: ApiKey) -> list[str]:
        return [row.name, row.prefix]

    @display(description=gettext_lazy("Created"))
    def created(self, row: ApiKey) -> str:
        return day(row.created_at)

    @display(description=gettext_lazy("Last day"))
    def expires(self, row: ApiKey) -> str | None:
        return day(row.expires_at) if row.expires_at else None

    @display(description=gettext_lazy("Last used"))
    def last_used(self, row: ApiKey) -> str | None:
        return moment(row.last_used_at) if row.last_used_at else None

    @display(description=gettext_lazy("It may"))
    def may(self, row: ApiKey) -> str:
        scopes = row.value().scopes
        if scopes == set(Action):
            return _("Everything")
        return ", ".join(str(name) for action, name in ACTIONS.items() if action in scopes)

    @display(description=gettext_lazy("Where"))
    def place(self, row: Any) -> str:
        return str(row.store_name)

    @display(description=gettext_lazy("State"), label={"in_use": "success", "expired": "warning", "revoked": "danger"})
    def state(self, row: ApiKey) -> Label:
        state = state_of(row)
        return Label(state, str(STATES[state]))

    @action(description=gettext_lazy("Create a key"), permissions=["manage"])
    def create(self, request: HttpRequest) -> HttpResponse:
        stores = self.stores()

        def make(form: CreateForm, key: str) -> ApiKeyValue:
            asked = form.cleaned_data
            draft = ApiKeyDraft(asked["name"], frozenset(asked["scopes"]), asked["store_id"], form.expires_at)
            return accounts.create_api_key(key_id=form.key, key=key, draft=draft)

        def make_form(rows: Sequence[Any], data: Any) -> CreateForm:
            return CreateForm(rows, data, stores=stores)

        return self._new_key(request, make_form, TO_BE_MADE, _("Create a key"), make)

    @action(description=gettext_lazy("Rotate"), permissions=["manage"])
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._in_use(request, object_id)

        def make(form: RotateForm, key: str) -> ApiKeyValue:
            now = datetime.now(UTC)
            return accounts.rotate_api_key(
                key_id=row.pk,
                successor_id=form.key,
                key=key,
                old_until=now + timedelta(hours=form.cleaned_data["overlap"]),
                expires_at=form.expires_at,
                now=now,
            )

        return self._new_key(request, RotateForm, row, _("Rotate"), make)

    @action(description=gettext_lazy("Revoke"), permissions=["manage"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._in_use(request, object_id)

        def revoke(form: RevokeForm) -> str:
            accounts.revoke_api_key(key_id=row.pk, now=datetime.now(UTC))
            return _("%(name)s is revoked.") % {"name": row.admin_name}

        return self.step_on(request, RevokeForm, row, title=_("Revoke"), act=revoke)

    def _in_use(self, request: HttpRequest, object_id: str) -> Any:
        """The key, if somebody is let in with it still."""
        allow(request, Action.MANAGE_KEYS)
        row = self.get_object(request, object_id)
        return row if row and state_of(row) == "in_use" else None

    def _new_key(
        self,
        request: HttpRequest,
        make_form: Callable[[Sequence[Any], Any], KeyForm],
        row: Any,
        title: str,
        make: Callable[[Any, str], ApiKeyValue],
    ) -> HttpResponse:
        """A step of which a key comes."""
        key = new_secret_key()

        def make_key(form: KeyForm) -> Secret | None:
            made = make(form, key)
            if made.prefix != key[:API_KEY_PREFIX_LENGTH]:
                return None
            return Secret(
                title=made.name,
                heading=_("The key of %(title)s") % {"title": made.name},
                advice=_("Copy it into the machine now: it is not shown again, and nobody can read it anywhere."),
                label="X-API-Key",
                value=key,
                way_back=_("Back to the keys"),
            )

        made_before = _(
            "This key was made a moment ago, and shown then. If nobody has kept it, revoke it and make another."
        )
        return self.step_to_secret(request, make_form, row, title=title, make=make_key, made_before=made_before)


def state_of(row: ApiKey) -> str:
    """Whether somebody is let in with a key, or why not."""
    if row.revoked_at:
        return "revoked"
    return "expired" if row.expires_at and row.expires_at <= datetime.now(UTC) else "in_use"
