"""What the pages say, in the reader's language: refusals, states, definitions, and why something is suggested."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from checkout.interface import InvalidOrder, NotEnoughStock, Order, OrderStatus, Step
from dashboards.formats import decimal, moment
from inventory.interface import CountBelowReserved, InsufficientStock, MovementReason
from replenishment.interface import CentralStockTooLow, InvalidQuantity, RequestStatus, Suggestion
from sales.interface import Channel
from shared_kernel.errors import Refusal

A_MINUTE = timedelta(minutes=1)

# By the refusal's code, so that the refusals within a bulk decision, of which only the code is left, read the same.
SENTENCES: dict[str, Any] = {
    "not_allowed": gettext_lazy("You may not do this here: ask the head office for a role that does."),
    "location_not_found": gettext_lazy("There is no such store."),
    "product_not_found": gettext_lazy("There is no such product on sale."),
    "not_stocked": gettext_lazy("This is a service, of which there is no stock."),
    "sku_taken": gettext_lazy("Another product has this sku."),
    "barcode_taken": gettext_lazy("Another product has this barcode."),
    "no_central_stock": gettext_lazy("The warehouse does not carry this product: ask the head office to order it."),
    "central_stock_too_low": gettext_lazy("The warehouse has fewer pieces available."),
    "store_unknown": gettext_lazy("There is no such store."),
    "request_not_found": gettext_lazy("There is no such request."),
    "already_decided": gettext_lazy("Somebody has decided on this request already."),
    "not_on_its_way": gettext_lazy("This request is not at that step: somebody may have been faster."),
    "suggestion_gone": gettext_lazy("This is not suggested any more."),
    "order_not_found": gettext_lazy("There is no such order."),
    "parcel_not_found": gettext_lazy("Nothing of this order is to be sent from there."),
    "impossible_step": gettext_lazy("This order is not at that step: somebody may have been faster."),
    "payment_running": gettext_lazy("This order is being paid at this moment: try again in a minute."),
    "refund_exceeds_order": gettext_lazy("Fewer pieces of this order are left to refund."),
    "already_requested": gettext_lazy("A request for this product is open already: wait for it, or cancel it first."),
}


def sentence(refusal: Refusal) -> str:
    """What a refusal means to a person at a page."""
    match refusal:
        case CentralStockTooLow(available=available):
            return ngettext(
                "The warehouse has %(count)d piece available: ask for fewer.",
                "The warehouse has %(count)d pieces available: ask for fewer.",
                available,
            ) % {"count": available}
        case InvalidOrder():
            return _("Choose the pieces to refund.")
        case InsufficientStock() | NotEnoughStock():
            return _("Not enough stock.")
        case InvalidQuantity(smallest=smallest, largest=largest):
            return _("Between %(smallest)d and %(largest)d.") % {"smallest": smallest, "largest": largest}
        case CountBelowReserved(reserved=reserved):
            return ngettext(
                "%(count)d piece is reserved for orders: count again, or cancel an order first.",
                "%(count)d pieces are reserved for orders: count again, or cancel an order first.",
                reserved,
            ) % {"count": reserved}
    return sentence_of_code(refusal.code, str(refusal))


def sentence_of_code(code: str, detail: str) -> str:
    """What a refusal means of which only the code is left, and `detail`, which is in English."""
    return str(SENTENCES.get(code, detail))


def why(suggestion: Suggestion) -> str:
    """Why something is suggested, from its figures."""
    reason = ngettext(
        "%(available)d on the shelf, %(coming)d on the way; sells %(rate)s a day and a delivery takes %(count)d day;"
        " fills up to %(order_up_to)d.",
        "%(available)d on the shelf, %(coming)d on the way; sells %(rate)s a day and a delivery takes %(count)d days;"
        " fills up to %(order_up_to)d.",
        suggestion.lead_time_days,
    ) % {
        "available": suggestion.available,
        "coming": suggestion.on_the_way,
        "rate": decimal(suggestion.daily_sales, 2),
        "count": suggestion.lead_time_days,
        "order_up_to": suggestion.order_up_to,
    }
    if suggestion.quantity >= suggestion.order_up_to - suggestion.available - suggestion.on_the_way:
        return reason
    return f"{reason} {_('Limited by the stock of the warehouse: %(central)d.') % {'central': suggestion.central}}"


STATUSES: dict[RequestStatus, Any] = {
    RequestStatus.PENDING: gettext_lazy("Pending"),
    RequestStatus.APPROVED: gettext_lazy("Approved"),
    RequestStatus.REJECTED: gettext_lazy("Rejected"),
    RequestStatus.CANCELLED: gettext_lazy("Cancelled"),
    RequestStatus.SHIPPED: gettext_lazy("On its way"),
    RequestStatus.RECEIVED: gettext_lazy("Received"),
}

ORDER_STATUSES: dict[OrderStatus, Any] = {
    OrderStatus.PENDING: gettext_lazy("To be paid"),
    OrderStatus.PAID: pgettext_lazy("order", "Paid"),
    OrderStatus.PROCESSING: gettext_lazy("Being packed"),
    OrderStatus.COMPLETED: pgettext_lazy("order", "Completed"),
    OrderStatus.CANCELLED: pgettext_lazy("order", "Cancelled"),
    OrderStatus.REFUNDED: pgettext_lazy("order", "Refunded"),
}

STEPS: dict[Step, Any] = {
    Step.PLACED: pgettext_lazy("order", "Placed"),
    Step.CHANGED: pgettext_lazy("order", "Address changed"),
    Step.PAYMENT_STARTED: pgettext_lazy("order", "Payment begun"),
    Step.PAYMENT_FAILED: pgettext_lazy("order", "Payment refused"),
    Step.PAID: pgettext_lazy("order", "Paid"),
    Step.PROCESSING: gettext_lazy("Being packed"),
    Step.SENT: pgettext_lazy("parcel", "Sent"),
    Step.COMPLETED: pgettext_lazy("order", "Completed"),
    Step.CANCELLED: pgettext_lazy("order", "Cancelled"),
    Step.EXPIRED: pgettext_lazy("order", "Not paid in time"),
    Step.REFUNDED: pgettext_lazy("order", "Refunded"),
    Step.REFUND_FAILED: pgettext_lazy("order", "Refund refused"),
}


def waiting(since: datetime, *, now: datetime) -> str:
    """For how long somebody has waited, in the largest unit that fits."""
    if now - since < A_MINUTE:
        return _("Just come in")
    return _("Waiting for %(time)s") % {"time": timesince(since, now, depth=1)}


def last_step(order: Order) -> str:
    """What happened to an order last, and when; of a cancelled one, why."""
    last = order.steps[-1]
    note = f" ({last.note})" if last.step is Step.CANCELLED and last.note else ""
    return f"{STEPS[last.step]}{note}, {moment(last.at)}"


REASONS: dict[MovementReason, Any] = {
    MovementReason.SALE: gettext_lazy("Sale"),
    MovementReason.RETURN: gettext_lazy("Return"),
    MovementReason.ORDER: gettext_lazy("Web order"),
    MovementReason.RECEIPT: gettext_lazy("Goods in"),
    MovementReason.TRANSFER: gettext_lazy("Transfer"),
    MovementReason.ADJUSTMENT: gettext_lazy("Correction"),
    MovementReason.COUNT: gettext_lazy("Stock count"),
}

CHANNELS: dict[Channel, Any] = {
    Channel.TILL: gettext_lazy("Till"),
    Channel.ONLINE: gettext_lazy("Web shop"),
}

# Each says what one function of `sales.rules` or `inventory.rules` works out.
DEFINITIONS: dict[str, Any] = {
    "revenue": gettext_lazy("What was sold less what was given back, tax included."),
    "trend": gettext_lazy(
        "Change of revenue against the same number of days before; within five per cent either way it counts as flat."
    ),
    "tickets": gettext_lazy("Tickets on which something was sold."),
    "pieces": gettext_lazy("Pieces sold; what was given back is not taken off."),
    "basket": gettext_lazy("Revenue divided by tickets."),
    "refund_rate": gettext_lazy("What was given back as a share of what was sold."),
    "stock_outs": gettext_lazy(
        "Products on sale that sold in the last 28 days and of which nothing is available now."
        " The list that it opens has every empty shelf."
    ),
    "lost_sales": gettext_lazy(
        "For each product out of stock: the days it was empty × its sales per day in stock, over the last 28 days,"
        " × today's price. An estimate."
    ),
    "low_stock": gettext_lazy(
        "Products whose available stock has come down to their reorder point: 10 unless set, and with 0 never low."
    ),
    "overstock": gettext_lazy(
        "Products that last more than 90 days at the pace of the last 28, or hold more than twice their target."
    ),
    "dead_stock": gettext_lazy("Products on the shelf of which none was sold or delivered for 90 days."),
    "days_of_cover": gettext_lazy("How many days the stock lasts at the pace of the last 28."),
    "pending_requests": gettext_lazy("Requests to the warehouse that wait for its decision."),
}
