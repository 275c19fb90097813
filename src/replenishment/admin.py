"""Requests and suggestions in the admin: to be read, and decided on through the published interface."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.interface import Action, accounts
from catalog.interface import catalog
from inventory.interface import inventory
from replenishment import rules
from replenishment.interface import (
    Acceptance,
    CentralStockTooLow,
    Outcome,
    RequestStatus,
    SuggestedLine,
    Verdict,
    replenishment,
)
from replenishment.models import Request, Suggestion
from shared_kernel.admin import (
    DaysFilter,
    Label,
    NamedFilter,
    QuantityForm,
    ReadOnlyAdmin,
    StepForm,
    actor_of,
    allow,
    pieces,
)
from shared_kernel.errors import Refusal

STATUSES = {
    RequestStatus.PENDING: gettext_lazy("Pending"),
    RequestStatus.APPROVED: gettext_lazy("Approved"),
    RequestStatus.REJECTED: gettext_lazy("Rejected"),
    RequestStatus.CANCELLED: gettext_lazy("Cancelled"),
    RequestStatus.SHIPPED: gettext_lazy("On its way"),
    RequestStatus.RECEIVED: gettext_lazy("Received"),
}

COLOURS = {
    RequestStatus.PENDING: "warning",
    RequestStatus.APPROVED: "success",
    RequestStatus.REJECTED: "danger",
    RequestStatus.SHIPPED: "info",
    RequestStatus.RECEIVED: "success",
}


class StoreFilter(NamedFilter):
    """Keeps what one store asks for."""

    title = gettext_lazy("Store")
    parameter_name = "store_id"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return [(store.id, store.name) for store in inventory.stores()]


class StatusFilter(NamedFilter):
    title = gettext_lazy("State")
    parameter_name = "status"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return STATUSES.items()


class VerdictForm(StepForm):
    """Asks for a word to the stores."""

    reason = forms.CharField(
        label=gettext_lazy("A word to the store"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )


class PartForm(QuantityForm):
    """Asks how much of a request is granted."""

    reason = forms.CharField(
        label=gettext_lazy("A word to the store"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )

    def row_field(self, row: Any) -> forms.Field:
        text = _("%d were asked for.") % row.quantity
        return pieces(row.product_name, smallest=1, largest=row.quantity, initial=row.quantity, help_text=text)

    def refuse(self, refusal: Refusal) -> None:
        if isinstance(refusal, CentralStockTooLow):
            text = ngettext(
                "The warehouse has %(count)d piece available: ask for fewer.",
                "The warehouse has %(count)d pieces available: ask for fewer.",
                refusal.available,
            )
            self.add_error(self.row_name(self.rows[0]), text % {"count": refusal.available})
        else:
            super().refuse(refusal)


class AcceptForm(QuantityForm):
    """Asks how many pieces to request of each suggestion."""

    def row_field(self, row: Any) -> forms.Field:
        label = f"{row.store_name} · {row.product_name}"
        return pieces(label, smallest=1, largest=row.central, initial=row.quantity, help_text=reason_for(row))


class ReplenishmentAdmin(ReadOnlyAdmin):
    """What the two admins share: rows about a product in a store, seen by that store and by whoever decides."""

    list_filter: Any = [StoreFilter]
    search_fields = ["product_id"]
    search_help_text = gettext_lazy("Name or description of a product")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        actor = actor_of(request)
        rows: QuerySet[Any] = super().get_queryset(request)
        stores = None if actor.may(Action.DECIDE_REQUESTS) else actor.stores_for(Action.REQUEST_STOCK)
        return rows if stores is None else rows.filter(store_id__in=stores)

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        found = rows.filter(product_id__in=catalog.matching_ids(search=search)) if search else rows
        return found, False

    def describe(self, rows: Sequence[Any]) -> None:
        products = {row.id: row.name for row in catalog.products(ids=list({row.product_id for row in rows}))}
        stores = {row.id: row.name for row in inventory.locations(ids=list({row.store_id for row in rows}))}
        for row in rows:
            row.product_name = products.get(row.product_id, str(row.product_id))
            row.store_name = stores.get(row.store_id, str(row.store_id))
            row.admin_name = f"{row.product_name}, {row.store_name}"

    def tell(self, request: HttpRequest, outcomes: Sequence[Outcome | Acceptance]) -> str:
        """What became of these rows: a warning for each kind of refusal, and the sentence for the others."""
        for refused in sorted({outcome.detail for outcome in outcomes if outcome.request is None}):
            self.message_user(request, refused, messages.WARNING)
        done = sum(outcome.request is not None for outcome in outcomes)
        return _("%(done)d of %(all)d done.") % {"done": done, "all": len(outcomes)} if done else ""

    @display(description=gettext_lazy("Product"))
    def product(self, row: Any) -> str:
        return str(row.product_name)

    @display(description=gettext_lazy("Store"))
    def store(self, row: Any) -> str:
        return str(row.store_name)


@admin.register(Request)
class RequestAdmin(ReplenishmentAdmin):
    """What stores ask of the warehouse, latest first."""

    list_display = [
        "requested_at",
        "store",
        "product",
        "quantity",
        "approved_quantity",
        "state",
        "asker",
        "decider",
        "reason",
    ]
    list_filter = [StatusFilter, StoreFilter, ("requested_at", DaysFilter)]
    ordering = ["-id"]
    actions = ["approve", "reject"]
    actions_row = ["approve_part"]
    actions_detail = ["approve_part"]
    fields = [
        ("store", "product"),
        ("quantity", "state"),
        ("approved_quantity", "received_quantity"),
        "reason",
        ("requested_at", "asker"),
        ("decided_at", "decider"),
        ("shipped_at", "received_at"),
        "id",
    ]
    readonly_fields = ["store", "product", "state", "asker", "decider"]

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(actor_of(request).may(Action.DECIDE_REQUESTS))

    def describe(self, rows: Sequence[Any]) -> None:
        super().describe(rows)
        people = {person_id for row in rows for person_id in (row.requested_by, row.decided_by) if person_id}
        names = accounts.names(person_ids=list(people))
        for row in rows:
            row.asker_name, row.decider_name = names.get(row.requested_by), names.get(row.decided_by)

    @display(description=gettext_lazy("State"), label=COLOURS)
    def state(self, row: Request) -> Label:
        return Label(row.status, str(STATUSES[RequestStatus(row.status)]))

    @display(description=gettext_lazy("Asked by"))
    def asker(self, row: Any) -> str | None:
        return str(row.asker_name) if row.asker_name else None

    @display(description=gettext_lazy("Decided by"))
    def decider(self, row: Any) -> str | None:
        return str(row.decider_name) if row.decider_name else None

    @action(description=gettext_lazy("Approve"), permissions=["decide"])
    def approve(self, request: HttpRequest, rows: QuerySet[Request]) -> HttpResponse | None:
        return self._decide(request, Verdict.APPROVE, _("Approve"))

    @action(description=gettext_lazy("Reject"), permissions=["decide"])
    def reject(self, request: HttpRequest, rows: QuerySet[Request]) -> HttpResponse | None:
        return self._decide(request, Verdict.REJECT, _("Reject"))

    def _decide(self, request: HttpRequest, verdict: Verdict, title: str) -> HttpResponse | None:
        rows = self.chosen(request)

        def decide(form: VerdictForm) -> str:
            outcomes = replenishment.decide_all(
                decision_id=form.key,
                request_ids=[row.id for row in rows],
                verdict=verdict,
                reason=form.cleaned_data["reason"],
                actor_id=request.user.pk,
                now=datetime.now(UTC),
            )
            return self.tell(request, outcomes)

        return self.step(request, VerdictForm, rows, title=title, act=decide)

    @action(description=gettext_lazy("Approve a part"), permissions=["decide"])
    def approve_part(self, request: HttpRequest, object_id: str) -> HttpResponse:
        allow(request, Action.DECIDE_REQUESTS)
        row: Any = self.get_object(request, object_id)

        def approve(form: PartForm) -> str:
            [(_row, quantity)] = form.answers
            made = replenishment.approve(
                decision_id=form.key,
                request_id=row.id,
                quantity=quantity,
                reason=form.cleaned_data["reason"],
                actor_id=request.user.pk,
                now=datetime.now(UTC),
            )
            return _("%(count)d of %(product)s approved.") % {
                "count": made.approved_quantity,
                "product": made.product_name,
            }

        about = attrgetter("store_name")
        return self.step_on(request, PartForm, row, title=_("Approve a part"), about=about, act=approve)


@admin.register(Suggestion)
class SuggestionAdmin(ReplenishmentAdmin):
    """What stores should ask for, the emptiest shelves first."""

    list_display = ["store", "product", "quantity", "why", "available", "on_the_way", "central", "computed_at"]
    ordering = ["available", "id"]
    actions = ["accept"]
    fields = [
        ("store", "product"),
        ("quantity", "central"),
        "why",
        ("available", "on_the_way"),
        "daily_sales",
        ("reorder_level", "order_up_to"),
        ("lead_time_days", "computed_at"),
    ]
    readonly_fields = ["store", "product", "why"]

    def has_accept_permission(self, request: HttpRequest) -> bool:
        return bool(actor_of(request).may(Action.REQUEST_STOCK))

    @display(description=gettext_lazy("Why"))
    def why(self, row: Suggestion) -> str:
        return reason_for(row)

    @action(description=gettext_lazy("Request what is suggested"), permissions=["accept"])
    def accept(self, request: HttpRequest, rows: QuerySet[Suggestion]) -> HttpResponse | None:
        chosen = self.chosen(request)
        for row in chosen:
            allow(request, Action.REQUEST_STOCK, at=row.store_id)
        self.describe(chosen)

        def accept(form: AcceptForm) -> str:
            acceptances = replenishment.accept(
                acceptance_id=form.key,
                lines=[SuggestedLine(row.store_id, row.product_id, quantity) for row, quantity in form.answers],
                actor_id=request.user.pk,
                now=datetime.now(UTC),
            )
            return self.tell(request, acceptances)

        return self.step(request, AcceptForm, chosen, title=_("Request what is suggested"), act=accept)


def reason_for(row: Suggestion) -> str:
    """Why something is suggested."""
    return rules.why(
        quantity=row.quantity,
        available=row.available,
        on_the_way=row.on_the_way,
        daily_sales=row.daily_sales,
        lead_time_days=row.lead_time_days,
        order_up_to=row.order_up_to,
        central=row.central,
    )
