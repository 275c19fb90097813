"""What is decided about orders from values alone: from where goods are sent, and what may become of an order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from checkout.interface import Destination, OrderStatus
from shared_kernel.quantities import MAX_QUANTITY

Pieces = Mapping[UUID, int]

# How many choices of places are looked at before a good one will do in place of the best.
MAX_LOOKS = 5_000

MAX_NOTE = 200
MAX_LINES = 100

# For how long nobody else takes up a payment or a refund that somebody is at.
LEFT_ALONE = timedelta(minutes=1)

# Where an order has not come to its end.
UNDER_WAY = (OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.PROCESSING)

# Without 0, 1, I and O, which people mistake for each other on the telephone: 32 letters.
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

# What may follow on what. A payment takes an order to paid, and refunds of all its pieces to refunded.
NEXT: Mapping[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PENDING: (OrderStatus.PAID, OrderStatus.CANCELLED),
    OrderStatus.PAID: (OrderStatus.PROCESSING, OrderStatus.REFUNDED),
    OrderStatus.PROCESSING: (OrderStatus.COMPLETED, OrderStatus.REFUNDED),
    OrderStatus.COMPLETED: (OrderStatus.REFUNDED,),
    OrderStatus.CANCELLED: (),
    OrderStatus.REFUNDED: (),
}


def reference(order_id: UUID) -> str:
    """What people call an order: eight letters and figures that follow from the random part of its id."""
    number = int.from_bytes(order_id.bytes[-5:])
    return "".join(LETTERS[number >> shift & 31] for shift in range(35, -5, -5))


@dataclass(frozen=True)
class Shelf:
    """What a place can give to the web shop: pieces by product."""

    location_id: UUID
    is_warehouse: bool
    pieces: Pieces


@dataclass(frozen=True)
class Parcel:
    """What one place sends of an order: pieces by product."""

    location_id: UUID
    pieces: Pieces


def parcels(wanted: Pieces, shelves: Sequence[Shelf]) -> list[Parcel] | None:
    """From where an order is sent, in as few parcels as possible; None when all places together do not hold it.

    Where several places could send the same number of parcels, the warehouse comes first, then the store that serves
    most lines, then the one with most to spare. Each sends as much as it can, in that order. Beyond MAX_LOOKS choices,
    which takes dozens of places that each hold a little, it is few parcels, and may not be the fewest.
    """
    chosen = _fewest(wanted, sorted(shelves, key=lambda shelf: _rank(wanted, shelf)))
    if chosen is None:
        return None
    sent, left = [], wanted
    for shelf in chosen:
        given = {product: min(number, shelf.pieces.get(product, 0)) for product, number in left.items()}
        sent.append(Parcel(shelf.location_id, {product: number for product, number in given.items() if number}))
        left = _left(left, shelf)
    return [parcel for parcel in sent if parcel.pieces]


def _fewest(wanted: Pieces, shelves: Sequence[Shelf]) -> list[Shelf] | None:
    """The first choice of as few of these places as hold everything; None when all together do not."""
    if _left(wanted, *shelves):
        return None
    ahead = [_best(wanted, shelves[position:]) for position in range(len(shelves))]
    looks = 0

    def search(left: Pieces, start: int, number: int) -> list[Shelf] | None:
        nonlocal looks
        if not left:
            return []
        for position in range(start, len(shelves) - number + 1):
            looks += 1
            # Once the best places that remain cannot fill a line, no later choice can.
            if looks > MAX_LOOKS or any(ahead[position][product][number] < left[product] for product in left):
                return None
            rest = search(_left(left, shelves[position]), position + 1, number - 1)
            if rest is not None:
                return [shelves[position], *rest]
        return None

    found = (search(wanted, 0, number) for number in range(1, len(shelves)))
    return next((chosen for chosen in found if chosen is not None), list(shelves))


def _best(wanted: Pieces, shelves: Sequence[Shelf]) -> dict[UUID, list[int]]:
    """How much of each product the best none, one, two … of these places hold together."""
    return {
        product: list(accumulate(sorted((shelf.pieces.get(product, 0) for shelf in shelves), reverse=True), initial=0))
        for product in wanted
    }


def _left(wanted: Pieces, *shelves: Shelf) -> Pieces:
    """What these places leave to be sent by others."""
    held = {product: sum(shelf.pieces.get(product, 0) for shelf in shelves) for product in wanted}
    return {product: number - held[product] for product, number in wanted.items() if number > held[product]}


def _rank(wanted: Pieces, shelf: Shelf) -> tuple[bool, int, int]:
    """Where a place stands among those that could send something: the smallest first."""
    given = [(number, shelf.pieces.get(product, 0)) for product, number in wanted.items()]
    lines = sum(held >= number for number, held in given)
    return not shelf.is_warehouse, -lines, -sum(held for _, held in given)


def quantity_errors(quantities: Collection[int]) -> list[dict[str, str]]:
    """What is wrong with how much is ordered of each product: a list of field and message."""
    errors = []
    if not 1 <= len(quantities) <= MAX_LINES:
        errors.append({"field": "products", "message": f"An order has 1 to {MAX_LINES} different products."})
    if not all(1 <= quantity <= MAX_QUANTITY for quantity in quantities):
        errors.append({"field": "quantity", "message": f"A quantity lies between 1 and {MAX_QUANTITY}."})
    return errors


def destination_errors(destination: Destination) -> list[dict[str, str]]:
    """What is wrong with where an order goes, but for the address itself: a list of field and message."""
    errors = []
    if (destination.address is None) == (destination.pickup_store_id is None):
        message = "An order is sent to an address or picked up in a store: give one of both."
        errors.append({"field": "shipping_address", "message": message})
    try:
        validate_email(destination.email)
    except ValidationError:
        errors.append({"field": "email", "message": "This is not an e-mail address."})
    return errors
