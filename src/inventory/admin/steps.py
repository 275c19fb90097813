"""The forms between choosing levels and moving their stock."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from inventory.interface import (
    CountBelowReserved,
    InsufficientStock,
    StockLine,
)
from inventory.models import Location
from shared_kernel.admin import QuantityForm, StepForm, pieces
from shared_kernel.errors import Refusal
from shared_kernel.quantities import MAX_QUANTITY


class StockForm(QuantityForm):
    """Asks for pieces of some stock levels, all of one place."""

    def lines(self) -> list[StockLine]:
        return [StockLine(level.product_id, quantity) for level, quantity in self.answers]

    def refuse(self, refusal: Refusal) -> None:
        if not isinstance(refusal, InsufficientStock):
            super().refuse(refusal)
            return
        available = {line.product_id: line.available for line in refusal.lines}
        for level in self.rows:
            if level.product_id in available:
                self.add_error(self.row_name(level), _("Only %d available.") % available[level.product_id])


class AdjustmentForm(StockForm):
    note = forms.CharField(label=gettext_lazy("Why"), max_length=200, widget=UnfoldAdminTextInputWidget)

    def row_field(self, row: Any) -> forms.Field:
        text = _("Pieces to add; with a minus sign, to take away. %d are there.") % row.on_hand
        return pieces(row.product_name, smallest=-MAX_QUANTITY, required=False, help_text=text)


class TransferForm(StockForm):
    to = forms.ModelChoiceField(
        Location.objects.none(), label=gettext_lazy("Destination"), widget=UnfoldAdminSelectWidget
    )
    document = forms.CharField(
        label=gettext_lazy("Document"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, rows: Sequence[Any], data: Any = None) -> None:
        super().__init__(rows, data)
        field: Any = self.fields["to"]
        field.queryset = Location.objects.exclude(pk=rows[0].location_id)

    def row_field(self, row: Any) -> forms.Field:
        text = _("Pieces to move. %d are there.") % row.on_hand
        return pieces(row.product_name, smallest=1, required=False, help_text=text)


class CountForm(StepForm):
    """Asks how many pieces were counted; what the books say stays unsaid, so that somebody counts."""

    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )

    def row_field(self, row: Any) -> forms.Field:
        return pieces(row.product_name, smallest=0)

    def refuse(self, refusal: Refusal) -> None:
        if not isinstance(refusal, CountBelowReserved):
            super().refuse(refusal)
            return
        text = ngettext(
            "%(count)d piece is reserved for orders: count again, or cancel an order first.",
            "%(count)d pieces are reserved for orders: count again, or cancel an order first.",
            refusal.reserved,
        )
        for level in self.rows:
            if level.product_id == refusal.product_id:
                self.add_error(self.row_name(level), text % {"count": refusal.reserved})


# --- Stock ----------------------------------------------------------------------------------------------------------
