"""Pages of a list: the two envelopes, and the addresses of their neighbours."""

from typing import Any

import pytest
from django.test import RequestFactory
from pydantic import ValidationError

from shared_kernel.rest.pages import CursorFilters, PageFilters, cursor_page, numbered_page

SITE = "http://testserver/api/v1/things/"


def numbered(query: str, *, count: int) -> dict[str, Any]:
    request = RequestFactory().get(f"/api/v1/things/?{query}")
    return numbered_page(request, PageFilters.model_validate(request.GET.dict()), count=count, results=["row"])


def by_cursor(query: str, rows: list[int]) -> dict[str, Any]:
    request = RequestFactory().get(f"/api/v1/things/?{query}")
    filters = CursorFilters.model_validate(request.GET.dict())
    return cursor_page(request, filters, rows=rows, cursor_of=lambda row: f"c{row}")


def test_a_list_that_fits_has_no_neighbours() -> None:
    assert numbered("", count=20) == {"count": 20, "next": None, "previous": None, "results": ["row"]}
    assert numbered("", count=0) == {"count": 0, "next": None, "previous": None, "results": ["row"]}


@pytest.mark.parametrize(
    ("query", "following", "previous"),
    [
        ("page=1&page_size=10", f"{SITE}?page=2&page_size=10", None),
        ("page=2&page_size=10", f"{SITE}?page=3&page_size=10", f"{SITE}?page=1&page_size=10"),
        ("page=3&page_size=10", None, f"{SITE}?page=2&page_size=10"),
        ("page=4&page_size=10", None, f"{SITE}?page=3&page_size=10"),
        ("search=th%C3%A9%20vert&low=true", f"{SITE}?search=th%C3%A9+vert&low=true&page=2", None),
        ("page=1&page_size=30", None, None),
    ],
)
def test_a_numbered_page_names_its_neighbours(query: str, following: str | None, previous: str | None) -> None:
    page = numbered(query, count=30)

    assert (page["next"], page["previous"]) == (following, previous)


@pytest.mark.parametrize(("query", "offset"), [({}, 0), ({"page": 3}, 40), ({"page": 3, "page_size": 7}, 14)])
def test_a_page_starts_after_those_before_it(query: dict[str, int], offset: int) -> None:
    assert PageFilters.model_validate(query).offset == offset


@pytest.mark.parametrize("query", [{"page": 0}, {"page": 100_001}, {"page_size": 0}, {"page_size": 101}, {"page": "x"}])
def test_a_page_that_cannot_be_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PageFilters.model_validate(query)


def test_a_row_too_many_is_the_sign_of_a_next_page() -> None:
    assert by_cursor("page_size=2&store=1", [9, 8, 7]) == {
        "next": f"{SITE}?page_size=2&store=1&cursor=c8",
        "previous": None,
        "results": [9, 8],
    }
    assert by_cursor("page_size=2&cursor=c8", [7, 6]) == {"next": None, "previous": None, "results": [7, 6]}
    assert by_cursor("", []) == {"next": None, "previous": None, "results": []}


def test_the_next_cursor_takes_the_place_of_the_last() -> None:
    assert by_cursor("cursor=c9&page_size=1", [8, 7])["next"] == f"{SITE}?cursor=c8&page_size=1"
