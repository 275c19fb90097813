"""Carries out what `inventory.interface` publishes; each file is one part of it."""

from inventory.service.ledger import Ledger
from inventory.service.levels import Levels
from inventory.service.locations import Locations
from inventory.service.moves import Moves
from inventory.service.reservations import Reservations


class InventoryService(Locations, Levels, Moves, Reservations, Ledger):
    """The inventory."""
