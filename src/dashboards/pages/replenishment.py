"""Requests from stores to the warehouse: deciding on them, sending, receiving, and what is suggested."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.interface import Action, Actor
from dashboards.forms import CountForm, QuantityForm
from dashboards.pages.page import asked_id, back, key_of, page, page_number, reason_of, show, tell
from dashboards.wording import sentence, sentence_of_code
from inventory.interface import inventory
from replenishment.interface import (
    Request,
    RequestNotFound,
    RequestStatus,
    SuggestedLine,
    Verdict,
    replenishment,
)
from shared_kernel.errors import Conflict, Invalid

ROWS = 20
MAX_LINES = 500

PENDING, SUGGESTIONS, ON_THE_WAY, DECIDED = "pending", "suggestions", "way", "decided"
# What each tab shows: the states, and whether only what is shipped and received.
STATES: dict[str, tuple[list[RequestStatus], bool | None]] = {
    PENDING: ([RequestStatus.PENDING], None),
    ON_THE_WAY: ([RequestStatus.APPROVED, RequestStatus.SHIPPED], True),
    DECIDED: ([status for status in RequestStatus if status is not RequestStatus.PENDING], None),
}


@require_safe
@page
def requests(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Whoever decides sees all requests; a store sees its own."""
    return _requests(request, actor)


def _requests(
    request: HttpRequest, actor: Actor, *, wrong: dict[UUID, str] | None = None, status: int = 200
) -> HttpResponse:
    stores = _visible_stores(actor)
    chosen = asked_id(request, "store")
    if chosen is not None:
        stores = [chosen] if stores is None or chosen in stores else []
    tab = request.GET.get("tab", PENDING)
    number = page_number(request)
    context: dict[str, Any] = {"tab": tab, "wrong": wrong or {}, "chosen": chosen}
    offset = (number - 1) * ROWS
    if tab == SUGGESTIONS:
        suggested = replenishment.suggestions(store_ids=stores, offset=offset, limit=ROWS)
        context |= {"suggestions": suggested.suggestions, "found": suggested.count}
    else:
        statuses, travels = STATES.get(tab, STATES[PENDING])
        listed = replenishment.requests(statuses=statuses, travels=travels, store_ids=stores, offset=offset, limit=ROWS)
        context |= {"requests": listed.requests, "found": listed.count}
    places = inventory.stores()
    own = actor.stores_for(Action.REQUEST_STOCK)
    return show(
        request,
        "replenishment",
        status=status,
        **context,
        pages=Paginator(range(context["found"]), ROWS).get_page(number),
        stores=places if actor.may(Action.DECIDE_REQUESTS) else [place for place in places if own and place.id in own],
        may_decide=actor.may(Action.DECIDE_REQUESTS),
        own={place.id: True for place in places if own is None or place.id in own},
        receivable={place.id: True for place in places if actor.may(Action.RECEIVE_STOCK, at=place.id)},
    )


@require_POST
@page
def step(request: HttpRequest, actor: Actor, request_id: UUID, step: str) -> HttpResponse:
    """Take one request one step on: approve, reject, cancel, ship or receive."""
    asked = _seen(actor, request_id)
    form = CountForm(request.POST) if step == "receive" else QuantityForm(request.POST)
    if step in {"approve", "receive"} and "quantity" in request.POST and not form.is_valid():
        return _requests(request, actor, wrong={request_id: " ".join(map(str, form.errors["quantity"]))}, status=422)
    try:
        done = _take(
            request, actor, asked, step, quantity=form.cleaned_data.get("quantity") if form.is_valid() else None
        )
    except (Conflict, Invalid) as refusal:
        return _requests(request, actor, wrong={request_id: sentence(refusal)}, status=409)
    _tell_of(request, done, step)
    return _onwards(request)


def _seen(actor: Actor, request_id: UUID) -> Request:
    """The request, for those who may see it. Raises RequestNotFound."""
    found = replenishment.find(request_id=request_id)
    stores = _visible_stores(actor)
    if stores is not None and found.store_id not in stores:
        raise RequestNotFound(replenishment_request_id=request_id)
    return found


def _take(request: HttpRequest, actor: Actor, asked: Request, step: str, *, quantity: int | None) -> Request:
    key, now = key_of(request, actor, step, asked.id, quantity), datetime.now(UTC)
    reason = reason_of(request)
    match step:
        case "approve":
            actor.require(Action.DECIDE_REQUESTS)
            return replenishment.approve(
                decision_id=key, request_id=asked.id, quantity=quantity, reason=reason, actor_id=actor.id, now=now
            )
        case "reject":
            actor.require(Action.DECIDE_REQUESTS)
            return replenishment.reject(decision_id=key, request_id=asked.id, reason=reason, actor_id=actor.id, now=now)
        case "cancel":
            actor.require(Action.REQUEST_STOCK, at=asked.store_id)
            return replenishment.cancel(decision_id=key, request_id=asked.id, actor_id=actor.id, now=now)
        case "ship":
            actor.require(Action.DECIDE_REQUESTS)
            return replenishment.ship(shipment_id=key, request_id=asked.id, actor_id=actor.id, now=now)
        case "receive":
            actor.require(Action.RECEIVE_STOCK, at=asked.store_id)
            return replenishment.receive(
                receipt_id=key, request_id=asked.id, quantity=quantity, actor_id=actor.id, now=now
            )
    raise Http404


def _tell_of(request: HttpRequest, done: Request, step: str) -> None:
    facts = {
        "quantity": done.quantity if done.approved_quantity is None else done.approved_quantity,
        "product": done.product_name,
        "store": done.store_name,
    }
    texts = {
        "approve": _("Approved: %(quantity)d × %(product)s for %(store)s."),
        "reject": _("Rejected: %(quantity)d × %(product)s for %(store)s."),
        "cancel": _("Taken back: %(quantity)d × %(product)s for %(store)s."),
        "ship": _("On its way: %(quantity)d × %(product)s to %(store)s."),
        "receive": _("Received: %(quantity)d × %(product)s in %(store)s."),
    }
    if done.received_quantity is not None:
        facts["quantity"] = done.received_quantity
    tell(request, texts[step] % facts)


@require_POST
@page
def decide(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Approve or reject all requests that were selected; one that is refused does not keep the others."""
    actor.require(Action.DECIDE_REQUESTS)
    if (verdict := request.POST.get("verdict")) not in set(Verdict):
        raise Http404
    outcomes = replenishment.decide_all(
        decision_id=key_of(request, actor, verdict),
        request_ids=_ids(request.POST.getlist("request_ids")),
        verdict=Verdict(verdict),
        reason=reason_of(request),
        actor_id=actor.id,
        now=datetime.now(UTC),
    )
    done = sum(outcome.request is not None for outcome in outcomes)
    if verdict == Verdict.APPROVE:
        text = ngettext("%(count)d request approved.", "%(count)d requests approved.", done)
    else:
        text = ngettext("%(count)d request rejected.", "%(count)d requests rejected.", done)
    if done:
        tell(request, text % {"count": done})
    _tell_refused(request, [(outcome.code, outcome.detail) for outcome in outcomes if outcome.request is None])
    return back(request)


@require_POST
@page
def accept(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Make requests of the suggestions that were selected, or of the one whose button was pressed."""
    chosen = request.POST.getlist("one") or request.POST.getlist("lines")
    pairs = [_ids(pair.partition(":")[::2]) for pair in chosen[:MAX_LINES]]
    lines = [SuggestedLine(store_id, product_id) for store_id, product_id in pairs]
    for store_id in {line.store_id for line in lines}:
        actor.require(Action.REQUEST_STOCK, at=store_id)
    accepted = replenishment.accept(
        acceptance_id=key_of(request, actor, "accept"), lines=lines, actor_id=actor.id, now=datetime.now(UTC)
    )
    done = sum(acceptance.request is not None for acceptance in accepted)
    if done:
        tell(request, ngettext("%(count)d request made.", "%(count)d requests made.", done) % {"count": done})
    _tell_refused(request, [(one.code, one.detail) for one in accepted if one.request is None])
    return back(request)


def _tell_refused(request: HttpRequest, refusals: list[tuple[str, str]]) -> None:
    for code, detail in dict(refusals).items():
        times = sum(refused == code for refused, _detail in refusals)
        messages.warning(request, f"{times} × {sentence_of_code(code, detail)}")


def _visible_stores(actor: Actor) -> list[UUID] | None:
    """The stores whose requests the actor may see; None for all. Raises NotAllowed for those who see none."""
    if actor.may(Action.DECIDE_REQUESTS):
        return None
    actor.require(Action.REQUEST_STOCK)
    stores = actor.stores_for(Action.REQUEST_STOCK)
    return None if stores is None else sorted(stores)


def _ids(texts: Sequence[str]) -> list[UUID]:
    """These ids. Nobody but a person who tampers with the form sends anything else."""
    try:
        return [UUID(text) for text in texts[:MAX_LINES]]
    except ValueError as error:
        raise Http404 from error


def _onwards(request: HttpRequest) -> HttpResponse:
    """To where the step was taken from: an Undo on another page says so."""
    given = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(given, {request.get_host()}):
        return redirect(given)
    return back(request)
