"""The whole chain, or a manager's own stores, side by side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.interface import Action, Actor
from checkout.interface import OrderStatus, checkout
from dashboards.charts import Chart, Series, day_labels
from dashboards.forms import PeriodForm
from dashboards.pages.page import page, show
from inventory.interface import inventory
from sales.interface import Indicators, StoreIndicators, sales

# More orders than this are not counted: it is enough to know that there are very many.
MOST_COUNTED = 500


@dataclass(frozen=True)
class Place:
    """Where there is something to see to, how much of it, and the address of the page for it."""

    name: str
    count: int
    address: str


@dataclass(frozen=True)
class Alert:
    """Something to see to, the worst first: `kind` is its look, `link` what its links show."""

    kind: str
    count: int
    words: str
    link: str
    places: list[Place]


@require_safe
@page
def chain(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every store side by side. Whoever runs one store alone goes there; who sees no figures, to their own work."""
    if not actor.may(Action.READ_REPORTS):
        return redirect(_workplace(actor))
    stores = actor.stores_for(Action.READ_REPORTS)
    if stores is not None and len(stores) == 1:
        return redirect("dashboards:store", store_id=next(iter(stores)))
    form = PeriodForm(request.GET or None)
    period = form.chosen(today=localdate(), default="7")
    ids = None if stores is None else sorted(stores)
    figures = sales.performance(first_day=period.first_day, last_day=period.last_day, store_ids=ids)
    to_count = inventory.unsettled_shelves(location_ids=[store.store_id for store in figures.stores])
    return show(
        request,
        "chain",
        status=422 if form.errors else 200,
        form=form,
        period=period,
        chain=figures.chain,
        stores=figures.stores,
        alerts=alerts(figures.stores, to_count, orders_to_pack(ids)),
        chart=revenue_chart(figures.chain),
    )


def _workplace(actor: Actor) -> str:
    if actor.may(Action.DECIDE_REQUESTS):
        return "dashboards:replenishment"
    return "dashboards:products" if actor.may(Action.EDIT_CATALOG) else "dashboards:stocks"


def orders_to_pack(location_ids: Sequence[UUID] | None, *, query: str = "") -> Place:
    """The paid orders that these places, or all, have to send or hand over, and where to find them."""
    paid = checkout.orders(statuses=[OrderStatus.PAID], location_ids=location_ids, limit=MOST_COUNTED)
    return Place(_("To the orders"), len(paid), reverse("dashboards:orders") + query)


def alerts(stores: Sequence[StoreIndicators], to_count: Mapping[UUID, int], to_pack: Place) -> list[Alert]:
    """What to see to in these stores, of whose shelves so many are to be counted; nothing of which there is none."""
    out = [Place(store.name, store.stock_outs, _stock(store, "?show=out")) for store in stores]
    low = [Place(store.name, store.low_stock, _stock(store, "?show=low")) for store in stores]
    waiting = reverse("dashboards:replenishment")
    pending = [Place(store.name, store.pending_requests, f"{waiting}?store={store.store_id}") for store in stores]
    uncounted = [Place(store.name, to_count.get(store.store_id, 0), _stock(store, "#to-count")) for store in stores]
    found = [
        _alert(
            "bad",
            out,
            lambda count: ngettext("product that sells is out of stock", "products that sell are out of stock", count),
            _("All empty shelves"),
        ),
        _alert(
            "bad",
            uncounted,
            lambda count: ngettext("shelf to count", "shelves to count", count),
            _("Shelves to count"),
        ),
        _alert(
            "warn",
            [to_pack],
            lambda count: ngettext("order to pack", "orders to pack", count),
            to_pack.name,
        ),
        _alert(
            "warn",
            low,
            lambda count: ngettext("product running low", "products running low", count),
            _("Products running low"),
        ),
        _alert(
            "info",
            pending,
            lambda count: ngettext("request to decide on", "requests to decide on", count),
            _("Pending requests"),
        ),
    ]
    return [alert for alert in found if alert.count]


def _alert(kind: str, places: list[Place], words: Callable[[int], str], link: str) -> Alert:
    count = sum(place.count for place in places)
    return Alert(kind, count, words(count), link, [place for place in places if place.count])


def _stock(store: StoreIndicators, where: str) -> str:
    return reverse("dashboards:stock", kwargs={"store_id": store.store_id}) + where


def revenue_chart(figures: Indicators) -> Chart:
    """Each day's revenue against that of the period before, day by day."""
    return Chart(
        kind="line" if len(figures.days) > 1 else "bar",
        title=_("Revenue by day"),
        heading=_("Day"),
        labels=day_labels(figures.days),
        series=[
            Series(_("This period"), [day.revenue for day in figures.days]),
            Series(_("Period before"), [day.revenue for day in figures.days_before]),
        ],
    )
