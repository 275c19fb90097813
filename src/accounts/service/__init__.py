"""Carries out what `accounts.interface` publishes; each file is one part of it."""

from django.conf import settings

from accounts.service.addresses import Addresses
from accounts.service.customers import Customers
from accounts.service.logins import Logins
from accounts.service.machines import Machines
from accounts.service.passwords import Passwords
from accounts.service.people import People
from accounts.service.tokens import key_ring


class AccountsService(Logins, People, Customers, Addresses, Passwords, Machines):
    """The accounts."""

    def __init__(self) -> None:
        # A key that cannot be read is told at start, not at the first login.
        if settings.COMPTOIR_TOKEN_KEYS:
            key_ring()
