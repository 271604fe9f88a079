"""Error messages when the server at the address is not a Pippin service."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pippin.client import Client, ServiceError, ServiceUnreachable
from tests.pippin.client.conftest import Serve
from tests.support.scripted_server import Answer

PAGE = b"<html>Welcome</html>"


@contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    """The port of a server that answers whatever arrives with these bytes, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _refusal(url: str) -> ServiceUnreachable:
    with Client(url, patience=0) as client, pytest.raises(ServiceUnreachable) as caught:
        client.job("job_1")
    return caught.value


def test_unused_port_is_reported_as_refused() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        error = _refusal(url)
    assert str(error) == f"No response from {url}: could not connect (Connection refused)."
    assert error.is_absent


def test_server_of_another_protocol_is_reported() -> None:
    with _answering(b"-ERR unknown command 'GET'\r\n") as port:
        error = _refusal(f"http://127.0.0.1:{port}")
    assert "Is it the port of another service" in str(error)
    assert not error.is_absent


def test_server_without_tls_is_reported() -> None:
    with _answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") as port:
        error = _refusal(f"https://127.0.0.1:{port}")
    assert "does the address begin with http:// instead?" in str(error)


def test_unknown_host_is_reported() -> None:
    assert "there is no host with that name" in str(_refusal("http://nothing.invalid"))


@pytest.mark.parametrize("status", [200, 404])
def test_page_of_another_service_is_reported(serve: Serve, status: int) -> None:
    server = serve(Answer(status, PAGE))
    with Client(server.url, patience=0) as client, pytest.raises(ServiceError, match="returned an unexpected response"):
        client.job("job_1")


def test_a_password_in_the_address_is_used_and_never_shown(serve: Serve) -> None:
    server = serve(Answer(200, PAGE))
    with Client(server.url.replace("//", "//user:s3cret@"), patience=0) as client:
        with pytest.raises(ServiceError) as caught:
            client.job("job_1")
        assert client.url == server.url
    assert "s3cret" not in str(caught.value)
    assert server.seen[0].headers["authorization"].startswith("Basic ")
    assert "s3cret" not in str(_refusal("http://user:s3cret@127.0.0.1:1"))
