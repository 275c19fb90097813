"""Those who work here, and their roles, in the admin."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.interface import Action, Role, accounts
from accounts.models import Membership, User
from shared_kernel.admin import ModelAdmin, NamedFilter, StepForm, allow

ROLES = {
    Role.CASHIER: gettext_lazy("Cashier"),
    Role.STORE_MANAGER: gettext_lazy("Store manager"),
    Role.WAREHOUSE: gettext_lazy("Warehouse"),
    Role.CATALOG_MANAGER: gettext_lazy("Catalogue manager"),
    Role.HEAD_OFFICE: gettext_lazy("Head office"),
}


class RoleFilter(NamedFilter):
    title = gettext_lazy("Role")
    parameter_name = "memberships__role"

    def names(self) -> Iterable[tuple[Any, Any]]:
        return ROLES.items()

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return super().queryset(request, rows).distinct()


class MembershipFormSet(forms.BaseInlineFormSet[Membership, User, forms.ModelForm[Membership]]):
    """The roles of somebody who works here: at least one, and somebody always holds that of the head office."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form not in self.deleted_forms]
        roles = {form.cleaned_data["role"] for form in kept if form.cleaned_data.get("role")}
        if not roles:
            raise ValidationError(_("Give this person a role. Whoever leaves keeps theirs, and is made inactive."))
        if not (self.instance.is_active and Role.HEAD_OFFICE in roles):
            self._require_another_head_office()

    def _require_another_head_office(self) -> None:
        """Raises ValidationError where this person alone is active with the head office's role."""
        holders = User.objects.filter(memberships__role=Role.HEAD_OFFICE)
        # Two who do this to each other at the same moment: the second waits here, and counts after the first.
        held = {person.pk for person in holders.select_for_update(of=("self",)).order_by("pk")}
        if held - {self.instance.pk} and holders.filter(is_active=True).exclude(pk=self.instance.pk).exists():
            return
        if self.instance.pk in held:
            raise ValidationError(_("Nobody else of the head office is active: give somebody else that role first."))


class MembershipInline(TabularInline):
    model = Membership
    formset = MembershipFormSet
    extra = 0
    min_num = 1
    verbose_name = gettext_lazy("role")
    verbose_name_plural = gettext_lazy("Roles")

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, **options, choices=ROLES.items())


class PersonForm(UserChangeForm):
    """Keeps whoever is at the screen from locking themselves out."""

    viewer_id: Any = None

    def clean_is_active(self) -> bool:
        is_active = bool(self.cleaned_data["is_active"])
        if not is_active and self.instance.pk == self.viewer_id:
            raise ValidationError(_("You cannot make yourself inactive: ask somebody else of the head office."))
        return is_active


class PasswordForm(AdminPasswordChangeForm):
    """A new password, or none any more, through the published interface: ends all logins, as it does everywhere."""

    def save(self, commit: bool = True) -> Any:
        password = self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        accounts.replace_password(person_id=self.user.pk, new_password=password)
        self.user.refresh_from_db()
        return self.user


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # the theme's class is not typed
    """People who leave are made inactive, never deleted, since the ledger speaks of them for ever."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    ordering = ["email"]
    list_display = ["email", "name", "is_active"]
    list_filter = [("is_active", BooleanRadioFilter), RoleFilter]
    search_fields = ["email", "name"]
    inlines = [MembershipInline]
    actions_detail = ["end_logins"]
    fieldsets = [(None, {"fields": ["email", "password", "name", "is_active"]})]
    add_fieldsets = [(None, {"fields": ["email", "name", "usable_password", "password1", "password2"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.staff().order_by(*self.ordering)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        # A class made for this request alone.
        form: Any = super().get_form(request, obj, change=change, **options)
        form.viewer_id = request.user.pk
        return form

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # What is not in the form may have changed since it was read: the password, say.
        obj.save(update_fields=form.changed_data)
        if "is_active" in form.changed_data and not obj.is_active:
            accounts.end_logins(person_id=obj.pk)

    @action(description=gettext_lazy("End all logins"), permissions=["change"])
    def end_logins(self, request: HttpRequest, object_id: str) -> HttpResponse:
        allow(request, Action.EDIT_PEOPLE)
        row: Any = self.get_object(request, object_id)

        def end(form: StepForm) -> str:
            return end_logins_of(row)

        return self.step_on(request, StepForm, row, title=_("End all logins"), about=name_of, act=end)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return without_email(super().log_addition(request, obj, message))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return without_email(super().log_change(request, obj, message))


def name_of(person: Any) -> str:
    """What the page about a step calls the person whom it is on."""
    return f"{person.name}, {person.email}"


def end_logins_of(person: User) -> str:
    """End all logins of a person, and say how many there were."""
    ended = accounts.end_logins(person_id=person.pk)
    return ngettext("%(count)d login ended.", "%(count)d logins ended.", ended) % {"count": ended}


def without_email(entry: Any) -> Any:
    """An entry of Django's own log, which nobody takes anything out of when a person is erased."""
    entry.object_repr = entry.object_id
    entry.save(update_fields=["object_repr"])
    return entry
