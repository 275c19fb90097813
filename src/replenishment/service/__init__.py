"""Carries out what `replenishment.interface` publishes; each file is one part of it."""

from replenishment.service.asking import Asking
from replenishment.service.deciding import Deciding
from replenishment.service.delivering import Delivering
from replenishment.service.suggesting import Suggesting


class ReplenishmentService(Asking, Deciding, Delivering, Suggesting):
    """The replenishment."""
