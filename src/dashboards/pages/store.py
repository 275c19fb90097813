"""One store: its day, its week, its shelves."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.interface import Action, Actor
from dashboards.charts import Chart, Series
from dashboards.forms import PeriodForm
from dashboards.pages.chain import alerts, orders_to_pack, revenue_chart
from dashboards.pages.page import page, show
from inventory.interface import inventory
from replenishment.interface import RequestStatus, replenishment
from sales.interface import HourFigures, sales

# A shop's day, where it did not sell earlier or later.
OPENING, CLOSING = 8, 20
SHELVES = 8
REQUESTS = 8


@require_safe
@page
def store(request: HttpRequest, actor: Actor, store_id: UUID) -> HttpResponse:
    """A store's figures, in its own time."""
    actor.require(Action.READ_REPORTS, at=store_id)
    place = inventory.store(store_id=store_id)
    with timezone.override(ZoneInfo(place.time_zone)):
        today = timezone.localdate(datetime.now(UTC))
        form = PeriodForm(request.GET or None)
        period = form.chosen(today=today, default="7")
        performance = sales.performance(first_day=period.first_day, last_day=period.last_day, store_ids=[store_id])
        figures = performance.stores[0]
        low = inventory.location_stock(location_id=store_id, low=True, limit=SHELVES)
        return show(
            request,
            "store",
            status=422 if form.errors else 200,
            store=place,
            form=form,
            period=period,
            figures=figures,
            alerts=alerts(
                [figures],
                inventory.unsettled_shelves(location_ids=[store_id]),
                orders_to_pack([store_id], query=f"?place={store_id}"),
            ),
            week=revenue_chart(figures),
            day=_day_chart(sales.hours(store_id=store_id, day=today)),
            shelves=low.rows,
            requests=replenishment.requests(statuses=[RequestStatus.PENDING], store_ids=[store_id], limit=REQUESTS),
            tills=sales.open_till_sessions(store_ids=[store_id]),
            may_request=actor.may(Action.REQUEST_STOCK, at=store_id),
        )


def _day_chart(hours: list[HourFigures]) -> Chart:
    """A day's revenue by the hour, over the shop's day at least."""
    revenue = {figures.hour: figures.revenue for figures in hours}
    shown = range(min([OPENING, *revenue]), max([CLOSING, *revenue]) + 1)
    return Chart(
        kind="bar",
        title=_("Today by the hour"),
        heading=_("Hour"),
        labels=[f"{hour:02}:00" for hour in shown],
        series=[Series(_("Revenue"), [revenue.get(hour, Decimal(0)) for hour in shown])],
    )
