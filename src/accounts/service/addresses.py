"""Customers' address books."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from uuid import UUID

from accounts import models, rules
from accounts.interface import (
    Address,
    AddressDraft,
    AddressNotFound,
    CustomerUpdated,
    InvalidDetails,
    TooManyAddresses,
)
from accounts.service.customers import locked_customer
from shared_kernel.outbox import publish
from shared_kernel.postgres.transactions import atomic_write


class Addresses:
    """The part of the accounts that knows where customers want things sent."""

    def addresses(self, *, customer_ids: Sequence[UUID]) -> list[Address]:
        return [row.value() for row in models.Address.objects.filter(customer__in=customer_ids)]

    def sound_address(self, *, draft: AddressDraft) -> AddressDraft:
        return _sound(draft)

    @atomic_write
    def add_address(self, *, customer_id: UUID, address_id: UUID, draft: AddressDraft) -> Address:
        book = locked_customer(customer_id).addresses
        if known := book.filter(id=address_id).first():
            return known.value()
        held = book.count()
        if held >= rules.MAX_ADDRESSES:
            raise TooManyAddresses(limit=rules.MAX_ADDRESSES)
        if not held:
            draft = replace(draft, default_billing=True, default_delivery=True)
        return _write(models.Address(id=address_id, customer_id=customer_id), draft)

    @atomic_write
    def change_address(self, *, customer_id: UUID, address_id: UUID, draft: AddressDraft) -> Address:
        row = locked_customer(customer_id).addresses.filter(id=address_id).first()
        if row is None:
            raise AddressNotFound(address_id=address_id)
        return _write(row, draft)

    @atomic_write
    def remove_address(self, *, customer_id: UUID, address_id: UUID) -> None:
        removed, _ = locked_customer(customer_id).addresses.filter(id=address_id).delete()
        if removed:
            publish([CustomerUpdated(customer_id=customer_id)])


def _write(row: models.Address, draft: AddressDraft) -> Address:
    """Give the row these values, and take from the others of its book what it is the default for."""
    draft = _sound(draft)
    others = models.Address.objects.filter(customer=row.customer_id).exclude(id=row.id)
    if draft.default_billing:
        others.filter(default_billing=True).update(default_billing=False)
    if draft.default_delivery:
        others.filter(default_delivery=True).update(default_delivery=False)
    for column, value in asdict(draft).items():
        setattr(row, column, value)
    row.save()
    publish([CustomerUpdated(customer_id=row.customer_id)])
    return row.value()


def _sound(draft: AddressDraft) -> AddressDraft:
    draft = rules.normal_address(draft)
    if errors := rules.address_errors(draft):
        raise InvalidDetails(errors=errors)
    return draft
