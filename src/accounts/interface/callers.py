"""Who calls: what `config.authentication` found out about a request, for whoever answers it."""

from typing import Any

from accounts.interface.permissions import Actor


def caller_of(request: Any) -> Actor | None:
    """Who calls; None when nobody says so. Raises InvalidToken or InvalidApiKey for what does not hold."""
    actor: Actor | None = request.identify()
    return actor


def actor_of(request: Any) -> Actor:
    """Who calls an operation that takes a login."""
    actor: Actor = request.auth
    return actor
