"""Goods that travel from the warehouse to a store."""

from datetime import datetime
from uuid import UUID

from inventory.interface import ArrivedLine, inventory
from replenishment import models
from replenishment.interface import NotOnItsWay, Request, RequestStatus
from replenishment.rules import check_quantity
from replenishment.service.asking import locked, value_of
from shared_kernel.postgres.transactions import atomic_write


class Delivering:
    """The part of the replenishment that ships and receives."""

    @atomic_write
    def ship(self, *, shipment_id: UUID, request_id: UUID, actor_id: UUID | None, now: datetime) -> Request:
        row = locked(request_id)
        if row.shipment_id != shipment_id:
            _check(row, needed=RequestStatus.APPROVED)
            row.status = RequestStatus.SHIPPED
            row.shipment_id, row.shipped_at = shipment_id, now
            row.save(force_update=True)
            inventory.ship(
                operation_id=shipment_id, order_id=request_id, to_location_id=row.store_id, actor_id=actor_id, now=now
            )
        return value_of(row)

    @atomic_write
    def receive(
        self,
        *,
        receipt_id: UUID,
        request_id: UUID,
        quantity: int | None = None,
        actor_id: UUID | None,
        now: datetime,
    ) -> Request:
        row = locked(request_id)
        if row.receipt_id != receipt_id:
            sent = _check(row, needed=RequestStatus.SHIPPED)
            arrived = sent if quantity is None else quantity
            check_quantity(arrived, smallest=0, largest=sent)
            row.status = RequestStatus.RECEIVED
            row.receipt_id, row.received_at, row.received_quantity = receipt_id, now, arrived
            row.save(force_update=True)
            inventory.receive_shipment(
                operation_id=receipt_id,
                location_id=row.store_id,
                lines=[ArrivedLine(row.product_id, sent=sent, arrived=arrived)],
                document=f"request {row.id}",
                actor_id=actor_id,
                now=now,
            )
        return value_of(row)


def _check(row: models.Request, *, needed: RequestStatus) -> int:
    """How many pieces of a request travel, if it is where the step needs it. Raises NotOnItsWay."""
    if row.approved_quantity is None or row.status != needed or not row.travels:
        raise NotOnItsWay(replenishment_request_id=row.id, request_status=RequestStatus(row.status), needed=needed)
    return row.approved_quantity
