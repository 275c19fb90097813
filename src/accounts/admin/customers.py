"""Customers in the admin: to be read, and erased through the published interface."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import UnfoldBooleanSwitchWidget

from accounts.admin.people import end_logins_of, name_of
from accounts.interface import Action, Language, accounts
from accounts.models import Customer
from shared_kernel.admin import DaysFilter, Label, NamedFilter, ReadOnlyAdmin, StepForm, actor_of, allow, table

LANGUAGES = {Language.EN: gettext_lazy("English"), Language.FR: gettext_lazy("French")}

STATES = {
    "verified": (gettext_lazy("E-mail verified"), Q(erased_at=None, email_verified_at__isnull=False)),
    "unverified": (gettext_lazy("E-mail not verified"), Q(erased_at=None, email_verified_at=None)),
    "erased": (gettext_lazy("Erased"), Q(erased_at__isnull=False)),
}


class StateFilter(NamedFilter):
    title = gettext_lazy("State")
    parameter_name = "state"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return [(state, name) for state, (name, _condition) in STATES.items()]

    def condition(self, chosen: str) -> Q:
        return STATES[chosen][1]


class EraseForm(StepForm):
    """Asks whether somebody is really to be erased."""

    sure = forms.BooleanField(
        label=gettext_lazy("Erase this customer for good"),
        help_text=gettext_lazy(
            "Name, e-mail, phone, addresses and logins are removed, and there is no way back. "
            "Sales and orders stay in the books, without the person."
        ),
        widget=UnfoldBooleanSwitchWidget,
    )


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    """Those who buy, latest first. Of whoever was erased only the id and the dates are left."""

    list_display = ["who", "full_name", "phone", "state", "created_at"]
    list_filter = [StateFilter, ("created_at", DaysFilter)]
    search_fields = ["email"]
    search_help_text = gettext_lazy("Part of a name, e-mail or phone")
    # That of the primary key, which grows with the time.
    ordering = ["-id"]
    actions_detail = ["send_verification", "end_logins", "erase"]
    fields = [
        ("who", "full_name"),
        ("phone", "writes_in"),
        ("state", "email_verified_at"),
        ("created_at", "erased_at"),
        "addresses",
        "logins",
        "id",
    ]
    readonly_fields = ["who", "full_name", "writes_in", "state", "addresses", "logins"]

    def has_edit_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(actor_of(request).may(Action.EDIT_PEOPLE))

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        for word in search.split():
            rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word) | Q(phone__contains=word))
        return rows, False

    def describe(self, rows: Sequence[Any]) -> None:
        for row in rows:
            row.admin_name = row.name or _("Erased customer")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        row = self.get_object(request, object_id)
        return [] if row is None or row.erased else super().get_actions_detail(request, object_id)

    @display(description=gettext_lazy("E-mail"))
    def who(self, row: Customer) -> str:
        return _("Erased customer") if row.erased else row.email

    @display(description=gettext_lazy("Name"))
    def full_name(self, row: Customer) -> str | None:
        return row.name or None

    @display(description=gettext_lazy("Language"))
    def writes_in(self, row: Customer) -> str:
        return str(LANGUAGES[Language(row.language)])

    @display(
        description=gettext_lazy("State"), label={"verified": "success", "unverified": "warning", "erased": "danger"}
    )
    def state(self, row: Customer) -> Label:
        state = state_of(row)
        return Label(state, str(STATES[state][0]))

    @display(description=gettext_lazy("Addresses"))
    def addresses(self, row: Customer) -> str | None:
        headers = [_("Name"), _("Address"), _("Phone"), _("Default for")]
        rows = [_described(address) for address in row.addresses.all()]
        return table(headers, rows) if rows else None

    @display(description=gettext_lazy("Logins"))
    def logins(self, row: Customer) -> str | None:
        rows = [[login.created_at, login.refreshed_at] for login in row.logins.order_by("created_at")]
        return table([_("Since"), _("Last refreshed")], rows) if rows else None

    @action(description=gettext_lazy("Send the verification mail again"), permissions=["edit"])
    def send_verification(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._known(request, object_id)

        def send(form: StepForm) -> str:
            accounts.request_verification(customer_id=row.pk)
            return _("A mail with a code is on its way to %(email)s.") % {"email": row.email}

        title = _("Send the verification mail again")
        return self.step_on(request, StepForm, row, title=title, about=name_of, act=send)

    @action(description=gettext_lazy("End all logins"), permissions=["edit"])
    def end_logins(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._known(request, object_id)

        def end(form: StepForm) -> str:
            return end_logins_of(row)

        return self.step_on(request, StepForm, row, title=_("End all logins"), about=name_of, act=end)

    @action(description=gettext_lazy("Erase"), permissions=["edit"])
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._known(request, object_id)

        def erase(form: EraseForm) -> str:
            accounts.erase_customer(customer_id=row.pk, now=datetime.now(UTC))
            return _("The customer is erased.")

        return self.step_on(request, EraseForm, row, title=_("Erase"), about=name_of, act=erase)

    def _known(self, request: HttpRequest, object_id: str) -> Any:
        """The customer to take a step on; None for somebody who is erased."""
        allow(request, Action.EDIT_PEOPLE)
        row = self.get_object(request, object_id)
        return row if row and not row.erased else None


def state_of(row: Customer) -> str:
    """Whether the e-mail is known to be the customer's, or the customer erased."""
    if row.erased:
        return "erased"
    return "verified" if row.email_verified else "unverified"


def _described(address: Any) -> list[str]:
    """An address as a row of a table."""
    place = f"{address.postal_code} {address.city}".strip()
    lines = [address.line1, address.line2, place, address.region, address.country]
    defaults = {_("Bills"): address.default_billing, _("Goods"): address.default_delivery}
    return [
        address.name,
        ", ".join(filter(None, lines)),
        address.phone,
        ", ".join(name for name, holds in defaults.items() if holds),
    ]
