"""The consolidated sales report, to read, to print, and as a spreadsheet."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from accounts.interface import Action, Actor
from dashboards.forms import Period, ReportForm
from dashboards.pages.page import page, show
from dashboards.spreadsheet import workbook
from inventory.interface import inventory
from sales.interface import Channel, SalesReport, sales

SHOWN_PRODUCTS = 10
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Asked:
    """What a report is to cover, within what its reader may see."""

    period: Period
    store_ids: list[UUID] | None
    store_id: UUID | None
    channel: str

    def query(self) -> str:
        """The same, as the API asks for it."""
        filters = {
            "from": self.period.first_day,
            "to": self.period.last_day,
            "store_id": self.store_id,
            "channel": self.channel,
        }
        return urlencode({name: value for name, value in filters.items() if value})


@require_safe
@page
def report(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What each store sold over some days, by till and online."""
    form = ReportForm(request.GET or None)
    asked = _asked(actor, form)
    stores = actor.stores_for(Action.READ_REPORTS)
    return show(
        request,
        "sales",
        status=422 if form.errors else 200,
        form=form,
        asked=asked,
        period=asked.period,
        report=_report(asked, top=SHOWN_PRODUCTS),
        stores=[store for store in inventory.stores() if stores is None or store.id in stores],
        csv=f"{reverse('operations:sales_report')}?{asked.query()}&format=csv&top=all",
    )


@require_safe
@page
def spreadsheet(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The same figures as a spreadsheet, with every product sold."""
    form = ReportForm(request.GET or None)
    asked = _asked(actor, form)
    if form.errors:
        wrong = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return show(request, "refused", status=422, sentence=wrong, code=422)
    answer = HttpResponse(workbook(_report(asked, top=None)), content_type=SPREADSHEET)
    answer["Content-Disposition"] = 'attachment; filename="sales.xlsx"'
    return answer


def _asked(actor: Actor, form: ReportForm) -> Asked:
    """What the form asks for. Raises NotAllowed for a store that is not the actor's."""
    period = form.chosen(today=localdate(), default="28")
    values = form.cleaned_data if form.is_valid() else {}
    store_id = values.get("store")
    actor.require(Action.READ_REPORTS, at=store_id)
    stores = actor.stores_for(Action.READ_REPORTS)
    all_stores = None if stores is None else sorted(stores)
    return Asked(period, [store_id] if store_id else all_stores, store_id, values.get("channel", ""))


def _report(asked: Asked, *, top: int | None) -> SalesReport:
    return sales.report(
        first_day=asked.period.first_day,
        last_day=asked.period.last_day,
        store_ids=asked.store_ids,
        channel=Channel(asked.channel) if asked.channel else None,
        top=top,
    )
