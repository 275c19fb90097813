"""Filters of a list that Django REST framework serves."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError

PAGE_PARAMETERS = {"page", "page_size"}


class StrictFilterBackend(DjangoFilterBackend):
    """Refuses a parameter that the list does not know, or that is empty: a slip must not show everything."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        known = PAGE_PARAMETERS | set(filterset.base_filters if filterset else ())
        if unknown := request.query_params.keys() - known:
            raise ValidationError(dict.fromkeys(unknown, "There is no such parameter."))
        # The library takes an empty value for none; but whoever sends `category=` does not mean every category.
        if empty := [name for name, value in request.query_params.items() if not value and name != "search"]:
            raise ValidationError(dict.fromkeys(empty, "This is empty: give a value, or leave the parameter out."))
        if not request.query_params.keys() - PAGE_PARAMETERS:
            # Nothing to filter by: the library would make a form to find that out.
            return queryset
        return super().filter_queryset(request, queryset, view)
