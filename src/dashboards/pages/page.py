"""What every page has in common: somebody who is logged in, what they may open, and an answer to a refusal."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django_htmx.http import HttpResponseClientRedirect, reselect, reswap, retarget, trigger_client_event

from accounts.interface import Action, Actor, caller_of
from dashboards.wording import sentence
from shared_kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, Unauthenticated
from shared_kernel.ids import is_fresh, new_id, part_of, uuid_of

STATUS_OF_REFUSAL: dict[type[Refusal], int] = {Forbidden: 403, NotFound: 404, Conflict: 409, Invalid: 422}
MAX_REASON = 200

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Entry:
    """A line of the navigation: the pages it stands for, the first of which it opens, and what lets somebody in."""

    pages: tuple[str, ...]
    icon: str
    title: Any
    actions: tuple[Action, ...]

    @property
    def address(self) -> str:
        return f"dashboards:{self.pages[0]}"


NAVIGATION = [
    Entry(("chain", "store"), "chain", gettext_lazy("Overview"), (Action.READ_REPORTS,)),
    Entry(("stocks", "stock", "ask", "count"), "stock", gettext_lazy("Stock"), (Action.READ_STOCK,)),
    Entry(
        ("replenishment", "request_step", "decide", "accept"),
        "truck",
        gettext_lazy("Replenishment"),
        (Action.REQUEST_STOCK, Action.DECIDE_REQUESTS),
    ),
    Entry(("orders", "order_step"), "bag", gettext_lazy("Orders"), (Action.READ_ORDERS,)),
    Entry(("sales",), "report", gettext_lazy("Sales report"), (Action.READ_REPORTS,)),
    Entry(("products", "product", "edit_product"), "tag", gettext_lazy("Products"), (Action.READ_STOCK,)),
]

# The pages that forms are on: the forms' own addresses take nothing but POST.
PAGE_OF_FORM = {
    "ask": "stock",
    "count": "stock",
    "request_step": "replenishment",
    "decide": "replenishment",
    "accept": "replenishment",
    "order_step": "orders",
    "edit_product": "products",
}


def page(view: View) -> View:
    """Calls the view with the actor after the request; whoever is not logged in goes to the login.

    A refusal is told on a page of its own, or to htmx as a toast, after which it reads the page's figures anew.
    """

    @functools.wraps(view)
    def shown(request: HttpRequest, **path: Any) -> HttpResponse:
        try:
            actor = caller_of(request)
            if actor is not None:
                return view(request, actor, **path)
        except Unauthenticated:
            pass
        except Refusal as refusal:
            return _refused(request, refusal)
        return _to_login(request)

    return shown


def show(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page, with the navigation's entries that the actor may open."""
    actor: Actor | None = getattr(request, "actor", None)
    entries = [entry for entry in NAVIGATION if actor and any(actor.may(action) for action in entry.actions)]
    shared = {"actor": actor, "navigation": entries}
    return render(request, f"dashboards/{template}.html", shared | context, status=status)


def own_address(request: HttpRequest) -> str:
    """Where the page that is shown is found again: of a form, the page that it is on, with the filters of its address.

    Of what is neither, home.
    """
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    found = request.resolver_match
    name = PAGE_OF_FORM.get(found.url_name or "", "chain") if found else "chain"
    path = {"store_id": found.kwargs["store_id"]} if found and name == "stock" else {}
    query = request.GET.urlencode()
    return f"{reverse(f'dashboards:{name}', kwargs=path)}{'?' if query else ''}{query}"


def back(request: HttpRequest) -> HttpResponse:
    """After a write: to the page that its form was on."""
    return redirect(own_address(request))


def tell(request: HttpRequest, text: str, *, undo: str = "", **fields: str) -> None:
    """Let the next page show a toast; with an Undo button that posts these fields to the address `undo`."""
    messages.success(request, text, extra_tags=json.dumps({"address": undo, "fields": fields}) if undo else "")


def key_of(request: HttpRequest, actor: Actor, *asked: UUID | str | int | None) -> UUID:
    """The key of the write that a form asks for, so that sent twice it is one.

    It follows from the key that the form carries, who sends it, and what it asks for: nobody can name a key that is
    somebody else's, or another write's. A fresh one where the form carries none of ours.
    """
    key = uuid_of(request.POST.get("key", ""))
    return part_of(key if key and is_fresh(key) else new_id(), actor.id, *asked)


def asked_id(request: HttpRequest, name: str) -> UUID | None:
    """The id that the page's address gives as `name`, if it gives one."""
    return uuid_of(request.GET.get(name, ""))


def reason_of(request: HttpRequest) -> str:
    """Why, in the words of whoever sends a form; as much of it as is kept, and nothing that cannot be."""
    return request.POST.get("reason", "")[:MAX_REASON].replace("\x00", "")


def page_number(request: HttpRequest) -> int:
    """Which page of a list is asked for, from 1; nonsense asks for the first."""
    given = request.GET.get("page", "")
    return max(1, int(given)) if given.isascii() and given.isdecimal() and len(given) < 7 else 1


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    status = next(status for kind, status in STATUS_OF_REFUSAL.items() if isinstance(refusal, kind))
    answer = show(request, "refused", status=status, sentence=sentence(refusal), code=status)
    if not request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware put it there
        return answer
    toast = retarget(reswap(reselect(answer, ".toast"), "beforeend"), "#toasts")
    return trigger_client_event(toast, "stale", after="settle")


def _to_login(request: HttpRequest) -> HttpResponse:
    login = redirect_to_login(own_address(request))
    if request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware put it there
        return HttpResponseClientRedirect(login.url)
    return login
