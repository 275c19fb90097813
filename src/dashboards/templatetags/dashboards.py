"""What the templates need beside Django's own: formats, wording, and keys for forms."""

import json
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings

from dashboards import formats, wording
from dashboards.pages import page
from shared_kernel.ids import new_id

register = template.Library()

for formatted in ("money", "number", "signed", "percent", "change", "day", "moment"):
    register.filter(formatted, getattr(formats, formatted))


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    """What a mapping holds under a key; None without."""
    return mapping.get(key)


@register.filter
def definition(name: str) -> str:
    """What an indicator means."""
    return str(wording.DEFINITIONS[name])


@register.filter
def status(request: Any) -> str:
    """Where a request stands."""
    return str(wording.STATUSES[request.status])


@register.filter
def order_status(order: Any) -> str:
    """Where an order stands."""
    return str(wording.ORDER_STATUSES[order.status])


@register.filter
def last_step(order: Any) -> str:
    """What happened to an order last, and when."""
    return wording.last_step(order)


@register.filter
def reason(movement: Any) -> str:
    """Why stock moved."""
    return str(wording.REASONS[movement.reason])


@register.filter
def channel(report: Any) -> str:
    """How it was sold."""
    return str(wording.CHANNELS[report.channel])


@register.filter
def why(suggestion: Any) -> str:
    """Why something is suggested."""
    return wording.why(suggestion)


@register.filter
def undo(message: Any) -> dict[str, Any] | None:
    """How to undo what a message tells of, as `pages.page.tell` has kept it."""
    return json.loads(message.extra_tags) if message.extra_tags else None


@register.simple_tag
def key() -> UUID:
    """A fresh key for a form: sent twice, it is one write."""
    return new_id()


@register.simple_tag(takes_context=True)
def own_address(context: dict[str, Any]) -> str:
    """Where the page is found again."""
    return page.own_address(context["request"]) if "request" in context else ""


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """Light or dark, as the reader chose, or else what their system prefers."""
    chosen = context["request"].COOKIES.get("theme") if "request" in context else None
    return chosen if chosen in {"light", "dark"} else "auto"


@register.simple_tag
def currency() -> str:
    """The chain's currency, by its ISO 4217 code."""
    return str(settings.COMPTOIR_CURRENCY)
