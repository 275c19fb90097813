"""Carries out what `sales.interface` publishes; each file is one part of it."""

from sales.service.history import History
from sales.service.recording import Recording
from sales.service.reporting import Reporting


class SalesService(Recording, Reporting, History):
    """The sales."""
