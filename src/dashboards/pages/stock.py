"""A store's stock: what is there, what is missing, and asking the warehouse for it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.interface import Action, Actor
from dashboards.forms import CountForm, QuantityForm
from dashboards.pages.page import asked_id, back, key_of, page, page_number, show, tell
from dashboards.wording import sentence
from inventory.interface import StockRow, Thresholds, inventory
from replenishment.interface import RequestStatus, replenishment
from shared_kernel.errors import Conflict, Invalid

ROWS = 20
# More than a store has open at a time; the rows beyond would only lack their note.
OPEN_REQUESTS = 500
FILTERS = ("low", "out", "over")


@require_safe
@page
def stocks(request: HttpRequest, actor: Actor) -> HttpResponse:
    """To the stock of a store of the actor's own, else of the first."""
    actor.require(Action.READ_STOCK)
    own = actor.stores_for(Action.REQUEST_STOCK)
    stores = inventory.stores()
    chosen = next((store for store in stores if own is None or store.id in own), None) or next(iter(stores), None)
    return redirect("dashboards:stock", store_id=chosen.id) if chosen else show(request, "no_stores")


@require_safe
@page
def stock(request: HttpRequest, actor: Actor, store_id: UUID) -> HttpResponse:
    """A store's shelves, with search and filters. `open` and `count` name the product whose form is open."""
    actor.require(Action.READ_STOCK)
    return _stock(request, actor, store_id)


@require_POST
@page
def ask(request: HttpRequest, actor: Actor, store_id: UUID, product_id: UUID) -> HttpResponse:
    """Ask the warehouse for pieces of a product; Undo takes the request back."""
    actor.require(Action.REQUEST_STOCK, at=store_id)
    form = QuantityForm(request.POST)
    if not form.is_valid():
        return _stock(request, actor, store_id, asked=product_id, form=form, status=422)
    quantity = form.cleaned_data["quantity"]
    try:
        asked = replenishment.request(
            request_id=key_of(request, actor, "ask", store_id, product_id, quantity),
            product_id=product_id,
            store_id=store_id,
            quantity=quantity,
            actor_id=actor.id,
            now=datetime.now(UTC),
        )
    except (Conflict, Invalid) as refusal:
        form.add_error("quantity", sentence(refusal))
        return _stock(request, actor, store_id, asked=product_id, form=form, status=409)
    text = ngettext(
        "%(count)d piece of %(product)s requested.", "%(count)d pieces of %(product)s requested.", asked.quantity
    ) % {"count": asked.quantity, "product": asked.product_name}
    undo = reverse("dashboards:request_step", kwargs={"request_id": asked.id, "step": "cancel"})
    tell(request, text, undo=undo, next=reverse("dashboards:stock", kwargs={"store_id": store_id}))
    return back(request)


@require_POST
@page
def count(request: HttpRequest, actor: Actor, store_id: UUID, product_id: UUID) -> HttpResponse:
    """Set a product's stock to what was counted, which settles its discrepancies."""
    actor.require(Action.COUNT_STOCK, at=store_id)
    form = CountForm(request.POST)
    if not form.is_valid():
        return _stock(request, actor, store_id, counted=product_id, form=form, status=422)
    quantity = form.cleaned_data["quantity"]
    try:
        row = inventory.count(
            operation_id=key_of(request, actor, "count", store_id, product_id, quantity),
            location_id=store_id,
            product_id=product_id,
            quantity=quantity,
            thresholds=Thresholds(),
            note="stock count",
            actor_id=actor.id,
            now=datetime.now(UTC),
        )
    except (Conflict, Invalid) as refusal:
        form.add_error("quantity", sentence(refusal))
        return _stock(request, actor, store_id, counted=product_id, form=form, status=409)
    tell(request, _("%(product)s counted: %(quantity)d.") % {"product": row.product_name, "quantity": row.on_hand})
    return back(request)


def _stock(
    request: HttpRequest,
    actor: Actor,
    store_id: UUID,
    *,
    asked: UUID | None = None,
    counted: UUID | None = None,
    form: Any = None,
    status: int = 200,
) -> HttpResponse:
    place = inventory.store(store_id=store_id)
    chosen = request.GET.get("show", "")
    number = page_number(request)
    found = inventory.location_stock(
        location_id=store_id,
        search=request.GET.get("search", "")[:200].replace("\x00", ""),
        **{name: True for name in FILTERS if name == chosen},
        offset=(number - 1) * ROWS,
        limit=ROWS,
    )
    requested = _requested(actor, store_id)
    asked, counted = asked or asked_id(request, "open"), counted or asked_id(request, "count")
    rows = found.rows
    if asked and asked not in {row.product_id for row in rows}:
        # The form that is open is shown, whatever the filters say of its product meanwhile.
        rows = [*inventory.stock_levels(product_ids=[asked], location_ids=[store_id]), *rows]
    with timezone.override(ZoneInfo(place.time_zone)):
        return show(
            request,
            "stock",
            status=status,
            store=place,
            stores=inventory.stores(),
            rows=rows,
            found=found.count,
            pages=Paginator(range(found.count), ROWS).get_page(number),
            chosen=chosen,
            requested=requested,
            discrepancies=inventory.discrepancies(location_ids=[store_id], limit=ROWS),
            asked=asked,
            counted=counted,
            form=form or _blank(rows, requested, asked),
            may_request=actor.may(Action.REQUEST_STOCK, at=store_id),
            may_count=actor.may(Action.COUNT_STOCK, at=store_id),
        )


def _requested(actor: Actor, store_id: UUID) -> dict[UUID, int]:
    """The pieces of each product that wait for the warehouse's decision, for those who may see the store's requests."""
    if not (actor.may(Action.DECIDE_REQUESTS) or actor.may(Action.REQUEST_STOCK, at=store_id)):
        return {}
    pending = replenishment.requests(statuses=[RequestStatus.PENDING], store_ids=[store_id], limit=OPEN_REQUESTS)
    requested: dict[UUID, int] = {}
    for waiting in pending.requests:
        requested[waiting.product_id] = requested.get(waiting.product_id, 0) + waiting.quantity
    return requested


def _blank(rows: list[StockRow], requested: dict[UUID, int], asked: UUID | None) -> QuantityForm:
    """The form to ask with, filled in with what the product's shelf misses."""
    missing = [_missing(row, requested.get(row.product_id, 0)) for row in rows if row.product_id == asked]
    return QuantityForm(initial={"quantity": missing[0] if missing else None})


def _missing(row: StockRow, requested: int) -> int:
    """How many pieces fill the shelf, after all that is coming; a shelf without a target wants twice its reorder
    point."""
    wanted = row.target if row.target is not None else 2 * row.reorder_point
    return max(1, wanted - row.available - row.in_transit - requested)
