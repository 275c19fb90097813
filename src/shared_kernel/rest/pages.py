"""Pages of a list: numbered where the list stays small, by cursor where it grows for ever."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest
from ninja import Field, Schema
from pydantic import ValidationError
from rest_framework.exceptions import ValidationError as InvalidRequest
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 100_000


class PageFilters(Schema):
    """The two parameters of every numbered list."""

    page: int = Field(1, ge=1, le=MAX_PAGE, description="The page to show, from 1. A page past the end is empty.")
    page_size: int = Field(DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Rows per page.")

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


class CursorFilters(Schema):
    """What every list that grows for ever takes; each adds its `cursor`, of the type of its rows' ids."""

    page_size: int = Field(DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Rows per page.")


class Page(Schema, Generic[T]):
    """One page of a list that stays small."""

    count: int = Field(description="Rows in the whole list.")
    next: str | None = Field(description="The next page's address; null on the last page.")
    previous: str | None = Field(description="The previous page's address; null on the first page.")
    results: list[T]


class CursorPage(Schema, Generic[T]):
    """One page of a list that grows for ever, newest first."""

    next: str | None = Field(description="The next page's address; null on the last page.")
    previous: str | None = Field(description="Always null: such a list is read forward, from its newest row.")
    results: list[T]


def numbered_page(request: HttpRequest, filters: PageFilters, *, count: int, results: Sequence[Any]) -> dict[str, Any]:
    """The envelope of one numbered page; `results` are the page's rows, `count` those of the whole list."""
    is_last = filters.page * filters.page_size >= count
    return {
        "count": count,
        "next": None if is_last else _address(request, page=filters.page + 1),
        "previous": _address(request, page=filters.page - 1) if filters.page > 1 else None,
        "results": results,
    }


def cursor_page(
    request: HttpRequest, filters: CursorFilters, *, rows: Sequence[T], cursor_of: Callable[[T], object]
) -> dict[str, Any]:
    """The envelope of one cursor page; `rows` holds one row more than the page when there is a next page."""
    results = rows[: filters.page_size]
    has_next = len(rows) > filters.page_size
    return {
        "next": _address(request, cursor=cursor_of(results[-1])) if has_next else None,
        "previous": None,
        "results": results,
    }


def _address(request: HttpRequest, **changes: object) -> str:
    query = {**request.GET.dict(), **changes}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


class PagePagination(BasePagination):
    """The numbered envelope for Django REST framework."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        names = {"page", "page_size"} & request.query_params.keys()
        try:
            self.filters = PageFilters.model_validate({name: request.query_params[name] for name in names})
        except ValidationError as error:
            raise InvalidRequest({str(e["loc"][0]): [e["msg"]] for e in error.errors()}) from error
        self.request = request
        self.count = queryset.count()
        return list(queryset[self.filters.offset : self.filters.offset + self.filters.page_size])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(numbered_page(self.request, self.filters, count=self.count, results=data))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {"count": {"type": "integer"}, "next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        properties = PageFilters.model_json_schema()["properties"]
        return [
            {"name": name, "in": "query", "required": False, "description": schema.pop("description"), "schema": schema}
            for name, schema in properties.items()
        ]
