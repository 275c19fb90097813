"""What the inventory refuses, and why."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inventory.interface.values import Shortage
from shared_kernel.errors import Conflict, InvalidFields, NotFound


@dataclass(eq=False)
class InsufficientStock(Conflict):
    """Fewer pieces are available than were asked for."""

    code: ClassVar[str] = "insufficient_stock"
    lines: list[Shortage]

    def __str__(self) -> str:
        lines = [f"product {line.product_id}: {line.requested} asked, {line.available} there" for line in self.lines]
        return f"Not enough stock for {'; '.join(lines)}. Ask for fewer, or take them from another place."


@dataclass(eq=False)
class CountBelowReserved(Conflict):
    """Fewer pieces were counted than are promised to orders."""

    code: ClassVar[str] = "count_below_reserved"
    product_id: UUID
    location_id: UUID
    counted: int
    reserved: int

    def __str__(self) -> str:
        return (
            f"{self.counted} pieces of product {self.product_id} were counted, but {self.reserved} are reserved"
            " for orders: count again, or cancel orders first."
        )


@dataclass(eq=False)
class LocationNotFound(NotFound):
    """A place that was named does not exist, or is not of the kind asked for."""

    code: ClassVar[str] = "location_not_found"
    location_ids: list[UUID]

    def __str__(self) -> str:
        return f"There is no such place: {', '.join(map(str, self.location_ids))}. See /api/v1/stores/ for the stores."


class InvalidLocation(InvalidFields):
    """A value breaks one of the rules for places."""


@dataclass(eq=False)
class LocationNameTaken(Conflict):
    """Another place has this name."""

    code: ClassVar[str] = "location_name_taken"
    name: str

    def __str__(self) -> str:
        return f"Another place is called {self.name}: choose a different name."


@dataclass(eq=False)
class NotStocked(Conflict):
    """A service is not counted."""

    code: ClassVar[str] = "not_stocked"
    product_ids: list[UUID]

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.product_ids))} is a service, of which there is no stock: leave it out."


@dataclass(eq=False)
class ReservationNotFound(NotFound):
    """The order holds no reservation."""

    code: ClassVar[str] = "reservation_not_found"
    order_id: UUID

    def __str__(self) -> str:
        return f"Nothing is reserved for order {self.order_id}: reserve again."


@dataclass(eq=False)
class ReservationExpired(Conflict):
    """The order's reservation has run out, and its pieces may be somebody else's by now."""

    code: ClassVar[str] = "reservation_expired"
    order_id: UUID

    def __str__(self) -> str:
        return f"The reservation for order {self.order_id} has run out: reserve again."
