"""From where a request comes: whom the proxies of ours heard from, and nothing that a caller claims."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import RequestFactory

from config.addresses import address_of

CALLER, PROXY, INNER_PROXY = "203.0.113.9", "10.0.0.1", "10.0.0.2"


@pytest.fixture(autouse=True)
def proxies(settings: Any) -> None:
    settings.COMPTOIR_TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("heard_from", "forwarded_for", "address"),
    [
        (CALLER, "", CALLER),
        (CALLER, "198.51.100.1", CALLER),
        (PROXY, CALLER, CALLER),
        (PROXY, f"198.51.100.1, {CALLER}", CALLER),
        (INNER_PROXY, f"198.51.100.1, {CALLER}, {PROXY}", CALLER),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("", CALLER, CALLER),
        ("::ffff:10.0.0.1", CALLER, CALLER),
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{CALLER}, nonsense", PROXY),
        (PROXY, INNER_PROXY, INNER_PROXY),
    ],
)
def test_the_caller_is_the_last_one_before_our_proxies(heard_from: str, forwarded_for: str, address: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=heard_from, headers={"X-Forwarded-For": forwarded_for})

    assert address_of(request) == address


def test_without_trusted_proxies_nobody_is_believed(settings: Any) -> None:
    settings.COMPTOIR_TRUSTED_PROXIES = []

    request = RequestFactory().get("/", REMOTE_ADDR=PROXY, headers={"X-Forwarded-For": CALLER})

    assert address_of(request) == PROXY
