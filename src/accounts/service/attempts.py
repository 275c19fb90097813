"""Guesses at passwords, counted before they are checked, so that a hundred at once do not pass."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts import rules
from accounts.interface import TooManyAttempts
from shared_kernel.rate_limits import Limit, claim, give_back, network_of


@contextmanager
def attempt(email: str, address: str) -> Iterator[None]:
    """For a block that checks the password of this e-mail, known or not: counts it, unless it ends without an error.

    Raises TooManyAttempts, and the block is not entered. To be used outside a transaction, whose end could undo the
    count.
    """
    account, network = email.lower(), network_of(address)
    limits = [
        Limit("attempts at an account from an address", rules.ATTEMPTS_AT_ACCOUNT_FROM_ADDRESS, f"{account} {network}"),
        Limit("attempts at an account", rules.ATTEMPTS_AT_ACCOUNT, account),
        Limit("attempts from an address", rules.ATTEMPTS_FROM_ADDRESS, network),
    ]
    if seconds := claim(limits):
        raise TooManyAttempts(retry_after=seconds)
    yield
    give_back(limits)
