"""Places and stock in Django's admin; each file is one part of it."""

from inventory.admin.ledger import StockDiscrepancyAdmin, StockMovementAdmin
from inventory.admin.levels import StockLevelAdmin
from inventory.admin.places import LocationAdmin

__all__ = ["LocationAdmin", "StockDiscrepancyAdmin", "StockLevelAdmin", "StockMovementAdmin"]
