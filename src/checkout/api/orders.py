"""Orders: placed without a cart, looked at and handled: `/orders/`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.timezone import make_aware
from ninja import Field, Query, Router, Schema, Status
from pydantic import model_validator

from accounts.interface import Action, CustomerNotFound, accounts, actor_of
from checkout.api.callers import TOKEN, required_buyer, shown, visible
from checkout.api.placing import HOME, AddressBody, DestinationBody
from checkout.interface import (
    Destination,
    Order,
    OrderedItem,
    OrderFigures,
    OrderRefund,
    OrderStatus,
    OrderSummary,
    checkout,
)
from shared_kernel.quantities import MAX_QUANTITY
from shared_kernel.rest.bodies import KEYBOARD, Body, Day, Whole, example
from shared_kernel.rest.idempotency import operation_of, resumable
from shared_kernel.rest.pages import CursorFilters, CursorPage, cursor_page

router = Router(tags=["orders"])


class OrderedItemBody(Body):
    id: UUID = Field(description="The product.")
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces.")


class OrderBody(DestinationBody):
    """An order of a reseller's own program. `product` is the older way to order a single one."""

    products: list[OrderedItemBody] | None = Field(None, min_length=1, max_length=100, description="What to order.")
    product: OrderedItemBody | None = Field(None, description="The same for a single product; not beside `products`.")

    model_config = example(products=[{"id": KEYBOARD, "quantity": 3}], shipping_address=HOME)

    @model_validator(mode="after")
    def one_way(self) -> Self:
        if (self.products is None) == (self.product is None):
            raise ValueError("give either products or product")
        return self

    @property
    def items(self) -> list[OrderedItem]:
        asked = self.products or ([self.product] if self.product else [])
        return [OrderedItem(item.id, item.quantity) for item in asked]


class DestinationChangeBody(Body):
    shipping_address: AddressBody | None = Field(None, description="Send it there instead.")
    email: str | None = Field(None, min_length=1, max_length=254, description="Where the buyer is written to.")

    model_config = example(shipping_address=HOME)


class StatusBody(Body):
    status: OrderStatus = Field(description="What it becomes: paid (by another way), processing, completed, cancelled.")

    model_config = example(status="processing")


class CancellationBody(Body):
    reason: str = Field("", max_length=200, description="A word on why, which the buyer sees.")

    model_config = example(reason="Ordered twice")


class RefundedItemBody(Body):
    product_id: UUID = Field(description="A product of the order.")
    quantity: Whole = Field(ge=1, le=MAX_QUANTITY, description="Pieces.")


class RefundBody(Body):
    items: list[RefundedItemBody] | None = Field(
        None, min_length=1, max_length=100, description="What the money goes back for; left out, all that is left."
    )
    restock: bool = Field(True, description="Whether the goods go back onto their shelves, or are written off.")
    reason: str = Field("", max_length=200, description="A word on why, which the buyer sees.")

    model_config = example(items=[{"product_id": KEYBOARD, "quantity": 1}], restock=True, reason="Too loud")


NO_REASON = CancellationBody(reason="")
EVERYTHING = RefundBody(items=None, restock=True, reason="")


# Beyond these, a day may have no beginning or no end that a clock could show.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)


class Days(Schema):
    since: Day | None = Field(
        None, alias="from", ge=FIRST_DAY, le=LAST_DAY, description="Placed on this day or later, by the chain's clock."
    )
    until: Day | None = Field(None, alias="to", ge=FIRST_DAY, le=LAST_DAY, description="Placed on this day or earlier.")

    def moments(self) -> dict[str, datetime | None]:
        """When the first of these days begins, and the day after the last."""
        return {
            "since": _begin(self.since) if self.since else None,
            "until": _begin(self.until + timedelta(days=1)) if self.until else None,
        }


class OrderFilters(CursorFilters):
    status: OrderStatus | None = Field(None, description="Only those that stand here.")
    cursor: UUID | None = Field(None, description="Only those placed before this order; see `next`.")


class StaffOrderFilters(OrderFilters, Days):
    customer_id: UUID | None = Field(None, description="Only this customer's.")
    reference: str | None = Field(None, max_length=12, description="The one with this reference, in any case.")


class FiguresAnswer(Schema):
    results: list[OrderFigures] = Field(description="One for each status.")


def _begin(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _page(request: HttpRequest, filters: OrderFilters, **conditions: Any) -> dict[str, Any]:
    rows = checkout.orders(
        statuses=None if filters.status is None else [filters.status],
        before=filters.cursor,
        limit=filters.page_size + 1,
        **conditions,
    )
    return cursor_page(request, filters, rows=rows, cursor_of=lambda order: order.id)


# --- Placing --------------------------------------------------------------------------------------------------------


@router.post("/orders/", response={201: Order}, operation_id="place_order")
@resumable
def place_order(request: HttpRequest, body: OrderBody) -> Any:
    """Order products without a cart, at the catalogue's prices: for resellers' own programs.

    Reserved and refused as in `/checkout/process/`.
    """
    actor = actor_of(request)
    actor.require(Action.PLACE_ORDERS)
    made = checkout.place_order(
        order_id=operation_of(request),
        items=body.items,
        destination=body.destination(None),
        customer_id=None,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return Status(201, made)


# --- Looking --------------------------------------------------------------------------------------------------------


@router.get("/orders/", response=CursorPage[OrderSummary], operation_id="list_orders")
def orders(request: HttpRequest, filters: Query[StaffOrderFilters]) -> Any:
    """Orders, latest first. Shop staff see those that their stores send or hand over, and a program its own."""
    actor = actor_of(request)
    if not actor.may(Action.READ_ORDERS):
        actor.require(Action.PLACE_ORDERS)
    stores = actor.stores_for(Action.READ_ORDERS)
    return _page(
        request,
        filters,
        customer_id=filters.customer_id,
        reference=filters.reference,
        location_ids=sorted(stores) if stores else None,
        placed_by=None if actor.may(Action.READ_ORDERS) else actor.id,
        **filters.moments(),
    )


@router.get("/orders/stats/", response=FiguresAnswer, operation_id="order_statistics")
def statistics(request: HttpRequest, filters: Query[Days]) -> Any:
    """How many orders stand where, and what they come to, less what was refunded."""
    actor_of(request).require(Action.MANAGE_ORDERS)
    return {"results": checkout.figures(**filters.moments())}


@router.get("/orders/{uuid:order_id}/", response=Order, auth=None, operation_id="order")
def order(request: HttpRequest, order_id: UUID, token: str | None = TOKEN) -> Any:
    """One order with all that happened to it. Somebody else's is not found.

    A buyer without a login sends the token of the cart that it was made of.
    """
    return shown(request, visible(request, order_id, token))


@router.get("/customers/{customer_id}/orders/", response=CursorPage[OrderSummary], operation_id="list_customer_orders")
def customer_orders(request: HttpRequest, customer_id: str, filters: Query[OrderFilters]) -> Any:
    """A customer's orders, latest first: one's own, by id or as `me`. Somebody else's are not found.

    Shop staff see those that their stores send or hand over.
    """
    actor = actor_of(request)
    named = actor.id if customer_id == "me" else _id(customer_id)
    stores = None if named == actor.id else actor.stores_for(Action.READ_ORDERS)
    if stores == frozenset() or not accounts.customers(ids=[named]):
        raise CustomerNotFound(customer_id=named)
    return _page(request, filters, customer_id=named, location_ids=sorted(stores) if stores else None)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


# --- Handling -------------------------------------------------------------------------------------------------------


@router.put("/orders/{uuid:order_id}/", response=Order, auth=None, operation_id="change_order")
def change_order(request: HttpRequest, order_id: UUID, body: DestinationChangeBody, token: str | None = TOKEN) -> Any:
    """Send a pending order elsewhere, or write to its buyer elsewhere. Its buyer may, and the head office.

    409 `order_not_pending` afterwards; 422 for an address when it is picked up.
    """
    known = visible(request, order_id, token)
    actor_id = required_buyer(request, known)
    changed = checkout.change_destination(
        order_id=order_id,
        destination=Destination(
            email=body.email or known.email,
            address=body.shipping_address.value() if body.shipping_address else known.address,
            pickup_store_id=known.pickup_store_id,
        ),
        actor_id=actor_id,
        now=datetime.now(UTC),
    )
    return shown(request, changed)


@router.put("/orders/{uuid:order_id}/status/", response=Order, operation_id="advance_order")
def advance_order(request: HttpRequest, order_id: UUID, body: StatusBody) -> Any:
    """Take an order a step further: processing, completed; or paid, by another way than a card; or cancelled.

    Completed says that all its parcels have left: of an order from several places that is the head office's to say,
    and the places send theirs one by one. 409 `impossible_step` names the steps that are possible from where it stands.
    Again: nothing happens. Paid by another way is only what was not paid by card: that is a 409, too.
    """
    actor, known = actor_of(request), visible(request, order_id)
    unsent = [parcel.location_id for parcel in known.to_send] if body.status is OrderStatus.COMPLETED else []
    on_the_shelf = body.status in {OrderStatus.PROCESSING, OrderStatus.COMPLETED} and len(unsent) < 2
    actor.require_in(Action.FULFIL_ORDERS if on_the_shelf else Action.MANAGE_ORDERS, unsent or known.places)
    if body.status is OrderStatus.CANCELLED:
        return checkout.cancel(order_id=order_id, reason="", actor_id=actor.id, now=datetime.now(UTC))
    return checkout.advance(order_id=order_id, status=body.status, actor_id=actor.id, now=datetime.now(UTC))


@router.post(
    "/orders/{uuid:order_id}/parcels/{uuid:location_id}/send/", response=Order, operation_id="send_order_parcel"
)
def send_parcel(request: HttpRequest, order_id: UUID, location_id: UUID) -> Any:
    """Say that this place has sent, or handed over, its part of an order. With the last one the order is completed.

    404 `parcel_not_found` for a place that sends nothing of it, 409 `impossible_step` unless it is being packed. Again:
    nothing happens.
    """
    actor = actor_of(request)
    visible(request, order_id)
    actor.require(Action.FULFIL_ORDERS, at=location_id)
    return checkout.send_parcel(order_id=order_id, location_id=location_id, actor_id=actor.id, now=datetime.now(UTC))


@router.post("/orders/{uuid:order_id}/cancel/", response=Order, auth=None, operation_id="cancel_order")
@resumable
def cancel_order(
    request: HttpRequest, order_id: UUID, body: CancellationBody = NO_REASON, token: str | None = TOKEN
) -> Any:
    """Give up a pending order: its goods are free again. Its buyer may, and the head office.

    409 `impossible_step` when it is not pending, `payment_running` while it is being paid.
    """
    actor_id = required_buyer(request, visible(request, order_id, token))
    cancelled = checkout.cancel(order_id=order_id, reason=body.reason, actor_id=actor_id, now=datetime.now(UTC))
    return shown(request, cancelled)


@router.delete("/orders/{uuid:order_id}/", response={204: None}, operation_id="delete_order")
def delete_order(request: HttpRequest, order_id: UUID) -> Any:
    """Cancel a pending order, as `cancel` does: it stays, cancelled, with its trace."""
    actor = actor_of(request)
    actor.require_in(Action.MANAGE_ORDERS, visible(request, order_id).places)
    checkout.cancel(order_id=order_id, reason="deleted", actor_id=actor.id, now=datetime.now(UTC))
    return Status(204, None)


@router.post("/orders/{uuid:order_id}/refund/", response={202: OrderRefund}, operation_id="refund_order")
@resumable
def refund_order(request: HttpRequest, order_id: UUID, body: RefundBody = EVERYTHING) -> Any:
    """Give the money back for all of a paid order, or for some pieces; to the card that paid.

    The worker carries it out: see the order for what became of it. 409 `refund_exceeds_order`, `impossible_step`.
    """
    actor = actor_of(request)
    actor.require_in(Action.MANAGE_ORDERS, visible(request, order_id).places)
    refund = checkout.refund(
        refund_id=operation_of(request),
        order_id=order_id,
        items=None if body.items is None else [OrderedItem(item.product_id, item.quantity) for item in body.items],
        restock=body.restock,
        reason=body.reason,
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    return Status(202, refund)
