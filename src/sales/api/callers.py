"""What a caller may see."""

from uuid import UUID

from accounts.interface import Action, Actor


def visible_stores(actor: Actor, store_id: UUID | None) -> list[UUID] | None:
    """The stores to report on: the one asked about, or all that the actor may see; None for the whole chain."""
    actor.require(Action.READ_REPORTS, at=store_id)
    if store_id is not None:
        return [store_id]
    stores = actor.stores_for(Action.READ_REPORTS)
    return None if stores is None else sorted(stores)
