"""Who calls, and what they may see."""

from uuid import UUID

from django.http import HttpRequest

from accounts.interface import Action, Actor


def actor_of(request: HttpRequest) -> Actor:
    """The person whom an operation answers."""
    actor: Actor = request.auth  # type: ignore[attr-defined]  # django-ninja puts it there
    return actor


def visible_stores(actor: Actor, store_id: UUID | None) -> list[UUID] | None:
    """The stores to report on: the one asked about, or all that the actor may see; None for the whole chain."""
    actor.require(Action.READ_REPORTS, at=store_id)
    if store_id is not None:
        return [store_id]
    stores = actor.stores_for(Action.READ_REPORTS)
    return None if stores is None else sorted(stores)
