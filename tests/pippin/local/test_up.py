import socket

import pytest

from pippin.local.up import SupervisorError, usable_port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_port_0_gives_a_free_port(host: str) -> None:
    port = usable_port(host, 0)
    assert usable_port(host, port) == port
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_port_in_use_is_refused(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SupervisorError, match="it is in use"):
        usable_port(host, taken.getsockname()[1])


def test_port_with_closed_connections_is_usable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            assert client.recv(1) == b""
    assert usable_port("127.0.0.1", port) == port


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_address_of_another_machine_is_refused(host: str) -> None:

    with pytest.raises(SupervisorError, match=f"of {host} cannot be used"):
        usable_port(host, 0)
