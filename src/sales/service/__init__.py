"""Carries out what `sales.interface` publishes; each file is one part of it."""

from sales.service.facts import Facts
from sales.service.history import History
from sales.service.offline import Offline
from sales.service.online import Online
from sales.service.performance import Performing
from sales.service.proving import Proving
from sales.service.recording import Recording
from sales.service.reporting import Reporting
from sales.service.stock_health import Health
from sales.service.tills import Tills


class SalesService(Recording, Offline, Online, Tills, Reporting, Performing, Health, Facts, Proving, History):
    """The sales."""
