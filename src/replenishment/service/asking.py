"""Requests: making them, and finding them again."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.db.transaction import atomic

from accounts.interface import accounts
from inventory.interface import LocationNotFound, inventory
from replenishment import models
from replenishment.interface import (
    CentralStockTooLow,
    NoCentralStock,
    ReplenishmentRequested,
    Request,
    RequestNotFound,
    RequestPage,
    RequestStatus,
    StoreUnknown,
)
from replenishment.rules import check_quantity
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import AlreadyDone, atomic_write
from shared_kernel.quantities import MAX_QUANTITY

Result = TypeVar("Result")


class Asking:
    """The part of the replenishment that takes requests and shows them."""

    @atomic_write
    def request(
        self, *, request_id: UUID, product_id: UUID, store_id: UUID, quantity: int, actor_id: UUID | None, now: datetime
    ) -> Request:
        check_quantity(quantity, smallest=1, largest=MAX_QUANTITY)
        take_turn(store_id, product_id)
        row = models.Request.objects.filter(id=request_id).first()
        if row is None:
            row = ask(request_id, product_id, store_id, quantity=quantity, actor_id=actor_id, now=now)
        return value_of(row)

    def requests(
        self,
        *,
        statuses: Sequence[RequestStatus] | None = None,
        travels: bool | None = None,
        store_ids: Sequence[UUID] | None = None,
        product_id: UUID | None = None,
        offset: int = 0,
        limit: int = 20,
    ) -> RequestPage:
        rows = models.Request.objects.order_by("-id")
        if statuses is not None:
            rows = rows.filter(status__in=statuses)
        if travels is not None:
            rows = rows.filter(travels=travels)
        if store_ids is not None:
            rows = rows.filter(store_id__in=store_ids)
        if product_id is not None:
            rows = rows.filter(product_id=product_id)
        return RequestPage(count=rows.count(), requests=values_of(list(rows[offset : offset + limit])))

    def find(self, *, request_id: UUID) -> Request:
        row = models.Request.objects.filter(id=request_id).first()
        if row is None:
            raise RequestNotFound(replenishment_request_id=request_id)
        return value_of(row)

    def pending_by_store(self, *, store_ids: Sequence[UUID]) -> dict[UUID, int]:
        pending = models.Request.objects.pending().filter(store_id__in=store_ids)
        return dict(pending.order_by().values_list("store_id").annotate(Count("id")))


def take_turn(store_id: UUID, product_id: UUID) -> None:
    """Wait for whoever is asking for the same product for the same store, until the end of the transaction.

    A row to lock will not do: there may be neither a suggestion nor a request yet.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"request {store_id} {product_id}"])


def ask(
    request_id: UUID, product_id: UUID, store_id: UUID, *, quantity: int, actor_id: UUID | None, now: datetime
) -> models.Request:
    """Make a request that is not there yet, after `take_turn`.

    Raises NoCentralStock, CentralStockTooLow, StoreUnknown.
    """
    warehouse_id = _serving_warehouse(product_id, quantity=quantity, now=now)
    try:
        inventory.store(store_id=store_id)
    except LocationNotFound as error:
        raise StoreUnknown(store_id=store_id) from error
    row = models.Request.objects.create(
        id=request_id,
        product_id=product_id,
        store_id=store_id,
        warehouse_id=warehouse_id,
        quantity=quantity,
        requested_by=actor_id,
        requested_at=now,
    )
    models.Suggestion.objects.filter(store_id=store_id, product_id=product_id).delete()
    publish(
        [ReplenishmentRequested(request_id=request_id, product_id=product_id, store_id=store_id, quantity=quantity)]
    )
    return row


def _serving_warehouse(product_id: UUID, *, quantity: int, now: datetime) -> UUID:
    """The warehouse, if it carries the product and has as much available."""
    try:
        warehouse = inventory.central()
    except LocationNotFound as error:
        raise NoCentralStock(product_id=product_id) from error
    levels = inventory.demand(location_id=warehouse.id, product_ids=[product_id], now=now)
    if not levels:
        raise NoCentralStock(product_id=product_id)
    if levels[0].available < quantity:
        raise CentralStockTooLow(product_id=product_id, requested=quantity, available=levels[0].available)
    return warehouse.id


def locked(request_id: UUID) -> models.Request:
    """A request, which nobody else changes until the end of the transaction. Raises RequestNotFound."""
    row = models.Request.objects.select_for_update().filter(id=request_id).first()
    if row is None:
        raise RequestNotFound(replenishment_request_id=request_id)
    return row


def alone(write: Callable[[], Result]) -> Result:
    """Carry out a write in a transaction of its own, or in a savepoint of the caller's: a refusal undoes it alone."""
    try:
        with atomic():
            return write()
    except AlreadyDone:
        with atomic():
            return write()


def value_of(row: models.Request) -> Request:
    """This row as a published value."""
    return values_of([row])[0]


def values_of(rows: Sequence[models.Request]) -> list[Request]:
    """These rows as published values, with the names a reader wants; takes as many statements for any number."""
    stock = inventory.stock_levels(
        product_ids=list({row.product_id for row in rows}), location_ids=list({row.warehouse_id for row in rows})
    )
    products = {row.product_id: row.product_name for row in stock}
    central = {(row.location_id, row.product_id): row.available for row in stock}
    stores = {place.id: place.name for place in inventory.locations(ids=list({row.store_id for row in rows}))}
    people = accounts.names(person_ids=list({id_ for row in rows for id_ in (row.requested_by, row.decided_by) if id_}))
    return [
        Request(
            id=row.id,
            product_id=row.product_id,
            product_name=products[row.product_id],
            store_id=row.store_id,
            store_name=stores[row.store_id],
            quantity=row.quantity,
            approved_quantity=row.approved_quantity,
            received_quantity=row.received_quantity,
            status=RequestStatus(row.status),
            reason=row.reason,
            requested_by=row.requested_by,
            requested_by_name=people.get(row.requested_by) if row.requested_by else None,
            requested_at=row.requested_at,
            decided_by=row.decided_by,
            decided_by_name=people.get(row.decided_by) if row.decided_by else None,
            decided_at=row.decided_at,
            shipped_at=row.shipped_at,
            received_at=row.received_at,
            central_available=central[row.warehouse_id, row.product_id],
        )
        for row in rows
    ]
