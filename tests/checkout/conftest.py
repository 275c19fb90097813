import pytest

from checkout.service import paying, proving, refunding, settling
from tests.cart.conftest import committed
from tests.catalog.conftest import published
from tests.checkout.bank import Bank

__all__ = ["committed", "published"]


@pytest.fixture(autouse=True)
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The payment provider of all calls within a test."""
    bank = Bank()
    for user in (paying, proving, refunding, settling):
        monkeypatch.setattr(user, "provider", lambda: bank)
    return bank
