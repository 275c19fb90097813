"""How an operation's answer becomes JSON."""

from typing import Any

from django.http import HttpRequest
from ninja.renderers import BaseRenderer
from pydantic_core import to_json


class Renderer(BaseRenderer):
    """Pydantic's own writer, which is compiled: a report has tens of thousands of ids, amounts and days.

    Amounts are strings, and times have a Z, as in what the catalogue answers.
    """

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return to_json(data)
