"""Calls to addresses that somebody else chose: only to where nobody inside can be reached by them.

The name is resolved here, every address that it has is checked, and the connection goes to one of those: a name that
means something else a moment later leads nowhere else.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit, urlunsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout

SECONDS = 10
LOCAL = "127.0.0.1"

# IPv6 addresses that stand for an IPv4 one, which may be private.
TRANSLATED = [ip_network(network) for network in ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")]


class AddressRefused(Exception):
    """The url leads to where nothing is sent."""


def url_error(url: str, *, production: bool) -> str:
    """Why nothing is ever sent to this url; empty where it may be, as far as its looks tell."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no url."
    local = parts.scheme == "http" and parts.hostname == LOCAL and not production
    if not local and parts.scheme != "https":
        return "The url must begin with https://."
    if not parts.hostname or port == 0 or not url.isascii() or any(sign <= " " for sign in url):
        return "This is no url."
    if parts.username is not None or parts.password is not None:
        return "The url must not hold a password."
    if production and _is_private_literal(parts.hostname):
        return "The url leads to a private address."
    return ""


def post(url: str, body: str, headers: dict[str, str], *, production: bool) -> int:
    """Send the body, and return the status that is answered; a redirect is not followed, and the answer not read.

    Raises AddressRefused where the url leads to where nothing is sent, and what the connection raises.
    """
    if reason := url_error(url, production=production):
        raise AddressRefused(reason)
    parts = urlsplit(url)
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    with _pool(parts, production=production) as pool:
        response = pool.request(
            "POST",
            path,
            body=body.encode(),
            headers={**headers, "Host": parts.netloc},
            redirect=False,
            retries=False,
            preload_content=False,
        )
        response.close()
        return response.status


def _pool(parts: SplitResult, *, production: bool) -> HTTPConnectionPool:
    host = str(parts.hostname)
    timeout = Timeout(total=SECONDS)
    if parts.scheme == "http":
        return HTTPConnectionPool(LOCAL, parts.port or 80, timeout=timeout)
    port = parts.port or 443
    address = _address(host, port, production=production)
    return HTTPSConnectionPool(address, port, timeout=timeout, server_hostname=host, assert_hostname=host)


def _address(host: str, port: int, *, production: bool) -> str:
    """An address that this name has now. Raises AddressRefused in production, if one of them is not the world's."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    if production and not all(is_public(ip_address(address.partition("%")[0])) for address in addresses):
        raise AddressRefused(f"{host} is a private address.")
    return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether this is an address of the world, and of one machine there."""
    is_translated = any(address in network for network in TRANSLATED)
    return address.is_global and not address.is_multicast and not address.is_reserved and not is_translated


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return False
