"""Ports of this machine: whether one is free, and which ones are."""

import contextlib
import errno
import secrets
import socket

# Below those that Linux gives to outgoing connections, of which one could have the port of a server that was killed,
# when it is started again.
FOR_SERVERS = range(10_000, 32_768)


def check_port(host: str, port: int, remedy: str) -> None:
    """Raise SystemExit where another program listens there."""
    try:
        with socket.socket() as probe:
            # As gunicorn and nginx do: connections that are only fading away do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise SystemExit(
            f"Comptoir cannot listen on {host}:{port}: {error.strerror}. "
            f"Stop the program that has this port, or choose another one: {remedy}"
        ) from error


def free_ports(count: int) -> list[int]:
    """So many ports of this machine alone that nobody has."""
    with contextlib.ExitStack() as probes:
        ports: list[int] = []
        while len(ports) < count:
            port = secrets.choice(FOR_SERVERS)
            try:
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                ports.append(port)
        return ports


def free_port() -> int:
    """One of them."""
    [port] = free_ports(1)
    return port
