"""What people type into the pages, and what is wrong with it."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from accounts.interface import PersonNotFound, accounts
from catalog.interface import MIN_PRICE
from dashboards.wording import CHANNELS
from shared_kernel.quantities import MAX_QUANTITY

MAX_PRICE = Decimal("99999999.99")
MAX_DAYS = 366
# As far as the API's reports go.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


class LoginForm(AuthenticationForm):
    """E-mail and password of somebody who may act here; which of the two is wrong stays unsaid."""

    error_messages = {
        "invalid_login": gettext_lazy("No active account has this e-mail and password: check both and try again."),
        "inactive": gettext_lazy("No active account has this e-mail and password: check both and try again."),
    }

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = gettext_lazy("E-mail")
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})

    def confirm_login_allowed(self, user: Any) -> None:
        try:
            accounts.actor(person_id=user.pk)
        except PersonNotFound as error:
            raise self.get_invalid_login_error() from error


class QuantityForm(forms.Form):
    """Pieces to ask for."""

    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), min_value=1, max_value=MAX_QUANTITY)


class CountForm(forms.Form):
    """Pieces that were counted."""

    quantity = forms.IntegerField(label=gettext_lazy("Counted"), min_value=0, max_value=MAX_QUANTITY)


class ProductForm(forms.Form):
    """What a person may change about a product at its page."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=255)
    price = forms.DecimalField(
        label=gettext_lazy("Price"), min_value=MIN_PRICE, max_value=MAX_PRICE, decimal_places=2, localize=True
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )


@dataclass(frozen=True)
class Period:
    """Some days, both included; `name` is the choice that stands for them."""

    name: str
    first_day: date
    last_day: date


class DayField(forms.DateField):
    """A day that a report may look at."""

    def __init__(self, **options: Any) -> None:
        limits = {"min": FIRST_DAY.isoformat(), "max": LAST_DAY.isoformat()}
        super().__init__(required=False, widget=forms.DateInput({"type": "date"} | limits), **options)

    def validate(self, value: date | None) -> None:
        super().validate(value)
        if value and not FIRST_DAY <= value <= LAST_DAY:
            raise ValidationError(gettext_lazy("Choose a day from the years 2000 to 2099."))


class PeriodForm(forms.Form):
    """The days that a page looks at."""

    CHOICES = [
        ("today", gettext_lazy("Today")),
        ("7", gettext_lazy("7 days")),
        ("28", gettext_lazy("28 days")),
        ("custom", gettext_lazy("From … to")),
    ]
    DAYS = {"today": 1, "7": 7, "28": 28}

    period = forms.ChoiceField(label=gettext_lazy("Period"), choices=CHOICES, required=False, widget=forms.RadioSelect)
    first_day = DayField(label=gettext_lazy("From"))
    last_day = DayField(label=gettext_lazy("To"))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("period") == "custom" and not self.errors:
            first, last = values["first_day"], values["last_day"]
            if not (first and last):
                missing = "last_day" if first else "first_day"
                raise ValidationError({missing: gettext_lazy("Choose the first day and the last.")})
            if first > last:
                raise ValidationError({"last_day": gettext_lazy("The last day lies before the first.")})
            if (last - first).days >= MAX_DAYS:
                raise ValidationError({"last_day": gettext_lazy("At most 366 days at a time.")})
        return values

    def chosen(self, *, today: date, default: str) -> Period:
        """The days that were chosen; the default's where nothing sound was."""
        values = self.cleaned_data if self.is_valid() else {}
        if values.get("period") == "custom":
            return Period("custom", values["first_day"], values["last_day"])
        name = values.get("period") if values.get("period") in self.DAYS else default
        return Period(str(name), today - timedelta(days=self.DAYS[str(name)] - 1), today)


class ReportForm(PeriodForm):
    """What the sales report covers."""

    store = forms.UUIDField(label=gettext_lazy("Store"), required=False)
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[("", gettext_lazy("Till and web shop")), *CHANNELS.items()],
        required=False,
    )
