"""From where a request comes."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The address of whoever calls: the last one on the way here that is not a proxy of ours.

    Each proxy adds to `X-Forwarded-For` whom it heard from, so that what our own added can be believed, and nothing
    before it, which a caller may have written. Empty for a caller on this machine's own socket.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    while hops and _is_proxy(address) and _parsed(hops[-1]):
        address = hops.pop()
    return address


def _is_proxy(address: str) -> bool:
    parsed = _parsed(address)
    # Nobody comes through a socket of this machine but a proxy on it.
    return parsed is None or any(parsed in network for network in settings.COMPTOIR_TRUSTED_PROXIES)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    # A socket for both kinds of address writes one of IPv4 as ::ffff:10.0.0.1.
    return getattr(parsed, "ipv4_mapped", None) or parsed
