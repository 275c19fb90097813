"""Orders in the admin: to be read. They are handled over REST, by whoever sends or hands over the goods."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from unfold.decorators import display

from accounts.interface import Action, accounts
from checkout.interface import OrderChannel, OrderStatus, PaymentState, Step
from checkout.models import Order, OrderPiece
from inventory.interface import inventory
from shared_kernel.admin import DaysFilter, Label, NamedFilter, ReadOnlyAdmin, actor_of, amount, moment, table
from shared_kernel.ids import uuid_of

STATUSES = {
    OrderStatus.PENDING: gettext_lazy("To be paid"),
    OrderStatus.PAID: gettext_lazy("Paid"),
    OrderStatus.PROCESSING: gettext_lazy("Being packed"),
    OrderStatus.COMPLETED: gettext_lazy("Completed"),
    OrderStatus.CANCELLED: pgettext_lazy("order", "Cancelled"),
    OrderStatus.REFUNDED: gettext_lazy("Refunded"),
}

CHANNELS = {OrderChannel.WEB: gettext_lazy("Web shop"), OrderChannel.RESELLER: gettext_lazy("Reseller")}

STATES = {
    PaymentState.RUNNING: gettext_lazy("Under way"),
    PaymentState.SUCCEEDED: gettext_lazy("Succeeded"),
    PaymentState.FAILED: gettext_lazy("Refused"),
}

STEPS = {
    Step.PLACED: gettext_lazy("Placed"),
    Step.CHANGED: gettext_lazy("Address changed"),
    Step.PAYMENT_STARTED: gettext_lazy("Payment begun"),
    Step.PAYMENT_FAILED: gettext_lazy("Payment refused"),
    Step.PAID: gettext_lazy("Paid"),
    Step.PROCESSING: gettext_lazy("Being packed"),
    Step.SENT: pgettext_lazy("parcel", "Sent"),
    Step.COMPLETED: gettext_lazy("Completed"),
    Step.CANCELLED: pgettext_lazy("order", "Cancelled"),
    Step.EXPIRED: gettext_lazy("Not paid in time"),
    Step.REFUNDED: gettext_lazy("Refunded"),
    Step.REFUND_FAILED: gettext_lazy("Refund refused"),
}


class StatusFilter(NamedFilter):
    title = gettext_lazy("Status")
    parameter_name = "status"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return STATUSES.items()


class ChannelFilter(NamedFilter):
    title = gettext_lazy("Channel")
    parameter_name = "channel"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return CHANNELS.items()


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders, latest first. Shop staff see those that their stores send or hand over."""

    list_display = ["placed_at", "reference", "state", "how", "total", "refunded", "currency", "buyer"]
    list_filter = [StatusFilter, ChannelFilter, ("placed_at", DaysFilter)]
    search_fields = ["reference", "email"]
    search_help_text = gettext_lazy("A reference, an e-mail or an id")
    ordering = ["-id"]
    fields = [
        ("reference", "state"),
        ("placed_at", "how"),
        ("buyer", "email"),
        ("destination", "reserved_until"),
        ("total", "refunded"),
        ("tax", "currency"),
        "lines",
        "parcels",
        "payments",
        "steps",
        "id",
    ]
    readonly_fields = ["state", "how", "buyer", "destination", "lines", "parcels", "payments", "steps"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        stores = actor_of(request).stores_for(Action.READ_ORDERS)
        if stores is None:
            return rows
        return rows.filter(Exists(OrderPiece.objects.filter(order=OuterRef("pk"), location_id__in=stores)))

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], search: str) -> tuple[QuerySet[Any], bool]:
        if not search:
            return rows, False
        found = Q(email=search.lower()) if "@" in search else Q(reference=search.upper())
        if named := uuid_of(search):
            found |= Q(id=named)
        return rows.filter(found), False

    def describe(self, rows: Sequence[Any]) -> None:
        people = {person_id for row in rows for person_id in (row.customer_id, row.placed_by) if person_id}
        names = accounts.names(person_ids=list(people))
        for row in rows:
            row.buyer_name = names.get(row.customer_id or row.placed_by)
            row.admin_name = row.reference

    @display(
        description=gettext_lazy("Status"),
        label={
            OrderStatus.PENDING.value: "warning",
            OrderStatus.PAID.value: "info",
            OrderStatus.PROCESSING.value: "info",
            OrderStatus.COMPLETED.value: "success",
            OrderStatus.CANCELLED.value: "danger",
        },
    )
    def state(self, row: Any) -> Label:
        return Label(row.status, str(STATUSES[OrderStatus(row.status)]))

    @display(description=gettext_lazy("Channel"))
    def how(self, row: Any) -> str:
        return str(CHANNELS[OrderChannel(row.channel)])

    @display(description=gettext_lazy("Buyer"))
    def buyer(self, row: Any) -> str:
        return str(row.buyer_name or row.email)

    @display(description=gettext_lazy("Where to"))
    def destination(self, row: Any) -> str:
        if row.pickup_store_id:
            [store] = inventory.locations(ids=[row.pickup_store_id])
            return _("Picked up: %s") % store.name
        address = row.sent_to()
        if address is None:
            return ""
        return ", ".join(
            filter(None, [address.name, address.line1, address.line2, f"{address.postal_code} {address.city}".strip()])
        )

    @display(description=gettext_lazy("Lines"))
    def lines(self, row: Any) -> str:
        return table(
            [_("Product"), _("Sku"), _("Price"), _("Pieces"), _("Refunded"), _("Total")],
            [
                [
                    _("%s (archived)") % line.name if line.archived else line.name,
                    line.sku,
                    amount(line.unit_price),
                    line.quantity,
                    line.refunded,
                    amount(line.total),
                ]
                for line in row.lines.order_by("position")
            ],
        )

    @display(description=gettext_lazy("From where"))
    def parcels(self, row: Any) -> str:
        names = {line.product_id: line.name for line in row.lines.all()}
        pieces = list(row.pieces.order_by("location_id", "product_id"))
        places = {
            place.id: place.name for place in inventory.locations(ids=list({piece.location_id for piece in pieces}))
        }
        sent = {step.location_id: moment(step.at) for step in row.steps.filter(step=Step.SENT)}
        return table(
            [_("Place"), _("Product"), _("Pieces"), _("Came back"), _("Written off"), pgettext("parcel", "Sent")],
            [
                [
                    places.get(piece.location_id),
                    names[piece.product_id],
                    piece.quantity,
                    piece.returned,
                    piece.written_off,
                    sent.get(piece.location_id, ""),
                ]
                for piece in pieces
            ],
        )

    @display(description=gettext_lazy("Payments"))
    def payments(self, row: Any) -> str:
        paid = [
            [
                moment(payment.started_at),
                f"{payment.brand} {payment.last4}".strip() or (_("Card") if payment.reference else _("By another way")),
                amount(payment.amount),
                STATES[PaymentState(payment.state)],
                payment.code,
            ]
            for payment in row.payments.order_by("started_at")
        ]
        back = [
            [
                moment(refund.started_at),
                _("Refund"),
                amount(-refund.amount),
                STATES[PaymentState(refund.state)],
                refund.code or refund.reason,
            ]
            for refund in row.refunds.order_by("started_at")
        ]
        return table([_("When"), _("How"), _("Amount"), _("State"), _("Why")], paid + back)

    @display(description=gettext_lazy("Steps"))
    def steps(self, row: Any) -> str:
        steps = list(row.steps.all())
        names = accounts.names(person_ids=list({step.actor_id for step in steps if step.actor_id}))
        return table(
            [_("When"), _("Step"), _("By"), _("Note")],
            [[moment(step.at), STEPS[Step(step.step)], names.get(step.actor_id, ""), step.note] for step in steps],
        )
