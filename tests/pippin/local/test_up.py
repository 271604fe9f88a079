import socket

import pytest

from pippin.local.up import SupervisorError, usable_port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_zero_is_a_free_port_that_can_then_be_listened_on(host: str) -> None:
    port = usable_port(host, 0)
    assert usable_port(host, port) == port
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_on_which_another_listens_is_refused(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SupervisorError, match="it is in use"):
        usable_port(host, taken.getsockname()[1])


def test_what_former_connections_left_behind_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            assert client.recv(1) == b""
    assert usable_port("127.0.0.1", port) == port


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_of_this_machine_is_refused(host: str) -> None:

    with pytest.raises(SupervisorError, match=f"of {host} cannot be used"):
        usable_port(host, 0)
