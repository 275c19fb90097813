"""The catalogue, to find and to edit; and one product: where it is, how it moved, how it sells."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import localize_input
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.interface import Action, Actor
from catalog.interface import KnownProduct, ProductChanges, ProductNotFound, catalog
from dashboards.charts import Chart, Series, day_labels
from dashboards.forms import ProductForm
from dashboards.pages.page import asked_id, back, page, page_number, show, tell
from dashboards.wording import sentence
from inventory.interface import inventory
from sales.interface import sales
from shared_kernel.errors import Conflict, Invalid

ROWS = 20
MOVEMENTS = 30
CURVES = {"28": 28, "90": 90}


@require_safe
@page
def products(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Products on sale, by name. `open` names the one whose form is open."""
    actor.require(Action.READ_STOCK)
    return _products(request, actor, opened=asked_id(request, "open"))


@require_POST
@page
def edit(request: HttpRequest, actor: Actor, product_id: UUID) -> HttpResponse:
    """Give a product a new name, price or description; Undo gives it the former ones."""
    actor.require(Action.EDIT_CATALOG)
    form = ProductForm(request.POST)
    before = _known(product_id).draft
    if not form.is_valid():
        return _products(request, actor, opened=product_id, form=form, status=422)
    try:
        product = catalog.update_product(product_id=product_id, changes=ProductChanges(**form.cleaned_data))
    except (Conflict, Invalid) as refusal:
        form.add_error(None, sentence(refusal))
        return _products(request, actor, opened=product_id, form=form, status=409)
    tell(
        request,
        _("%(product)s saved.") % {"product": product.name},
        undo=reverse("dashboards:edit_product", kwargs={"product_id": product_id}),
        name=before.name,
        price=str(localize_input(before.price)),
        description=before.description,
    )
    return back(request)


@require_safe
@page
def product(request: HttpRequest, actor: Actor, product_id: UUID) -> HttpResponse:
    """Where a product is, what happened to it, and, for those who read reports, how it sells in their stores."""
    actor.require(Action.READ_STOCK)
    found = _known(product_id)
    context: dict[str, Any] = {}
    if actor.may(Action.READ_REPORTS):
        curve = request.GET.get("days", "28")
        context = {"curve": curve, "chart": _curve(actor, product_id, CURVES.get(curve, 28))}
    return show(
        request,
        "product",
        product=found,
        rows=inventory.product_stock(product_id=product_id),
        movements=inventory.movements(product_id=product_id, limit=MOVEMENTS),
        may_edit=actor.may(Action.EDIT_CATALOG),
        **context,
    )


def _curve(actor: Actor, product_id: UUID, days: int) -> Chart:
    stores = actor.stores_for(Action.READ_REPORTS)
    today = localdate(datetime.now(UTC))
    figures = sales.product_days(
        product_id=product_id,
        first_day=today - timedelta(days=days - 1),
        last_day=today,
        store_ids=None if stores is None else sorted(stores),
    )
    return Chart(
        kind="line",
        title=_("Revenue by day"),
        heading=_("Day"),
        labels=day_labels(figures),
        series=[Series(_("Revenue"), [day.revenue for day in figures])],
    )


def _products(
    request: HttpRequest, actor: Actor, *, opened: UUID | None, form: ProductForm | None = None, status: int = 200
) -> HttpResponse:
    number = page_number(request)
    search = request.GET.get("search", "")[:200].replace("\x00", "")
    found = catalog.product_page(search=search, offset=(number - 1) * ROWS, limit=ROWS)
    may_edit = actor.may(Action.EDIT_CATALOG)
    if form is None and opened is not None and may_edit:
        form = ProductForm(initial=vars(_known(opened).draft))
    listed = found.products
    if opened and may_edit and opened not in {product.id for product in listed}:
        # The form that is open is shown, whatever the search says of its product meanwhile.
        listed = [*catalog.products(ids=[opened]), *listed]
    return show(
        request,
        "products",
        status=status,
        products=listed,
        found=found.count,
        pages=Paginator(range(found.count), ROWS).get_page(number),
        opened=opened,
        form=form,
        may_edit=may_edit,
    )


def _known(product_id: UUID) -> KnownProduct:
    """A product with its description. Raises ProductNotFound."""
    found = catalog.details(ids=[product_id])
    if not found:
        raise ProductNotFound(product_ids=[product_id])
    return found[0]
