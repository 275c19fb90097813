"""Carries out what `inventory.interface` publishes; each file is one part of it."""

from inventory.service.discrepancies import Discrepancies
from inventory.service.ledger import Ledger
from inventory.service.levels import Levels
from inventory.service.locations import Locations
from inventory.service.moves import Moves
from inventory.service.reservations import Reservations
from inventory.service.standing import Standing


class InventoryService(Locations, Levels, Standing, Moves, Reservations, Discrepancies, Ledger):
    """The inventory."""
