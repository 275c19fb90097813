"""Sales and tills in the admin: to be read; goods are taken back through the published interface."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts.interface import Action, accounts
from inventory.interface import inventory
from sales import rules
from sales.interface import (
    CashDirection,
    Channel,
    Payment,
    PaymentMethod,
    ReturnedItem,
    ReturnExceedsSale,
    SaleFlag,
    sales,
)
from sales.interface import TillSession as TillSessionValue
from sales.models import Sale, TillReference, TillSession
from shared_kernel.admin import (
    DaysFilter,
    NamedFilter,
    QuantityForm,
    ReadOnlyAdmin,
    actor_of,
    allow,
    pieces,
    table,
)
from shared_kernel.errors import Refusal
from shared_kernel.ids import uuid_of

CHANNELS = {Channel.TILL: gettext_lazy("Till"), Channel.ONLINE: gettext_lazy("Web shop")}

METHODS = {
    PaymentMethod.CASH: gettext_lazy("Cash"),
    PaymentMethod.CARD: gettext_lazy("Card"),
    PaymentMethod.VOUCHER: gettext_lazy("Voucher"),
    PaymentMethod.OTHER: gettext_lazy("Other"),
}

FLAGS = {
    SaleFlag.STOCK_SHORT: gettext_lazy("Stock was short"),
    SaleFlag.PRICE_DIFFERS: gettext_lazy("Another price than the catalogue's"),
    SaleFlag.ARCHIVED: gettext_lazy("Archived product"),
    SaleFlag.TILL_CLOSED: gettext_lazy("Till closed before"),
}

DIRECTIONS = {CashDirection.IN: gettext_lazy("In"), CashDirection.OUT: gettext_lazy("Out")}


class StoreFilter(NamedFilter):
    """Keeps what one store did."""

    title = gettext_lazy("Store")
    parameter_name = "store_id"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return [(store.id, store.name) for store in inventory.stores()]


class ChannelFilter(NamedFilter):
    title = gettext_lazy("Channel")
    parameter_name = "channel"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return CHANNELS.items()


class StoreRowsAdmin(ReadOnlyAdmin):
    """Rows of stores: whoever is at the screen sees those of the stores where the policy allows `seen_with`."""

    seen_with: Action

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        stores = actor_of(request).stores_for(self.seen_with)
        return rows if stores is None else rows.filter(store_id__in=stores)

    def describe(self, rows: Sequence[Any]) -> None:
        stores = {store.id: store.name for store in inventory.locations(ids=list({row.store_id for row in rows}))}
        for row in rows:
            row.store_name = stores.get(row.store_id)

    @display(description=gettext_lazy("Store"))
    def store(self, row: Any) -> str:
        return str(row.store_name)


class ReturnForm(QuantityForm):
    """Asks how many pieces of each line of a sale come back."""

    restock = forms.BooleanField(
        label=gettext_lazy("Back on the shelf"),
        help_text=gettext_lazy("Off: they are written off."),
        initial=True,
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    till = forms.TypedChoiceField(
        label=gettext_lazy("Cash is paid out of"),
        coerce=UUID,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, rows: Sequence[Any], data: Any = None, *, tills: Sequence[TillSessionValue]) -> None:
        super().__init__(rows, data)
        field: Any = self.fields["till"]
        field.choices = [("", _("No till")), *((till.id, till.till) for till in tills)]

    def row_name(self, row: Any) -> str:
        return f"row_{row.position}"

    def row_field(self, row: Any) -> forms.Field:
        price = number_format(row.unit_price, decimal_pos=2)
        text = _("%(left)d can come back, at %(price)s each.") % {
            "left": row.quantity - row.quantity_returned,
            "price": price,
        }
        return pieces(row.name, smallest=1, largest=row.quantity, required=False, help_text=text)

    def refuse(self, refusal: Refusal) -> None:
        if isinstance(refusal, ReturnExceedsSale):
            left = refusal.sold - refusal.returned_before
            self.add_error(self.row_name(refusal), _("Only %d can still come back.") % left)
        else:
            super().refuse(refusal)


def payments_table(payments: Sequence[Payment]) -> str:
    rows = [[METHODS[payment.method], number_format(payment.amount, decimal_pos=2)] for payment in payments]
    return table([_("Paid with"), _("Amount")], rows)


@admin.register(Sale)
class SaleAdmin(StoreRowsAdmin):
    """Sales and returns, latest first."""

    seen_with = Action.READ_SALES
    list_display = ["sold_at", "receipt", "store", "how", "total", "currency", "pieces", "pieces_returned", "look_at"]
    list_filter = [StoreFilter, ChannelFilter, ("sold_on", RangeDateFilter)]
    search_fields = ["client_reference"]
    search_help_text = gettext_lazy("A receipt's number, a till's reference or an id")
    ordering = ["-id"]
    actions_row = ["refund"]
    actions_detail = ["refund"]
    fields = [
        ("receipt", "store"),
        ("sold_at", "how"),
        ("cashier", "customer"),
        ("client_reference", "look_at"),
        ("total", "currency"),
        ("gross", "returned"),
        ("tax", "note"),
        "lines",
        "payments",
        "id",
    ]
    readonly_fields = ["receipt", "store", "how", "cashier", "customer", "look_at", "total", "lines", "payments"]

    def has_refund_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(actor_of(request).may(Action.REFUND))

    def describe(self, rows: Sequence[Any]) -> None:
        super().describe(rows)
        people = {person_id for row in rows for person_id in (row.cashier_id, row.customer_id) if person_id}
        names = accounts.names(person_ids=list(people))
        for row in rows:
            row.cashier_name, row.customer_name = names.get(row.cashier_id), names.get(row.customer_id)
            row.admin_name = self.receipt(row) or str(row.id)

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        if not search:
            return rows, False
        # The indexes begin with the store.
        stores = [store.id for store in inventory.stores()]
        found = Q(id__in=TillReference.objects.filter(store_id__in=stores, reference=search).values("sale_id"))
        if key := receipt_key_of(search):
            found |= Q(store_id__in=stores, receipt_year=key[0], receipt_number=key[1])
        if sale_id := uuid_of(search):
            found |= Q(id=sale_id)
        return rows.filter(found), False

    @display(description=gettext_lazy("Receipt"))
    def receipt(self, sale: Sale) -> str | None:
        return rules.receipt_number(sale.receipt_year, sale.receipt_number)

    @display(description=gettext_lazy("Channel"), label=True)
    def how(self, sale: Sale) -> str:
        return str(CHANNELS[Channel(sale.channel)])

    @display(description=gettext_lazy("Total"))
    def total(self, sale: Sale) -> str:
        return number_format(sale.gross - sale.returned, decimal_pos=2)

    @display(description=gettext_lazy("To look at"))
    def look_at(self, sale: Sale) -> str:
        return ", ".join(str(FLAGS[SaleFlag(flag)]) for flag in sale.flags)

    @display(description=gettext_lazy("Cashier"))
    def cashier(self, sale: Any) -> str | None:
        return str(sale.cashier_name) if sale.cashier_name else None

    @display(description=gettext_lazy("Customer"))
    def customer(self, sale: Any) -> str | None:
        return str(sale.customer_name) if sale.customer_name else None

    @display(description=gettext_lazy("Lines"))
    def lines(self, sale: Sale) -> str:
        headers = [_("Product"), _("Pieces"), _("Price"), _("Total"), _("Came back")]
        rows = [
            [
                line.name,
                line.quantity,
                number_format(line.unit_price, decimal_pos=2),
                number_format(line.total, decimal_pos=2),
                line.quantity_returned,
            ]
            for line in sale.value().lines
        ]
        return table(headers, rows)

    @display(description=gettext_lazy("Payments"))
    def payments(self, sale: Sale) -> str:
        return payments_table(sale.value().payments)

    @action(description=gettext_lazy("Take back and refund"), permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page = redirect(reverse("admin:sales_sale_change", args=[object_id]))
        row = self.get_object(request, object_id)
        if row is None:
            return page
        allow(request, Action.REFUND, at=row.store_id)
        sold = [line for line in row.lines.order_by("position") if line.quantity > 0]

        def take_back(form: ReturnForm) -> str:
            restock = form.cleaned_data["restock"]
            made = sales.record_sale(
                sale_id=form.key,
                store_id=row.store_id,
                items=[],
                returns=[ReturnedItem(row.id, line.position, quantity, restock) for line, quantity in form.answers],
                payments=[],
                client_reference="",
                cashier_id=request.user.pk,
                customer_id=row.customer_id,
                till_session_id=form.cleaned_data["till"],
                note=form.cleaned_data["note"],
                sold_at=datetime.now(UTC),
            )
            return _("Refunded: %(amount)s %(currency)s, receipt %(receipt)s.") % {
                "amount": number_format(made.returned, decimal_pos=2),
                "currency": made.currency,
                "receipt": made.receipt_number,
            }

        make_form = partial(ReturnForm, tills=sales.open_till_sessions(store_ids=[row.store_id]))
        title = _("Take back and refund")
        return self.step(request, make_form, sold, title=title, about=row.admin_name, act=take_back) or page


def receipt_key_of(search: str) -> tuple[int, int] | None:
    """The year and number that a receipt's number names; None where it is none."""
    return rules.receipt_key(search) if re.fullmatch(r"[0-9]{4}-[0-9]{1,9}", search) else None


@admin.register(TillSession)
class TillSessionAdmin(StoreRowsAdmin):
    """Tills from their opening to their count, for those who may know what should be in them."""

    seen_with = Action.SUPERVISE_TILL
    list_display = [
        "opened_at",
        "store",
        "till",
        "opener",
        "closed_at",
        "z_number",
        "expected_cash",
        "counted_cash",
        "difference",
    ]
    list_filter = [StoreFilter, ("opened_at", DaysFilter)]
    search_fields = ["till"]
    search_help_text = gettext_lazy("Name of a till")
    ordering = ["-id"]
    fields = [
        ("store", "till"),
        ("opened_at", "opener"),
        ("closed_at", "closer"),
        ("opening_float", "expected"),
        ("counted_cash", "difference"),
        ("z_number", "note"),
        "payments",
        "cash_movements",
        "id",
    ]
    readonly_fields = ["store", "opener", "closer", "expected", "difference", "payments", "cash_movements"]

    def describe(self, rows: Sequence[Any]) -> None:
        super().describe(rows)
        people = {person_id for row in rows for person_id in (row.opened_by, row.closed_by) if person_id}
        names = accounts.names(person_ids=list(people))
        for row in rows:
            row.opener_name, row.closer_name = names.get(row.opened_by), names.get(row.closed_by)
            row.admin_name = f"{row.till}, {row.store_name}"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.report = sales.till_session(session_id=row.pk)
        return row

    @display(description=gettext_lazy("Opened by"))
    def opener(self, row: Any) -> str | None:
        return str(row.opener_name) if row.opener_name else None

    @display(description=gettext_lazy("Closed by"))
    def closer(self, row: Any) -> str | None:
        return str(row.closer_name) if row.closer_name else None

    @display(description=gettext_lazy("Should be in it"))
    def expected(self, row: Any) -> str:
        return number_format(row.report.expected_cash, decimal_pos=2)

    @display(description=gettext_lazy("Difference"))
    def difference(self, row: TillSession) -> str | None:
        if row.counted_cash is None or row.expected_cash is None:
            return None
        return number_format(row.counted_cash - row.expected_cash, decimal_pos=2)

    @display(description=gettext_lazy("Payments"))
    def payments(self, row: Any) -> str:
        return payments_table(row.report.payments)

    @display(description=gettext_lazy("Cash in and out"))
    def cash_movements(self, row: Any) -> str:
        rows = [
            [moved.moved_at, DIRECTIONS[moved.direction], number_format(moved.amount, decimal_pos=2), moved.reason]
            for moved in row.report.cash_movements
        ]
        return table([_("When"), _("Direction"), _("Amount"), _("Why")], rows)
