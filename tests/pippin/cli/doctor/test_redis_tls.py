"""The doctor's check of Redis behind TLS: a real Valkey behind a TLS proxy of the test."""

import asyncio
import gc
import shutil
import ssl
import subprocess
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pippin.cli.doctor.findings import Finding, Level
from pippin.cli.doctor.servers import check_redis

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="makes its certificate with openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, with its key behind it in the file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extra = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    subprocess.run([str(OPENSSL), *command.split(), *extra, *files], check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def tls_url(valkey_url: str, certificate: Path) -> Iterator[str]:
    """The address of the TLS proxy, without the option for the trusted authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    behind = urlsplit(valkey_url)
    loop = asyncio.new_event_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(behind.hostname, behind.port)
        try:
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)
        finally:
            inner_writer.transport.abort()
            writer.transport.abort()

    server = loop.run_until_complete(asyncio.start_server(forward, "localhost", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"rediss://:{behind.password}@localhost:{server.sockets[0].getsockname()[1]}/0"

    async def close() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # An aborted transport closes its socket in the loop's next turns.
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run_coroutine_threadsafe(close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def refused(url: str) -> Finding:
    """The finding about a server with a failing TLS handshake."""
    with warnings.catch_warnings():
        # redis-py leaves the socket of a failed handshake to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        (finding,) = check_redis(url)
        gc.collect(1)
    return finding


def test_trusted_certificate_is_reported_as_tls(tls_url: str, certificate: Path) -> None:
    findings = check_redis(f"{tls_url}?ssl_ca_certs={certificate}")
    assert [finding.level for finding in findings] == [Level.OK] * 3
    assert "over TLS" in findings[0].result
    assert "ssl_ca_certs" not in findings[0].result


def test_untrusted_certificate_is_a_fault(tls_url: str) -> None:
    finding = refused(tls_url)
    assert finding.level is Level.FAULT
    assert "ssl_ca_certs" in finding.advice
    assert str(urlsplit(tls_url).password) not in repr(finding)


def test_rediss_url_of_a_server_without_tls_is_a_fault(valkey_url: str) -> None:
    finding = refused(valkey_url.replace("redis://", "rediss://"))
    assert finding.level is Level.FAULT
    assert "A server without TLS requires redis://" in finding.advice
