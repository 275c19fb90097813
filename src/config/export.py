"""Everything that the chain holds about a customer, of all modules that hold something."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from accounts.interface import Address, Customer, LoginRecord, accounts, actor_of
from cart.interface import Cart, Holder, cart_of, carts
from checkout.interface import Order, checkout
from sales.interface import SaleSummary, sales

AT_ONCE = 100


class Row(Protocol):
    """A row of a list that grows for ever."""

    @property
    def id(self) -> UUID: ...


R = TypeVar("R", bound=Row)

router = Router(tags=["customers"])


class ExportAnswer(Schema):
    customer: Customer
    addresses: list[Address]
    logins: list[LoginRecord]
    cart: Cart
    orders: list[Order]
    sales: list[SaleSummary]


@router.get("/customers/me/export/", response=ExportAnswer, operation_id="export_customer")
def export(request: HttpRequest) -> Any:
    """Everything that the chain holds about oneself, to take away. That it was given out goes into the audit trail."""
    actor = actor_of(request)
    held = accounts.personal_data(customer_id=actor.id)
    orders = _all(lambda before: checkout.orders_in_full(customer_id=actor.id, beyond=before, limit=AT_ONCE))
    return ExportAnswer(
        customer=held.customer,
        addresses=held.addresses,
        logins=held.logins,
        cart=carts.cart(cart_id=cart_of(actor.id), holder=Holder(actor.id)),
        orders=[order.seen_by(actor.id) for order in orders],
        sales=_all(lambda before: sales.customer_sales(customer_id=actor.id, before=before, limit=AT_ONCE)),
    )


def _all(page: Callable[[UUID | None], list[R]]) -> list[R]:
    """All rows of a list, which `page` gives some at a time: those after the one with this id."""
    rows: list[R] = []
    while some := page(rows[-1].id if rows else None):
        rows += some
    return rows
