"""What the lists of stock have in common."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.interface import Action
from catalog.interface import catalog
from inventory.admin.steps import CountForm
from inventory.interface import (
    Thresholds,
    inventory,
)
from inventory.models import StockLevel
from shared_kernel.admin import (
    ReadOnlyAdmin,
    StepForm,
    actor_of,
    allow,
)
from shared_kernel.postgres.transactions import atomic_write


def name_products(levels: Sequence[Any]) -> None:
    """Put each level's product onto it, with one call for all."""
    products = {product.id: product for product in catalog.products(ids=[level.product_id for level in levels])}
    for level in levels:
        product = products.get(level.product_id)
        level.sku, level.product_name = (product.sku, product.name) if product else ("", str(level.product_id))


class StockAdmin(ReadOnlyAdmin):
    """What the admins of stock share: steps on levels of one place."""

    def has_count_permission(self, request: HttpRequest) -> bool:
        return bool(actor_of(request).may(Action.COUNT_STOCK))

    def describe(self, rows: Sequence[Any]) -> None:
        name_products([level_of(row) for row in rows])
        for row in rows:
            row.admin_name = f"{level_of(row).product_name}, {level_of(row).location.name}"

    def stock_step(
        self,
        request: HttpRequest,
        levels: Sequence[StockLevel],
        needed: Action,
        form_class: type[StepForm],
        *,
        title: str,
        act: Callable[[Any], None],
    ) -> HttpResponse | None:
        """A step on levels of one place, where whoever is at the screen has to be allowed to take it."""
        if len({level.location_id for level in levels}) > 1:
            self.message_user(request, _("Choose rows of one place at a time."), messages.WARNING)
            return None
        if levels:
            allow(request, needed, at=levels[0].location_id)
        name_products(levels)

        def done(form: StepForm) -> str:
            act(form)
            return _("Done: %(title)s, %(place)s.") % {"title": title, "place": levels[0].location.name}

        about = levels[0].location.name if levels else ""
        return self.step(request, form_class, levels, title=title, about=about, act=done)

    def count_step(self, request: HttpRequest, levels: Sequence[StockLevel]) -> HttpResponse | None:
        """Ask how many pieces lie on these shelves, and set their stock to it: all, or none."""

        @atomic_write
        def count(form: CountForm) -> None:
            for level in sorted(levels, key=lambda level: level.product_id):
                inventory.count(
                    operation_id=form.key_about(level),
                    location_id=level.location_id,
                    product_id=level.product_id,
                    quantity=form.cleaned_data[form.row_name(level)],
                    thresholds=Thresholds(),
                    note=form.cleaned_data["note"] or "stock count",
                    actor_id=request.user.pk,
                    now=datetime.now(UTC),
                )

        return self.stock_step(request, levels, Action.COUNT_STOCK, CountForm, title=_("Count the shelf"), act=count)


def level_of(row: Any) -> Any:
    """The stock level that a row of the admin is, or is about."""
    return row if isinstance(row, StockLevel) else row.level
