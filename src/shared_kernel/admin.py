"""What the modules' admins share: lists that stay fast, and steps: forms between choosing rows and acting on them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from decimal import Decimal
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Self
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.formats import date_format, number_format
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _
from unfold import admin as unfold
from unfold import paginator
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.utils import parse_date_str
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from shared_kernel.errors import Refusal, Unauthenticated
from shared_kernel.ids import is_fresh, new_id, part_of
from shared_kernel.quantities import MAX_QUANTITY

FURTHEST_PAGE = 200
# Stands in a form for the row that is not there yet.
TO_BE_MADE = SimpleNamespace(pk=UUID(int=0))


def actor_of(request: HttpRequest) -> Any:
    """Who is at the screen: an Actor of accounts.

    Raises PermissionDenied where a token or a key beside the session speaks for somebody else, or does not hold.
    """
    try:
        actor = request.identify()  # type: ignore[attr-defined]  # RequestMiddleware put it there
    except Unauthenticated as error:
        raise PermissionDenied from error
    if actor is None or actor.id != request.user.pk:
        raise PermissionDenied
    return actor


def allow(request: HttpRequest, action: Any, *, at: UUID | None = None) -> None:
    """Raises PermissionDenied unless whoever is at the screen may do this, at `at`, or anywhere when that is None."""
    if not actor_of(request).may(action, at=at):
        raise PermissionDenied


# --- Lists ----------------------------------------------------------------------------------------------------------


class InfinitePaginator(paginator.InfinitePaginator):
    """Pages of a list whose rows nobody counts, since that reads the whole table. Further on there are filters.

    The theme knows it by this name.
    """

    @cached_property
    def count(self) -> int:
        return int(self.per_page) * FURTHEST_PAGE


class DescribedRows(ChangeList):
    """A page of a list, whose rows are chosen by its filters alone, and described once they are read."""

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        # Django filters by whatever else the address holds: `password__startswith`, say.
        if found[2]:
            raise DisallowedModelAdminLookup
        return found

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        self.model_admin.describe(self.result_list)


@dataclass(frozen=True)
class Secret:
    """What is shown once, on a page of its own, when it is made: of whom, and what to do with it."""

    title: str
    heading: str
    advice: str
    label: str
    value: str
    way_back: str


class ModelAdmin(unfold.ModelAdmin):
    """A list that takes the same few statements for any number of rows, none of which counts them."""

    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_filter_submit = True
    list_disable_select_all = True

    def describe(self, rows: Sequence[Any]) -> None:
        """Put onto these rows what other modules know of them, with one call for all; and, as `admin_name`, what the
        page about a row calls it, where the row does not know."""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return DescribedRows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.describe([row])
        return row

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        try:
            [self.opts.pk.to_python(key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        except ValidationError as error:
            raise BadRequest from error
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def chosen(self, request: HttpRequest) -> list[Any]:
        """The rows that an action is for, whether or not the list's filters still hold them after it."""
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)[: self.list_per_page]
        rows = self.get_queryset(request).filter(pk__in=keys)
        return list(rows.select_related(*self.list_select_related) if self.list_select_related else rows)

    def step(
        self,
        request: HttpRequest,
        make_form: "Callable[[Sequence[Any], Any], StepForm]",
        rows: Sequence[Any],
        *,
        title: str,
        about: str = "",
        act: Callable[[Any], str],
    ) -> HttpResponse | None:
        """Show a form about these rows or, once it is filled in, act on it; None when there is no more to show.

        `about` names what the rows have in common. `act` takes the form and returns the sentence that says what was
        done, an empty one where nothing was. What it refuses comes back in the form.
        """
        if not rows:
            self.message_user(request, _("There is nothing to do with these rows any more."), messages.WARNING)
            return None
        form = make_form(rows, request.POST if "operation_id" in request.POST else None)
        form.asked = (request.user.pk, request.path, request.POST.get("action", ""))
        if form.is_valid():
            try:
                if said := act(form):
                    self.message_user(request, said, messages.SUCCESS)
            except Refusal as refusal:
                form.refuse(refusal)
            else:
                return None
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "about": about,
            "opts": self.opts,
            "form": form,
            "action": request.POST.get("action", ""),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/step.html", context)

    def step_on(
        self,
        request: HttpRequest,
        make_form: "Callable[[Sequence[Any], Any], StepForm]",
        row: Any,
        *,
        title: str,
        about: Callable[[Any], str] = attrgetter("admin_name"),
        act: Callable[[Any], str],
    ) -> HttpResponse:
        """A step on one row, which `about` names, and the list after it; the list alone where there is no row."""
        rows, named = ([row], about(row)) if row else ([], "")
        return self.step(request, make_form, rows, title=title, about=named, act=act) or self.list_again()

    def step_to_secret(
        self,
        request: HttpRequest,
        make_form: "Callable[[Sequence[Any], Any], StepForm]",
        row: Any,
        *,
        title: str,
        make: Callable[[Any], Secret | None],
        made_before: str,
    ) -> HttpResponse:
        """A step on one row of which a secret comes, and the page that shows it: nothing else ever does.

        `make` takes the form; where it was sent twice, what was made first counts: None, and `made_before` is said.
        """
        made: list[Secret | None] = []

        def act(form: StepForm) -> str:
            made.append(make(form))
            return ""

        rows, about = ([row], getattr(row, "admin_name", "")) if row else ([], "")
        if shown := self.step(request, make_form, rows, title=title, about=about, act=act):
            return shown
        if not made:
            return self.list_again()
        if made[0] is None:
            self.message_user(request, made_before, messages.WARNING)
            return self.list_again()
        context = {
            **self.admin_site.each_context(request),
            **asdict(made[0]),
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/secret.html", context)

    def list_again(self) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the published interfaces change, in the order of an index: another would sort the whole table."""

    sortable_by: Sequence[str] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class Label(tuple[str, str]):
    """A word on a ground of its key's colour in a list, where the theme wants a tuple; elsewhere the word alone."""

    __slots__ = ()

    def __new__(cls, key: str, word: str) -> Self:
        return super().__new__(cls, (key, word))

    def __str__(self) -> str:
        return self[1]


class NamedFilter(DropdownFilter):
    """Keeps the rows with one value of the field `parameter_name`, or what else `condition` says, chosen by a name."""

    def names(self) -> Iterable[tuple[Any, Any]]:
        """The values to choose from, with their names."""
        raise NotImplementedError

    def condition(self, chosen: str) -> Q:
        """Which rows have the chosen value."""
        return Q(**{self.parameter_name: chosen})

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(str(value), str(name)) for value, name in self.names()]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        # Only what is offered: anything else may not be a value of the field.
        return rows.filter(self.condition(chosen)) if chosen in dict(self.lookup_choices) else rows


class DaysFilter(RangeDateFilter):
    """Keeps the rows with a time within some days, both included, of the installation's time zone."""

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        for edge, lookup, time_of_day in (("from", "gte", time.min), ("to", "lte", time.max)):
            day = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_{edge}", ""))
            if day:
                moment = make_aware(datetime.combine(day, time_of_day))
                rows = rows.filter(**{f"{self.parameter_name}__{lookup}": moment})
        return rows


def table(headers: Sequence[Any], rows: Sequence[Sequence[Any]]) -> SafeString:
    """A table within a page."""
    return render_to_string("unfold/components/table.html", {"table": {"headers": headers, "rows": rows}})


def amount(value: Decimal) -> str:
    """An amount of money, as the reader writes one."""
    return number_format(value, decimal_pos=2)


def day(value: datetime) -> str:
    """A time's day, as the reader writes one."""
    return date_format(localtime(value), "SHORT_DATE_FORMAT")


def moment(value: datetime) -> str:
    """A time to the minute, as the reader writes one."""
    return date_format(localtime(value), "SHORT_DATETIME_FORMAT")


def second(value: datetime) -> str:
    """A time to the second, which no language has a format for, as the reader writes its day."""
    return f"{day(value)} {localtime(value):%H:%M:%S}"


# --- Steps ----------------------------------------------------------------------------------------------------------


class KeyField(forms.UUIDField):
    """The key of a write, made when its form is shown, and kept out of sight: sent twice, the form acts once."""

    def __init__(self) -> None:
        super().__init__(initial=new_id, widget=forms.HiddenInput)

    def validate(self, value: UUID | None) -> None:
        super().validate(value)
        if value is None or not is_fresh(value):
            raise ValidationError(_("This form was shown too long ago: go back and start again."))


class StepForm(forms.Form):
    """What is asked between choosing rows and acting on them, in a field for each row and in the others."""

    operation_id = KeyField()
    # By whom, and at which page for what: `step` says so.
    asked: tuple[UUID | str | None, ...] = ()

    def __init__(self, rows: Sequence[Any], data: Any = None) -> None:
        super().__init__(data)
        self.rows = rows
        for row in rows:
            if (field := self.row_field(row)) is not None:
                self.fields[self.row_name(row)] = field
        self.order_fields(map(self.row_name, rows))

    def row_name(self, row: Any) -> str:
        """What the field about this row is called."""
        return f"row_{row.pk}"

    def row_field(self, row: Any) -> forms.Field | None:
        """What is asked about this row."""
        return None

    @property
    def key(self) -> UUID:
        """The key of the write: the same for the same form sent twice, and never one that somebody could name."""
        return self.key_about(*self.rows)

    def key_about(self, *rows: Any) -> UUID:
        """The key of a write about these rows alone."""
        answers = (str(answer) for name, answer in self.cleaned_data.items() if name != "operation_id")
        return part_of(self.cleaned_data["operation_id"], *self.asked, *(str(row.pk) for row in rows), *answers)

    @property
    def answers(self) -> list[tuple[Any, int]]:
        """The rows for which a number other than 0 was given, with it."""
        return [(row, number) for row in self.rows if (number := self.cleaned_data.get(self.row_name(row)))]

    def refuse(self, refusal: Refusal) -> None:
        """Say beside the fields, or above them, why nothing was done."""
        self.add_error(None, str(refusal))


class QuantityForm(StepForm):
    """Asks for a number of pieces of at least one row."""

    def clean(self) -> dict[str, Any] | None:
        if not (self.errors or self.answers):
            raise ValidationError(_("Give a number of pieces for at least one row."))
        return super().clean()


def pieces(label: str, *, smallest: int, largest: int = MAX_QUANTITY, **options: Any) -> forms.IntegerField:
    """A field for a number of pieces."""
    widget = UnfoldAdminIntegerFieldWidget()
    return forms.IntegerField(label=label, min_value=smallest, max_value=largest, widget=widget, **options)
