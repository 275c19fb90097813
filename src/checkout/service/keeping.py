"""Goods that are kept for orders: from as few places as possible, and those that the order holds, no others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from checkout import models, rules
from checkout.interface import MissingLine, NotEnoughStock, OrderStatus, Source
from checkout.service.orders import locked, of_orders
from inventory.interface import (
    InsufficientStock,
    PlacedLine,
    Reservation,
    ReservationExpired,
    ReservationNotFound,
    inventory,
)
from shared_kernel.postgres.transactions import atomic_write

# While we look and reserve, others reserve, too: as often as this, we look again.
LOOKS = 10


def reserve(order_id: UUID, pieces: Sequence[PlacedLine], *, now: datetime) -> list[Reservation]:
    """Keep these pieces for an order for a while. Raises InsufficientStock."""
    return inventory.reserve(order_id=order_id, lines=pieces, until=now + reservation_time(), now=now)


def reservation_time() -> timedelta:
    """For how long an order's goods are kept while it is not paid."""
    return timedelta(seconds=settings.COMPTOIR_RESERVATION_SECONDS)


def keep(order_id: UUID, wanted: rules.Pieces, pickup_store_id: UUID | None, *, now: datetime) -> list[Reservation]:
    """Reserve this for an order, in as few places as possible. Raises NotEnoughStock."""
    if not wanted:
        return []
    for _ in range(LOOKS):
        # What is missing may be what a twin, or a call that was cut off, keeps for this very order.
        pieces = _pieces(rules.parcels(wanted, shelves(wanted, pickup_store_id)) or [])
        try:
            kept = reserve(order_id, pieces, now=now)
        except InsufficientStock:
            continue
        if not kept:
            break
        if counted(kept) == wanted or counted(kept) == pieces_of(order_id):
            return kept
        # The cart held something else when a call was cut off, or a twin has come too late to be written down.
        inventory.release(order_id=order_id, now=now)
    raise NotEnoughStock(lines=missing_lines(wanted, pickup_store_id))


def prolong(row: models.Order, *, now: datetime) -> list[Reservation]:
    """Keep an order's goods for a while from now on; others, where they have run out. Raises NotEnoughStock."""
    if not (wanted := pieces_of(row.id)):
        return []
    try:
        kept = inventory.extend(order_id=row.id, until=now + reservation_time(), now=now)
    except (ReservationExpired, ReservationNotFound):
        kept = []
    return kept if counted(kept) == wanted else keep(row.id, wanted, row.pickup_store_id, now=now)


def hold(row: models.Order, *, now: datetime) -> bool:
    """Keep an order's goods, unless they are kept; whether it waits for any afterwards. Raises NotEnoughStock."""
    places = _places_of(row.id)
    if not places:
        return False
    kept = reserve(row.id, [], now=now)
    if _placed(kept) == places:
        # Whoever gives the order up meanwhile frees them afterwards, or puts them back: it need not be asked.
        return True
    if counted(kept) != counted(places):
        kept = keep(row.id, counted(places), row.pickup_store_id, now=now)
    if _place_if_pending(row.id, kept):
        return True
    inventory.release(order_id=row.id, now=now)
    return False


@atomic_write
def _place_if_pending(order_id: UUID, kept: Sequence[Reservation]) -> bool:
    row = locked(order_id)
    if row.status != OrderStatus.PENDING:
        return False
    _place_anew(row, kept)
    return True


def _place_anew(row: models.Order, kept: Sequence[Reservation]) -> None:
    """Note from where a locked order's goods come now; the same places as before, most of the time."""
    places = _placed(kept)
    if places != _places_of(row.id):
        row.pieces.all().delete()
        models.OrderPiece.objects.bulk_create(models.OrderPiece(order=row, **asdict(place)) for place in places)


def note_kept(row: models.Order, kept: Sequence[Reservation], *, now: datetime) -> None:
    """Note from where a locked order's goods come now, and until when they are kept."""
    row.reserved_until = now + reservation_time()
    row.save(update_fields=["reserved_until"])
    _place_anew(row, kept)


def counted(places: Iterable[Reservation | PlacedLine]) -> dict[UUID, int]:
    """How many pieces of each product that is."""
    pieces: dict[UUID, int] = defaultdict(int)
    for place in places:
        pieces[place.product_id] += place.quantity
    return pieces


def pieces_of(order_id: UUID) -> dict[UUID, int]:
    """The pieces of each product that an order takes out of the stock."""
    return counted(_places_of(order_id))


def _places_of(order_id: UUID) -> set[PlacedLine]:
    """From where an order takes them."""
    rows = of_orders(models.OrderPiece, [order_id])[order_id]
    return {PlacedLine(row.location_id, row.product_id, row.quantity) for row in rows}


def _placed(kept: Sequence[Reservation]) -> set[PlacedLine]:
    return {PlacedLine(piece.location_id, piece.product_id, piece.quantity) for piece in kept}


def _pieces(parcels: Sequence[rules.Parcel]) -> list[PlacedLine]:
    return [
        PlacedLine(parcel.location_id, product, number)
        for parcel in parcels
        for product, number in parcel.pieces.items()
    ]


def shelves(wanted: rules.Pieces, pickup_store_id: UUID | None) -> list[rules.Shelf]:
    """The places that could give something, or the one store where it is to be picked up."""
    pieces: dict[tuple[UUID, bool], dict[UUID, int]] = {}
    for held in inventory.online_stock(product_ids=list(wanted)):
        if pickup_store_id in {None, held.location_id}:
            pieces.setdefault((held.location_id, held.in_warehouse), {})[held.product_id] = held.available
    return [rules.Shelf(location_id, in_warehouse, on_it) for (location_id, in_warehouse), on_it in pieces.items()]


def missing_lines(wanted: rules.Pieces, pickup_store_id: UUID | None) -> list[MissingLine]:
    """The lines that cannot be served, with what there is, and where else."""
    sources: dict[UUID, list[Source]] = {product: [] for product in wanted}
    held = inventory.online_stock(product_ids=list(wanted))
    names = {place.id: place.name for place in inventory.locations(ids=list({each.location_id for each in held}))}
    for each in held:
        sources[each.product_id].append(Source(each.location_id, names[each.location_id], each.available))
    lines = []
    for product, number in wanted.items():
        here = [source for source in sources[product] if pickup_store_id in {None, source.location_id}]
        available = sum(source.available for source in here)
        lines.append(MissingLine(product, number, available, [each for each in sources[product] if each not in here]))
    # There may be enough again by now, of all of them: then these are the ones that it was about.
    return [line for line in lines if line.available < line.requested] or lines
