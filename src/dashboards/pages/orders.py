"""Orders: what is to be packed, sent and handed over, and, for the head office, paid, cancelled and refunded."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.interface import Action, Actor, accounts
from checkout.interface import (
    Order,
    OrderedItem,
    OrderLine,
    OrderNotFound,
    OrderParcel,
    OrderRefund,
    OrderStatus,
    PaymentState,
    checkout,
)
from dashboards.formats import money
from dashboards.pages.page import back, key_of, page, show, tell
from dashboards.wording import waiting
from inventory.interface import Location, LocationNotFound, inventory

ROWS = 20
MAX_REASON = 200
MAX_REFERENCE = 12
# An order that waits longer stands out.
LATE = timedelta(days=1)

TO_PACK, PACKING, UNPAID, DONE = "pack", "packing", "unpaid", "done"
STATES = {
    TO_PACK: [OrderStatus.PAID],
    PACKING: [OrderStatus.PROCESSING],
    UNPAID: [OrderStatus.PENDING],
    DONE: [OrderStatus.COMPLETED, OrderStatus.REFUNDED, OrderStatus.CANCELLED],
}


@dataclass(frozen=True)
class Piece:
    """So many pieces of a line."""

    line: OrderLine
    quantity: int


@dataclass(frozen=True)
class Parcel:
    """What one place sends, or hands over, and when it did; without a place, services, of which nothing is sent."""

    place: str
    pieces: list[Piece]
    location_id: UUID | None = None
    sent_at: datetime | None = None
    may_send: bool = False


@dataclass(frozen=True)
class Card:
    """An order as it is shown to somebody: the parcels that are theirs, and the names of the other places.

    `back` are the lines of which pieces were refunded, `left` those of which some can be, with how many; `by` is who
    took the last step.
    """

    order: Order
    pickup: str
    parcels: list[Parcel]
    elsewhere: list[str]
    by: str
    waits: str
    late: bool
    back: list[Piece]
    left: list[Piece]
    refunds: list[OrderRefund]
    may_pack: bool
    may_complete: bool


@require_safe
@page
def orders(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Orders by what is to be done with them. Shop staff see those that their stores send or hand over.

    With a reference, the order that has it, wherever it stands.
    """
    actor.require(Action.READ_ORDERS)
    own = actor.stores_for(Action.READ_ORDERS)
    chosen, reference = _id(request.GET, "place"), _reference(request)
    tab = request.GET.get("tab", "")
    tab = tab if tab in STATES else TO_PACK
    places = [place for place in _places() if own is None or place.id in own]
    found = checkout.orders_in_full(
        statuses=None if reference else STATES[tab],
        location_ids=_shown_places(own, chosen),
        reference=reference or None,
        oldest_first=tab != DONE,
        beyond=_id(request.GET, "after"),
        limit=ROWS + 1,
    )
    listed = found[:ROWS]
    return show(
        request,
        "orders",
        tab="" if reference else tab,
        asked_tab=tab,
        cards=_cards(listed, actor, places, now=datetime.now(UTC)),
        following=listed[-1].id if len(found) > ROWS else None,
        places=places,
        chosen=chosen,
        reference=reference,
        may_manage=actor.may(Action.MANAGE_ORDERS),
    )


@require_POST
@page
def step(request: HttpRequest, actor: Actor, order_id: UUID, step: str) -> HttpResponse:
    """Take an order one step on: pack, send, pay, cancel or refund."""
    order = _seen(actor, order_id)
    now, amount = datetime.now(UTC), ""
    match step:
        case "pack":
            actor.require_in(Action.FULFIL_ORDERS, order.places)
            checkout.advance(order_id=order_id, status=OrderStatus.PROCESSING, actor_id=actor.id, now=now)
            text = _("Order %(reference)s is being packed.")
        case "send":
            text = _send(request, actor, order, now=now)
        case "complete":
            actor.require_in(Action.FULFIL_ORDERS, order.places)
            if order.to_send:
                raise Http404
            checkout.advance(order_id=order_id, status=OrderStatus.COMPLETED, actor_id=actor.id, now=now)
            text = _("Order %(reference)s is completed.")
        case "pay":
            actor.require_in(Action.MANAGE_ORDERS, order.places)
            checkout.advance(order_id=order_id, status=OrderStatus.PAID, actor_id=actor.id, now=now)
            text = _("Order %(reference)s is paid, and can be packed.")
        case "cancel":
            actor.require_in(Action.MANAGE_ORDERS, order.places)
            checkout.cancel(order_id=order_id, reason=_reason(request), actor_id=actor.id, now=now)
            text = _("Order %(reference)s is cancelled: its goods are free again.")
        case "refund":
            actor.require_in(Action.MANAGE_ORDERS, order.places)
            amount = money(_refund(request, actor, order, now=now).amount)
            text = _("Order %(reference)s: %(amount)s go back.")
        case "repay":
            actor.require_in(Action.MANAGE_ORDERS, order.places)
            amount = money(_repay(request, actor, order, now=now).amount)
            text = _("Order %(reference)s: %(amount)s go back.")
        case _:
            raise Http404
    tell(request, text % {"reference": order.reference, "amount": amount})
    return back(request)


def _send(request: HttpRequest, actor: Actor, order: Order, *, now: datetime) -> str:
    """Note that the place that a form names has sent its parcel, or handed it over; returns what to say of it."""
    place = _id(request.POST, "place")
    if place is None:
        raise Http404
    actor.require(Action.FULFIL_ORDERS, at=place)
    sent = checkout.send_parcel(order_id=order.id, location_id=place, actor_id=actor.id, now=now)
    if sent.status is not OrderStatus.COMPLETED:
        return _("Order %(reference)s: this parcel is sent, others are to follow.")
    return _("Order %(reference)s is handed over.") if order.pickup_store_id else _("Order %(reference)s is sent.")


def _refund(request: HttpRequest, actor: Actor, order: Order, *, now: datetime) -> OrderRefund:
    items = [OrderedItem(line.product_id, _asked_pieces(request, line)) for line in order.lines]
    chosen = [item for item in items if item.quantity]
    restock = "restock" in request.POST
    asked = [f"{item.product_id}:{item.quantity}" for item in chosen]
    return checkout.refund(
        refund_id=key_of(request, actor, "refund", order.id, *asked, str(restock)),
        order_id=order.id,
        items=chosen,
        restock=restock,
        reason=_reason(request),
        actor_id=actor.id,
        now=now,
    )


def _repay(request: HttpRequest, actor: Actor, order: Order, *, now: datetime) -> OrderRefund:
    """Give back all the money of an order that was cancelled with money in it."""
    if order.status is not OrderStatus.CANCELLED:
        raise Http404
    return checkout.refund(
        refund_id=key_of(request, actor, "refund", order.id),
        order_id=order.id,
        items=None,
        restock=False,
        reason="",
        actor_id=actor.id,
        now=now,
    )


def _asked_pieces(request: HttpRequest, line: OrderLine) -> int:
    """How many pieces of a line a form asks for. Nobody but a person who tampers with it sends what is no number."""
    given = request.POST.get(f"pieces-{line.position}", "") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Http404
    return int(given)


def _cards(orders: list[Order], actor: Actor, places: list[Location], *, now: datetime) -> list[Card]:
    sources = {place_id for order in orders for place_id in order.places}
    others = inventory.locations(ids=sorted(sources - {place.id for place in places}))
    names = {place.id: place.name for place in [*places, *others]}
    actors = [order.steps[-1].actor_id for order in orders]
    people = accounts.names(person_ids=[person for person in dict.fromkeys(actors) if person])
    return [_card(order, actor, names, people, now=now) for order in orders]


def _card(order: Order, actor: Actor, names: Mapping[UUID, str], people: Mapping[UUID, str], *, now: datetime) -> Card:
    own = actor.stores_for(Action.READ_ORDERS)
    lines = {line.product_id: line for line in order.lines}
    filled = [parcel for parcel in order.parcels if parcel.items]
    theirs = [parcel for parcel in filled if own is None or parcel.location_id in own]
    elsewhere = [names[parcel.location_id] for parcel in filled if parcel not in theirs]
    packing = order.status is OrderStatus.PROCESSING
    parcels = [
        Parcel(
            place=names[parcel.location_id],
            pieces=_pieces_of(parcel, lines),
            location_id=parcel.location_id,
            sent_at=parcel.sent_at,
            may_send=packing and parcel in order.to_send and actor.may(Action.FULFIL_ORDERS, at=parcel.location_id),
        )
        for parcel in theirs
    ]
    kept = [Piece(line, line.quantity - line.refunded) for line in order.lines if line.quantity > line.refunded]
    services = [piece for piece in kept if not piece.line.stocked]
    may_fulfil = actor.may_in(Action.FULFIL_ORDERS, order.places)
    last = order.steps[-1].actor_id
    return Card(
        order=order,
        pickup=names[order.pickup_store_id] if order.pickup_store_id else "",
        parcels=[*parcels, Parcel("", services)] if services and not elsewhere else parcels,
        elsewhere=elsewhere,
        by=people.get(last, "") if last else "",
        waits=waiting(order.placed_at, now=now),
        late=now - order.placed_at > LATE,
        back=[Piece(line, line.refunded) for line in order.lines if line.refunded],
        left=kept if order.status.is_refundable else [],
        refunds=[refund for refund in order.refunds if refund.state is not PaymentState.SUCCEEDED],
        may_pack=may_fulfil and bool(kept) and order.status is OrderStatus.PAID,
        may_complete=may_fulfil and bool(kept) and packing and not order.to_send,
    )


def _pieces_of(parcel: OrderParcel, lines: Mapping[UUID, OrderLine]) -> list[Piece]:
    pieces = [Piece(lines[item.product_id], item.quantity) for item in parcel.items]
    return sorted(pieces, key=lambda piece: piece.line.position)


def _seen(actor: Actor, order_id: UUID) -> Order:
    """The order, for those who may see it. Raises OrderNotFound, and NotAllowed for those who see none."""
    actor.require(Action.READ_ORDERS)
    order = checkout.order(order_id=order_id)
    if not actor.may_in(Action.READ_ORDERS, order.places):
        raise OrderNotFound(order_id=order_id)
    return order


def _places() -> list[Location]:
    """The warehouse, if there is one yet, and the stores by name."""
    warehouses = []
    with suppress(LocationNotFound):
        warehouses = [inventory.central()]
    return warehouses + inventory.stores()


def _shown_places(own: Collection[UUID] | None, chosen: UUID | None) -> list[UUID] | None:
    """The places whose orders are shown, None for all: the chosen one where it is the actor's."""
    if chosen is None:
        return None if own is None else sorted(own)
    return [chosen] if own is None or chosen in own else []


def _id(given: Mapping[str, str], name: str) -> UUID | None:
    try:
        return UUID(given.get(name, ""))
    except ValueError:
        return None


def _reference(request: HttpRequest) -> str:
    """What was typed of a reference, without what people write between its letters."""
    return "".join(filter(str.isalnum, request.GET.get("reference", "")))[:MAX_REFERENCE].upper()


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")[:MAX_REASON].replace("\x00", "")
