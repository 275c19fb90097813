"""Ports for servers that are killed and started again."""

import socket
from unittest.mock import patch

import pytest

from config.ports import FOR_SERVERS, free_port, free_ports


def test_ports_differ_and_are_of_those_that_no_outgoing_connection_is_given() -> None:
    ports = free_ports(50)

    assert len(set(ports)) == 50
    assert set(ports) <= set(FOR_SERVERS)


def test_a_port_that_somebody_has_is_not_given() -> None:
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with patch("config.ports.secrets.choice", side_effect=[taken, free]):
            assert free_port() == free


def test_where_no_port_can_be_had_it_fails_rather_than_goes_on_looking() -> None:
    with (
        patch("config.ports.socket.create_server", side_effect=OSError(24, "Too many open files")),
        pytest.raises(OSError, match="Too many open files"),
    ):
        free_port()
